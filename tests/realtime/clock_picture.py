"""Pictures that tell the stream time at which they were made, however small they are shown."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

GRID = 4
WRAP_SECONDS = 2 ** (GRID * GRID) / 1000
"""From here on the times begin again."""
_LOW, _HIGH = 60, 200


def clock_picture(seconds: float, size_hw: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """The stream time in milliseconds, as 4x4 dark and bright fields."""
    number = round(seconds * 1000) % 2 ** (GRID * GRID)
    bits = number >> np.arange(GRID * GRID) & 1
    fields = np.where(bits, _HIGH, _LOW).astype(np.uint8).reshape(GRID, GRID)
    tall = np.repeat(fields, size_hw[0] // GRID, axis=0)
    gray = np.repeat(tall, size_hw[1] // GRID, axis=1)
    return np.repeat(gray[..., np.newaxis], 3, axis=2)


def read_clock(image: npt.NDArray[Any]) -> float:
    """The stream time in seconds, up to `WRAP_SECONDS`, of a picture of any size.

    Args:
        image: uint8 (height, width, any), both a multiple of 4.
    """
    height, width = image.shape[:2]
    fields = image.reshape(GRID, height // GRID, GRID, width // GRID, -1).mean(axis=(1, 3, 4))
    bits = fields.ravel() > (_LOW + _HIGH) / 2
    return float(np.dot(bits, 2 ** np.arange(GRID * GRID)) / 1000)
