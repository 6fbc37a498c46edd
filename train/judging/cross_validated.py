"""What a cross-validation found: each video judged by networks that were not trained on its group.

This file knows nothing of how networks are trained.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rtaction.evaluation.confidence import CONFIDENCE, Clusters, Estimate, share
from rtaction.train.judging.evaluate import called_of_videos
from rtaction.train.judging.judged_clips import JudgedClips
from rtaction.video.labelled_videos import Video


@dataclass(frozen=True, slots=True)
class JudgedVideo:
    """One video, and what the network of its fold said.

    Args:
        video: the video, with its true label.
        called: the label of the highest mean score over its windows.
        windows_called: how many of its windows were called each label, in the labels' order.
    """

    video: Video
    called: str
    windows_called: tuple[int, ...]

    @property
    def is_right(self) -> bool:
        """Whether it was given its own label."""
        return self.called == self.video.label


@dataclass(frozen=True, eq=False)
class FoldResult:
    """What became of the videos of one fold.

    Args:
        repeat: from 1.
        fold: from 1.
        num_epochs: how long its network was trained.
        num_skipped: videos of it that could not be used.
        labels: all labels.
        videos: the others.
    """

    repeat: int
    fold: int
    num_epochs: int
    num_skipped: int
    labels: tuple[str, ...]
    videos: tuple[JudgedVideo, ...]

    @property
    def num_groups(self) -> int:
        """Groups among its videos."""
        return len({one.video.group for one in self.videos})

    @property
    def window_accuracy(self) -> float:
        """Share of windows given the right label."""
        return float(_window_hits(self.videos, self.labels)[0].mean())

    @property
    def video_accuracy(self) -> float:
        """Share of videos given the right label."""
        return float(np.mean([one.is_right for one in self.videos]))

    def to_dict(self) -> dict[str, Any]:
        """For JSON; `from_dict` reads it."""
        return {
            "repeat": self.repeat,
            "fold": self.fold,
            "num_epochs": self.num_epochs,
            "num_skipped": self.num_skipped,
            "num_groups": self.num_groups,
            "window_accuracy": round(self.window_accuracy, 6),
            "video_accuracy": round(self.video_accuracy, 6),
            "labels": list(self.labels),
            "videos": [
                {
                    "path": one.video.path.as_posix(),
                    "label": one.video.label,
                    "group": one.video.group,
                    "called": one.called,
                    "windows_called": list(one.windows_called),
                }
                for one in self.videos
            ],
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> FoldResult:
        """What `to_dict` gave.

        Raises:
            KeyError, TypeError: it is something else.
        """
        return cls(
            repeat=values["repeat"],
            fold=values["fold"],
            num_epochs=values["num_epochs"],
            num_skipped=values["num_skipped"],
            labels=tuple(values["labels"]),
            videos=tuple(
                JudgedVideo(
                    Video(Path(one["path"]), one["label"], one["group"]),
                    one["called"],
                    tuple(one["windows_called"]),
                )
                for one in values["videos"]
            ),
        )


def judged_videos(judged: JudgedClips) -> tuple[JudgedVideo, ...]:
    """Clips with their scores, video by video."""
    labels = judged.clips.labels
    windows = np.zeros((len(judged.clips.videos), len(labels)), np.intp)
    np.add.at(windows, (judged.clips.clip_videos, judged.scores.argmax(axis=1)), 1)
    called = called_of_videos(judged.scores, judged.clips)
    return tuple(
        JudgedVideo(video, labels[number], tuple(own))
        for video, number, own in zip(
            judged.clips.videos, called.tolist(), windows.tolist(), strict=True
        )
    )


@dataclass(frozen=True, eq=False)
class CrossValidation:
    """All folds of all repeats. Each video stands there once in each repeat.

    Videos of a group count as belonging together, and so does one video in several repeats.

    Args:
        folds: by repeat, then by fold; at least one.
    """

    folds: tuple[FoldResult, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """All labels."""
        return self.folds[0].labels

    @property
    def repeats(self) -> dict[int, list[FoldResult]]:
        """The folds of each repeat, by its number."""
        numbers = sorted({one.repeat for one in self.folds})
        return {number: [f for f in self.folds if f.repeat == number] for number in numbers}

    @property
    def num_videos(self) -> int:
        """Videos that were judged."""
        return len({one.video.path for one in self._judged})

    @property
    def num_groups(self) -> int:
        """Groups among them."""
        return len({one.video.group for one in self._judged})

    @property
    def num_skipped(self) -> int:
        """Videos that could not be used."""
        return sum(one.num_skipped for one in self.folds if one.repeat == self.folds[0].repeat)

    @property
    def video_accuracies(self) -> list[float]:
        """Share of videos given the right label, in each repeat."""
        return [
            float(np.mean([video.is_right for fold in folds for video in fold.videos]))
            for folds in self.repeats.values()
        ]

    @property
    def window_accuracies(self) -> list[float]:
        """Share of windows given the right label, in each repeat."""
        return [
            float(_window_hits([v for f in folds for v in f.videos], self.labels)[0].mean())
            for folds in self.repeats.values()
        ]

    @property
    def spread(self) -> float | None:
        """Standard deviation of `video_accuracies`; None for a single repeat.

        It tells how much chance in folds and training matters, not how well other people would be
        recognised: that is what the intervals are for.
        """
        found = self.video_accuracies
        return float(np.std(found, ddof=1)) if len(found) > 1 else None

    @property
    def video_accuracy(self) -> Estimate:
        """Share of videos given the right label, all repeats together."""
        return share(np.array([one.is_right for one in self._judged]), self._groups)

    @property
    def window_accuracy(self) -> Estimate:
        """Share of windows given the right label, all repeats together."""
        hits, of_video = _window_hits(self._judged, self.labels)
        return share(hits, self._groups[of_video])

    @property
    def confusion(self) -> npt.NDArray[np.intp]:
        """Videos of all repeats by true label (row) and by the label they were given (column).

        intp, shape (num_labels, num_labels).
        """
        found = np.zeros((len(self.labels), len(self.labels)), np.intp)
        for one in self._judged:
            found[self.labels.index(one.video.label), self.labels.index(one.called)] += 1
        return found

    @property
    def recalls(self) -> dict[str, Estimate]:
        """For each label, the share of its videos that were given it."""
        truth = np.array([one.video.label for one in self._judged])
        right = np.array([one.is_right for one in self._judged])
        return {
            label: share(right[truth == label], self._groups[truth == label])
            for label in self.labels
        }

    @property
    def most_frequent(self) -> tuple[str, float]:
        """The label with the most videos, and how often always saying it would be right."""
        counts = self.confusion.sum(axis=1)
        return self.labels[int(counts.argmax())], float(counts.max() / counts.sum())

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "schema_version": 1,
            "confidence": CONFIDENCE,
            "labels": list(self.labels),
            "num_videos": self.num_videos,
            "num_groups": self.num_groups,
            "num_skipped": self.num_skipped,
            "num_repeats": len(self.repeats),
            "num_folds": len(self.folds) // len(self.repeats),
            "video_accuracy": self.video_accuracy.to_dict(),
            "video_accuracy_of_repeats": [round(one, 6) for one in self.video_accuracies],
            "video_accuracy_spread": None if self.spread is None else round(self.spread, 6),
            "window_accuracy": self.window_accuracy.to_dict(),
            "window_accuracy_of_repeats": [round(one, 6) for one in self.window_accuracies],
            "most_frequent_label": round(self.most_frequent[1], 6),
            "recall": {label: figure.to_dict() for label, figure in self.recalls.items()},
            "confusion": self.confusion.tolist(),
            "folds": [one.to_dict() for one in self.folds],
        }

    @cached_property
    def _judged(self) -> list[JudgedVideo]:
        return [one for fold in self.folds for one in fold.videos]

    @cached_property
    def _groups(self) -> Clusters:
        groups = [one.video.group for one in self._judged]
        return np.asarray(np.unique(groups, return_inverse=True)[1])


def _window_hits(
    videos: list[JudgedVideo] | tuple[JudgedVideo, ...], labels: tuple[str, ...]
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.intp]]:
    """For each window, whether it was given the right label, and the number of its video."""
    counts = np.array([one.windows_called for one in videos])  # (num_videos, num_labels)
    is_own = np.array([[one.video.label == label for label in labels] for one in videos])
    hits = np.repeat(is_own.ravel(), counts.ravel())
    of_video = np.repeat(np.arange(len(videos)), counts.sum(axis=1))
    return hits, of_video
