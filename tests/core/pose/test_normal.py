from __future__ import annotations

import numpy as np
import pytest

from rtaction.arrays import Float32Array
from rtaction.pose.keypoints import JOINTS
from rtaction.pose.normal import NUM_NUMBERS, normalised, picture_shares, window_numbers

SIZE_HW = (480, 640)


def _points(**joints: tuple[float, float]) -> Float32Array:
    points = np.zeros((17, 3), np.float32)
    for name, (y, x) in joints.items():
        points[JOINTS.index(name)] = (y, x, 0.9)
    return points


def _numbers(points: Float32Array) -> Float32Array:
    return window_numbers(picture_shares(points, (1000, 1000)), 0.1)


FACING = {
    "left_shoulder": (200.0, 340.0),
    "right_shoulder": (200.0, 300.0),
    "left_hip": (250.0, 335.0),
    "right_hip": (250.0, 305.0),
    "left_wrist": (160.0, 400.0),
}


def test_joints_are_relative_to_the_shoulders_in_shoulder_widths() -> None:
    normal = normalised(_points(**FACING), SIZE_HW)
    assert normal.unit == 40.0
    assert normal.origin.tolist() == [200.0, 320.0]
    wrist = normal.positions[JOINTS.index("left_wrist")]
    np.testing.assert_allclose(wrist, [-1.0, 2.0])
    assert normal.seen.sum() == 5
    assert np.all(normal.positions[normal.seen == 0] == 0)


@pytest.mark.parametrize(
    ("changed", "unit", "origin"),
    [
        # Seen from the side, the trunk counts: .62 of 50 pixels.
        (FACING | {"left_shoulder": (200.0, 322.0), "right_shoulder": (200.0, 318.0)}, 31.0, 320.0),
        # A shoulder out of the picture is unseen: the other one is the origin.
        (FACING | {"left_shoulder": (200.0, 641.0)}, 0.62 * np.hypot(50, 20), 300.0),
        # Only the head: 2.3 times its width, from the middle of it.
        ({"left_ear": (90.0, 110.0), "right_ear": (90.0, 90.0)}, 46.0, 100.0),
        # Neither: half of the root mean square distance from the middle.
        ({"left_knee": (90.0, 110.0), "left_ankle": (90.0, 190.0)}, 20.0, 150.0),
        # One joint, or none: a thousandth of the picture.
        ({"left_knee": (90.0, 110.0)}, 0.64, 110.0),
        ({}, 0.64, 0.0),
    ],
)
def test_what_is_missing_is_replaced(
    changed: dict[str, tuple[float, float]], unit: float, origin: float
) -> None:
    normal = normalised(_points(**changed), SIZE_HW)
    assert normal.unit == pytest.approx(unit, rel=1e-5)
    assert normal.origin[1] == pytest.approx(origin)
    assert np.isfinite(normal.positions).all()


def test_far_joints_are_cut_off() -> None:
    far = FACING | {"left_ankle": (479.0, 10.0)}
    positions = normalised(_points(**far), SIZE_HW).positions
    assert positions[JOINTS.index("left_ankle")].tolist() == [4.0, -4.0]


def test_numbers_are_the_same_elsewhere_nearer_and_turned_by_a_quarter() -> None:
    rng = np.random.default_rng(1)
    points = rng.uniform(20, 200, (3, 17, 3)).astype(np.float32)
    points[..., 2] = 0.9
    numbers = _numbers(points)
    elsewhere = points * np.array([2, 2, 1], np.float32) + np.array([100, 300, 0], np.float32)
    np.testing.assert_allclose(_numbers(elsewhere), numbers, atol=1e-4)

    turned = points[..., [1, 0, 2]]
    expected = numbers.copy()
    for pairs in (slice(0, 68), slice(85, 127)):  # y and x of joints, and of the body's path
        expected[:, pairs] = numbers[:, pairs].reshape(3, -1, 2)[..., ::-1].reshape(3, -1)
    np.testing.assert_allclose(_numbers(turned), expected, atol=1e-4)


def test_a_window_has_positions_speeds_and_what_is_seen() -> None:
    later = FACING | {"left_wrist": (164.0, 400.0)}
    gone = {name: place for name, place in FACING.items() if name != "left_wrist"}
    points = np.stack([_points(**one) for one in (FACING, later, gone)])
    shares = picture_shares(points, SIZE_HW)
    numbers = window_numbers(shares, 0.2)
    assert numbers.shape == (3, NUM_NUMBERS)
    assert numbers.dtype == np.float32
    wrist = JOINTS.index("left_wrist")
    np.testing.assert_allclose(numbers[:, 2 * wrist], [-1.0, -0.9, 0.0], atol=1e-6)
    np.testing.assert_allclose(numbers[:, 34 + 2 * wrist], [0.0, 0.5, 0.0], atol=1e-5)
    assert numbers[:, 68 + wrist].tolist() == [1.0, 1.0, 0.0]
    np.testing.assert_array_equal(window_numbers(shares[np.newaxis], 0.2), numbers[None])


def test_a_window_has_the_path_of_the_body() -> None:
    """Somebody as large as before moves down by a shoulder width, then is gone."""
    lower = {name: (y + 40.0, x) for name, (y, x) in FACING.items()}
    shares = picture_shares(np.stack([_points(**one) for one in (FACING, lower, {})]), SIZE_HW)
    numbers = window_numbers(shares, 0.25)
    wrist = 85 + 2 * JOINTS.index("left_wrist")
    np.testing.assert_allclose(
        numbers[:, wrist : wrist + 2], np.array([[-1.5, 2], [-0.5, 2], [0, 0]])
    )
    place, path, box, direction = (numbers[:, at : at + 2] for at in range(119, 127, 2))
    np.testing.assert_allclose(place, np.array([[-0.5, 0], [0.5, 0], [0, 0]]), atol=1e-6)
    np.testing.assert_allclose(path, np.array([[0, 0], [4, 0], [0, 0]]), atol=1e-5)
    np.testing.assert_allclose(box, np.array([[2.25, 2.5], [2.25, 2.5], [0, 0]]), atol=1e-5)
    np.testing.assert_allclose(direction, np.array([[1, 0], [1, 0], [0, 0]]), atol=1e-6)
    np.testing.assert_allclose(numbers[:, 127:], np.array([[0, 1], [0, 1], [0, 0]]), atol=1e-6)


def test_a_window_tells_how_much_nearer_somebody_comes() -> None:
    nearer = {name: (2 * y, 2 * x) for name, (y, x) in FACING.items() if "wrist" not in name}
    shares = picture_shares(np.stack([_points(**FACING), _points(**nearer)]), (1000, 1000))
    sizes = window_numbers(shares, 0.25)[:, 127]
    np.testing.assert_allclose(np.exp(sizes), [2 / 3, 4 / 3], rtol=1e-5)


def test_shares_are_of_the_longer_side_and_outside_nothing_is_seen() -> None:
    points = _points(left_wrist=(240.0, 641.0), right_wrist=(480.0, 160.0), nose=(-1.0, 5.0))
    shares = picture_shares(points, SIZE_HW)
    assert shares[JOINTS.index("right_wrist")].tolist() == pytest.approx([0.75, 0.25, 0.9])
    assert shares[:, 2].astype(bool).nonzero()[0].tolist() == [JOINTS.index("right_wrist")]
