"""How well people's joints tell the labels of videos apart, beside the modalities of pictures.

`rtaction teach` and `rtaction train --auto` both try joints first, by the same ridge regression and
the same held-out groups as pictures. This file knows nothing of videos.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rtaction.arrays import Float32Array, Float64Array
from rtaction.features import ridge
from rtaction.features.modality_choice import Trial, Windows, best_modality, judged
from rtaction.features.pose_statistics import pose_statistics
from rtaction.pose.normal import mirrored, window_numbers

POSE = "pose"

LEAST_SHARE_WITH_PEOPLE = 0.9
"""Share of videos in which somebody must be seen, for joints to be tried."""

# Joints are in units of the body already: what hardly moves is noise, and must not be amplified.
_LEAST_SPREAD = 1.0
_WORSE_MIRRORED = 1.02  # an error above this share of the other shows that sides matter


@dataclass(frozen=True, slots=True, eq=False)
class PoseTrial:
    """A fit on joints.

    Args:
        trial: the fit, and its held-out predictions for videos.
        rows: the statistics that it was fitted to.
        is_mirrored: whether it was fitted to mirrored windows too, because left and right do not
            tell labels apart.
        error: of the trial; for the videos in which nobody is seen, that of a blind guess.
    """

    trial: Trial
    rows: ridge.Rows
    is_mirrored: bool
    error: float

    @property
    def is_flawless(self) -> bool:
        """Whether all held-out videos were named rightly, so that nothing else need be tried."""
        return self.trial.accuracy == 1.0 and bool(self.trial.is_judged.all())


def try_pose(
    points: Sequence[Float32Array],
    labels: Sequence[str],
    groups: Sequence[str],
    *,
    interval_seconds: float,
    share_unseen: float = 0.0,
) -> PoseTrial:
    """Fit a ridge regression on statistics of joints.

    Args:
        points: of each video, shape (num_windows, frames_per_clip, 17, 3), at least one window.
        labels: of the videos, at least two different ones.
        groups: of the videos; those of one group are held out together.
        interval_seconds: between two pictures of a window.
        share_unseen: of videos that are not among these, as nobody is seen in them. Default 0.
    """
    videos = Windows.without_parts([len(one) for one in points], labels, groups)
    every = np.concatenate(points)
    own = pose_statistics(window_numbers(every, interval_seconds))
    others = pose_statistics(window_numbers(mirrored(every), interval_seconds))
    plain = _fit(videos, [own], share_unseen)
    both = _fit(videos, [own, others], share_unseen)
    # Whoever taught with the right hand will be followed by somebody with the left.
    return both if both.error <= _WORSE_MIRRORED * plain.error else plain


def chosen_modality(pose: PoseTrial | None, errors: Mapping[str, float]) -> str:
    """The modality to take; joints cost least, and come first.

    Args:
        pose: None if joints cannot be used.
        errors: of the modalities of pictures, the cheapest first; may be empty if there are joints.
    """
    first = {} if pose is None else {POSE: pose.error}
    return best_modality({**first, **errors})


def pose_rows(statistics: Float32Array, weights: Float64Array) -> ridge.Rows:
    """Standardised `pose_statistics` of windows.

    Args:
        statistics: float32, shape (num_windows, num_statistics).
        weights: of the windows, of mean 1, shape (num_windows,).
    """
    importance = np.ones(statistics.shape[1])
    return ridge.Rows.standardised(statistics, weights, importance, least_spread=_LEAST_SPREAD)


def _fit(videos: Windows, statistics: Sequence[Float32Array], share_unseen: float) -> PoseTrial:
    copies = len(statistics)
    weights: Float64Array = np.tile(videos.weights, copies)
    features = np.concatenate(statistics)
    rows = pose_rows(features, weights)
    labels = np.tile(videos.labels, copies)
    groups = np.tile(videos.video_groups[videos.videos], copies)
    found = ridge.fit(rows.kernel, labels, groups, weights)
    held_out = found.held_out[: len(videos.videos)]  # judged as they were recorded
    misses = np.square(held_out - np.eye(held_out.shape[1])[videos.labels]).mean(axis=1)
    error = float(np.average(misses, weights=videos.weights))
    trial = judged(videos, replace(found, held_out=held_out, error=error))
    blind = (1 - 1 / held_out.shape[1]) / held_out.shape[1]
    error = (1 - share_unseen) * error + share_unseen * blind
    return PoseTrial(trial, rows, copies > 1, error)
