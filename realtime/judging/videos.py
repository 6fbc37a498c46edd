"""How good a model is on videos of one action each, by window and by video.

The predicted label of a video is the one with the highest mean score over its windows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rtaction.arrays import Float64Array
from rtaction.errors import DatasetError
from rtaction.evaluation.classification import Classification
from rtaction.evaluation.estimate import clusters_of
from rtaction.labelled.videos import Video, labels_of
from rtaction.model_spec import ModelSpec
from rtaction.realtime.judging.watched import Judged


@dataclass(frozen=True, slots=True)
class VideoResult:
    """The result for one video.

    Args:
        video: the video, with its true label.
        judged: the predictions of the model.
        predicted: the label with the highest mean score; None if there is no window.
        score: that mean score; None likewise.
    """

    video: Video
    judged: Judged
    predicted: str | None
    score: float | None

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            **self.video.to_dict(),
            "windows": len(self.judged.predictions),
            "called": self.predicted,
            "score": None if self.score is None else round(self.score, 6),
            "problem": self.judged.problem or None,
        }


@dataclass(frozen=True, slots=True, eq=False)
class VideoEvaluation:
    """How good a model is on videos.

    Args:
        unseen_labels: labels of the model that no video has, judged or not.
        num_groups: number of groups among the judged videos.
        windows: of all judged videos; clustered by group.
        videos: the judged videos; clustered by group.
        results: one per video, including those that could not be judged.
    """

    unseen_labels: tuple[str, ...]
    num_groups: int
    windows: Classification
    videos: Classification
    results: tuple[VideoResult, ...]

    @property
    def problems(self) -> list[Judged]:
        """Videos that could not be judged."""
        return [result.judged for result in self.results if result.judged.problem]

    @property
    def unknown_labels(self) -> dict[str, int]:
        """Labels that are not the model's, and how many videos have them."""
        counts = Counter(result.video.label for result in self.results)
        return {label: counts[label] for label in self.videos.unknown_labels}

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "labels": list(self.videos.labels),
            "confusion_rows": list(self.videos.true_labels),
            "unknown_labels": self.unknown_labels,
            "labels_without_videos": list(self.unseen_labels),
            "num_videos": len(self.results),
            "num_not_judged": len(self.problems),
            "num_groups": self.num_groups,
            "windows": self.windows.to_dict(),
            "clips": self.videos.to_dict(),
            "videos": [result.to_dict() for result in self.results],
        }


def require_known_label(videos: Sequence[Video], spec: ModelSpec) -> None:
    """Check that the model knows at least one label of the videos, before any is decoded.

    Raises:
        DatasetError: it knows none.
    """
    found = labels_of(videos)
    if not set(found) & set(spec.labels):
        raise DatasetError(
            f"the model knows none of these folders {list(found)}; expected folders named after "
            f"its labels: {', '.join(spec.labels)}"
        )


def evaluate_videos(
    videos: Sequence[Video], judged: Sequence[Judged], spec: ModelSpec
) -> VideoEvaluation:
    """Compare the predictions of a model with the labels of videos.

    Args:
        videos: the videos.
        judged: one per video, in order.
        spec: of the model.

    Raises:
        DatasetError: the model knows none of the labels, or no video with such a label was judged.
    """
    require_known_label(videos, spec)
    usable = [(video, one) for video, one in zip(videos, judged, strict=True) if one.predictions]
    if not any(video.label in spec.labels for video, _ in usable):
        problem = next(one for one in judged if one.problem)
        raise DatasetError(
            f"none of {len(videos)} videos both has a label of the model and can be judged; "
            f"{problem.path}: {problem.problem}"
        )
    unknown = tuple(label for label in labels_of(videos) if label not in spec.labels)
    rows = spec.labels + unknown
    of_window = np.repeat(np.arange(len(usable)), [len(one.predictions) for _, one in usable])
    clusters = clusters_of([video.group for video, _ in usable])
    windows = Classification.from_scores(
        spec.labels,
        np.array([rows.index(video.label) for video, _ in usable])[of_window],
        np.stack([prediction.scores for _, one in usable for prediction in one.predictions]),
        clusters[of_window],
        unknown_labels=unknown,
        background_label=spec.background_label,
    )
    pooled = windows.pooled(of_window)
    scores = iter(np.asarray(pooled.scores))
    return VideoEvaluation(
        unseen_labels=tuple(label for label in spec.labels if label not in labels_of(videos)),
        num_groups=int(clusters.max()) + 1,
        windows=windows,
        videos=pooled,
        results=tuple(
            _result(video, one, spec.labels, next(scores) if one.predictions else None)
            for video, one in zip(videos, judged, strict=True)
        ),
    )


def _result(
    video: Video, judged: Judged, labels: Sequence[str], scores: Float64Array | None
) -> VideoResult:
    if scores is None:
        return VideoResult(video, judged, None, None)
    return VideoResult(video, judged, labels[int(scores.argmax())], float(scores.max()))
