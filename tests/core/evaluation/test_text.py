"""The text form of estimates and tables."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rtaction.evaluation.classification import Classification
from rtaction.evaluation.estimate import UNDEFINED, Estimate
from rtaction.evaluation.text import (
    accuracy_text,
    confusion_table,
    counted,
    estimate_text,
    interval_note,
    interval_text,
    label_table,
    percent,
)

HALF = Estimate(0.5, 0.1, 0.9, 4)


def test_numbers_in_words() -> None:
    assert (counted(1, "video"), counted(0, "video")) == ("1 video", "0 videos")
    assert (percent(5 / 6), percent(5 / 6, digits=0)) == ("83.3 %", "83 %")
    assert estimate_text(HALF) == "50 % (10-90)"
    assert estimate_text(HALF, digits=1) == "50.0 % (10.0-90.0)"
    assert estimate_text(HALF, unit="", digits=2) == "0.50 (0.10-0.90)"
    assert accuracy_text(HALF, "4 takes") == (
        "accuracy on 4 takes: 50.0 % (95 % interval: 10.0 to 90.0 %)"
    )


def test_what_is_undefined_is_said_so() -> None:
    assert percent(math.nan) == interval_text(UNDEFINED) == estimate_text(UNDEFINED) == "n/a"
    assert accuracy_text(UNDEFINED, "0 takes") == "accuracy on 0 takes: n/a"
    nothing = Classification.from_names(("a", "b"), [], [], np.zeros(0, np.intp))
    lines = label_table(nothing, "take") + confusion_table(nothing, "take")
    assert not any("nan" in line or "-" in line for line in lines)
    assert percent(nothing.majority[1]) == "n/a"


@pytest.mark.parametrize(
    ("num_groups", "part"),
    [
        (3, "over 3 groups; below 10 groups they are too narrow"),
        (1, "over 1 group; "),
        (10, "over 10 groups)"),
        (None, "without --group each event counts as independent"),
    ],
)
def test_the_note_on_intervals(num_groups: int | None, part: str) -> None:
    assert part in interval_note(num_groups, independent="event")


def test_tables_fit_80_columns() -> None:
    label = "an action with a very long name"
    labels = (label, "b", "c")
    # Ten thousand items, almost all correct: the widest estimates.
    true = np.tile(np.arange(3), 10_000)
    found = Classification(labels, true, np.where(np.arange(30_000) == 1, 0, true), true)

    lines = label_table(found, "video")

    assert max(map(len, lines)) <= 80
    assert lines[0].split() == ["label", "videos", "precision", "recall", "F1"]
    assert lines[1].startswith("an action with a very l…   10000  100 % (")


def test_the_confusion_matrix_or_the_pairs_confused_most() -> None:
    labels = ("wave", "clap")
    found = Classification(
        labels,
        np.array([0, 0, 0, 1, 2]),
        np.array([0, 1, 1, 1, 0]),
        np.arange(5),
        unknown_labels=("dance",),
    )
    assert [line.split() for line in confusion_table(found, "clip")] == [
        ["clips:", "true,", "predicted", "1", "2"],
        ["1", "wave", "1", "2"],
        ["2", "clap", "0", "1"],
        ["?", "dance", "1", "0"],
    ]
    assert confusion_table(found, "clip", max_columns=30) == [
        "labels confused most, in clips",
        "     2  wave predicted as clap",
        "     1  dance predicted as wave",
    ]
