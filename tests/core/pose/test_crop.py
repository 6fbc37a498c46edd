from __future__ import annotations

import numpy as np
import pytest

from rtaction.pose.crop import Square, cut, fitted, rounded, square_around, whole_picture
from rtaction.pose.keypoints import JOINTS, Pose

SIZE_HW = (480, 640)


def _pose(**joints: tuple[float, float]) -> Pose:
    points = np.zeros((17, 3), np.float32)
    for name, (y, x) in joints.items():
        points[JOINTS.index(name)] = (y, x, 0.9)
    return Pose(points, 0.9)


def _rounded(square: Square | None) -> Square:
    assert square is not None
    return Square(round(square.top, 2), round(square.left, 2), round(square.side, 2))


TRUNK = {
    "left_shoulder": (150.0, 330.0),
    "right_shoulder": (150.0, 310.0),
    "left_hip": (200.0, 328.0),
    "right_hip": (200.0, 312.0),
}


def test_the_square_is_around_the_hips_and_holds_trunk_and_joints() -> None:
    # 1.9 times the 50 pixels from hips to shoulders.
    assert square_around(_pose(**TRUNK), SIZE_HW) == Square(105.0, 225.0, 190.0)
    # 1.2 times the 100 pixels to the ankle.
    standing = _pose(**TRUNK, left_ankle=(300.0, 325.0))
    assert _rounded(square_around(standing, SIZE_HW)) == Square(80.0, 200.0, 240.0)


def test_somebody_without_hips_is_followed_by_the_shoulders() -> None:
    near = _pose(left_shoulder=(300.0, 360.0), right_shoulder=(300.0, 260.0), nose=(200.0, 310.0))
    # Half a shoulder width below them, and an arm's reach, 2.2 times it, to all sides.
    assert _rounded(square_around(near, SIZE_HW)) == Square(130.0, 90.0, 440.0)


def test_without_shoulders_and_hips_there_is_no_square() -> None:
    assert square_around(_pose(nose=(100.0, 100.0), left_ankle=(300.0, 100.0)), SIZE_HW) is None


def test_the_square_does_not_narrow_at_once() -> None:
    before = Square(0.0, 0.0, 400.0)
    square = square_around(_pose(**TRUNK), SIZE_HW, before=before)
    assert square is not None
    assert square.side == pytest.approx(360.0)


def test_the_square_does_not_reach_far_beyond_the_picture() -> None:
    size_hw = (220, 400)
    large = _pose(**TRUNK, left_ankle=(900.0, 325.0))
    square = square_around(large, size_hw)
    assert square == Square(200 - 320, 0.0, 640.0)


def test_a_cut_is_never_squashed_and_black_beyond_the_edges() -> None:
    picture = np.full((60, 100, 3), 200, np.uint8)
    picture[20:40, 30:50] = (10, 20, 30)
    inside = cut(picture, Square(20.0, 30.0, 20.0), 40)
    assert np.all(inside == (10, 20, 30))
    whole = cut(picture, whole_picture((60, 100)), 50)
    assert whole.shape == (50, 50, 3)
    assert np.all(whole[:10] == 0)
    assert np.all(whole[40:] == 0)
    assert np.all(whole[10:40, 0] == 200)
    # 20 pixels of 100 become 10 of 50, both ways.
    dark = np.all(whole == (10, 20, 30), axis=-1)
    assert dark.sum(axis=0).max() == 10
    assert dark.sum(axis=1).max() == 10
    assert np.all(cut(picture, Square(500.0, 0.0, 20.0), 8) == 0)
    assert cut(picture, Square(59.0, 99.0, 300.0), 8)[0, 0].tolist() == [200] * 3


def test_points_go_back_to_where_they_were_cut() -> None:
    picture = np.zeros((200, 300, 3), np.uint8)
    picture[150:156, 210:216] = 255
    square = Square(99.6, 120.2, 150.0)
    small = cut(picture, square, 75)[..., 0].astype(float)
    rows, columns = np.indices(small.shape)
    middle = [((axis + 0.5) * small).sum() / small.sum() / 75 for axis in (rows, columns)]
    points = rounded(square).points_from(np.array([[*middle, 0.7]], np.float32))
    np.testing.assert_allclose(points, [[153.0, 213.0, 0.7]], atol=0.5)


@pytest.mark.parametrize(
    ("size_hw", "padded_hw", "inner_hw"),
    [((480, 640), (192, 256), (192, 256)), ((720, 1280), (160, 256), (144, 256))],
)
def test_a_picture_is_fitted_with_black_below_and_right(
    size_hw: tuple[int, int], padded_hw: tuple[int, int], inner_hw: tuple[int, int]
) -> None:
    smaller, scale = fitted(np.full((*size_hw, 3), 99, np.uint8), 256, 32)
    assert smaller.shape[:2] == padded_hw
    assert scale == size_hw[1] / 256
    assert np.all(smaller[: inner_hw[0], : inner_hw[1]] == 99)
    assert np.all(smaller[inner_hw[0] :] == 0)


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_joints_of_a_turned_cut_lie_where_they_do_in_the_picture(turns: int) -> None:
    picture = np.zeros((60, 80, 3), np.uint8)
    picture[12, 34] = 255
    square = Square(2.0, 14.0, 40.0, turns)
    (y, x), *others = np.argwhere(cut(picture, square, 40)[..., 0] == 255).tolist()
    assert not others
    middle = np.array([[(y + 0.5) / 40, (x + 0.5) / 40, 0.7]], np.float32)
    np.testing.assert_allclose(
        rounded(square).points_from(middle), [[12.5, 34.5, 0.7]], rtol=0, atol=1e-4
    )


@pytest.mark.parametrize(
    ("turns", "head_at"), [(0, "top"), (1, "right"), (2, "bottom"), (3, "left")]
)
def test_a_turned_square_has_the_head_up(turns: int, head_at: str) -> None:
    picture = np.zeros((20, 20, 3), np.uint8)
    edge = {
        "top": picture[0],
        "right": picture[:, -1],
        "bottom": picture[-1],
        "left": picture[:, 0],
    }
    edge[head_at][:] = 200
    assert np.all(cut(picture, Square(0.0, 0.0, 20.0, turns), 20)[0] == 200)


def test_the_next_square_is_turned_alike() -> None:
    square = square_around(_pose(**TRUNK), SIZE_HW, before=Square(0.0, 0.0, 190.0, turns=3))
    assert square == Square(105.0, 225.0, 190.0, turns=3)
