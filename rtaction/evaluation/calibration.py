"""Whether scores are probabilities: of the predictions with a score of 0.8, are 80 % correct?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rtaction.evaluation.estimate import (
    UNDEFINED,
    Clusters,
    Estimate,
    draw_clusters,
    interval_of,
    share,
)

NUM_BINS = 10


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Items whose best score is between two bounds.

    Args:
        low: lower bound of the scores; part of the bin below, except 0.
        high: upper bound; part of this bin.
        mean_score: of its items; nan if there are none.
        accuracy: share of its items that are predicted correctly.
    """

    low: float
    high: float
    mean_score: float
    accuracy: Estimate


@dataclass(frozen=True, slots=True)
class Calibration:
    """How far scores are from probabilities.

    Args:
        error: the expected calibration error: the mean difference between mean score and accuracy
            over the bins, weighted by their items. With few items it is above 0 even for perfect
            scores.
        bins: `NUM_BINS` of equal width, from 0 to 1.
    """

    error: Estimate
    bins: tuple[ReliabilityBin, ...]

    def to_dict(self) -> dict[str, Any]:
        """For JSON; empty bins are left out."""
        return {
            "expected_calibration_error": self.error.to_dict(),
            "bins": [
                {
                    "low": one.low,
                    "high": one.high,
                    "mean_score": round(one.mean_score, 6),
                    "accuracy": one.accuracy.to_dict(),
                }
                for one in self.bins
                if one.accuracy.is_defined
            ],
        }


def calibrate(
    best_scores: npt.NDArray[Any], is_correct: npt.NDArray[np.bool_], clusters: Clusters
) -> Calibration:
    """Compare scores with the accuracy of the predictions that have them.

    Args:
        best_scores: float, shape (num_items,), the score of each item's predicted label, 0 to 1.
        is_correct: bool, shape (num_items,).
        clusters: intp, shape (num_items,), see `rtaction.evaluation.estimate`.
    """
    edges = np.linspace(0, 1, NUM_BINS + 1)
    of_item = np.digitize(best_scores, edges[1:-1], right=True)
    bins = []
    for number in range(NUM_BINS):
        inside = of_item == number
        mean_score = float(best_scores[inside].mean()) if inside.any() else float("nan")
        accuracy = share(is_correct[inside], clusters[inside])
        low, high = edges[number : number + 2].round(6).tolist()
        bins.append(ReliabilityBin(low, high, mean_score, accuracy))
    return Calibration(_error(best_scores - is_correct, of_item, clusters), tuple(bins))


def _error(excess: npt.NDArray[Any], bins: npt.NDArray[Any], clusters: Clusters) -> Estimate:
    """The error of items whose `excess` is the score, less 1 where the prediction is correct."""
    if len(excess) == 0:
        return UNDEFINED
    _, of_item, sizes = np.unique(clusters, return_inverse=True, return_counts=True)
    excess_of = np.zeros((len(sizes), NUM_BINS))
    np.add.at(excess_of, (of_item, bins), excess)
    value = float(np.abs(excess_of.sum(axis=0)).sum() / len(excess))
    draws = draw_clusters(len(sizes))
    # (num_draws, num_clusters) @ (num_clusters, num_bins)
    errors = np.abs(draws @ excess_of).sum(axis=1) / (draws @ sizes)
    # Resampling adds noise, which increases a sum of distances: the bias is subtracted.
    low, high = interval_of(errors - errors.mean() + value)
    if low == high:
        low, high = 0.0, 1.0  # one cluster says nothing about others
    return Estimate(value, max(low, 0.0), min(high, 1.0), len(excess))
