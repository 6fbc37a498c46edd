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
from rtaction.pose.keypoints import HIPS, NUM_JOINTS, SHOULDERS, Pose

SIZE = 256
# The COCO joints among the 39 landmarks of 5 numbers each: x, y, z, visibility, presence.
_LANDMARKS = [0, 2, 5, 7, 8, 11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28]
_WIDER = 1.25  # MediaPipe's, of the circle around the person


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
        matrix = _to_square(pose, square)
        # The standard step from a picture to a much smaller one: blur first, or it shimmers.
        smaller = cv2.GaussianBlur(picture, (0, 0), max(square.side / SIZE / 2, 0.01))
        if square.side <= SIZE:
            smaller = picture
        turned = cv2.warpAffine(smaller, matrix, (SIZE, SIZE), flags=cv2.INTER_LINEAR)
        feed = {self._input: turned[np.newaxis].astype(np.float32) / 255}
        (landmarks,) = self._session.run(self._outputs, feed)
        values = landmarks.reshape(-1, 5)[_LANDMARKS]
        back = cv2.invertAffineTransform(matrix)
        places = values[:, :2] @ back[:, :2].T + back[:, 2]  # x, y
        score = 1 / (1 + np.exp(-values[:, 3]))
        points = np.stack([places[:, 1], places[:, 0], score], axis=-1).astype(np.float32)
        assert points.shape == (NUM_JOINTS, 3)
        return Pose(points, float(score.mean()))


def _to_square(pose: Pose, square: Square) -> Float32Array:
    """The affine map from the picture to the network's square, for OpenCV: x before y."""
    places = pose.points[:, :2]
    hips, shoulders = places[HIPS].mean(axis=0), places[SHOULDERS].mean(axis=0)
    up = shoulders - hips
    degrees = np.degrees(np.arctan2(up[1], -up[0]))  # clockwise from upright
    middle = (square.left + square.side / 2, square.top + square.side / 2)
    scale = SIZE / square.side / _WIDER * 1.2  # the square already has 1.2 times the room
    matrix: Any = cv2.getRotationMatrix2D(middle, float(degrees), scale)
    matrix[:, 2] += SIZE / 2 - np.array(middle)
    return np.asarray(matrix)
