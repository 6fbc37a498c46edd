"""How good a model that scores each label by itself is on videos, by window and by video.

The score of a video is the mean over its windows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rtaction.errors import DatasetError
from rtaction.evaluation.estimate import clusters_of
from rtaction.evaluation.several_labels import (
    THRESHOLD,
    SeveralLabels,
    exact_text,
    several_lines,
)
from rtaction.evaluation.text import counted, interval_note
from rtaction.labelled.videos import Video, labels_of
from rtaction.model_spec import ModelSpec
from rtaction.realtime.judging.watched import Judged
from rtaction.video.video_files import named


@dataclass(frozen=True, slots=True, eq=False)
class SeveralEvaluation:
    """How good a model is on videos that may show several labels at once.

    Args:
        num_groups: number of groups among the judged videos.
        unknown_labels: labels of videos that the model does not have; they are left out.
        windows: of all judged videos; clustered by group.
        videos: the judged videos; clustered by group.
        listed: all videos.
        judged: what the model says of each of `listed`.
    """

    num_groups: int
    unknown_labels: tuple[str, ...]
    windows: SeveralLabels
    videos: SeveralLabels
    listed: tuple[Video, ...]
    judged: tuple[Judged, ...]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        scores = iter(self.videos.scores.tolist())
        rows = []
        for video, one in zip(self.listed, self.judged, strict=True):
            means = next(scores) if one.predictions else []
            pairs = zip(self.videos.labels, means, strict=False)
            rows.append(
                video.to_dict()
                | {
                    "windows": len(one.predictions),
                    "scores": {label: round(score, 6) for label, score in pairs},
                    "problem": one.problem or None,
                }
            )
        return {
            "labels": list(self.videos.labels),
            "unknown_labels": list(self.unknown_labels),
            "num_videos": len(self.listed),
            "num_not_judged": sum(not one.predictions for one in self.judged),
            "num_groups": self.num_groups,
            "windows": self.windows.to_dict(),
            "clips": self.videos.to_dict(),
            "videos": rows,
        }


def require_one_label(videos: Sequence[Video]) -> None:
    """Check that each video has exactly one label.

    Raises:
        DatasetError: one has several, or none.
    """
    others = [
        f"{video.name}: {', '.join(video.labels) or 'none'}"
        for video in videos
        if len(video.labels) != 1
    ]
    if others:
        raise DatasetError(
            f"the model gives each video one label, but there are others ({named(others)}); "
            "train one with --multi-label"
        )


def evaluate_several(
    videos: Sequence[Video], judged: Sequence[Judged], spec: ModelSpec
) -> SeveralEvaluation:
    """Compare the scores of a model with the labels of videos.

    Args:
        videos: the videos.
        judged: one per video, in order.
        spec: of the model.

    Raises:
        DatasetError: no video was judged.
    """
    usable = [(video, one) for video, one in zip(videos, judged, strict=True) if one.predictions]
    if not usable:
        raise DatasetError(
            f"none of {len(videos)} videos can be judged; {judged[0].path}: {judged[0].problem}"
        )
    of_window = np.repeat(np.arange(len(usable)), [len(one.predictions) for _, one in usable])
    clusters = clusters_of([video.group for video, _ in usable])
    truths = np.array([[label in video.labels for label in spec.labels] for video, _ in usable])
    windows = SeveralLabels(
        spec.labels,
        truths[of_window],
        np.stack([prediction.scores for _, one in usable for prediction in one.predictions]),
        clusters[of_window],
    )
    return SeveralEvaluation(
        num_groups=int(clusters.max()) + 1,
        unknown_labels=tuple(one for one in labels_of(videos) if one not in spec.labels),
        windows=windows,
        videos=windows.pooled(of_window),
        listed=tuple(videos),
        judged=tuple(judged),
    )


def several_lines_of(found: SeveralEvaluation, *, grouped: bool) -> list[str]:
    """The tables of an evaluation.

    Args:
        found: the evaluation.
        grouped: whether groups were given.
    """
    problems = [one for one in found.judged if one.problem]
    error = found.windows.calibration.error
    return [
        f"{len(found.videos)} of {counted(len(found.listed), 'video')} judged, "
        f"{counted(len(found.windows), 'window')}, {len(found.videos.labels)} labels, each scored "
        "by itself",
        *[f"not judged: {one.path}: {one.problem}" for one in problems],
        *[f"left out, as the model does not know it: {one}" for one in found.unknown_labels],
        "",
        exact_text(found.windows, "window"),
        exact_text(found.videos, "video"),
        interval_note(found.num_groups if grouped else None),
        "",
        f"videos, at a threshold of {THRESHOLD:g}",
        *several_lines(found.videos, "video"),
        "",
        f"expected calibration error of the scores of windows: {error.value:.3f}",
    ]
