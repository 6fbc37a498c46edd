"""How well a network does that scores each label by itself, as a video may show several at once.

There is no confusion matrix: no label is predicted in place of another.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from rtaction.evaluation.calibration import Calibration, calibrate
from rtaction.evaluation.classification import PrecisionRecall
from rtaction.evaluation.estimate import Clusters, Estimate, share
from rtaction.evaluation.text import (
    ESTIMATE_COLUMNS,
    LABEL_COLUMNS,
    NOT_DEFINED,
    counted,
    estimate_cells,
    interval_text,
    percent,
    short_label,
)

THRESHOLD = 0.5


def average_precision(is_true: npt.NDArray[np.bool_], scores: npt.NDArray[Any]) -> float:
    """The area below the curve of precision over recall, as steps; nan without true items.

    Zhu 2004, "Recall, Precision and Average Precision". Items with equal scores count at once.

    Args:
        is_true: bool, shape (num_items,).
        scores: float, shape (num_items,).
    """
    if not is_true.any():
        return math.nan
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(is_true[order])
    last_of_equals = np.append(np.diff(scores[order]) != 0, True)
    hits, ranks = hits[last_of_equals], np.flatnonzero(last_of_equals) + 1
    gained = np.diff(hits, prepend=0)
    return float((gained * hits / ranks).sum() / hits[-1])


@dataclass(frozen=True, eq=False)
class SeveralLabels:
    """Items with all their true labels, and a score for each label.

    Args:
        labels: all labels.
        truths: bool, shape (num_items, num_labels); a row may have none.
        scores: float, shape (num_items, num_labels), 0 to 1, independent of each other.
        clusters: intp, shape (num_items,), see `rtaction.evaluation.estimate`.
    """

    labels: tuple[str, ...]
    truths: npt.NDArray[np.bool_]
    scores: npt.NDArray[Any]
    clusters: Clusters

    def __len__(self) -> int:
        return len(self.truths)

    def pooled(self, owners: npt.NDArray[np.intp]) -> SeveralLabels:
        """Pool items by owner, such as windows by video; see `Classification.pooled`."""
        _, firsts, counts = np.unique(owners, return_index=True, return_counts=True)
        sums = np.zeros((len(firsts), len(self.labels)))
        np.add.at(sums, owners, self.scores)
        means = sums / counts[:, np.newaxis]
        return SeveralLabels(self.labels, self.truths[firsts], means, self.clusters[firsts])

    @cached_property
    def predicted(self) -> npt.NDArray[np.bool_]:
        """Which scores reach `THRESHOLD`: bool, shape (num_items, num_labels)."""
        return np.asarray(self.scores >= THRESHOLD)

    @cached_property
    def exact(self) -> Estimate:
        """Share of the items whose labels are predicted all, and no others."""
        return share((self.predicted == self.truths).all(axis=1), self.clusters)

    @cached_property
    def by_label(self) -> dict[str, PrecisionRecall]:
        """Precision, recall and F1 of each label at `THRESHOLD`."""
        return {
            label: PrecisionRecall.measure(self.truths[:, n], self.predicted[:, n], self.clusters)
            for n, label in enumerate(self.labels)
        }

    @cached_property
    def average_precisions(self) -> dict[str, float]:
        """Average precision of each label; nan where no item has it."""
        return {
            label: average_precision(self.truths[:, n], self.scores[:, n])
            for n, label in enumerate(self.labels)
        }

    @property
    def mean_average_precision(self) -> float:
        """Over the labels that some item has; nan if there are none."""
        known = [one for one in self.average_precisions.values() if not math.isnan(one)]
        return float(np.mean(known)) if known else math.nan

    @cached_property
    def calibration(self) -> Calibration:
        """How far scores are from the shares of items that have their labels; of all labels."""
        clusters = np.repeat(self.clusters, len(self.labels))
        return calibrate(self.scores.ravel(), self.truths.ravel(), clusters)

    def to_dict(self) -> dict[str, Any]:
        """For JSON; an undefined figure is None."""
        rows = zip(self.by_label.items(), self.average_precisions.values(), strict=True)
        return {
            "count": len(self),
            "exact_match": self.exact.to_dict(),
            "mean_average_precision": _rounded(self.mean_average_precision),
            "threshold": THRESHOLD,
            "labels": [
                {
                    "label": label,
                    "count": one.num_true,
                    "average_precision": _rounded(precision),
                    **one.to_dict(),
                }
                for (label, one), precision in rows
            ],
            "calibration": self.calibration.to_dict(),
        }


def several_lines(found: SeveralLabels, noun: str) -> list[str]:
    """Average precision, precision, recall and F1 of each label, and the exact matches.

    Args:
        found: the items.
        noun: what an item is, such as "video".
    """
    names = f"{'precision':<{ESTIMATE_COLUMNS}}{'recall':<{ESTIMATE_COLUMNS}}F1"
    rows = zip(found.by_label.items(), found.average_precisions.values(), strict=True)
    return [
        f"{'label':<{LABEL_COLUMNS}}{noun + 's':>8}  {'AP':<6}{names}",
        *(
            f"{short_label(label):<{LABEL_COLUMNS}}{one.num_true:>8}  "
            f"{ap_text(precision):<6}{estimate_cells(one)}"
            for (label, one), precision in rows
        ),
    ]


def exact_text(found: SeveralLabels, noun: str) -> str:
    """A sentence about all labels of each item at once."""
    return (
        f"all labels right at {THRESHOLD:g}, on {counted(len(found), noun)}: "
        f"{percent(found.exact.value)} (95 % interval: {interval_text(found.exact)}); mean average "
        f"precision {ap_text(found.mean_average_precision)}"
    )


def ap_text(value: float) -> str:
    """An average precision, such as "0.83"."""
    return NOT_DEFINED if math.isnan(value) else f"{value:.2f}"


def _rounded(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 6)
