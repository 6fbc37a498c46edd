"""What a cross-validation prints, in 80 columns for up to about fifteen labels.

This file measures nothing.
"""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from rtaction.evaluation.confidence import FEW_CLUSTERS
from rtaction.train.judging.cross_validated import CrossValidation
from rtaction.train.report.words import counted, interval, percent


def print_cross_validation(console: Console, found: CrossValidation) -> None:
    """Print what was found: folds, repeats, confusion, and how sure it is."""
    console.print()
    console.print(_table_of_folds(found))
    console.print(_table_of_labels(found))
    console.print(_table_of_confusion(found))
    for name, figure in (
        ("videos", found.video_accuracy),
        ("windows", found.window_accuracy),
    ):
        console.print(
            f"right on {percent(figure.value)} of {name} (95 % interval: {interval(figure)})",
            highlight=False,
        )
    if found.spread is not None:
        console.print(
            f"standard deviation over {len(found.repeats)} repeats, by video: "
            f"{percent(found.spread)}",
            highlight=False,
        )
    label, by_chance = found.most_frequent
    console.print(
        f"always saying {label!r} would be right on {percent(by_chance)} of videos",
        highlight=False,
    )
    basis = f"{counted(found.num_videos, 'video')} of {counted(found.num_groups, 'group')}"
    few = "; over so few groups the intervals are too narrow"
    skipped = f"; {found.num_skipped} skipped" if found.num_skipped else ""
    console.print(
        f"{basis}{skipped}{few if found.num_groups < FEW_CLUSTERS else ''}", highlight=False
    )


def _table_of_folds(found: CrossValidation) -> Table:
    table = Table(title="Right on those not trained on", title_justify="left")
    for name in ("repeat", "fold", "videos", "groups", "epochs", "by window", "by video"):
        table.add_column(name, justify="right")
    of_repeats = zip(
        found.repeats.items(), found.window_accuracies, found.video_accuracies, strict=True
    )
    for (repeat, folds), by_window, by_video in of_repeats:
        for one in folds:
            table.add_row(
                *map(str, (repeat, one.fold, len(one.videos), one.num_groups, one.num_epochs)),
                percent(one.window_accuracy),
                percent(one.video_accuracy),
            )
        table.add_row(
            str(repeat),
            "all",
            str(sum(len(one.videos) for one in folds)),
            str(found.num_groups),
            "",
            percent(by_window),
            percent(by_video),
            end_section=True,
        )
    if len(found.repeats) > 1:
        mean = [sum(of) / len(of) for of in (found.window_accuracies, found.video_accuracies)]
        table.add_row("mean", "", "", "", "", *map(percent, mean))
    return table


def _table_of_labels(found: CrossValidation) -> Table:
    table = Table(title="Videos given their own label", title_justify="left")
    table.add_column("label")
    for name in ("videos", "recall", "95 % interval"):
        table.add_column(name, justify="right", no_wrap=True)
    counts = found.confusion.sum(axis=1) // len(found.repeats)
    for count, (label, recall) in zip(counts.tolist(), found.recalls.items(), strict=True):
        told = (percent(recall.value), interval(recall)) if recall.is_defined else ("-", "-")
        table.add_row(label, str(count), *told)
    return table


def _table_of_confusion(found: CrossValidation) -> Table:
    """With several repeats a video stands there several times."""
    table = Table(title="Videos by true label, and called", title_justify="left")
    table.add_column("")
    numbers = range(1, len(found.labels) + 1)
    for number in numbers:  # labels would not fit
        table.add_column(str(number), justify="right", no_wrap=True)
    rows = zip(numbers, found.labels, found.confusion.tolist(), strict=True)
    for number, label, row in rows:
        table.add_row(f"{number} {label}", *map(str, row))
    return table
