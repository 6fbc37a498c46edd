"""One frame of a source, with its time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False, slots=True)
class Frame:
    """One decoded frame.

    Args:
        image: uint8 RGB, shape (height, width, 3).
        captured_at_seconds: when the frame was taken. For a live source this is on the
            monotonic clock (`time.monotonic`); for a file it is the presentation timestamp (PTS),
            counted from the start of the file.
        index: number of the frame within its source, from 0.
        source: display name of its source (without password). Default "".
        run: number of the uninterrupted run of frames that it belongs to. Frames of two runs
            never share a clip: between them the clock jumped, the size changed, or the connection
            was lost. Default 0.

    Raises:
        ValueError: the image has another dtype or shape, or the time is not finite.
    """

    image: npt.NDArray[Any]
    captured_at_seconds: float
    index: int
    source: str = ""
    run: int = 0

    def __post_init__(self) -> None:
        image = self.image
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
            raise ValueError(
                "Frame.image must be uint8 RGB of shape (height, width, 3), "
                f"got {image.dtype} {image.shape}; convert with cv2.cvtColor first"
            )
        if not np.isfinite(self.captured_at_seconds):
            raise ValueError(
                f"Frame.captured_at_seconds must be finite, got {self.captured_at_seconds}"
            )

    @property
    def size_hw(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.image.shape[0], self.image.shape[1]
