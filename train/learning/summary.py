"""What a training reached, in files and on the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console

from rtaction.model_spec import ModelSpec
from rtaction.output_file import write_json
from rtaction.train.learning.fusion import Weights
from rtaction.train.learning.progress import print_evaluation
from rtaction.train.report.calibration import calibration_errors, calibration_text
from rtaction.train.report.judged_clips import JudgedClips
from rtaction.train.report.plots import draw_confusion, draw_curves
from rtaction.train.settings.run_folder import HistoryRow, RunFolder


def sum_up(
    folder: RunFolder,
    history: list[HistoryRow],
    spec: ModelSpec,
    judged: Mapping[str, JudgedClips],
    console: Console,
    fusion: Weights | None,
) -> None:
    """Write and print what a training reached.

    Args:
        folder: the run, which gets summary.json and its plots.
        history: all finished epochs.
        spec: the contract, with the temperature.
        judged: clips that were not trained on, by the name of their set.
        console: to print to.
        fusion: weights of the network's streams; None if it has none.
    """
    best = best_of(history)
    summary: dict[str, Any] = {"num_epochs": len(history), "best_epoch": int(best["epoch"])}
    summary["temperature"] = spec.temperature
    if fusion is not None:
        summary["fusion"] = fusion
    for name, one in judged.items():
        errors = calibration_errors(one, spec.temperature)
        summary[name] = one.to_dict() | {"calibration_error": errors}
    write_json(folder.path / "summary.json", summary)
    draw_curves(history, folder.path / "curves.png")
    if judged["validation"].several is None:
        draw_confusion(judged["validation"].by_clip, folder.path / "confusion.png")
    console.print(
        f"{len(history)} epochs; the best was {int(best['epoch'])} "
        f"(validation loss {best['val_loss']:.3f})",
        highlight=False,
    )
    for name, one in judged.items():
        print_evaluation(console, one, name)
        console.print(calibration_text(one, name, spec.temperature), highlight=False)


def best_of(history: list[HistoryRow]) -> HistoryRow:
    """The epoch with the lowest validation loss."""
    return min(history, key=lambda row: row["val_loss"])
