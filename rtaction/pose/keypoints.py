"""The joints of a person in one picture.

This file knows nothing of networks or of other pictures.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rtaction.arrays import Float32Array

JOINTS = (
    "nose",
    "left_eye",
    "right_eye",
    "left_ear",
    "right_ear",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
)
"""The 17 joints of COCO, in its order; left and right are the person's own."""

NUM_JOINTS = len(JOINTS)
HEAD = slice(0, 5)
EARS, SHOULDERS, HIPS = slice(3, 5), slice(5, 7), slice(11, 13)
LEGS = slice(11, 17)  # from the hips down

BONES = tuple(
    (JOINTS.index(start), JOINTS.index(end))
    for start, end in (
        ("nose", "left_eye"),
        ("nose", "right_eye"),
        ("left_eye", "left_ear"),
        ("right_eye", "right_ear"),
        ("left_shoulder", "right_shoulder"),
        ("left_shoulder", "left_elbow"),
        ("left_elbow", "left_wrist"),
        ("right_shoulder", "right_elbow"),
        ("right_elbow", "right_wrist"),
        ("left_shoulder", "left_hip"),
        ("right_shoulder", "right_hip"),
        ("left_hip", "right_hip"),
        ("left_hip", "left_knee"),
        ("left_knee", "left_ankle"),
        ("right_hip", "right_knee"),
        ("right_knee", "right_ankle"),
    )
)
"""Pairs of joints that a skeleton connects."""

_OTHER_SIDE = {"left": "right", "right": "left"}
MIRRORED = tuple(
    JOINTS.index("_".join([_OTHER_SIDE.get(name.split("_")[0], name), *name.split("_")[1:]]))
    for name in JOINTS
)
"""For each joint, the one of the other side."""

VISIBLE_SCORE = 0.2
"""A joint with a higher score counts as seen; MoveNet's own limit."""


@dataclass(frozen=True, eq=False, slots=True)
class Pose:
    """One person in one picture.

    Args:
        points: float32, shape (17, 3): y and x in pixels of the picture, which may lie outside of
            it, and score, 0 to 1. In the order of `JOINTS`.
        score: how sure the network is that this is a person, 0 to 1.

    Raises:
        ValueError: the points have another dtype or shape, or are not finite.
    """

    points: Float32Array
    score: float

    def __post_init__(self) -> None:
        points = self.points
        if points.dtype != np.float32 or points.shape != (NUM_JOINTS, 3):
            raise ValueError(
                f"Pose.points must be float32 of shape ({NUM_JOINTS}, 3), "
                f"got {points.dtype} {points.shape}"
            )
        if not np.isfinite(points).all():
            raise ValueError("Pose.points must be finite numbers")

    @property
    def visible(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Which joints are seen, bool, shape (17,)."""
        return np.asarray(self.points[:, 2] > VISIBLE_SCORE)

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Top, left, bottom and right of the seen joints, in pixels; of all if fewer than two."""
        seen = self.points[self.visible, :2]
        places = seen if len(seen) > 1 else self.points[:, :2]
        (top, left), (bottom, right) = places.min(axis=0), places.max(axis=0)
        return float(top), float(left), float(bottom), float(right)
