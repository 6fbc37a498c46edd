"""The bundled pose networks, on drawn people: from pixels to numbers."""

from __future__ import annotations

import hashlib
import re

import numpy as np
import onnxruntime
import pytest

from rtaction.arrays import UInt8Array
from rtaction.models import PEOPLE_MODEL, POSE_MODEL
from rtaction.pose.crop import square_around, whole_picture
from rtaction.pose.keypoints import JOINTS
from rtaction.pose.network import CloseNetwork, FindNetwork
from rtaction.pose.normal import normalised
from rtaction.pose.people import PeopleFollower
from rtaction.train.render.clip import render_clip

SIZE_HW = (240, 320)


@pytest.fixture(scope="module")
def close() -> CloseNetwork:
    return CloseNetwork(onnxruntime.InferenceSession(POSE_MODEL))


@pytest.fixture(scope="module")
def find() -> FindNetwork:
    return FindNetwork(onnxruntime.InferenceSession(PEOPLE_MODEL))


def _drawn(label: str, seed: int, seconds: float = 1.0) -> UInt8Array:
    """uint8 RGB (num_frames, height, width, 3), at 8 a second."""
    clip = render_clip(label, seed=seed, seconds=seconds, frames_per_second=8.0, size_hw=SIZE_HW)
    return np.asarray(clip.images, np.uint8)


def test_the_card_names_the_bundled_files_and_they_are_small() -> None:
    card = (POSE_MODEL.parent / "POSE.md").read_text(encoding="utf-8")
    files = (POSE_MODEL, PEOPLE_MODEL)
    for path in files:
        assert hashlib.sha256(path.read_bytes()).hexdigest() in re.findall(
            r"\b[0-9a-f]{64}\b", card
        )
    assert sum(path.stat().st_size for path in files) <= 10_000_000


def test_joints_of_a_drawn_person_as_numbers(close: CloseNetwork) -> None:
    """Seen to the thighs, the right hand raised beside the head: y and x in shoulder widths."""
    picture = _drawn("wave", seed=0, seconds=2.0)[-6]
    (pose,) = close.poses_in(picture, [whole_picture(SIZE_HW)])
    normal = normalised(pose.points, SIZE_HW)
    positions = dict(zip(JOINTS, normal.positions, strict=True))
    expected = {
        "nose": (-0.35, -0.02),
        "left_shoulder": (0.01, 0.50),
        "right_shoulder": (-0.01, -0.50),
        "left_elbow": (0.64, 0.63),
        "right_elbow": (0.41, -1.14),
        "left_wrist": (1.24, 0.52),
        "right_wrist": (-0.31, -1.34),
        "left_hip": (1.49, 0.27),
        "right_hip": (1.48, -0.37),
        "left_knee": (0.0, 0.0),
        "right_ankle": (0.0, 0.0),
    }
    for name, place in expected.items():
        assert positions[name].tolist() == pytest.approx(place, abs=0.03), name
    assert normal.seen[:13].all()
    assert not normal.seen[13:].any()


def test_squares_in_one_batch_give_the_poses_that_each_gives_alone(close: CloseNetwork) -> None:
    picture = _drawn("clap", seed=3)[0]
    first = whole_picture(SIZE_HW)
    (pose,) = close.poses_in(picture, [first])
    second = square_around(pose, SIZE_HW)
    assert second is not None
    together = close.poses_in(picture, [first, second])
    alone = [*close.poses_in(picture, [first]), *close.poses_in(picture, [second])]
    for one, other in zip(together, alone, strict=True):
        np.testing.assert_allclose(one.points, other.points, atol=1e-2)
    assert np.abs(together[0].points - together[1].points).max() > 1e-2
    assert close.poses_in(picture, []) == []


def test_people_are_found_where_they_are_whatever_the_shape_of_the_picture(
    find: FindNetwork,
) -> None:
    left, right = _drawn("wave", seed=0)[0], _drawn("clap", seed=3)[0]
    (alone,) = find.people_in(left)
    people = find.people_in(np.concatenate([left, right], axis=1))
    middles = sorted(float(one.points[5:7, 1].mean()) for one in people)
    assert len(people) == 2
    assert middles[0] == pytest.approx(alone.points[5:7, 1].mean(), abs=12)
    assert 320 < middles[1] < 640
    assert find.people_in(np.full((*SIZE_HW, 3), 90, np.uint8)) == []


def test_two_drawn_people_are_followed_from_pixels(close: CloseNetwork, find: FindNetwork) -> None:
    pictures = np.concatenate([_drawn("wave", seed=0), _drawn("clap", seed=3)], axis=2)
    follower = PeopleFollower(close, find, (240, 640))
    for number, picture in enumerate(pictures):
        seen, left = follower.look_at(picture, number / 8)
        assert [one.number for one in seen] == [1, 2]
        assert left == []
        sides = sorted(float(one.pose.points[5:7, 1].mean()) > 320 for one in seen)
        assert sides == [False, True]
