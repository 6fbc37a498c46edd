"""How good a network is, label by label, on clips that it was not trained on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rtaction.train.data.clip_set import ClipSet


@dataclass(frozen=True, slots=True)
class LabelFigures:
    """How one label did.

    Args:
        label: the label.
        num_clips: clips that show it.
        precision: share of the clips called so that show it; nan where none was called so.
        recall: share of the clips that show it that were called so; nan where none shows it.
    """

    label: str
    num_clips: int
    precision: float
    recall: float


@dataclass(frozen=True, eq=False, slots=True)
class Evaluation:
    """What came out.

    Args:
        confusion: intp, shape (num_labels, num_labels): clips by true label (row) and by the label
            that they were given (column).
        clip_accuracy: share of clips given the right label.
        video_accuracy: share of videos whose mean scores over their clips name the right label.
        num_videos: videos.
        labels: figures of each label.
    """

    confusion: npt.NDArray[np.intp]
    clip_accuracy: float
    video_accuracy: float
    num_videos: int
    labels: tuple[LabelFigures, ...]

    @property
    def num_clips(self) -> int:
        """Clips looked at."""
        return int(self.confusion.sum())

    def to_dict(self) -> dict[str, Any]:
        """For JSON; an undefined figure is None."""
        return {
            "num_clips": self.num_clips,
            "clip_accuracy": self.clip_accuracy,
            "num_videos": self.num_videos,
            "video_accuracy": self.video_accuracy,
            "labels": [
                {
                    "label": one.label,
                    "num_clips": one.num_clips,
                    "precision": None if np.isnan(one.precision) else one.precision,
                    "recall": None if np.isnan(one.recall) else one.recall,
                }
                for one in self.labels
            ],
            "confusion": self.confusion.tolist(),
        }


def predict_scores(
    network: Any, clips: ClipSet, *, batch_size: int = 32
) -> npt.NDArray[np.float32]:
    """Scores of all clips: float32, shape (num_clips, num_labels)."""
    starts = range(0, len(clips), batch_size)
    batches = [range(start, min(start + batch_size, len(clips))) for start in starts]
    scores = [network.predict_on_batch(clips.pictures(list(batch))) for batch in batches]
    return np.concatenate(scores).astype(np.float32)


def evaluate_scores(scores: npt.NDArray[np.float32], clips: ClipSet) -> Evaluation:
    """Compare scores with the truth.

    Args:
        scores: float32, shape (num_clips, num_labels).
        clips: the clips they were given to.
    """
    num_labels = len(clips.labels)
    called = scores.argmax(axis=1)  # (num_clips,)
    confusion = np.zeros((num_labels, num_labels), np.intp)
    np.add.at(confusion, (clips.clip_labels, called), 1)
    right = np.diag(confusion)
    with np.errstate(invalid="ignore"):
        precision = right / confusion.sum(axis=0)
        recall = right / confusion.sum(axis=1)
    truth = [clips.labels.index(video.label) for video in clips.videos]
    video_right = called_of_videos(scores, clips) == truth
    return Evaluation(
        confusion=confusion,
        clip_accuracy=float((called == clips.clip_labels).mean()),
        video_accuracy=float(np.mean(video_right)),
        num_videos=len(clips.videos),
        labels=tuple(
            LabelFigures(label, int(confusion[i].sum()), float(precision[i]), float(recall[i]))
            for i, label in enumerate(clips.labels)
        ),
    )


def called_of_videos(scores: npt.NDArray[np.float32], clips: ClipSet) -> npt.NDArray[np.intp]:
    """What each video is called: the label of the highest mean score over its clips.

    Args:
        scores: float32, shape (num_clips, num_labels).
        clips: the clips they were given to.

    Returns:
        intp, shape (num_videos,), positions in the labels.
    """
    sums = np.zeros((len(clips.videos), len(clips.labels)))
    np.add.at(sums, clips.clip_videos, scores)
    return np.asarray(sums.argmax(axis=1))  # the highest sum is the highest mean
