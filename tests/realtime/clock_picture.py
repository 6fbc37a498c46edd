"""Pictures that tell the stream time at which they were made, however small they are shown."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

GRID = 4
_NUM_TIMES = 2 ** (GRID * GRID)
_NUM_BEFORE = 8_000
"""So many of the times are before zero: a server's burst shows what was before its start."""
_LOW, _HIGH = 60, 200


def clock_picture(seconds: float, size_hw: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """The stream time in milliseconds, as 4x4 dark and bright fields."""
    number = round(seconds * 1000) % _NUM_TIMES
    bits = number >> np.arange(GRID * GRID) & 1
    fields = np.where(bits, _HIGH, _LOW).astype(np.uint8).reshape(GRID, GRID)
    tall = np.repeat(fields, size_hw[0] // GRID, axis=0)
    gray = np.repeat(tall, size_hw[1] // GRID, axis=1)
    return np.repeat(gray[..., np.newaxis], 3, axis=2)


def read_clock(image: npt.NDArray[Any]) -> float:
    """The stream time of a picture of any size: -8 to 57.5 seconds, where the times begin again.

    Args:
        image: uint8 (height, width, any), both a multiple of 4.
    """
    height, width = image.shape[:2]
    fields = image.reshape(GRID, height // GRID, GRID, width // GRID, -1).mean(axis=(1, 3, 4))
    bits = fields.ravel() > (_LOW + _HIGH) / 2
    number = int(np.dot(bits, 2 ** np.arange(GRID * GRID)))
    is_before = number >= _NUM_TIMES - _NUM_BEFORE
    return float(number - is_before * _NUM_TIMES) / 1000
