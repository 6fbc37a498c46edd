"""Videos for tests, written with PyAV so that every timestamp is exact."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt


def write_video(
    path: Path,
    images: Iterable[npt.NDArray[Any]],
    times_seconds: Sequence[float] | npt.NDArray[np.float64],
    *,
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
) -> Path:
    """Write uint8 RGB images (H, W, 3) with their own times, to the microsecond where possible."""
    path.parent.mkdir(parents=True, exist_ok=True)
    microsecond = Fraction(1, 1_000_000)
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=1000)
        stream.pix_fmt = pixel_format
        stream.time_base = microsecond
        stream.codec_context.time_base = microsecond
        opened = False
        for image, seconds in zip(images, times_seconds, strict=True):
            if not opened:
                stream.height, stream.width = image.shape[:2]
                opened = True
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts = round(seconds * 1_000_000)
            frame.time_base = microsecond
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def index_image(index: int, size_hw: tuple[int, int] = (8, 8)) -> npt.NDArray[np.uint8]:
    """A picture that shows its number: red is the low byte, green the high one."""
    return np.full((*size_hw, 3), (index % 256, index // 256, 7), np.uint8)


def index_of(image: npt.NDArray[Any]) -> int:
    """The number that an `index_image` shows."""
    return int(image[0, 0, 0]) + 256 * int(image[0, 0, 1])


def write_indexed_video(path: Path, times_seconds: npt.NDArray[np.float64]) -> Path:
    """Write a lossless video (.mkv) whose picture number i is `index_image(i)`."""
    images = (index_image(index) for index in range(len(times_seconds)))
    return write_video(path, images, times_seconds, codec="ffv1", pixel_format="bgr0")


def write_flat_video(
    path: Path,
    *,
    value: int,
    seconds: float,
    frames_per_second: float = 25.0,
    size_hw: tuple[int, int] = (48, 64),
) -> Path:
    """Write an H.264 video of one gray value."""
    times = np.arange(round(seconds * frames_per_second)) / frames_per_second
    image = np.full((*size_hw, 3), value, np.uint8)
    return write_video(path, (image for _ in times), times)
