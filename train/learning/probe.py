"""What can be told from features by a line, on groups that the line was not fitted on.

Ridge regression in closed form: seconds for hundreds of clips, and it does not overfit where there
are more features than clips.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rtaction.arrays import Float64Array
from rtaction.train.data.clip_set import ClipSet
from rtaction.train.data.folds import make_folds

_NUM_FOLDS = 5
_RIDGE = 0.3  # as a multiple of the number of features, which are of variance 1


@dataclass(frozen=True, slots=True)
class Tried:
    """How far a modality got.

    Args:
        accuracy: share of videos named rightly.
        error: how far scores are from the truth; it tells apart what the accuracy does not.
    """

    accuracy: float
    error: float


def probe(parts: Sequence[npt.NDArray[Any]], clips: ClipSet, *, num_repeats: int = 3) -> Tried:
    """How well lines name videos of groups that they were not fitted on.

    Args:
        parts: features of the clips, each float32 (num_clips, frames_per_clip, num_features).
        clips: what they are features of.
        num_repeats: how often the groups are shared out anew. Default 3.

    Raises:
        DatasetError, UsageError: there are too few groups, see `make_folds`.
    """
    rows = np.concatenate([clip_statistics(part) for part in parts], axis=1)
    spread = rows.std(axis=0)
    rows = (rows - rows.mean(axis=0)) / np.maximum(spread, 0.1 * spread.mean())
    targets = np.where(clips.one_hot(range(len(clips))) > 0, 1.0, -1.0)
    truth = np.array([clips.labels.index(video.label) for video in clips.videos])
    num_folds = min(_NUM_FOLDS, len({video.group for video in clips.videos}))
    shares, errors = [], []
    for seed in range(num_repeats):
        right = np.zeros(len(clips.videos), bool)
        for fold in make_folds(clips.videos, num_folds, seed=seed):
            is_held_out = np.array([video in fold for video in clips.videos])
            of_clips = is_held_out[clips.clip_videos]
            scores = _ridge_scores(rows[~of_clips], targets[~of_clips], rows[of_clips])
            for video in np.flatnonzero(is_held_out):
                mine = scores[clips.clip_videos[of_clips] == video]
                mean = mine.mean(axis=0)  # (num_labels,), 1 for the truth and -1 for the others
                right[video] = mean.argmax() == truth[video]
                wanted = np.where(np.arange(len(mean)) == truth[video], 1.0, -1.0)
                errors.append(((mean - wanted) ** 2).mean())
        shares.append(right.mean())
    return Tried(float(np.mean(shares)), float(np.mean(errors)))


def clip_statistics(features: npt.NDArray[Any]) -> Float64Array:
    """What the head of that name makes of a clip: means, highest values and mean changes.

    Args:
        features: float32, shape (num_clips, frames_per_clip, num_features).

    Returns:
        float64, shape (num_clips, 3 * num_features), or 2 * for clips of one picture.
    """
    rows = [features.mean(axis=1), features.max(axis=1)]
    if features.shape[1] > 1:
        rows.append(np.abs(np.diff(features, axis=1)).mean(axis=1))
    return np.concatenate(rows, axis=1, dtype=np.float64)


def _ridge_scores(rows: Float64Array, targets: Float64Array, asked: Float64Array) -> Float64Array:
    """Scores (num_asked, num_labels) of ridge regression, by its dual, as clips are few."""
    inner = rows @ rows.T / rows.shape[1]
    offset = targets.mean(axis=0)
    weights = np.linalg.solve(inner + _RIDGE * np.eye(len(rows)), targets - offset)
    return np.asarray(asked @ rows.T / rows.shape[1] @ weights + offset)
