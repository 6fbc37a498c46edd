"""How good a model is on videos of one action each, by windows and by whole clips.

A clip is given the label with the highest mean score over its windows. This file knows nothing of
how videos are read, of time within them, or of the command line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rtaction.errors import DatasetError
from rtaction.evaluation.calibration import Calibration, calibrate
from rtaction.evaluation.confidence import Clusters, Estimate, f1_score, share
from rtaction.model_spec import ModelSpec
from rtaction.realtime.judging.watched import Judged
from rtaction.video.labelled_videos import Video, labels_of

_TOP_K = (2, 3, 5)


@dataclass(frozen=True, slots=True)
class LabelFigures:
    """How one label did.

    Args:
        label: one that the model knows.
        num_items: windows or clips that show it.
        precision: share of the items called so that show it; those of labels that the model does
            not know count as well, except for the background label, which suits them.
        recall: share of the items that show it that were called so.
        f1: the harmonic mean of the two.
    """

    label: str
    num_items: int
    precision: Estimate
    recall: Estimate
    f1: Estimate


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """Figures of all windows, or of all clips.

    Args:
        accuracy: share given the right label, among items of labels that the model knows.
        accuracy_of_all: the same among all items; those of other labels are right where they were
            called the background label, and else wrong.
        top_k: share whose label is among the k best, by k, likewise of known labels.
        chance: what a guess would reach: 1 / number of labels.
        most_frequent: what always naming the most frequent label would reach.
        labels: figures of each label of the model, in its order.
        confusion: intp, shape (num_true_labels, num_labels): items by what they show (the labels
            of the model, then those that it does not know) and by what they were called.
        calibration: how far scores are from chances, likewise of known labels.
    """

    accuracy: Estimate
    accuracy_of_all: Estimate
    top_k: dict[int, Estimate]
    chance: float
    most_frequent: float
    labels: tuple[LabelFigures, ...]
    confusion: npt.NDArray[np.intp]
    calibration: Calibration

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "count": int(self.confusion.sum()),
            "accuracy": self.accuracy.to_dict(),
            "accuracy_with_unknown": self.accuracy_of_all.to_dict(),
            "top_k": {str(k): figure.to_dict() for k, figure in self.top_k.items()},
            "chance": round(self.chance, 6),
            "most_frequent_label": round(self.most_frequent, 6),
            "labels": [
                {
                    "label": one.label,
                    "count": one.num_items,
                    "precision": one.precision.to_dict(),
                    "recall": one.recall.to_dict(),
                    "f1": one.f1.to_dict(),
                }
                for one in self.labels
            ],
            "confusion": self.confusion.tolist(),
            "calibration": self.calibration.to_dict(),
        }


@dataclass(frozen=True, slots=True, eq=False)
class ClipResult:
    """What became of one video.

    Args:
        video: the video, with its true label.
        judged: what the model said.
        mean_scores: float64, shape (num_labels,), over its windows; nan where it has none.
        called: the label of the highest mean score; None where there is no window.
    """

    video: Video
    judged: Judged
    mean_scores: npt.NDArray[np.float64]
    called: str | None

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "path": str(self.video.path),
            "label": self.video.label,
            "group": self.video.group,
            "windows": len(self.judged.predictions),
            "called": self.called,
            "score": None if self.called is None else round(float(self.mean_scores.max()), 6),
            "problem": self.judged.problem or None,
        }


@dataclass(frozen=True, slots=True, eq=False)
class ClipEvaluation:
    """What came out.

    Args:
        labels: those of the model.
        unknown_labels: those of the videos that the model does not know.
        unseen_labels: those of the model that no video shows, judged or not.
        num_groups: groups among the videos that were judged.
        windows: figures of windows; those of a video or a group count as belonging together.
        clips: figures of whole videos; those of a group count as belonging together.
        results: one for each video, the ones that could not be judged among them.
    """

    labels: tuple[str, ...]
    unknown_labels: tuple[str, ...]
    unseen_labels: tuple[str, ...]
    num_groups: int
    windows: Level
    clips: Level
    results: tuple[ClipResult, ...]

    @property
    def true_labels(self) -> tuple[str, ...]:
        """The rows of `Level.confusion`."""
        return self.labels + self.unknown_labels

    @property
    def problems(self) -> list[Judged]:
        """Videos that could not be judged."""
        return [result.judged for result in self.results if result.judged.problem]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "labels": list(self.labels),
            "confusion_rows": list(self.true_labels),
            "unknown_labels": {
                label: sum(result.video.label == label for result in self.results)
                for label in self.unknown_labels
            },
            "labels_without_videos": list(self.unseen_labels),
            "num_videos": len(self.results),
            "num_not_judged": len(self.problems),
            "num_groups": self.num_groups,
            "windows": self.windows.to_dict(),
            "clips": self.clips.to_dict(),
            "videos": [result.to_dict() for result in self.results],
        }


def require_known_label(videos: Sequence[Video], spec: ModelSpec) -> None:
    """See that the model knows a label of the videos, before any is decoded.

    Raises:
        DatasetError: it knows none.
    """
    found = labels_of(videos)
    if not set(found) & set(spec.labels):
        raise DatasetError(
            f"the model knows none of these folders {list(found)}; expected folders called like "
            f"its labels: {', '.join(spec.labels)}"
        )


def evaluate_clips(
    videos: Sequence[Video], judged: Sequence[Judged], spec: ModelSpec
) -> ClipEvaluation:
    """Compare what a model said with the truth.

    Args:
        videos: what was judged.
        judged: one for each video, in order.
        spec: the model's labels.

    Raises:
        DatasetError: the model knows no label of the videos, or none of those could be judged.
    """
    require_known_label(videos, spec)
    results = tuple(_result(*both, spec) for both in zip(videos, judged, strict=True))
    usable = [result for result in results if result.called is not None]
    if not any(result.video.label in spec.labels for result in usable):
        problem = next(one for one in judged if one.problem)
        raise DatasetError(
            f"not one of {len(videos)} videos could be judged that shows a label of the model; "
            f"{problem.path}: {problem.problem}"
        )
    unknown = tuple(label for label in labels_of(videos) if label not in spec.labels)
    rows = spec.labels + unknown
    truths = np.array([rows.index(result.video.label) for result in usable])
    _, clusters = np.unique([result.video.group for result in usable], return_inverse=True)
    counts = [len(result.judged.predictions) for result in usable]
    window_scores = np.stack([p.scores for result in usable for p in result.judged.predictions])
    mean_scores = np.stack([result.mean_scores for result in usable])
    return ClipEvaluation(
        labels=spec.labels,
        unknown_labels=unknown,
        unseen_labels=tuple(label for label in spec.labels if label not in labels_of(videos)),
        num_groups=int(clusters.max()) + 1,
        windows=_level(
            window_scores, np.repeat(truths, counts), np.repeat(clusters, counts), rows, spec
        ),
        clips=_level(mean_scores, truths, clusters, rows, spec),
        results=results,
    )


def _result(video: Video, judged: Judged, spec: ModelSpec) -> ClipResult:
    if not judged.predictions:
        return ClipResult(video, judged, np.full(len(spec.labels), np.nan), None)
    scores = np.stack([prediction.scores for prediction in judged.predictions])
    mean_scores = scores.mean(axis=0, dtype=np.float64)  # (num_labels,)
    return ClipResult(video, judged, mean_scores, spec.labels[int(mean_scores.argmax())])


def _level(
    scores: npt.NDArray[Any],
    truths: npt.NDArray[np.intp],
    clusters: Clusters,
    rows: Sequence[str],
    spec: ModelSpec,
) -> Level:
    """Figures of items: `scores` (num_items, num_labels), `truths` (num_items,) within `rows`."""
    num_labels = len(spec.labels)
    best_first = np.argsort(-scores, axis=1, kind="stable")
    called = best_first[:, 0]
    known = truths < num_labels
    is_right = called == truths
    # Where a model can say "no action", that is right of an action that it does not know.
    is_background = np.array([label == spec.background_label for label in spec.labels])
    is_rightly_silent = ~known & is_background[called]
    confusion = np.zeros((len(rows), num_labels), np.intp)
    np.add.at(confusion, (truths, called), 1)
    among_best = best_first == truths[:, np.newaxis]
    best_scores = scores[np.arange(len(scores)), called]
    return Level(
        accuracy=share(is_right[known], clusters[known]),
        accuracy_of_all=share(is_right | is_rightly_silent, clusters),
        top_k={
            k: share(among_best[known, :k].any(axis=1), clusters[known])
            for k in _TOP_K
            if k < num_labels
        },
        chance=1 / num_labels,
        most_frequent=float(np.bincount(truths[known]).max() / known.sum()),
        labels=tuple(
            _label_figures(
                label, truths == number, (called == number) & ~is_rightly_silent, clusters
            )
            for number, label in enumerate(spec.labels)
        ),
        confusion=confusion,
        calibration=calibrate(best_scores[known], is_right[known], clusters[known]),
    )


def _label_figures(
    label: str,
    is_true: npt.NDArray[np.bool_],
    is_called: npt.NDArray[np.bool_],
    clusters: Clusters,
) -> LabelFigures:
    return LabelFigures(
        label=label,
        num_items=int(is_true.sum()),
        precision=share(is_true[is_called], clusters[is_called]),
        recall=share(is_called[is_true], clusters[is_true]),
        f1=f1_score(is_true, is_called, clusters),
    )
