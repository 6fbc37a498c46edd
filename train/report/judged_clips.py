"""Clips with a network's scores, and its mistakes among them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from rtaction.evaluation.calibration import Calibration
from rtaction.evaluation.classification import Classification
from rtaction.evaluation.estimate import Clusters, Estimate, clusters_of
from rtaction.evaluation.several_labels import SeveralLabels, exact_text, several_lines
from rtaction.evaluation.text import accuracy_text, counted, interval_note, label_table
from rtaction.labelled.videos import Video, is_grouped
from rtaction.train.data.clip_set import ClipSet


def predict_scores(
    network: Any, clips: ClipSet, *, batch_size: int = 32
) -> npt.NDArray[np.float32]:
    """Scores of all clips: float32, shape (num_clips, num_labels)."""
    starts = range(0, len(clips), batch_size)
    batches = [range(start, min(start + batch_size, len(clips))) for start in starts]
    scores = [network.predict_on_batch(clips.pictures(list(batch))) for batch in batches]
    return np.concatenate(scores).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Mistake:
    """One clip with a wrong prediction.

    Args:
        clip: its index in the set.
        video: its video, with the true label.
        predicted: the label that was predicted.
        true_score: score of the true label.
        predicted_score: score of the predicted label.
    """

    clip: int
    video: Video
    predicted: str
    true_score: float
    predicted_score: float


@dataclass(frozen=True, eq=False)
class JudgedClips:
    """Clips with a network's scores. Intervals treat clips of one group as dependent.

    Args:
        clips: the clips.
        scores: float32, shape (num_clips, num_labels).
    """

    clips: ClipSet
    scores: npt.NDArray[np.float32]

    @cached_property
    def by_clip(self) -> Classification:
        """Each clip by its own scores."""
        clips = self.clips
        return Classification.from_scores(
            clips.labels, clips.clip_labels, self.scores, self._clusters
        )

    @property
    def _clusters(self) -> Clusters:
        clips = self.clips
        return clusters_of([video.group for video in clips.videos])[clips.clip_videos]

    @cached_property
    def by_video(self) -> Classification:
        """Each video by the mean scores of its clips."""
        return self.by_clip.pooled(self.clips.clip_videos)

    @cached_property
    def several(self) -> SeveralLabels | None:
        """Each clip by its own scores, if clips may have several labels; otherwise None."""
        clips = self.clips
        if clips.truths is None:
            return None
        return SeveralLabels(clips.labels, clips.truths, self.scores, self._clusters)

    @property
    def calibration(self) -> Calibration:
        """How far the scores are from probabilities."""
        return (self.several or self.by_clip).calibration

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """The groups of the videos, sorted."""
        return tuple(sorted({video.group for video in self.clips.videos}))

    @property
    def is_grouped(self) -> bool:
        """Whether videos were grouped; otherwise each is its own group."""
        return is_grouped(self.clips.videos)

    def worst_mistakes(self, most: int = 8) -> list[Mistake]:
        """The wrong predictions with the highest scores first; at most one per video."""
        predicted = self.by_clip.predicted
        wrong = np.flatnonzero(~self.by_clip.is_correct)
        order = wrong[np.argsort(-self.scores[wrong, predicted[wrong]], kind="stable")]
        _, firsts = np.unique(self.clips.clip_videos[order], return_index=True)
        return [self._mistake(int(clip)) for clip in order[np.sort(firsts)[:most]]]

    @property
    def accuracy(self) -> Estimate:
        """Share of the videos that are named rightly; of clips with several labels, share of those
        whose labels are all right."""
        return self.by_video.accuracy if self.several is None else self.several.exact

    def lines(self, name: str) -> list[str]:
        """The results for a person, per label and overall.

        Args:
            name: of the set, such as "validation".
        """
        note = interval_note(len(self.groups) if self.is_grouped else None)
        if self.several is not None:
            of_videos = self.several.pooled(self.clips.clip_videos)
            table = several_lines(self.several, "clip")
            results = [exact_text(self.several, "clip"), exact_text(of_videos, "video")]
        else:
            clips, videos = self.by_clip, self.by_video
            table = label_table(clips, "clip")
            results = [
                accuracy_text(clips.accuracy, counted(len(clips), "clip")),
                accuracy_text(videos.accuracy, f"{counted(len(videos), 'video')} (mean scores)"),
            ]
        return [f"On {name}", *table, note, *results]

    def to_dict(self) -> dict[str, Any]:
        """For JSON; an undefined figure is None."""
        if self.several is not None:
            videos = self.several.pooled(self.clips.clip_videos)
            return {"clips": self.several.to_dict(), "videos": videos.to_dict()}
        return {
            "num_clips": len(self.by_clip),
            "clip_accuracy": self.by_clip.accuracy.value,
            "num_videos": len(self.by_video),
            "video_accuracy": self.by_video.accuracy.value,
            "labels": [
                {
                    "label": label,
                    "num_clips": one.num_true,
                    "precision": _value(one.precision),
                    "recall": _value(one.recall),
                }
                for label, one in self.by_clip.by_label.items()
            ],
            "confusion": self.by_clip.confusion.tolist(),
        }

    def _mistake(self, clip: int) -> Mistake:
        predicted = int(self.by_clip.predicted[clip])
        return Mistake(
            clip=clip,
            video=self.clips.videos[self.clips.clip_videos[clip]],
            predicted=self.clips.labels[predicted],
            true_score=float(self.scores[clip, self.clips.clip_labels[clip]]),
            predicted_score=float(self.scores[clip, predicted]),
        )


def _value(estimate: Estimate) -> float | None:
    return estimate.value if estimate.is_defined else None
