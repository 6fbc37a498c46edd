"""A training, drawn: curves over the epochs, and who was taken for whom."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from rtaction.train.evaluate import Evaluation
from rtaction.train.run_folder import HistoryRow


def draw_curves(history: Sequence[HistoryRow], path: Path) -> None:
    """Draw loss, accuracy and learning rate over the epochs into a PNG."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    FigureCanvasAgg(figure)
    epochs = [row["epoch"] for row in history]
    for position, (name, title) in enumerate((("loss", "Loss"), ("accuracy", "Accuracy")), start=1):
        axes = figure.add_subplot(1, 2, position)
        for key, text in ((name, "training"), (f"val_{name}", "validation")):
            if key in history[-1]:
                axes.plot(epochs, [row[key] for row in history], marker=".", label=text)
        axes.set(title=title, xlabel="Epoch")
        axes.grid(alpha=0.3)
        axes.legend()
        if name == "accuracy":
            axes.set_ylim(0, 1.02)
    rates = [row["learning_rate"] for row in history]
    for before, after, epoch in zip(rates, rates[1:], epochs[1:], strict=False):
        if after < before:
            for axes in figure.axes:
                axes.axvline(epoch, color="gray", linestyle=":", linewidth=1)
    figure.savefig(path, dpi=120)


def draw_confusion(evaluation: Evaluation, path: Path) -> None:
    """Draw the confusion matrix into a PNG: shares of each true label, with counts."""
    labels = [one.label for one in evaluation.labels]
    side = max(4.0, 1.2 + 0.62 * len(labels))
    figure = Figure(figsize=(side + 1.2, side), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    shares = evaluation.confusion / evaluation.confusion.sum(axis=1, keepdims=True).clip(1)
    picture = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    figure.colorbar(picture, ax=axes, label="share of the true label")
    axes.set_xticks(range(len(labels)), labels, rotation=45, ha="right")
    axes.set_yticks(range(len(labels)), labels)
    axes.set(xlabel="Recognised as", ylabel="True label")
    axes.set_title(f"{evaluation.clip_accuracy:.0%} of {evaluation.num_clips} clips")
    for row, column in ((r, c) for r in range(len(labels)) for c in range(len(labels))):
        colour = "white" if shares[row, column] > 0.5 else "black"
        text = str(evaluation.confusion[row, column])
        axes.text(column, row, text, ha="center", va="center", color=colour)
    figure.savefig(path, dpi=120)
