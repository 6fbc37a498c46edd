"""Convert decoded pictures to upright RGB, for one video or stream."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import numpy.typing as npt
from av.sidedata.sidedata import Type
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

from rtaction.opencv import cv2


class RgbConverter:
    """Converts the pictures of one stream, in any thread.

    It reuses FFmpeg's converter from picture to picture, in the calling thread: creating it anew
    for each, as `VideoFrame.to_ndarray` does, takes longer than the conversion.
    """

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()
        self._lock = threading.Lock()

    def to_rgb(self, picture: VideoFrame) -> npt.NDArray[Any]:
        """uint8 RGB, shape (height, width, 3), turned as the stream's display matrix says."""
        with self._lock:
            picture_rgb = self._reformatter.reformat(picture, format="rgb24", threads=1)
            image_rgb = picture_rgb.to_ndarray()
        return _upright(image_rgb, picture)


def _upright(image: npt.NDArray[Any], picture: VideoFrame) -> npt.NDArray[Any]:
    """Turn and mirror by quarters, as the display matrix says; other angles are left as they are.

    The matrix maps a pixel's (x, y) to (a x + c y, b x + d y).
    """
    side_data: Any = picture.side_data
    if len(side_data) == 0 or Type.DISPLAYMATRIX not in side_data:
        return image
    (a, b), (c, d) = (
        np.frombuffer(side_data[Type.DISPLAYMATRIX], np.int32).reshape(3, 3)[:2, :2].tolist()
    )
    if abs(a) < abs(b):
        image, right, down = cv2.transpose(image), c, b
    else:
        right, down = a, d
    if right < 0 or down < 0:
        around = -1 if right < 0 and down < 0 else int(right < 0)
        image = cv2.flip(image, around)
    return image
