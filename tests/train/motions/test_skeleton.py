"""Bodies keep their proportions, stand on the floor and reach what they reach for."""

from __future__ import annotations

import numpy as np
import pytest

from rtaction.pose.keypoints import JOINTS
from rtaction.train.motions.others import OTHERS
from rtaction.train.motions.postures import Act, lying, still
from rtaction.train.motions.skeleton import (
    FORE,
    FORE_AROUND,
    PITCH,
    UPPER,
    UPPER_AROUND,
    Bodies,
    arm_to,
    joints_of,
)
from rtaction.train.motions.timing import Numbers

TIMES = np.broadcast_to(np.arange(16, dtype=np.float32) / 8, (200, 16))


def _at(joints: Numbers, name: str) -> Numbers:
    return np.asarray(joints[..., JOINTS.index(name), :])


@pytest.mark.parametrize("act", OTHERS)
def test_bones_keep_their_lengths_and_nobody_sinks_into_the_floor(act: Act) -> None:
    rng = np.random.default_rng(0)
    motion = act(rng, TIMES)
    bodies = Bodies.random(rng, len(TIMES))
    joints = joints_of(motion, bodies)
    for first, second, length in (
        ("left_shoulder", "left_elbow", bodies.upper_arm),
        ("right_elbow", "right_wrist", bodies.forearm),
        ("left_hip", "left_knee", bodies.thigh),
        ("right_knee", "right_ankle", bodies.shank),
        ("left_hip", "right_hip", 2 * bodies.half_hips),
    ):
        distance = np.linalg.norm(_at(joints, first) - _at(joints, second), axis=-1)
        np.testing.assert_allclose(distance, np.broadcast_to(length[:, None], (200, 16)), rtol=1e-3)
    assert joints[..., 1].min() > 0.02
    standing = motion.place[..., 1] < 1e-6
    assert joints[..., 1].min(axis=-1)[standing].max(initial=0) < 0.07


def test_somebody_upright_is_as_tall_as_they_are_and_somebody_who_lies_is_not() -> None:
    rng = np.random.default_rng(0)
    heads = [
        _at(joints_of(act(rng, TIMES), Bodies.random(rng, 200)), "nose")[..., 1].mean()
        for act in (still, lying)
    ]
    assert heads[0] == pytest.approx(0.93, abs=0.05)
    assert heads[1] < 0.25


def test_left_is_at_positive_x_and_pitch_leans_ahead() -> None:
    rng = np.random.default_rng(1)
    motion = still(rng, TIMES)
    bodies = Bodies.random(rng, 200)
    motion.body[:] = 0
    motion.trunk[:] = 0
    upright = joints_of(motion, bodies)
    assert (_at(upright, "left_shoulder")[..., 0] > _at(upright, "right_shoulder")[..., 0]).all()
    motion.trunk[..., PITCH] = 1.0
    leaning = joints_of(motion, bodies)
    assert (_at(leaning, "nose")[..., 2] > _at(upright, "nose")[..., 2] + 0.2).all()


@pytest.mark.parametrize(
    "wrist",
    [(0.5, -0.5, 0.3), (-0.3, 0.2, 0.3), (0.0, 0.9, 0.1), (-0.6, 0.0, 0.1), (0.9, 0.1, 0.0)],
)
def test_an_arm_reaches_where_it_should(wrist: tuple[float, float, float]) -> None:
    angles = arm_to(np.array(wrist), np.array([0.5, -1.0, -0.3]))

    def way(steep: int, around: int) -> Numbers:
        a, b = angles[steep], angles[around]
        return np.array([np.sin(a) * np.cos(b), -np.cos(a), np.sin(a) * np.sin(b)])

    reached = 0.54 * way(UPPER, UPPER_AROUND) + 0.46 * way(FORE, FORE_AROUND)
    np.testing.assert_allclose(reached, wrist, atol=1e-3)


def test_what_is_too_far_is_reached_for() -> None:
    angles = arm_to(np.array([0.0, 0.0, 3.0]), np.array([0.0, -1.0, 0.0]))
    assert angles[UPPER] == pytest.approx(np.pi / 2, abs=0.15)
    assert angles[FORE] == pytest.approx(np.pi / 2, abs=0.15)
