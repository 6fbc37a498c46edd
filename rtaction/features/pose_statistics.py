"""Statistics over time of the numbers that describe a person's joints."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from rtaction.arrays import Float32Array

NUM_POSE_STATISTICS = 3
"""Mean, standard deviation and mean absolute value; that of a speed says how much it moves."""


def pose_statistics(numbers: npt.NDArray[Any]) -> Float32Array:
    """Mean, standard deviation and mean absolute value of each number.

    Args:
        numbers: shape (num_clips, frames_per_clip, num_numbers), from
            `rtaction.pose.normal.window_numbers`.

    Returns:
        float32, shape (num_clips, 3 * num_numbers).
    """
    values = np.asarray(numbers, np.float32)
    rows = [values.mean(axis=1), values.std(axis=1), np.abs(values).mean(axis=1)]
    return np.concatenate(rows, axis=1)
