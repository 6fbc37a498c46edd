"""The two pose networks: one finds people in a whole picture, one reads a person's joints closely.

Both take uint8 RGB as MoveNet in `models/` does (`tools/make_pose.py`). This file knows nothing of
who is who, or of processors: it is given loaded networks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from rtaction.arrays import UInt8Array
from rtaction.pose.crop import Square, cut, fitted, rounded
from rtaction.pose.keypoints import NUM_JOINTS, Pose

CLOSE_SIZE = 192
"""Height and width of the squares that Lightning takes."""

FIND_SIZE, FIND_MULTIPLE = 256, 32
"""Longer side of the picture that MultiPose takes, and what its sides are multiples of."""

PERSON_SCORE = 0.25
"""People found with a lower score are none; MoveNet's own limit in TensorFlow.js."""


class Session(Protocol):
    """A loaded network, such as an `onnxruntime.InferenceSession`."""

    def run(self, outputs: Any, inputs: dict[str, Any]) -> Sequence[Any]:
        """Run on named inputs."""


class CloseNetwork:
    """Reads the joints of the person in the middle of a square, such as MoveNet Lightning.

    Args:
        session: `pictures`, uint8 (n, size, size, 3), to float32 (n, 17, 3).
        size: of its squares, in pixels. Default 192.
    """

    def __init__(self, session: Session, *, size: int = CLOSE_SIZE) -> None:
        self._session = session
        self._size = size

    def poses_in(self, picture: UInt8Array, squares: Sequence[Square]) -> list[Pose]:
        """The pose in each square, in their order.

        Args:
            picture: uint8 RGB, shape (height, width, 3).
            squares: where to look.
        """
        if not squares:
            return []
        pictures = np.stack([cut(picture, square, self._size) for square in squares])
        (found,) = self._session.run(None, {"pictures": pictures})  # (n, 17, 3)
        return [
            Pose(points, float(points[:, 2].mean()))
            for points in (
                rounded(square).points_from(one) for square, one in zip(squares, found, strict=True)
            )
        ]


class FindNetwork:
    """Finds up to six people in a picture, such as MoveNet MultiPose.

    Args:
        session: `pictures`, uint8 (1, h, w, 3), to float32 (1, 6, 56).
        least_score: of a person. Default 0.25.
    """

    def __init__(self, session: Session, *, least_score: float = PERSON_SCORE) -> None:
        self._session = session
        self._least_score = least_score

    def people_in(self, picture: UInt8Array) -> list[Pose]:
        """The people in a picture, surest first.

        Args:
            picture: uint8 RGB, shape (height, width, 3).
        """
        smaller, scale = fitted(picture, FIND_SIZE, FIND_MULTIPLE)
        (found,) = self._session.run(None, {"pictures": smaller[np.newaxis]})
        size_hw = np.array(smaller.shape[:2], np.float32)
        people = []
        for row in sorted(found[0], key=lambda row: -row[-1]):
            if row[-1] >= self._least_score:
                points = row[: 3 * NUM_JOINTS].reshape(NUM_JOINTS, 3).astype(np.float32)
                points[:, :2] *= size_hw * scale
                people.append(Pose(points, float(row[-1])))
        return people
