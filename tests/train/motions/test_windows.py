"""Made windows show what their labels say, to any camera, and are made anew each time."""

from __future__ import annotations

import numpy as np
import pytest

from rtaction.pose.keypoints import JOINTS, VISIBLE_SCORE
from rtaction.pose.normal import window_numbers
from rtaction.train.motions.floor import fall, lie_down, sit_down, stand_up
from rtaction.train.motions.gestures import wave
from rtaction.train.motions.skeleton import Bodies, joints_of
from rtaction.train.motions.timing import Numbers
from rtaction.train.motions.windows import ACTIONS, BACKGROUND, LABELS, film, make_windows, mirrored

TIMES = np.broadcast_to(np.arange(32, dtype=np.float32) / 8, (300, 32))


def _acted(name: str) -> tuple[Numbers, Numbers]:
    """Joints in space, (300, 32, 17, 3), and how much of the action is done."""
    rng = np.random.default_rng(3)
    acted = ACTIONS[name](rng, TIMES)
    return joints_of(acted.motion, Bodies.random(rng, len(TIMES))), acted.share


def _at(joints: Numbers, name: str) -> Numbers:
    return np.asarray(joints[..., JOINTS.index(name), :])


def test_all_labels_are_made_and_the_background_is_last() -> None:
    windows = make_windows(np.random.default_rng(0), 4000)
    counts = np.bincount(windows.labels, minlength=len(LABELS))
    assert LABELS[-1] == BACKGROUND
    assert counts[:-1].min() > 50
    assert 0.25 < counts[-1] / len(windows.labels) < 0.65
    assert windows.points.shape == (len(windows.labels), 16, 17, 3)
    assert windows.points.dtype == np.float32
    assert np.isfinite(window_numbers(windows.points, 0.125)).all()


def test_windows_are_the_same_from_the_same_seed_only() -> None:
    one, same, other = (make_windows(np.random.default_rng(seed), 300) for seed in (5, 5, 6))
    np.testing.assert_array_equal(one.points, same.points)
    np.testing.assert_array_equal(one.labels, same.labels)
    assert one.points.shape != other.points.shape or not np.array_equal(one.points, other.points)


def test_seen_joints_lie_in_the_picture() -> None:
    points = make_windows(np.random.default_rng(1), 2000).points
    seen = points[..., 2] > VISIBLE_SCORE
    assert points[..., :2][seen].min() >= 0
    assert points[..., :2][seen].max() <= 1
    assert 0.4 < seen.mean() < 0.95


@pytest.mark.parametrize("name", ["wave", "arms_raise", "point"])
def test_raised_hands_are_high(name: str) -> None:
    joints, share = _acted(name)
    height = _at(joints, "left_wrist")[..., 1] - _at(joints, "left_shoulder")[..., 1]
    least = {"wave": -0.2, "arms_raise": 0.0, "point": -0.2}[name]
    assert np.quantile(height[share > 0.98], 0.05) > least
    assert np.median(height[share < 0.02]) < -0.05


def test_clapping_hands_meet() -> None:
    joints, share = _acted("clap")
    apart = np.linalg.norm(_at(joints, "left_wrist") - _at(joints, "right_wrist"), axis=-1)
    whole = (share > 0.98).all(axis=1)
    assert whole.sum() > 20
    assert np.median(apart[whole].min(axis=1)) < 0.06
    assert np.median(apart[whole].max(axis=1)) > 0.12


def test_a_punch_goes_out_and_comes_back() -> None:
    joints, share = _acted("punch")
    reach = np.linalg.norm(_at(joints, "left_wrist") - _at(joints, "left_shoulder"), axis=-1)
    whole = (share > 0.98).all(axis=1)
    assert np.median(reach[whole].max(axis=1) - reach[whole].min(axis=1)) > 0.1


def test_a_squat_lowers_the_hips_over_feet_that_stay() -> None:
    joints, share = _acted("squat")
    hips, feet = _at(joints, "left_hip"), joints[..., 15:17, :].mean(axis=-2)
    whole = (share > 0.98).all(axis=1)
    assert np.quantile(np.ptp(hips[whole][..., 1], axis=1), 0.3) > 0.03
    assert hips[whole][..., 1].min() < 0.25
    assert np.median(np.ptp(feet[whole][..., ::2], axis=1)) < 0.06


def test_a_kick_lifts_a_foot_and_a_jack_parts_them() -> None:
    joints, share = _acted("kick")
    whole = (share > 0.98).all(axis=1)
    ankles = joints[whole][..., 15:17, 1]
    assert np.median(ankles.max(axis=(1, 2))) > 0.25
    joints, share = _acted("jumping_jack")
    whole = (share > 0.98).all(axis=1)
    apart = np.abs(joints[whole][..., 15, 0] - joints[whole][..., 16, 0])
    assert np.median(np.ptp(apart, axis=1)) > 0.1


@pytest.mark.parametrize(
    ("act", "before", "after"),
    [(fall, 0.7, 0.3), (sit_down, 0.85, 0.75), (stand_up, 0.75, 0.85), (lie_down, 0.85, 0.4)],
)
def test_ways_lead_from_one_height_of_the_head_to_another(
    act: object, before: float, after: float
) -> None:
    rng = np.random.default_rng(4)
    acted = act(rng, TIMES)  # type: ignore[operator]
    heads = _at(joints_of(acted.motion, Bodies.random(rng, len(TIMES))), "nose")[..., 1]
    assert acted.leads
    started, ended = heads[acted.share < 0.02], heads[acted.share > 0.98]
    assert len(started) > 100
    assert len(ended) > 100
    if before > after:
        assert np.median(started) > before
        assert np.median(ended) < after
    else:
        assert np.median(started) < before
        assert np.median(ended) > after


def test_falls_take_a_second_and_lying_down_with_care_takes_two() -> None:
    for act, longest, shortest in ((fall, 1.2, 0.0), (lie_down, 9.0, 1.8)):
        share = act(np.random.default_rng(0), TIMES).share
        whole = (share[:, 0] <= 0.0) & (share[:, -1] >= 1.0)
        seconds = ((share > 0.0) & (share < 1.0)).sum(axis=1)[whole] / 8
        assert seconds.max() <= longest + 0.25
        assert seconds.min() >= shortest - 0.25


def test_who_lies_is_seen_less() -> None:
    rng = np.random.default_rng(2)
    seen = []
    for act in (lie_down, wave):
        acted = act(rng, TIMES)
        points = film(rng, acted.motion, TIMES)
        rows = acted.share > 0.98 if act is lie_down else acted.share >= 0
        seen.append((points[..., 2] > VISIBLE_SCORE)[rows].mean())
    assert seen[0] < seen[1] - 0.05


def test_a_mirror_exchanges_the_sides_and_nothing_else() -> None:
    points = make_windows(np.random.default_rng(8), 400).points
    turned = mirrored(np.random.default_rng(0), points)
    changed = ~(turned == points).all(axis=(1, 2, 3))
    assert 0.3 < changed.mean() < 0.7
    numbers, expected = (window_numbers(one[changed], 0.125) for one in (turned, points))
    left, right = JOINTS.index("left_wrist"), JOINTS.index("right_wrist")
    np.testing.assert_allclose(numbers[..., 2 * left], expected[..., 2 * right], atol=1e-3)
    np.testing.assert_allclose(numbers[..., 2 * left + 1], -expected[..., 2 * right + 1], atol=1e-3)
