"""The joints of a video are those of the acting person, moment by moment."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from rtaction.arrays import UInt8Array
from rtaction.pose.crop import Square
from rtaction.pose.keypoints import JOINTS, Pose
from rtaction.pose.normal import picture_shares
from rtaction.pose.people import PoseNetworks
from rtaction.pose.video_poses import VideoPoses, read_poses
from rtaction.realtime.model.pose_networks import open_pose_networks
from tests.made_people import SIZE_HW, MadePeople, made_networks, standing_points, write_people

INTERVAL = 0.125
WRIST = JOINTS.index("left_wrist")


def test_joints_follow_the_pictures(tmp_path: Path) -> None:
    levels = [60, 110, 160, 210, 250, 210, 160, 110]
    path = write_people(tmp_path / "a.mp4", levels)

    poses = read_poses(path, INTERVAL, made_networks())

    assert poses.num_moments == 9  # the last picture is shown until 1 s
    assert poses.is_seen.all()
    raised = (np.array([*levels, levels[-1]]) - 55) / 200
    expected = picture_shares(np.stack([standing_points(r) for r in raised]), SIZE_HW)
    assert poses.points == pytest.approx(expected, abs=0.02)
    assert poses.points[4, WRIST, 0] < poses.points[0, WRIST, 0] - 0.3


def test_nobody_is_nothing(tmp_path: Path) -> None:
    levels = [200.0] * 8 + [10.0] * 24
    poses = read_poses(write_people(tmp_path / "a.mp4", levels), INTERVAL, made_networks())
    assert poses.is_seen[:8].all()
    assert not poses.is_seen[8:].any()
    assert not poses.points[8:].any()
    # Windows of 8 in which somebody is seen half of the time, or all of it.
    assert poses.window_starts(8, 2).tolist() == [0, 2, 4]
    assert poses.window_starts(8, 2, least_seen=0.99).tolist() == [0]


def test_a_video_may_be_cut_off(tmp_path: Path) -> None:
    path = write_people(tmp_path / "a.mp4", [100.0] * 40)
    poses = read_poses(path, INTERVAL, made_networks(), longest_seconds=1.0)
    assert poses.num_moments == 10
    assert poses.window_starts(16, 4).tolist() == []


class _Two(MadePeople):
    """Somebody small who moves much, and somebody large who moves little, at their sides."""

    def people_in(self, picture: UInt8Array) -> list[Pose]:
        (found,) = super().people_in(picture)
        raised = (float(picture.mean()) - 55) / 200
        large = standing_points(0.1 * raised)
        small = found.points.copy()
        small[:, :2] *= 0.3
        large[:, 1] += 40
        return [Pose(small, 0.9), Pose(large, 0.9)]

    def poses_in(self, picture: UInt8Array, squares: Sequence[Square]) -> list[Pose]:
        found = self.people_in(picture)
        middles = [square.left + square.side / 2 for square in squares]
        return [found[middle > 60] for middle in middles]


def test_the_nearest_person_acts(tmp_path: Path) -> None:
    two = _Two()
    path = write_people(tmp_path / "a.mp4", [60, 200] * 8)
    poses = read_poses(path, INTERVAL, PoseNetworks(two, two, "two"))
    assert poses.is_seen.all()
    assert poses.points[:, WRIST, 1].min() > 0.5  # the large one, at the right


def test_the_bundled_networks_follow_a_real_person(real_clips: Path) -> None:
    path = next((real_clips / "webcam_dev" / "arms_raise").glob("*.mp4"))
    poses = read_poses(path, INTERVAL, open_pose_networks())
    assert poses.is_seen.mean() > 0.95
    nose = poses.points[:, JOINTS.index("nose"), 0]
    wrists = poses.points[:, [JOINTS.index(f"{side}_wrist") for side in ("left", "right")], 0]
    assert (wrists.max(axis=1) < nose).sum() >= 3  # both hands above the head for a while
    assert isinstance(poses, VideoPoses)
