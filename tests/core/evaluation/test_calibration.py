"""The calibration error, by hand and of scores whose truth is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rtaction.evaluation.calibration import NUM_BINS, calibrate


def test_a_worked_example() -> None:
    scores = np.array([0.55, 0.55, 0.95, 0.95, 0.95, 0.95])
    is_right = np.array([True, False, True, True, True, False])

    found = calibrate(scores, is_right, np.arange(6))

    # Two at 0.55 of which half are right, four at 0.95 of which 0.75 are.
    assert found.error.value == pytest.approx((2 * 0.05 + 4 * 0.20) / 6)
    assert found.error.low <= found.error.value <= found.error.high
    filled = [one for one in found.bins if one.accuracy.is_defined]
    assert [(one.low, one.high, one.accuracy.count) for one in filled] == [
        (0.5, 0.6, 2),
        (0.9, 1.0, 4),
    ]
    assert [one.mean_score for one in filled] == pytest.approx([0.55, 0.95])
    assert [one.accuracy.value for one in filled] == [0.5, 0.75]
    assert len(found.bins) == NUM_BINS
    assert math.isnan(found.bins[0].mean_score)


@pytest.mark.parametrize(("score", "bin_number"), [(0.0, 0), (0.1, 0), (0.5, 4), (1.0, 9)])
def test_a_bound_belongs_to_the_bin_below(score: float, bin_number: int) -> None:
    found = calibrate(np.array([score]), np.array([True]), np.arange(1))
    counts = [one.accuracy.count for one in found.bins]
    assert counts.index(1) == bin_number


def test_chances_have_a_small_error_and_boasts_a_large_one() -> None:
    random = np.random.default_rng(0)
    chances = random.uniform(0.3, 1.0, 4000)
    is_right = random.random(4000) < chances

    honest = calibrate(chances, is_right, np.arange(4000)).error
    boasting = calibrate(np.sqrt(chances), is_right, np.arange(4000)).error

    assert honest.value < 0.03
    # The mean of sqrt(x) - x from 0.3 to 1.
    assert boasting.value == pytest.approx(0.1464, abs=0.02)
    assert boasting.low > honest.high


def test_one_cluster_says_nothing_of_others() -> None:
    found = calibrate(np.array([0.8, 0.9]), np.array([True, True]), np.array([3, 3]))
    assert (found.error.low, found.error.high) == (0.0, 1.0)


def test_json_leaves_out_empty_bins() -> None:
    found = calibrate(np.array([0.25]), np.array([False]), np.arange(1)).to_dict()
    (only,) = found["bins"]
    assert (only["low"], only["high"], only["mean_score"]) == (0.2, 0.3, 0.25)
    assert found["expected_calibration_error"]["value"] == 0.25


def test_nothing_at_all() -> None:
    found = calibrate(np.zeros(0), np.zeros(0, bool), np.zeros(0, np.intp))
    assert not found.error.is_defined
    assert found.to_dict()["bins"] == []
