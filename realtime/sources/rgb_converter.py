"""Convert decoded frames to RGB, for one stream."""

from __future__ import annotations

import threading
from typing import Any

import numpy.typing as npt
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter


class RgbConverter:
    """Converts the frames of one stream, in any thread.

    It reuses FFmpeg's converter from frame to frame, in the calling thread: creating it anew for
    each frame, as `VideoFrame.to_ndarray` does, takes longer than the conversion.
    """

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()
        self._lock = threading.Lock()

    def to_rgb(self, picture: VideoFrame) -> npt.NDArray[Any]:
        """uint8 RGB, shape (height, width, 3)."""
        with self._lock:
            return self._reformatter.reformat(picture, format="rgb24", threads=1).to_ndarray()
