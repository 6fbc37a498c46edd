"""One frame of a source, decoded already or when somebody looks at it; and the clip of a window."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

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
        segment: number of the uninterrupted segment that it belongs to. Frames of two segments
            never share a clip: between them the clock jumped, the size changed, or the connection
            was lost. Default 0.

    Raises:
        ValueError: the image has another dtype or shape, or the time is not finite.
    """

    image: npt.NDArray[Any]
    captured_at_seconds: float
    index: int
    source: str = ""
    segment: int = 0

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


class FrameDamaged(Exception):
    """The frame was received but cannot be decoded."""


class FrameLike(Protocol):
    """The interface of a frame; `Frame` and `DeferredFrame` have it."""

    @property
    def captured_at_seconds(self) -> float:
        """See `Frame`."""

    @property
    def index(self) -> int:
        """See `Frame`."""

    @property
    def source(self) -> str:
        """See `Frame`."""

    @property
    def segment(self) -> int:
        """See `Frame`."""

    @property
    def image(self) -> npt.NDArray[Any]:
        """uint8 RGB, shape (height, width, 3).

        Raises:
            FrameDamaged: it cannot be decoded.
        """


class DeferredFrame:
    """A frame whose image is made on first access, in the accessing thread.

    Args:
        make_image: returns uint8 RGB, shape (height, width, 3); called at most once. Any exception
            becomes `FrameDamaged`.
        captured_at_seconds, index, source, segment: see `Frame`.
    """

    __slots__ = (
        "_frame",
        "_lock",
        "_make_image",
        "captured_at_seconds",
        "index",
        "segment",
        "source",
    )

    def __init__(
        self,
        make_image: Callable[[], npt.NDArray[Any]],
        captured_at_seconds: float,
        index: int,
        source: str = "",
        segment: int = 0,
    ) -> None:
        self.captured_at_seconds = captured_at_seconds
        self.index = index
        self.source = source
        self.segment = segment
        self._make_image: Callable[[], npt.NDArray[Any]] | None = make_image
        self._frame: Frame | None = None
        self._lock = threading.Lock()

    @property
    def image(self) -> npt.NDArray[Any]:
        """uint8 RGB, shape (height, width, 3).

        Raises:
            FrameDamaged: it cannot be decoded.
        """
        with self._lock:
            if self._frame is None:
                if self._make_image is None:
                    raise FrameDamaged
                make_image, self._make_image = self._make_image, None
                try:
                    # Frame checks dtype and shape.
                    self._frame = Frame(make_image(), self.captured_at_seconds, self.index)
                except FrameDamaged:
                    raise
                except Exception as error:
                    # The accessing thread may serve other sources too.
                    raise FrameDamaged(f"{type(error).__name__}: {error}") from error
            return self._frame.image


class LentFrame:
    """A frame that may be looked at for a while, so that its image need not be kept for longer.

    Args:
        frame: decoded or not.
    """

    __slots__ = ("_frame", "captured_at_seconds", "index", "segment", "source")

    def __init__(self, frame: FrameLike) -> None:
        self.captured_at_seconds = frame.captured_at_seconds
        self.index = frame.index
        self.source = frame.source
        self.segment = frame.segment
        self._frame: FrameLike | None = frame

    @property
    def image(self) -> npt.NDArray[Any]:
        """uint8 RGB, shape (height, width, 3), decoded on first access.

        Raises:
            FrameDamaged: it cannot be decoded.
            RuntimeError: the frame was taken back; an image that was asked for before stays.
        """
        if self._frame is None:
            raise RuntimeError(
                f"the image of frame {self.index} of {self.source} is no longer kept; ask for "
                "`prediction.frame.image` before the next prediction, and keep that image"
            )
        return self._frame.image

    def take_back(self) -> None:
        """Let go of the image."""
        self._frame = None


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
