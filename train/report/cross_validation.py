"""The results of a cross-validation: each video judged by a network not trained on its group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from rtaction.evaluation.classification import Classification
from rtaction.evaluation.estimate import CONFIDENCE, clusters_of
from rtaction.evaluation.text import (
    accuracy_text,
    confusion_table,
    counted,
    interval_note,
    label_table,
    percent,
)
from rtaction.labelled.videos import Video
from rtaction.train.report.judged_clips import JudgedClips


@dataclass(frozen=True, slots=True)
class JudgedVideo:
    """One video with the prediction of its fold's network.

    Args:
        video: the video, with its true label.
        predicted: the label with the highest mean score over its windows.
        windows_predicted: number of its windows by predicted label, in label order.
    """

    video: Video
    predicted: str
    windows_predicted: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class JudgedVideos:
    """Videos of one or more folds. Intervals treat videos of one group as dependent.

    Args:
        labels: all labels.
        videos: at least one. With several repeats, each occurs once per repeat.
    """

    labels: tuple[str, ...]
    videos: tuple[JudgedVideo, ...]

    @cached_property
    def by_video(self) -> Classification:
        """Each video by its predicted label."""
        return Classification.from_names(
            self.labels,
            [one.video.label for one in self.videos],
            [one.predicted for one in self.videos],
            clusters_of([one.video.group for one in self.videos]),
        )

    @cached_property
    def by_window(self) -> Classification:
        """Each window by its predicted label."""
        counts = np.array([one.windows_predicted for one in self.videos])  # (videos, labels)
        of_video, of_label = (
            np.repeat(one.ravel(), counts.ravel()) for one in np.indices(counts.shape)
        )
        videos = self.by_video
        return Classification(
            self.labels, videos.true[of_video], of_label, videos.clusters[of_video]
        )

    @property
    def num_groups(self) -> int:
        """Number of groups among the videos."""
        return len({one.video.group for one in self.videos})


@dataclass(frozen=True, eq=False)
class FoldResult(JudgedVideos):
    """The results of one fold.

    Args:
        labels: all labels.
        videos: those that could be used.
        repeat: its number, from 1.
        fold: its number, from 1.
        num_epochs: number of epochs that its network was trained for.
        num_skipped: number of its videos that could not be used.
    """

    repeat: int
    fold: int
    num_epochs: int
    num_skipped: int

    @classmethod
    def of_clips(
        cls, judged: JudgedClips, *, repeat: int, fold: int, num_epochs: int
    ) -> FoldResult:
        """Count the clips of each video."""
        labels, clips = judged.clips.labels, judged.by_clip
        windows = np.zeros((len(judged.clips.videos), len(labels)), np.intp)
        np.add.at(windows, (judged.clips.clip_videos, clips.predicted), 1)
        rows = zip(
            judged.clips.videos, judged.by_video.predicted.tolist(), windows.tolist(), strict=True
        )
        videos = tuple(JudgedVideo(video, labels[best], tuple(own)) for video, best, own in rows)
        return cls(labels, videos, repeat, fold, num_epochs, judged.clips.num_skipped)

    def to_dict(self) -> dict[str, Any]:
        """For JSON; `from_dict` reads it."""
        return {
            "repeat": self.repeat,
            "fold": self.fold,
            "num_epochs": self.num_epochs,
            "num_skipped": self.num_skipped,
            "num_groups": self.num_groups,
            "window_accuracy": round(self.by_window.accuracy.value, 6),
            "video_accuracy": round(self.by_video.accuracy.value, 6),
            "labels": list(self.labels),
            "videos": [
                one.video.to_dict()
                | {
                    "called": one.predicted,
                    "windows_called": list(one.windows_predicted),
                }
                for one in self.videos
            ],
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> FoldResult:
        """Parse the output of `to_dict`.

        Raises:
            KeyError, TypeError: it is anything else.
        """
        return cls(
            repeat=values["repeat"],
            fold=values["fold"],
            num_epochs=values["num_epochs"],
            num_skipped=values["num_skipped"],
            labels=tuple(values["labels"]),
            videos=tuple(
                JudgedVideo(
                    Video.from_dict(one),
                    one["called"],
                    tuple(one["windows_called"]),
                )
                for one in values["videos"]
            ),
        )


@dataclass(frozen=True, eq=False)
class CrossValidation:
    """All folds of all repeats.

    Args:
        folds: by repeat, then by fold; at least one.
    """

    folds: tuple[FoldResult, ...]

    @cached_property
    def pooled(self) -> JudgedVideos:
        """The videos of all repeats."""
        return _pooled(self.folds)

    @cached_property
    def repeats(self) -> dict[int, JudgedVideos]:
        """The videos of each repeat, by its number."""
        return {
            number: _pooled(list(folds))
            for number, folds in groupby(self.folds, key=lambda one: one.repeat)
        }

    @property
    def num_videos(self) -> int:
        """Number of judged videos, each counted once."""
        return len({one.video for one in self.pooled.videos})

    @property
    def num_skipped(self) -> int:
        """Number of videos that could not be used."""
        return sum(one.num_skipped for one in self.folds if one.repeat == self.folds[0].repeat)

    @property
    def video_accuracies(self) -> list[float]:
        """Accuracy by video in each repeat."""
        return [one.by_video.accuracy.value for one in self.repeats.values()]

    @property
    def window_accuracies(self) -> list[float]:
        """Accuracy by window in each repeat."""
        return [one.by_window.accuracy.value for one in self.repeats.values()]

    @property
    def spread(self) -> float | None:
        """Standard deviation of `video_accuracies`; None for a single repeat.

        It shows the influence of chance in folds and training, not how well other people would be
        recognised: the intervals show that.
        """
        found = self.video_accuracies
        return float(np.std(found, ddof=1)) if len(found) > 1 else None

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        videos, windows = self.pooled.by_video, self.pooled.by_window
        return {
            "schema_version": 1,
            "confidence": CONFIDENCE,
            "labels": list(videos.labels),
            "num_videos": self.num_videos,
            "num_groups": self.pooled.num_groups,
            "num_skipped": self.num_skipped,
            "num_repeats": len(self.repeats),
            "num_folds": len(self.folds) // len(self.repeats),
            "video_accuracy": videos.accuracy.to_dict(),
            "video_accuracy_of_repeats": [round(one, 6) for one in self.video_accuracies],
            "video_accuracy_spread": None if self.spread is None else round(self.spread, 6),
            "window_accuracy": windows.accuracy.to_dict(),
            "window_accuracy_of_repeats": [round(one, 6) for one in self.window_accuracies],
            "most_frequent_label": round(videos.majority[1], 6),
            "recall": {label: one.recall.to_dict() for label, one in videos.by_label.items()},
            "confusion": videos.confusion.tolist(),
            "folds": [one.to_dict() for one in self.folds],
        }


def print_cross_validation(console: Console, found: CrossValidation) -> None:
    """Print folds, labels, confusion and accuracy, in 80 columns for up to about fifteen labels."""
    console.print()
    console.print(_table_of_folds(found))
    videos, num_repeats = found.pooled.by_video, len(found.repeats)
    num_groups = found.pooled.num_groups
    lines = ["", *label_table(videos, "video")]
    lines.append(interval_note(num_groups if num_groups < found.num_videos else None))
    lines += ["", *confusion_table(videos, "video")]
    if num_repeats > 1:
        lines.append(f"(each video is counted once in each of {num_repeats} repeats)")
    lines += [
        "",
        accuracy_text(videos.accuracy, "videos"),
        accuracy_text(found.pooled.by_window.accuracy, "windows"),
    ]
    if found.spread is not None:
        lines.append(
            f"standard deviation over {num_repeats} repeats, by video: {percent(found.spread)}"
        )
    label, baseline = videos.majority
    skipped = f"; {found.num_skipped} skipped" if found.num_skipped else ""
    lines += [
        f"accuracy of always predicting {label!r}: {percent(baseline)}",
        f"{counted(found.num_videos, 'video')} of {counted(num_groups, 'group')}{skipped}",
    ]
    for line in lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _table_of_folds(found: CrossValidation) -> Table:
    table = Table(title="Accuracy on the videos of each fold", title_justify="left")
    for name in ("repeat", "fold", "videos", "groups", "epochs", "by window", "by video"):
        table.add_column(name, justify="right")

    def add(repeat: int, fold: str, videos: JudgedVideos, epochs: str) -> None:
        table.add_row(
            *(str(repeat), fold, str(len(videos.videos)), str(videos.num_groups), epochs),
            percent(videos.by_window.accuracy.value),
            percent(videos.by_video.accuracy.value),
        )

    for repeat, videos in found.repeats.items():
        for one in found.folds:
            if one.repeat == repeat:
                add(repeat, str(one.fold), one, str(one.num_epochs))
        add(repeat, "all", videos, "")
        table.add_section()
    if len(found.repeats) > 1:
        means = [np.mean(of).item() for of in (found.window_accuracies, found.video_accuracies)]
        table.add_row("mean", "", "", "", "", *map(percent, means))
    return table


def _pooled(folds: Sequence[FoldResult]) -> JudgedVideos:
    return JudgedVideos(folds[0].labels, tuple(one for fold in folds for one in fold.videos))
