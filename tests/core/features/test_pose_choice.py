"""Joints are judged like pictures, mirrored where sides do not matter, and come first."""

from __future__ import annotations

import numpy as np
import pytest

from rtaction.arrays import Float32Array
from rtaction.features.pose_choice import PoseTrial, chosen_modality, try_pose
from rtaction.features.pose_statistics import pose_statistics
from rtaction.pose.keypoints import JOINTS
from rtaction.pose.normal import mirrored, picture_shares, window_numbers
from tests.made_people import SIZE_HW, standing_points

FRAMES, INTERVAL = 12, 0.125
RIGHT, LEFT = JOINTS.index("right_wrist"), JOINTS.index("left_wrist")


def _window(seed: int, *wrists: int, height: float = 0.4) -> Float32Array:
    """One window of somebody who moves some wrists up and down: float32 (1, F, 17, 3)."""
    random = np.random.default_rng(seed)
    points = np.repeat(standing_points(0.2)[np.newaxis], FRAMES, axis=0)
    points[..., :2] += random.normal(0, 0.4, points[..., :2].shape)
    swing = np.sin(np.arange(FRAMES) + random.uniform(0, 6))
    for wrist in wrists:
        points[:, wrist, 0] -= height * SIZE_HW[0] * (0.5 + 0.5 * swing)
    return picture_shares(points, SIZE_HW)[np.newaxis]


def _try(windows: list[Float32Array], labels: list[str], **options: float) -> PoseTrial:
    groups = [f"take {number}" for number in range(len(windows))]
    return try_pose(windows, labels, groups, interval_seconds=INTERVAL, **options)


def test_statistics_are_mean_spread_and_size() -> None:
    numbers = np.array([[[1.0, -2.0], [3.0, 2.0]]], np.float32)
    assert pose_statistics(numbers).tolist() == [[2, 0, 1, 2, 2, 2]]


def test_what_moves_is_told_apart_and_judged_on_held_out_takes() -> None:
    windows = [_window(seed, *[RIGHT, LEFT] * (seed % 2)) for seed in range(16)]
    labels = ["wave" if seed % 2 else "stand" for seed in range(16)]
    found = _try(windows, labels)
    assert found.is_flawless
    assert found.error < 0.06
    assert found.trial.scores.shape == (16, 2)
    # One take of a label cannot be judged.
    assert not _try(windows[:4], ["wave", "wave", "wave", "stand"]).is_flawless


def test_labels_without_meaning_are_judged_at_chance() -> None:
    windows = [_window(seed, RIGHT) for seed in range(24)]
    shares = []
    for seed in range(4):
        labels = np.random.default_rng(seed).permutation(["a", "b"] * 12).tolist()
        found = _try(windows, labels)
        assert not found.is_flawless
        shares.append(found.trial.accuracy)
    assert np.mean(shares) < 0.7


def test_who_is_taught_by_the_right_hand_knows_the_left() -> None:
    windows = [_window(seed, *[RIGHT] * (seed % 2)) for seed in range(16)]
    labels = ["wave" if seed % 2 else "stand" for seed in range(16)]
    found = _try(windows, labels)
    assert found.is_mirrored
    other = pose_statistics(window_numbers(_window(99, LEFT), INTERVAL))
    rows, fit = found.rows, found.trial.fit
    row = (other - rows.mean) / rows.spread
    scores = row @ rows.values.T / rows.values.shape[1] @ fit.duals + fit.offset
    assert scores[0].argmax() == 1  # "wave"


def test_sides_that_matter_are_kept_apart() -> None:
    windows = [_window(seed, (RIGHT, LEFT)[seed % 2]) for seed in range(16)]
    labels = ["left" if seed % 2 else "right" for seed in range(16)]
    found = _try(windows, labels)
    assert not found.is_mirrored
    assert found.is_flawless


def test_videos_without_anybody_count_as_guesses() -> None:
    windows = [_window(seed, *[RIGHT] * (seed % 2)) for seed in range(16)]
    labels = ["wave" if seed % 2 else "stand" for seed in range(16)]
    whole, part = (_try(windows, labels, share_unseen=share) for share in (0.0, 0.1))
    assert part.error == pytest.approx(0.9 * whole.error + 0.1 * 0.25)


def test_joints_come_first_unless_pictures_are_clearly_better() -> None:
    windows = [_window(seed, *[RIGHT] * (seed % 2)) for seed in range(8)]
    pose = _try(windows, ["wave" if seed % 2 else "stand" for seed in range(8)])
    assert chosen_modality(pose, {}) == "pose"
    assert chosen_modality(pose, {"rgb+rgb_diff": 0.99 * pose.error}) == "pose"
    assert chosen_modality(pose, {"rgb+rgb_diff": 0.97 * pose.error}) == "rgb+rgb_diff"
    assert chosen_modality(None, {"rgb+rgb_diff": 0.3}) == "rgb+rgb_diff"


def test_a_mirror_exchanges_sides_twice_to_no_effect() -> None:
    window = _window(0, RIGHT)
    once = mirrored(window)
    assert once[0, :, LEFT, 0] == pytest.approx(window[0, :, RIGHT, 0])
    assert mirrored(once) == pytest.approx(window)
    numbers, other = (window_numbers(one, INTERVAL) for one in (window, once))
    assert np.abs(numbers[..., 2 * RIGHT]).mean() == pytest.approx(
        np.abs(other[..., 2 * LEFT]).mean(), rel=1e-4
    )
