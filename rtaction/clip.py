"""The frames of one window: what a network is trained on and given at run time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False, slots=True)
class Clip:
    """Frames with their times, in order.

    Args:
        images: uint8, shape (num_frames, height, width, channels); channels is 3 (RGB) or 1 (gray).
        times_seconds: float64, shape (num_frames,), non-decreasing. Equal neighbours mean that one
            frame is used for two moments.

    Raises:
        ValueError: another dtype, shape or order.
    """

    images: npt.NDArray[Any]
    times_seconds: npt.NDArray[Any]

    def __post_init__(self) -> None:
        images, times = self.images, self.times_seconds
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] not in (1, 3):
            raise ValueError(
                "Clip.images must be uint8 of shape (num_frames, height, width, 1 or 3), "
                f"got {images.dtype} {images.shape}"
            )
        if times.shape != images.shape[:1]:
            raise ValueError(
                f"Clip.times_seconds must have shape ({images.shape[0]},) to match the images, "
                f"got {times.shape}"
            )
        if not (np.isfinite(times).all() and (np.diff(times) >= 0).all()):
            raise ValueError(
                f"Clip.times_seconds must be finite and in order, got {times.tolist()}"
            )

    def __len__(self) -> int:
        return len(self.times_seconds)

    @property
    def duration_seconds(self) -> float:
        """Time from the first frame to the last, in seconds."""
        return float(self.times_seconds[-1] - self.times_seconds[0]) if len(self) else 0.0
