"""Joints are changed like pictures: the same way all along a clip, and only as far as asked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rtaction.arrays import Float32Array
from rtaction.pose.keypoints import JOINTS
from rtaction.pose.normal import mirrored, picture_shares, window_numbers
from rtaction.train.data.augment import Augmentation
from rtaction.train.data.joint_changes import changed_joints, points_at
from tests.made_people import SIZE_HW, standing_points

NONE = Augmentation(flip=0, scale=0, rotation_degrees=0, noise=0, dropped_frame=0)
KNEE = JOINTS.index("left_knee")


def _clip(num_pictures: int = 8) -> Float32Array:
    raised = np.linspace(0, 1, num_pictures)
    return picture_shares(np.stack([standing_points(one) for one in raised]), SIZE_HW)


def _changed(augmentation: Augmentation, seed: int = 0, label: str = "wave") -> Float32Array:
    return changed_joints(_clip(), augmentation, label, np.random.default_rng(seed))


def test_nothing_asked_nothing_changed() -> None:
    assert _changed(NONE) == pytest.approx(_clip())


def test_sides_are_exchanged_unless_they_are_kept() -> None:
    flipping = replace(NONE, flip=1)
    assert _changed(flipping) == pytest.approx(mirrored(_clip()))
    kept = replace(flipping, keep_sides=("wave",))
    assert _changed(kept) == pytest.approx(_clip())
    assert _changed(kept, label="clap") == pytest.approx(mirrored(_clip()))


def test_a_turn_keeps_distances_and_a_stretch_keeps_widths() -> None:
    clip = _clip()
    turned = _changed(replace(NONE, rotation_degrees=20))
    assert not np.allclose(turned, clip, atol=0.01)
    for points in (turned, clip):
        assert np.linalg.norm(points[:, 5, :2] - points[:, 12, :2], axis=-1) == pytest.approx(
            np.linalg.norm(clip[:, 5, :2] - clip[:, 12, :2], axis=-1), rel=1e-3
        )
    stretched = _changed(replace(NONE, scale=0.3))
    assert stretched[..., 1] == pytest.approx(clip[..., 1])
    factor = stretched[..., 0] / clip[..., 0]
    assert factor == pytest.approx(np.full_like(factor, factor[0, 0]))
    assert 0.7 <= factor[0, 0] <= 1.3


def test_jitter_is_small_and_differs_from_picture_to_picture() -> None:
    moved = _changed(replace(NONE, noise=1))[..., :2] - _clip()[..., :2]
    unit = 0.2 * SIZE_HW[0] / SIZE_HW[1]  # the shoulders are .2 of the height apart
    assert 0.001 * unit < moved.std() < 0.07 * unit
    assert not np.allclose(moved[0], moved[1])


def test_some_joints_and_pictures_are_missed() -> None:
    all_of_it = replace(NONE, dropped_frame=1)
    seen = np.stack([_changed(all_of_it, seed)[..., 2] > 0 for seed in range(40)])
    assert 0.7 < seen.mean() < 0.95
    assert (~seen.any(axis=2)).sum(axis=1).min() >= 1  # a whole picture in each clip
    legs = seen[:, :, KNEE].any(axis=1)
    assert 0.4 < legs.mean() < 0.95  # below the picture's edge in the others


def test_numbers_of_changed_joints_stay_in_range() -> None:
    strong = Augmentation.of("strong")
    assert strong is not None
    for seed in range(20):
        numbers = window_numbers(_changed(strong, seed), 0.125)
        assert np.isfinite(numbers).all()
        assert np.abs(numbers).max() <= 16


def test_joints_between_moments_lie_on_the_line_between() -> None:
    clip, times = _clip(3), np.array([0.0, 1.0, 2.0])
    found = points_at(clip, times, np.array([-1.0, 0.25, 1.0, 1.5, 9.0]))
    assert found[0] == pytest.approx(clip[0])
    assert found[1] == pytest.approx(0.75 * clip[0] + 0.25 * clip[1], abs=1e-6)
    assert found[2] == pytest.approx(clip[1])
    assert found[3] == pytest.approx(0.5 * clip[1] + 0.5 * clip[2], abs=1e-6)
    assert found[4] == pytest.approx(clip[2])


def test_an_unseen_joint_is_not_made_up() -> None:
    clip = _clip(2)
    clip[1, 9] = 0
    found = points_at(clip, np.array([0.0, 1.0]), np.array([0.4, 0.6]))
    assert found[0, 9] == pytest.approx(clip[0, 9])
    assert not found[1, 9].any()
