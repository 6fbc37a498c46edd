"""Figures of scores that stand for themselves, against values worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rtaction.evaluation.several_labels import (
    SeveralLabels,
    average_precision,
    exact_text,
    several_lines,
)

TRUTHS = np.array([[1, 1, 0], [1, 0, 0], [0, 1, 0], [0, 0, 0]], np.bool_)
SCORES = np.array([[0.9, 0.6, 0.1], [0.8, 0.7, 0.2], [0.3, 0.2, 0.1], [0.1, 0.1, 0.6]])


@pytest.fixture
def found() -> SeveralLabels:
    return SeveralLabels(("a", "b", "c"), TRUTHS, SCORES, np.arange(4))


@pytest.mark.parametrize(
    ("truths", "scores", "expected"),
    [
        ([1, 1, 0, 0], [0.9, 0.8, 0.3, 0.1], 1.0),
        ([1, 0, 1, 0], [0.6, 0.7, 0.2, 0.1], (1 / 2 + 2 / 3) / 2),
        ([0, 0, 0, 1], [0.9, 0.8, 0.3, 0.1], 1 / 4),
        ([1, 0, 1, 0], [0.5, 0.5, 0.5, 0.5], 1 / 2),  # no order, so the share
        ([1, 1, 1, 1], [0.9, 0.8, 0.3, 0.1], 1.0),
    ],
)
def test_average_precision(truths: list[int], scores: list[float], expected: float) -> None:
    value = average_precision(np.array(truths, np.bool_), np.array(scores))
    assert value == pytest.approx(expected)


def test_figures_of_each_label_and_of_all(found: SeveralLabels) -> None:
    assert math.isnan(found.average_precisions["c"])
    assert found.mean_average_precision == pytest.approx((1 + 7 / 12) / 2)
    assert found.exact.value == 1 / 4  # only the first has exactly its labels
    one = found.by_label["b"]
    assert (one.precision.value, one.recall.value, one.f1.value) == (0.5, 0.5, 0.5)
    values = found.to_dict()
    assert values["labels"][2]["average_precision"] is None
    assert values["exact_match"]["value"] == 0.25


def test_scores_of_a_video_are_the_means_of_its_windows(found: SeveralLabels) -> None:
    owners = np.array([0, 0, 1, 2])
    pooled = found.pooled(owners)
    assert pooled.scores[0] == pytest.approx([0.85, 0.65, 0.15])
    assert pooled.truths.tolist() == TRUTHS[[0, 2, 3]].tolist()


def test_calibration_counts_every_score(found: SeveralLabels) -> None:
    bins = {one.low: one for one in found.calibration.bins if one.accuracy.is_defined}
    assert bins[0.5].accuracy.value == pytest.approx(1 / 2)  # .6 of b, which is true, and of c
    assert found.calibration.error.count == 12


def test_as_text(found: SeveralLabels) -> None:
    head, _, b, c = several_lines(found, "video")
    assert head.split() == ["label", "videos", "AP", "precision", "recall", "F1"]
    assert b.split()[:3] == ["b", "2", "0.58"]
    assert c.split()[:3] == ["c", "0", "n/a"]
    assert exact_text(found, "video").startswith("all labels right at 0.5, on 4 videos: 25.0 % (95")
