from __future__ import annotations

import numpy as np
import pytest

from rtaction.pose.keypoints import BONES, HIPS, JOINTS, SHOULDERS, Pose


def test_named_parts_are_those_joints() -> None:
    assert len(JOINTS) == 17
    assert list(JOINTS)[SHOULDERS] == ["left_shoulder", "right_shoulder"]
    assert list(JOINTS)[HIPS] == ["left_hip", "right_hip"]
    limbs = [(JOINTS[one], JOINTS[other]) for one, other in BONES if one > 0]
    across = [pair for pair in limbs if pair[0].split("_")[0] != pair[1].split("_")[0]]
    assert across == [("left_shoulder", "right_shoulder"), ("left_hip", "right_hip")]


def test_the_box_spans_the_seen_joints() -> None:
    points = np.zeros((17, 3), np.float32)
    points[3] = (10, 20, 0.9)
    points[8] = (50, -4, 0.5)
    points[9] = (900, 900, 0.2)
    assert Pose(points, 0.5).box == (10.0, -4.0, 50.0, 20.0)
    points[8, 2] = 0.1
    assert Pose(points, 0.5).box == (0.0, -4.0, 900.0, 900.0)


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (np.zeros((17, 3)), "got float64"),
        (np.zeros((33, 3), np.float32), r"got float32 \(33, 3\)"),
        (np.full((17, 3), np.nan, np.float32), "finite"),
    ],
)
def test_points_are_checked(points: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Pose(points, 0.5)
