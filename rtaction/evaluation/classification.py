"""Predicted labels compared with the true ones: accuracy, precision, recall, confusion.

An item is anything that gets one label: a window, a clip, a video, a take.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from rtaction.evaluation.calibration import Calibration, calibrate
from rtaction.evaluation.estimate import Clusters, Estimate, f1_score, share

_TOP_K = (2, 3, 5)


@dataclass(frozen=True, slots=True)
class PrecisionRecall:
    """How well one label is recognised.

    Args:
        precision: share of the items predicted as this label that have it; `count` is of these.
        recall: share of the items with this label that are predicted as it; `count` is of these.
        f1: the harmonic mean of the two.
    """

    precision: Estimate
    recall: Estimate
    f1: Estimate

    @classmethod
    def measure(
        cls,
        is_true: npt.NDArray[np.bool_],
        is_predicted: npt.NDArray[np.bool_],
        clusters: Clusters,
    ) -> PrecisionRecall:
        """Compare arrays of shape (num_items,)."""
        return cls(
            precision=share(is_true[is_predicted], clusters[is_predicted]),
            recall=share(is_predicted[is_true], clusters[is_true]),
            f1=f1_score(is_true, is_predicted, clusters),
        )

    @property
    def num_true(self) -> int:
        """Number of items with this label."""
        return int(self.recall.count)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "precision": self.precision.to_dict(),
            "recall": self.recall.to_dict(),
            "f1": self.f1.to_dict(),
        }


@dataclass(frozen=True, slots=True)
class ConfusedPair:
    """A label that was predicted in place of another.

    Args:
        true_label: the label of the items.
        predicted_label: the label that was predicted instead.
        count: number of items with `true_label` and this prediction.
        num_true: number of items with `true_label`.
    """

    true_label: str
    predicted_label: str
    count: int
    num_true: int


@dataclass(frozen=True, eq=False)
class Classification:
    """Items with their true and their predicted labels.

    Intervals treat the items of one cluster as dependent. Accuracy, top-k accuracy and calibration
    are over items whose label is one of `labels`.

    Args:
        labels: the labels that can be predicted.
        true: intp, shape (num_items,), positions in `true_labels`.
        predicted: intp, shape (num_items,), positions in `labels`.
        clusters: intp, shape (num_items,), see `rtaction.evaluation.estimate`.
        scores: float, shape (num_items, num_labels). Default None, unknown: no top-k accuracy and
            no calibration.
        unknown_labels: further true labels, which cannot be predicted. Default none.
        background_label: the one of `labels` that is correct for `unknown_labels`. Default none.
    """

    labels: tuple[str, ...]
    true: npt.NDArray[np.intp]
    predicted: npt.NDArray[np.intp]
    clusters: Clusters
    scores: npt.NDArray[Any] | None = None
    unknown_labels: tuple[str, ...] = ()
    background_label: str | None = None

    @classmethod
    def from_scores(
        cls,
        labels: tuple[str, ...],
        true: npt.NDArray[np.intp],
        scores: npt.NDArray[Any],
        clusters: Clusters,
        *,
        unknown_labels: tuple[str, ...] = (),
        background_label: str | None = None,
    ) -> Classification:
        """Predict the label with the highest score; see the class for the arguments."""
        predicted = np.asarray(scores.argmax(axis=1))
        return cls(labels, true, predicted, clusters, scores, unknown_labels, background_label)

    @classmethod
    def from_names(
        cls,
        labels: tuple[str, ...],
        true: Sequence[str],
        predicted: Sequence[str],
        clusters: Clusters,
    ) -> Classification:
        """Create from the names of labels."""
        positions = {label: number for number, label in enumerate(labels)}
        of_true, of_predicted = (
            np.array([positions[name] for name in names], np.intp) for names in (true, predicted)
        )
        return cls(labels, of_true, of_predicted, clusters)

    def __len__(self) -> int:
        return len(self.true)

    def pooled(self, owners: npt.NDArray[np.intp]) -> Classification:
        """Pool items by owner, such as windows by video, with the mean of the items' scores.

        Args:
            owners: intp, shape (num_items,), each number from 0 to the highest at least once. The
                items of one owner share one true label and one cluster.
        """
        _, firsts, counts = np.unique(owners, return_index=True, return_counts=True)
        sums = np.zeros((len(firsts), len(self.labels)))
        np.add.at(sums, owners, self._require_scores())
        return Classification.from_scores(
            self.labels,
            self.true[firsts],
            sums / counts[:, np.newaxis],
            self.clusters[firsts],
            unknown_labels=self.unknown_labels,
            background_label=self.background_label,
        )

    @property
    def true_labels(self) -> tuple[str, ...]:
        """All true labels; the rows of `confusion`."""
        return self.labels + self.unknown_labels

    @cached_property
    def is_correct(self) -> npt.NDArray[np.bool_]:
        """Whether each item got its true label, or the background label if its label is unknown.

        bool, shape (num_items,).
        """
        return np.asarray((self.predicted == self.true) | self._is_unknown_background)

    @cached_property
    def accuracy(self) -> Estimate:
        """Share of the items of known labels that are predicted correctly."""
        return self._share_of_known(self.is_correct)

    @cached_property
    def accuracy_with_unknown(self) -> Estimate:
        """Share of all items that are predicted correctly."""
        return share(self.is_correct, self.clusters)

    def top_k(self, k: int) -> Estimate:
        """Share of the items of known labels whose label is among those with the k highest scores.

        Raises:
            ValueError: there are no scores.
        """
        best_first = np.argsort(-self._require_scores(), axis=1, kind="stable")
        return self._share_of_known((best_first[:, :k] == self.true[:, np.newaxis]).any(axis=1))

    @cached_property
    def top_ks(self) -> dict[int, Estimate]:
        """Top-k accuracy for each of the usual k below the number of labels."""
        return {k: self.top_k(k) for k in _TOP_K if k < len(self.labels)}

    @property
    def chance(self) -> float:
        """The accuracy of guessing."""
        return 1 / len(self.labels)

    @property
    def majority(self) -> tuple[str, float]:
        """The most frequent known label, and the accuracy of always predicting it."""
        counts = np.bincount(self.true[self._is_known], minlength=len(self.labels))
        accuracy = float(counts.max() / counts.sum()) if counts.any() else math.nan
        return self.labels[int(counts.argmax())], accuracy

    @cached_property
    def by_label(self) -> dict[str, PrecisionRecall]:
        """Precision, recall and F1 of each label.

        Items of unknown labels count against precision, unless the background label was predicted.
        """
        counted = np.where(self._is_unknown_background, -1, self.predicted)
        return {
            label: PrecisionRecall.measure(self.true == number, counted == number, self.clusters)
            for number, label in enumerate(self.labels)
        }

    @cached_property
    def confusion(self) -> npt.NDArray[np.intp]:
        """Items by true label (row) and predicted label (column).

        intp, shape (len(true_labels), len(labels)).
        """
        found = np.zeros((len(self.true_labels), len(self.labels)), np.intp)
        np.add.at(found, (self.true, self.predicted), 1)
        return found

    def confused_pairs(self, most: int | None = None) -> list[ConfusedPair]:
        """Wrong predictions by pair of labels, the most frequent first, then the largest share."""
        wrong = np.zeros_like(self.confusion)
        np.add.at(wrong, (self.true[~self.is_correct], self.predicted[~self.is_correct]), 1)
        pairs = [
            ConfusedPair(
                self.true_labels[row],
                self.labels[column],
                int(wrong[row, column]),
                int(self.confusion[row].sum()),
            )
            for row, column in np.argwhere(wrong).tolist()
        ]
        return sorted(pairs, key=lambda one: (-one.count, one.num_true))[:most]

    @cached_property
    def calibration(self) -> Calibration:
        """How far the scores of the predicted labels are from probabilities.

        Raises:
            ValueError: there are no scores.
        """
        known = self._is_known
        best_scores = self._require_scores()[np.arange(len(self)), self.predicted]
        return calibrate(best_scores[known], self.is_correct[known], self.clusters[known])

    def to_dict(self) -> dict[str, Any]:
        """For JSON; needs scores."""
        return {
            "count": len(self),
            "accuracy": self.accuracy.to_dict(),
            "accuracy_with_unknown": self.accuracy_with_unknown.to_dict(),
            "top_k": {str(k): estimate.to_dict() for k, estimate in self.top_ks.items()},
            "chance": round(self.chance, 6),
            "most_frequent_label": round(self.majority[1], 6),
            "labels": [
                {"label": label, "count": one.num_true, **one.to_dict()}
                for label, one in self.by_label.items()
            ],
            "confusion": self.confusion.tolist(),
            "calibration": self.calibration.to_dict(),
        }

    @property
    def _is_known(self) -> npt.NDArray[np.bool_]:
        return np.asarray(self.true < len(self.labels))

    @property
    def _is_unknown_background(self) -> npt.NDArray[np.bool_]:
        """Items of unknown labels that were predicted as background, which is correct."""
        is_background = np.array([label == self.background_label for label in self.labels])
        return np.asarray(~self._is_known & is_background[self.predicted])

    def _share_of_known(self, hits: npt.NDArray[np.bool_]) -> Estimate:
        return share(hits[self._is_known], self.clusters[self._is_known])

    def _require_scores(self) -> npt.NDArray[Any]:
        if self.scores is None:
            raise ValueError("this needs the scores of all labels, not only the predicted label")
        return self.scores
