"""Statistics over time of the features of a window's frames."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from rtaction.arrays import Float32Array, Float64Array

NUM_STATISTICS = 3
"""Mean, maximum and mean absolute change; of a single frame there is no change."""

_CHANGE_IMPORTANCE = 6.0
"""That of mean and maximum is 1. Actions are change, and what stays the same is the place."""


def clip_statistics(clip_features: npt.NDArray[Any]) -> Float32Array:
    """Mean, maximum and mean absolute change from frame to frame of each feature.

    Args:
        clip_features: shape (num_clips, frames_per_clip, num_features).

    Returns:
        float32, shape (num_clips, 3 * num_features); 2 * num_features for clips of one frame.
    """
    features = np.asarray(clip_features, np.float32)
    rows = [features.mean(axis=1), features.max(axis=1)]
    if features.shape[1] > 1:
        rows.append(np.abs(np.diff(features, axis=1)).mean(axis=1))
    return np.concatenate(rows, axis=1)


def statistics_importance(frames_per_clip: int, num_features: int) -> Float64Array:
    """How much each of `clip_statistics` counts in a fit: float64, of mean 1."""
    importance = [1.0, 1.0, _CHANGE_IMPORTANCE][: min(1 + frames_per_clip, NUM_STATISTICS)]
    counts = np.repeat(importance, num_features)
    return np.asarray(counts / counts.mean())
