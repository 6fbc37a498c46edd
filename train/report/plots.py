"""Plots of a training: curves over the epochs, and the confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from rtaction.evaluation.classification import Classification
from rtaction.evaluation.text import counted, percent
from rtaction.output_file import whole_file
from rtaction.train.settings.run_folder import HistoryRow

_ON_LIGHT = {"text": "#3d4650", "training": "#1f6fb5", "validation": "#c4560a"}
_ON_DARK = {"text": "#b9c2cc", "training": "#6cb2f2", "validation": "#f7a35c"}


def draw_curves(history: Sequence[HistoryRow], path: Path) -> None:
    """Draw loss, accuracy and learning rate over the epochs into a PNG."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, name in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        axes.set_title(name.capitalize())
        _draw_curve(axes, history, name)
    _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    with whole_file(path) as partial:
        figure.savefig(partial, dpi=120)


def curve_svgs(history: Sequence[HistoryRow]) -> dict[str, bytes]:
    """Curves over the epochs, each as an SVG for a light background; deterministic.

    Args:
        history: at least one epoch.

    Returns:
        SVG files without background, by name: "loss", "accuracy", "learning rate".
    """
    style = {
        **dict.fromkeys(
            ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"),
            _ON_LIGHT["text"],
        ),
        "axes.spines.top": False,
        "axes.spines.right": False,
        "legend.frameon": False,
        "svg.hashsalt": "rtaction",
    }
    with matplotlib.rc_context(style):
        return {name: _curve_svg(history, name) for name in _CURVES}


def for_dark(svg: bytes) -> bytes:
    """One of `curve_svgs` in colours for a dark background."""
    for name, colour in _ON_LIGHT.items():
        svg = svg.replace(colour.encode(), _ON_DARK[name].encode())
    return svg


def _curve_svg(history: Sequence[HistoryRow], name: str) -> bytes:
    figure = Figure(figsize=(4.4, 2.9), layout="constrained")
    _CURVES[name](figure.add_subplot(), history, name)
    file = BytesIO()
    nameless = {"Date": None, "Creator": None}
    figure.savefig(file, format="svg", transparent=True, metadata=nameless)
    return file.getvalue()


def _draw_curve(axes: Any, history: Sequence[HistoryRow], name: str) -> None:
    """A curve for training and validation, with lines where the learning rate fell."""
    epochs = [row["epoch"] for row in history]
    for key, side, line in ((name, "training", "--"), (f"val_{name}", "validation", "-")):
        if key in history[-1]:
            values = [row[key] for row in history]
            axes.plot(epochs, values, line, marker=".", label=side, color=_ON_LIGHT[side])
    best = min(history, key=lambda row: row["val_loss"])
    axes.plot(
        best["epoch"],
        best[f"val_{name}"],
        "o",
        ms=9,
        mfc="none",
        color=_ON_LIGHT["validation"],
        label=f"best epoch ({best['epoch']:.0f})",
    )
    for number, epoch in enumerate(steps_of_rate(history)):
        text = None if number else "learning rate lowered"
        axes.axvline(epoch, color="gray", linestyle=":", linewidth=1, label=text)
    if name == "accuracy":
        axes.set_ylim(0, 1.02)
    _finish(axes)
    axes.legend(fontsize="small")


def _draw_rate(axes: Any, history: Sequence[HistoryRow], _: str) -> None:
    rates = [row["learning_rate"] for row in history]
    axes.plot([row["epoch"] for row in history], rates, marker=".", color=_ON_LIGHT["text"])
    if 0 < min(rates) < max(rates):
        axes.set_yscale("log")
    else:
        axes.set_ylim(0, 2 * max(rates) or 1)
    _finish(axes)


def _finish(axes: Any) -> None:
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.grid(alpha=0.3)


_CURVES = {"loss": _draw_curve, "accuracy": _draw_curve, "learning rate": _draw_rate}


def steps_of_rate(history: Sequence[HistoryRow]) -> list[int]:
    """The epochs at which the learning rate was lower than before.

    Returns:
        Epochs, counted from 1; empty if it fell in most epochs, as it does along a cosine.
    """
    found = [
        int(after["epoch"])
        for before, after in pairwise(history)
        if after["learning_rate"] < before["learning_rate"]
    ]
    return found if 2 * len(found) < len(history) else []


def draw_confusion(clips: Classification, path: Path) -> None:
    """Draw the confusion matrix into a PNG: shares of each true label, with counts."""
    labels, confusion = clips.labels, clips.confusion
    side = max(4.0, 1.2 + 0.62 * len(labels))
    figure = Figure(figsize=(side + 1.2, side), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    shares = confusion / confusion.sum(axis=1, keepdims=True).clip(1)
    picture = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    figure.colorbar(picture, ax=axes, label="share of the true label")
    axes.set_xticks(range(len(labels)), labels, rotation=45, ha="right")
    axes.set_yticks(range(len(labels)), labels)
    axes.set(xlabel="Predicted label", ylabel="True label")
    axes.set_title(f"Accuracy {percent(clips.accuracy.value)} on {counted(len(clips), 'clip')}")
    for (row, column), count in np.ndenumerate(confusion):
        colour = "white" if shares[row, column] > 0.5 else "black"
        axes.text(column, row, str(count), ha="center", va="center", color=colour)
    _save(figure, path)
