"""Shares and rates with their 95 % intervals.

Items that belong together, such as the windows of one video or the videos of one person, are not
independent. With such clusters, whole clusters are resampled (the cluster bootstrap;
Field and Welsh, "Bootstrapping clustered data", 2007). Otherwise the interval is Wilson's, or its
counterpart for rates.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

CONFIDENCE = 0.95
FEW_CLUSTERS = 10
"""With fewer clusters the interval is too narrow. In 400 trials with clusters of 10 items each, of
random probability, it contained the truth in 87 % with 5 clusters and in 93 % with 40; Wilson's,
which treats all items as independent, in 77 to 80 %."""

_NUM_DRAWS = 1000
_SEED = 0
_Z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)

Clusters = npt.NDArray[np.intp]
"""Cluster numbers: equal for items that belong together; shape (num_items,)."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A measured number with its 95 % interval.

    Args:
        value: as measured; nan if there was nothing to measure.
        low: lower end of the 95 % interval; nan as `value`.
        high: upper end; nan as `value`.
        count: number of items that it rests on, or for a rate, of units of exposure.
    """

    value: float
    low: float
    high: float
    count: float

    @property
    def is_defined(self) -> bool:
        """Whether there was anything to measure."""
        return not math.isnan(self.value)

    def map(self, function: Callable[[float], float]) -> Estimate:
        """The estimate of an increasing function of this number."""
        return Estimate(function(self.value), function(self.low), function(self.high), self.count)

    def to_dict(self) -> dict[str, Any]:
        """For JSON; undefined numbers are None."""
        numbers = {"value": self.value, "low": self.low, "high": self.high}
        rounded = {key: None if math.isnan(one) else round(one, 6) for key, one in numbers.items()}
        return {**rounded, "count": round(self.count, 6)}


UNDEFINED = Estimate(math.nan, math.nan, math.nan, 0)


def clusters_of(groups: Sequence[str]) -> Clusters:
    """Number groups by name: intp, shape (len(groups),)."""
    return np.unique(np.array(groups, str), return_inverse=True)[1].astype(np.intp)


def share(hits: npt.NDArray[np.bool_], clusters: Clusters) -> Estimate:
    """The share of items that are hits.

    If each item is its own cluster, the interval is Wilson's. Otherwise clusters are resampled; if
    all draws give the same share, because all clusters agree or there is only one, the interval is
    Wilson's with as many items as there are clusters.

    Args:
        hits: bool, shape (num_items,).
        clusters: intp, shape (num_items,).
    """
    if len(hits) == 0:
        return UNDEFINED
    value = float(hits.mean())
    _, of_item, sizes = np.unique(clusters, return_inverse=True, return_counts=True)
    if len(sizes) == len(hits):
        return Estimate(value, *wilson(value, len(hits)), len(hits))
    draws = draw_clusters(len(sizes))
    shares = (draws @ np.bincount(of_item, hits)) / (draws @ sizes)  # (num_draws,)
    low, high = interval_of(shares)
    if low == high:
        low, high = wilson(value, len(sizes))
    return Estimate(value, low, high, len(hits))


def f1_score(
    is_true: npt.NDArray[np.bool_], is_predicted: npt.NDArray[np.bool_], clusters: Clusters
) -> Estimate:
    """The harmonic mean of precision and recall.

    It is an increasing function of the Jaccard index, the share of the items that are both among
    those that are either, and so is its interval.

    Args:
        is_true: bool, shape (num_items,).
        is_predicted: bool, shape (num_items,).
        clusters: intp, shape (num_items,).
    """
    either = is_true | is_predicted
    both = (is_true & is_predicted)[either]
    return share(both, clusters[either]).map(lambda part: 2 * part / (1 + part))


def rate(counts: Sequence[int], exposures: Sequence[float], *, clustered: bool) -> Estimate:
    """Occurrences per unit of exposure, such as false alarms per hour.

    Args:
        counts: occurrences, by cluster.
        exposures: exposure, such as hours, by cluster; 0 or more.
        clustered: resample whole clusters. Otherwise, and if all draws give the same, it is the
            score interval of a Poisson rate, which treats each occurrence as independent.
    """
    total, count = float(sum(exposures)), sum(counts)
    if total <= 0:
        return UNDEFINED
    # Solves |count - x| = z * sqrt(x), as Wilson's does for a share.
    middle, half = count + _Z**2 / 2, _Z * math.sqrt(count + _Z**2 / 4)
    low, high = max(middle - half, 0.0) / total, (middle + half) / total
    if clustered:
        draws = draw_clusters(len(counts))
        drawn = draws @ np.asarray(exposures)
        rates = (draws @ np.asarray(counts))[drawn > 0] / drawn[drawn > 0]
        drawn_low, drawn_high = interval_of(rates)
        if drawn_low < drawn_high:
            low, high = drawn_low, drawn_high
    return Estimate(count / total, low, high, total)


def wilson(value: float, count: float) -> tuple[float, float]:
    """Wilson's interval of a share.

    Args:
        value: the share, 0 to 1.
        count: number of independent items, above 0.

    Returns:
        Its ends, 0 to 1.
    """
    scale = 1 + _Z**2 / count
    middle = (value + _Z**2 / (2 * count)) / scale
    half = _Z / scale * math.sqrt(value * (1 - value) / count + _Z**2 / (4 * count**2))
    # Rounding must not push an end past a share of exactly 0 or 1.
    return max(min(middle - half, value), 0.0), min(max(middle + half, value), 1.0)


@lru_cache(maxsize=4)
def draw_clusters(num_clusters: int) -> npt.NDArray[np.float64]:
    """How often each cluster is drawn, in each draw of as many as there are, with replacement.

    Returns:
        float64, shape (num_draws, num_clusters), read only; always the same.
    """
    shares = np.full(num_clusters, 1 / num_clusters)
    random = np.random.default_rng(_SEED)
    draws = random.multinomial(num_clusters, shares, size=_NUM_DRAWS).astype(np.float64)
    draws.setflags(write=False)
    return draws


def interval_of(values: npt.NDArray[Any]) -> tuple[float, float]:
    """The bounds of the central 95 % of resampled values."""
    low, high = np.quantile(values, [0.5 - CONFIDENCE / 2, 0.5 + CONFIDENCE / 2])
    return float(low), float(high)
