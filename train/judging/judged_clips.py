"""Clips with the scores they were given: how sure the figures are, and where they are wrong.

This file knows nothing of networks and of how it is all shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from rtaction.evaluation.confidence import Clusters, Estimate, share
from rtaction.train.data.clip_set import ClipSet
from rtaction.train.judging.evaluate import Evaluation, called_of_videos, evaluate_scores
from rtaction.video.labelled_videos import Video


@dataclass(frozen=True, slots=True)
class Mistake:
    """One clip that was called wrong.

    Args:
        clip: its position in the set.
        video: where it is from, with its true label.
        called: the label that it was given.
        true_score: of its true label.
        called_score: of the label that it was given.
    """

    clip: int
    video: Video
    called: str
    true_score: float
    called_score: float


@dataclass(frozen=True, slots=True)
class ConfusedPair:
    """Two labels of which one was taken for the other.

    Args:
        label: the true one.
        called: what was said instead.
        num_clips: how many clips of `label` were called `called`.
        num_of_label: how many clips show `label`.
    """

    label: str
    called: str
    num_clips: int
    num_of_label: int


@dataclass(frozen=True, slots=True)
class SureFigures:
    """How one label did, with intervals.

    Args:
        label: the label.
        precision: share of the clips called so that show it.
        recall: share of the clips that show it that were called so.
    """

    label: str
    precision: Estimate
    recall: Estimate


@dataclass(frozen=True, eq=False)
class JudgedClips:
    """Clips, and what a network said of them.

    Args:
        clips: the clips.
        scores: float32, shape (num_clips, num_labels).
    """

    clips: ClipSet
    scores: npt.NDArray[np.float32]

    @cached_property
    def evaluation(self) -> Evaluation:
        """The figures without intervals."""
        return evaluate_scores(self.scores, self.clips)

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """The groups that the videos are from, sorted."""
        return tuple(sorted({video.group for video in self.clips.videos}))

    @property
    def clip_accuracy(self) -> Estimate:
        """Share of clips given the right label; those of a group count as belonging together."""
        return share(self._called == self.clips.clip_labels, self._clip_groups)

    @property
    def video_accuracy(self) -> Estimate:
        """Share of videos whose mean scores name the right label; groups as above."""
        truth = [self.clips.labels.index(video.label) for video in self.clips.videos]
        return share(called_of_videos(self.scores, self.clips) == truth, self._video_groups)

    def most_frequent(self) -> tuple[str, float]:
        """The label with the most clips, and how often always saying it would be right."""
        counts = np.bincount(self.clips.clip_labels, minlength=len(self.clips.labels))
        return self.clips.labels[int(counts.argmax())], float(counts.max() / counts.sum())

    def figures_of_labels(self) -> list[SureFigures]:
        """Each label's figures, the lowest recall first; labels without clips come last."""
        found = []
        for number, label in enumerate(self.clips.labels):
            is_called = self._called == number
            shows = self.clips.clip_labels == number
            precision = share(shows[is_called], self._clip_groups[is_called])
            recall = share(is_called[shows], self._clip_groups[shows])
            found.append(SureFigures(label, precision, recall))
        return sorted(found, key=lambda one: (not one.recall.is_defined, one.recall.value))

    def confused_pairs(self, most: int = 5) -> list[ConfusedPair]:
        """The labels that were taken for others, those with the most clips first."""
        labels, confusion = self.clips.labels, self.evaluation.confusion
        found = [
            ConfusedPair(labels[true], labels[called], int(number), int(confusion[true].sum()))
            for (true, called), number in np.ndenumerate(confusion)
            if true != called and number
        ]
        found.sort(key=lambda one: (-one.num_clips, -one.num_clips / one.num_of_label))
        return found[:most]

    def worst_mistakes(self, most: int = 8) -> list[Mistake]:
        """The clips called wrong with the highest scores, that first; one of each video at most."""
        wrong = np.flatnonzero(self._called != self.clips.clip_labels)
        order = wrong[np.argsort(-self.scores[wrong, self._called[wrong]], kind="stable")]
        _, firsts = np.unique(self.clips.clip_videos[order], return_index=True)
        return [self._mistake(int(clip)) for clip in order[np.sort(firsts)[:most]]]

    def _mistake(self, clip: int) -> Mistake:
        called = int(self._called[clip])
        return Mistake(
            clip=clip,
            video=self.clips.videos[self.clips.clip_videos[clip]],
            called=self.clips.labels[called],
            true_score=float(self.scores[clip, self.clips.clip_labels[clip]]),
            called_score=float(self.scores[clip, called]),
        )

    @cached_property
    def _called(self) -> npt.NDArray[np.intp]:
        return np.asarray(self.scores.argmax(axis=1))  # (num_clips,)

    @cached_property
    def _video_groups(self) -> Clusters:
        groups = [video.group for video in self.clips.videos]
        return np.asarray(np.unique(groups, return_inverse=True)[1])

    @cached_property
    def _clip_groups(self) -> Clusters:
        return np.asarray(self._video_groups[self.clips.clip_videos])
