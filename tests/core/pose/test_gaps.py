"""Short gaps are filled in a straight line, and longer ones are left."""

from __future__ import annotations

import numpy as np
import pytest

from rtaction.pose.gaps import filled


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ("111111", "111111"),
        ("110111", "111111"),
        ("100111", "111111"),
        ("100011", "100011"),  # three in a row
        ("001010", "001110"),  # neither before nor after
        ("000000", "000000"),
    ],
)
def test_which_gaps_are_filled(seen: str, expected: str) -> None:
    is_seen = np.array([one == "1" for one in seen])
    points = np.zeros((6, 17, 3), np.float32)
    points[..., 0] = np.arange(6)[:, np.newaxis] * 0.1
    points[..., 2] = 0.9
    points[~is_seen] = np.nan
    result, is_known = filled(points, is_seen)
    assert "".join("01"[one] for one in is_known.astype(int)) == expected
    np.testing.assert_allclose(result[is_known, :, 0].mean(axis=1), np.flatnonzero(is_known) * 0.1)
    assert not result[~is_known].any()
    assert (result[is_known, :, 2] == np.float32(0.9)).all()


def test_a_joint_that_is_unseen_on_one_side_stays_unseen() -> None:
    points = np.full((3, 17, 3), 0.9, np.float32)
    points[2, 9, 2] = 0.05
    result, _ = filled(points, np.array([True, False, True]))
    assert result[1, 9, 2] == np.float32(0.05)
    assert result[1, 8, 2] == np.float32(0.9)
