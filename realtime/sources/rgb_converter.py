"""Decoded pictures to RGB, for one stream."""

from __future__ import annotations

import threading
from typing import Any

import numpy.typing as npt
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter


class RgbConverter:
    """Converts the pictures of one stream, from any thread.

    It keeps FFmpeg's converter from picture to picture, and in the calling thread: made anew for
    each, as `VideoFrame.to_ndarray` does, it takes longer than its work.
    """

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()
        self._lock = threading.Lock()

    def to_rgb(self, picture: VideoFrame) -> npt.NDArray[Any]:
        """uint8 RGB, shape (height, width, 3)."""
        with self._lock:
            return self._reformatter.reformat(picture, format="rgb24", threads=1).to_ndarray()
