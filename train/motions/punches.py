"""Fists thrust out and drawn back.

Each function takes a random generator and times, float32 of shape (num_windows, num_times), and
returns an `Acted`.
"""

from __future__ import annotations

import numpy as np

from rtaction.train.motions.acted import Acted, both, episode, with_arms
from rtaction.train.motions.postures import (
    mixture,
    on_chair,
    resting_arms,
    stepping,
    still,
)
from rtaction.train.motions.skeleton import (
    KNEE,
    PITCH,
    THIGH,
    YAW,
    Motion,
    arm_to,
)
from rtaction.train.motions.timing import (
    Numbers,
    Rng,
    between,
    happens,
    phase,
    strokes,
    wander,
)

# Guards, and where a fist goes, from the shoulder: outward, up and ahead, in lengths of the arm.
_GUARDS = ((-0.22, 0.12, 0.35), (-0.1, -0.25, 0.35), (-0.3, -0.1, 0.25), (0.0, 0.3, 0.3))


_STRAIGHT, _HOOK, _UPPERCUT, _BACK_FIST, _SIDE = range(5)


_ENDS = (
    (-0.15, 0.08, 0.97),
    (-0.65, 0.1, 0.6),
    (-0.25, 0.3, 0.65),
    (0.75, 0.1, 0.55),
    (0.97, 0.02, 0.1),
)


_VIA = ((0.0, 0.0, 0.0), (0.45, 0.05, 0.15), (0.0, -0.4, 0.15), (-0.2, 0.1, 0.0), (0.0, 0.0, 0.1))


def punch(rng: Rng, times: Numbers) -> Acted:
    """Fists thrust out and drawn back: straight, hooked, upward, backward, to the sides."""
    num, motion = len(times), fighting(rng, times)
    done = episode(rng, times)
    guard = np.array(_GUARDS)[rng.integers(len(_GUARDS), size=(num, 1))]
    guard = guard + rng.normal(0, 0.08, (num, 1, 3))
    slow = happens(rng, num, 0.3)
    angle = phase(rng, times, between(rng, num, 0.4, 1.5) * (1 - 0.55 * slow))
    share = between(rng, num, 0.35, 0.75) + 0.2 * slow
    holds = 1 + slow * between(rng, num, 0.0, 1.5)
    alternate = happens(rng, num, 0.6)
    kind = rng.choice(5, size=(num, 1), p=(0.5, 0.15, 0.1, 0.12, 0.13))
    elbows = rng.normal((0.6, -0.8, -0.2), 0.2, (num, 1, 3))
    elbows += (kind[..., np.newaxis] == _HOOK) * np.array([0.5, 0.6, 0.0])
    arms = []
    twist, furthest = np.zeros_like(times), np.zeros_like(times)
    for side in range(2):
        mixed = rng.integers(5, size=(num, 1))
        one = np.where(happens(rng, num, 0.2) > 0, mixed, kind)
        thrust = (holds * strokes(angle + np.pi * side, share)).clip(0, 1)
        if side:
            thrust = thrust * alternate
        furthest = np.maximum(furthest, thrust * done)
        end = np.array(_ENDS)[one] + rng.normal(0, (0.15, 0.15, 0.08), (num, 1, 3))
        via = np.array(_VIA)[one] * 4 * (thrust * (1 - thrust))[..., np.newaxis]
        wrist = guard + thrust[..., np.newaxis] * (end - guard) + via
        wrist = wrist + wander(rng, times, 0.03, 1.0, 3)
        arms.append(arm_to(wrist, elbows))
        twist = twist + (-1.0 if side == 0 else 1.0) * thrust * np.where(one == _SIDE, -0.8, 1.0)
    arms[1] = np.where(
        ((1 - alternate) * happens(rng, num, 0.25))[..., np.newaxis] > 0,
        resting_arms(rng, times)[..., 1, :],
        arms[1],
    )
    with_arms(motion, both(*arms), done)
    motion.trunk[..., YAW] += done * twist * between(rng, num, 0.0, 0.7)
    motion.trunk[..., PITCH] += done * (between(rng, num, -0.05, 0.25) + 0.1 * np.abs(twist))
    return Acted(motion, done, strokes=furthest)


def fighting(rng: Rng, times: Numbers) -> Motion:
    """One foot ahead, or as one stands; bouncing or stepping, sometimes seated."""
    num = len(times)
    motion = mixture(rng, times, {still: 0.62, stepping: 0.3, on_chair: 0.08})
    stance = happens(rng, num, 0.6) * between(rng, num, 0.1, 0.5)
    stance = stance * (np.abs(motion.legs[..., 0, THIGH]).mean(axis=1, keepdims=True) < 0.8)
    motion.legs[..., 0, THIGH] += stance
    motion.legs[..., 1, THIGH] -= 0.6 * stance
    motion.legs[..., KNEE] += (0.8 * stance)[..., np.newaxis]
    bounce = happens(rng, num, 0.35) * np.sin(phase(rng, times, between(rng, num, 1.0, 2.5)))
    motion.place[..., 1] += 0.012 * (1 + bounce) * (np.abs(bounce) > 0)
    return motion
