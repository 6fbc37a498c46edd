"""BlazePose's landmarks as COCO joints, to compare other networks with.

Its square is turned so that the trunk points up, as MediaPipe does.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime

from rtaction.arrays import Float32Array, UInt8Array
from rtaction.opencv import cv2
from rtaction.pose.crop import Square
from rtaction.pose.keypoints import HIPS, SHOULDERS, Pose

SIZE = 256
# The COCO joints among the 39 landmarks of 5 numbers each: x, y, z, visibility, presence.
_LANDMARKS = [0, 2, 5, 7, 8, 11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28]
_CLOSER = 1.2 / 1.25  # MoveNet's room around a person by MediaPipe's


class BlazePose:
    """One of BlazePose's landmark networks.

    Args:
        session: float32 (1, 256, 256, 3), 0 to 1, to landmarks as its first output.
    """

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        self._session = session
        self._input = session.get_inputs()[0].name
        self._outputs = [one.name for one in session.get_outputs() if one.shape[-1] == 195]

    def pose_around(self, picture: UInt8Array, pose: Pose, square: Square) -> Pose:
        """The pose of a person that another network has found."""
        turned, matrix = upright(picture, pose, square, SIZE, _CLOSER)
        feed = {self._input: turned[np.newaxis].astype(np.float32) / 255}
        (landmarks,) = self._session.run(self._outputs, feed)
        values = landmarks.reshape(-1, 5)[_LANDMARKS]
        score = 1 / (1 + np.exp(-values[:, 3]))
        return pose_from(values[:, :2], score, matrix)


def upright(
    picture: UInt8Array, pose: Pose, square: Square, size: int, closer: float = 1.0
) -> tuple[UInt8Array, Float32Array]:
    """A square turned so that the trunk points up, and the affine map to it, x before y."""
    places = pose.points[:, :2]
    up = places[SHOULDERS].mean(axis=0) - places[HIPS].mean(axis=0)
    degrees = np.degrees(np.arctan2(up[1], -up[0]))  # clockwise from upright
    middle = (square.left + square.side / 2, square.top + square.side / 2)
    matrix: Any = cv2.getRotationMatrix2D(middle, float(degrees), size / square.side * closer)
    matrix[:, 2] += size / 2 - np.array(middle)
    if square.side > size:
        # Blurred before it becomes much smaller, or edges would shimmer.
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), square.side / size / 2), np.uint8)
    turned = cv2.warpAffine(picture, matrix, (size, size), flags=cv2.INTER_LINEAR)
    return np.asarray(turned, np.uint8), matrix


def pose_from(places_xy: Float32Array, score: Float32Array, matrix: Float32Array) -> Pose:
    """The pose in the picture, from pixels of such a square."""
    back = cv2.invertAffineTransform(matrix)
    places = places_xy @ back[:, :2].T + back[:, 2]
    points = np.stack([places[:, 1], places[:, 0], score], axis=-1).astype(np.float32)
    return Pose(points, float(score.mean()))
