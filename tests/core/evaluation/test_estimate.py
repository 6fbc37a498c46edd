"""Intervals, against published values, exact ones and trials with a known truth."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rtaction.evaluation.estimate import Estimate, draw_clusters, f1_score, rate, share, wilson


@pytest.mark.parametrize(
    ("hits", "count", "low", "high"),
    [
        # Newcombe, "Two-sided confidence intervals for the single proportion", 1998, table I,
        # method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        # The mirror image of the third.
        (20, 20, 0.8389, 1.0),
    ],
)
def test_wilson(hits: int, count: int, low: float, high: float) -> None:
    assert wilson(hits / count, count) == pytest.approx((low, high), abs=5e-5)


def test_the_share_of_independent_items_is_wilsons() -> None:
    hits = np.array([True] * 9 + [False])

    figure = share(hits, np.arange(10))

    assert figure == Estimate(0.9, *wilson(0.9, 10), 10)


def test_items_that_belong_together_say_less() -> None:
    # Ten clusters of ten; in each all agree.
    hits = np.repeat([True] * 7 + [False] * 3, 10)

    apart = share(hits, np.arange(100))
    together = share(hits, np.repeat(np.arange(10), 10))

    assert apart.value == together.value == 0.7
    assert together.count == 100
    assert together.high - together.low > 2.5 * (apart.high - apart.low)
    # The percentiles of the mean of ten draws of 0 or 1 with p = 0.7.
    assert (together.low, together.high) == pytest.approx((0.4, 1.0), abs=0.1)


@pytest.mark.parametrize(
    ("hits", "clusters", "expected"),
    [
        # All agree: as many witnesses as clusters, not as items.
        ([True] * 6, [0, 0, 1, 1, 2, 2], wilson(1.0, 3)),
        ([False] * 4, [0, 0, 1, 1], wilson(0.0, 2)),
        # All clusters are alike.
        ([True, False, True, False], [0, 0, 1, 1], wilson(0.5, 2)),
        # One cluster alone.
        ([True, True, False, True], [7, 7, 7, 7], wilson(0.75, 1)),
    ],
)
def test_where_drawing_tells_nothing(
    hits: list[bool], clusters: list[int], expected: tuple[float, float]
) -> None:
    figure = share(np.array(hits), np.array(clusters))
    assert (figure.low, figure.high) == expected


def test_nothing_to_measure_is_undefined() -> None:
    none = np.zeros(0, bool)
    for figure in (
        share(none, np.zeros(0, np.intp)),
        f1_score(none, none, np.zeros(0, np.intp)),
        rate([0], [0.0], clustered=False),
    ):
        assert not figure.is_defined
        assert figure.to_dict() == {"value": None, "low": None, "high": None, "count": 0}


def test_the_interval_of_clusters_holds_the_truth() -> None:
    random = np.random.default_rng(0)
    clusters = np.repeat(np.arange(40), 10)
    held = {"together": 0, "apart": 0}
    for _ in range(100):
        chances = np.repeat(random.beta(4, 1, 40), 10)  # 0.8 on average
        hits = random.random(400) < chances
        for name, figure in (
            ("together", share(hits, clusters)),
            ("apart", share(hits, np.arange(400))),
        ):
            held[name] += figure.low <= 0.8 <= figure.high
    assert held["together"] >= 88
    assert held["apart"] < held["together"]


def test_f1() -> None:
    is_true = np.array([True, True, True, False, False])
    is_predicted = np.array([True, True, False, True, False])

    figure = f1_score(is_true, is_predicted, np.arange(5))

    # Precision 2/3, recall 2/3; of four items that are either, two are both.
    assert figure.value == pytest.approx(2 / 3)
    assert figure.count == 4
    low, high = wilson(0.5, 4)
    assert (figure.low, figure.high) == pytest.approx((2 * low / (1 + low), 2 * high / (1 + high)))


@pytest.mark.parametrize(
    ("count", "low", "high"),
    # The exact ends (Garwood 1936) are 0 and 3.69, 1.62 and 11.67, 76.9 and 116.1.
    [(0, 0.0, 3.84), (5, 2.14, 11.71), (95, 77.7, 116.1)],
)
def test_a_rate_of_independent_happenings(count: int, low: float, high: float) -> None:
    figure = rate([count], [2.0], clustered=False)

    assert figure.value == count / 2
    assert figure.count == 2.0
    assert (2 * figure.low, 2 * figure.high) == pytest.approx((low, high), abs=0.05)


def test_a_rate_of_clusters() -> None:
    # One camera gives all false alarms.
    counts, hours = [20, 0, 0, 0, 0, 0], [1.0] * 6

    together = rate(counts, hours, clustered=True)
    apart = rate(counts, hours, clustered=False)

    assert together.value == apart.value == pytest.approx(20 / 6)
    assert together.low == 0.0
    assert together.high > apart.high
    # Without any, drawing tells nothing.
    assert rate([0, 0], [1.0, 1.0], clustered=True) == rate([0], [2.0], clustered=False)


def test_draws_are_always_the_same() -> None:
    first = draw_clusters(7).copy()
    draw_clusters.cache_clear()
    again = draw_clusters(7)

    assert np.array_equal(first, again)
    assert (again.sum(axis=1) == 7).all()
    assert again.mean() == pytest.approx(1.0)


def test_a_figure_in_json() -> None:
    figure = Estimate(2 / 3, 0.25, math.nan, 3)
    assert figure.to_dict() == {"value": 0.666667, "low": 0.25, "high": None, "count": 3}
