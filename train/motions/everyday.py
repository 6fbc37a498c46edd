"""Everyday movements without a label, and what resembles the actions without being one.

Each function takes a random generator and times, float32 of shape (num_windows, num_times), and
returns a `Motion`.
"""

from __future__ import annotations

import numpy as np

from rtaction.train.motions.acted import episode, with_arms
from rtaction.train.motions.postures import (
    mixture,
    on_chair,
    stepping,
    still,
    upright,
)
from rtaction.train.motions.skeleton import (
    KNEE,
    PITCH,
    ROLL,
    THIGH,
    YAW,
    Motion,
    arm_to,
)
from rtaction.train.motions.steps import bend_legs
from rtaction.train.motions.timing import (
    Numbers,
    Rng,
    around,
    between,
    bump,
    eased,
    happens,
    phase,
    wander,
)

# Where hands go, from the shoulder: outward, up and ahead, in lengths of the arm.
_LOW = (
    (0.1, -0.95, 0.05),
    (0.02, -0.75, 0.1),
    (-0.3, -0.6, 0.35),
    (-0.1, -0.65, 0.6),
    (-0.25, -0.3, 0.5),
    (0.5, -0.65, 0.3),
    (-0.5, -0.35, 0.35),
    (-0.1, -0.3, 0.75),
    (-0.3, -0.15, 0.3),
)


_FACE = (
    (-0.32, 0.25, 0.3),
    (-0.12, 0.4, 0.12),
    (-0.2, 0.65, 0.05),
    (-0.3, 0.12, 0.3),
    (0.0, 0.3, -0.1),
    (-0.75, 0.0, 0.3),
    (-0.25, 0.4, 0.25),
    (0.1, 0.55, 0.5),
)


def errands(rng: Rng, times: Numbers) -> Motion:
    """Hands go from spot to spot and rest there: drink, phone, hair, face, table, pockets."""
    motion = upright(rng, times)
    spots = np.array(_LOW + _FACE)
    weights = np.array([1.0] * len(_LOW) + [0.8] * len(_FACE))
    alike = happens(rng, len(times), 0.25)
    with_arms(motion, _visits(rng, times, spots, weights, alike, 0.25), 1 + 0 * times)
    return motion


def _visits(
    rng: Rng,
    times: Numbers,
    spots: Numbers,
    weights: Numbers,
    alike: Numbers,
    least_rest: float,
) -> Numbers:
    """Both arms on ways between spots; (num, num_times, 2, 4). Alike: both the same way."""
    num = len(times)
    wrists = np.zeros((num, times.shape[1], 2, 3), np.float32)
    unhurried = between(rng, num, 0.2, 2.5)
    num_stops = 3 + int(times[0, -1] - times[0, 0])
    for side in range(2):
        where = rng.choice(len(spots), size=(num, num_stops), p=weights / weights.sum())
        stops = spots[where] + rng.normal(0, 0.08, (num, num_stops, 3))
        stays = happens(rng, num, 0.35)[..., np.newaxis]
        stops = stops + stays * (stops[:, :1] - stops)
        wrist = np.repeat(stops[:, :1], times.shape[1], axis=1)
        start = between(rng, num, -1.0, 0.6)
        for stop in range(1, num_stops):
            takes = between(rng, num, 0.25, 0.6)
            takes = takes + 0.5 * np.linalg.norm(stops[:, stop] - stops[:, stop - 1], axis=1)[
                :, np.newaxis
            ] * rng.random((num, 1))
            wrist = (
                wrist
                + eased((times - start) / takes)[..., np.newaxis]
                * (stops[:, stop] - stops[:, stop - 1])[:, np.newaxis]
            )
            start = start + takes + least_rest + rng.random((num, 1)) * unhurried
        wrists[:, :, side] = wrist
    wrists[:, :, 1] += alike[..., np.newaxis] * (wrists[:, :, 0] - wrists[:, :, 1])
    wrists += wander(rng, times, between(rng, num, 0.005, 0.04), 0.8, 6).reshape(wrists.shape)
    elbows = rng.normal((0.6, -0.9, -0.3), 0.25, (num, 1, 2, 3))
    return arm_to(wrists, elbows)


def signing(rng: Rng, times: Numbers) -> Motion:
    """Hands that talk before chest and face, with small quick movements: signs, gestures."""
    num, motion = len(times), upright(rng, times)
    hands = np.array([*_LOW[2:], *_FACE])
    arms = _visits(rng, times, hands, np.ones(len(hands)), happens(rng, num, 0.4), 0.05)
    quick = np.sin(phase(rng, times, between(rng, num, 0.8, 3.0)))[..., np.newaxis, np.newaxis]
    shape = (
        rng.normal(0, 1, (num, 1, 2, 4))
        * between(rng, num, 0.03, 0.28)[..., np.newaxis, np.newaxis]
    )
    arms = arms + quick * shape * happens(rng, num, 0.7)[..., np.newaxis, np.newaxis]
    one = happens(rng, num, 0.45)[..., np.newaxis]
    arms[..., 1, :] += one * (motion.arms[..., 1, :] - arms[..., 1, :])
    with_arms(motion, arms, episode(rng, times))
    return motion


def busy(rng: Rng, times: Numbers) -> Motion:
    """Hands at work before the belly: type, cook, stir, chop, wipe, play, steer, wash."""
    num, motion = len(times), upright(rng, times)
    middle = np.array([-0.15, -0.5, 0.55]) + rng.normal(0, (0.15, 0.15, 0.12), (num, 1, 2, 3))
    high = happens(rng, num, 0.25)[..., np.newaxis, np.newaxis]
    middle = middle + high * np.array([0.05, 0.45, 0.1])
    angle = phase(rng, times, between(rng, num, 0.5, 3.5))
    shift = between(rng, num, 0, 6.28)
    size = between(rng, num, 0.01, 0.22)[..., np.newaxis] * rng.normal(0, 1, (num, 1, 3))
    wrists = np.stack(
        [
            middle[:, :, 0] + np.sin(angle)[..., np.newaxis] * size,
            middle[:, :, 1]
            + np.sin(angle + shift)[..., np.newaxis]
            * size
            * happens(rng, num, 0.6)[..., np.newaxis],
        ],
        axis=2,
    )
    wrists = wrists + wander(rng, times, between(rng, num, 0.01, 0.06), 0.6, 6).reshape(
        wrists.shape
    )
    with_arms(motion, arm_to(wrists, np.array([0.7, -0.9, -0.2])), 1 + 0 * times)
    motion.trunk[..., PITCH] += between(rng, num, 0.0, 0.45)
    motion.head[..., PITCH] += between(rng, num, 0.0, 0.5)
    return motion


def chopping(rng: Rng, times: Numbers) -> Motion:
    """Both arms, or one, swung to and fro in a big arc: chop, sweep, row, golf, throw, swim."""
    num, motion = len(times), mixture(rng, times, {still: 0.6, stepping: 0.3, on_chair: 0.1})
    one = np.array([0.0, 0.2, 0.6]) + rng.normal(0, (0.3, 0.5, 0.3), (num, 1, 3))
    other = np.array([-0.2, -0.4, 0.6]) + rng.normal(0, (0.4, 0.4, 0.3), (num, 1, 3))
    angle = phase(rng, times, between(rng, num, 0.25, 1.1))
    share = (0.5 - 0.5 * np.cos(angle))[..., np.newaxis]
    round_ = rng.normal(0, 0.25, (num, 1, 3)) * np.sin(angle)[..., np.newaxis]
    wrist = one + share * (other - one) + round_
    together = happens(rng, num, 0.55)[..., np.newaxis]
    mirrored = wrist * np.array([-1.0, 1.0, 1.0]) - np.array([0.7, 0.0, 0.0])
    second = wrist + together * (mirrored - wrist)
    arms = arm_to(np.stack([wrist, second], axis=2), np.array([0.6, -0.8, -0.2]))
    single = happens(rng, num, 0.25)[..., np.newaxis]
    arms[..., 1, :] += single * (motion.arms[..., 1, :] - arms[..., 1, :])
    with_arms(motion, arms, episode(rng, times))
    twist = between(rng, num, -0.7, 0.7) * (share[..., 0] - 0.5)
    motion.trunk[..., YAW] += twist
    motion.trunk[..., PITCH] += between(rng, num, 0.0, 0.5) * share[..., 0]
    return motion


def stretching(rng: Rng, times: Numbers) -> Motion:
    """Slow and wide: an arm up or across, bends to a side, twists, shoulders rolled."""
    num, motion = len(times), upright(rng, times)
    weight = episode(rng, times, ease_seconds=1.5)
    up = arm_to(
        np.array([-0.3, 0.85, 0.05]) + rng.normal(0, 0.2, (num, 1, 3)), np.array([1.0, 0.0, 0.2])
    )
    across = arm_to(
        np.array([-0.85, -0.05, 0.4]) + rng.normal(0, 0.12, (num, 1, 3)), np.array([0.5, 0.0, 1.0])
    )
    chosen = happens(rng, num, 0.5)[..., np.newaxis]
    lifted = up + chosen * (across - up)
    motion.arms[..., 0, :] += weight[..., np.newaxis] * (lifted - motion.arms[..., 0, :])
    motion.trunk[..., ROLL] += weight * around(rng, num, 0, 0.4)
    motion.trunk[..., YAW] += weight * around(rng, num, 0, 0.4)
    motion.trunk[..., PITCH] += weight * around(rng, num, 0, 0.15)
    return motion


def dancing(rng: Rng, times: Numbers) -> Motion:
    """Everything moves to a beat, nothing in particular."""
    num, motion = len(times), mixture(rng, times, {still: 0.5, stepping: 0.5})
    angle = phase(rng, times, between(rng, num, 0.5, 1.4))[..., np.newaxis]
    size = between(rng, num, 0.3, 1.0)[..., np.newaxis]

    def beat(axes: int, spread: float) -> Numbers:
        start = rng.uniform(0, 6.28, (num, 1, axes))
        double = rng.integers(1, 3, (num, 1, axes))
        return size * rng.normal(0, spread, (num, 1, axes)) * np.sin(angle * double + start)

    middle = arm_to(
        np.array([0.1, -0.3, 0.45]) + rng.normal(0, 0.25, (num, 1, 2, 3)),
        np.array([0.8, -0.8, -0.2]),
    )
    with_arms(motion, middle, 1 + 0 * times)
    motion.arms += beat(8, 0.3).reshape(motion.arms.shape)
    motion.trunk += beat(3, 0.12)
    motion.legs[..., :3] += np.abs(beat(6, 0.15)).reshape(*times.shape, 2, 3)
    motion.body[..., YAW] += beat(1, 0.3)[..., 0]
    motion.place[..., ::2] += beat(2, 0.04)
    motion.place[..., 1] += np.abs(beat(1, 0.02)[..., 0])
    return motion


def tai_chi(rng: Rng, times: Numbers) -> Motion:
    """Slow arms through large arcs, knees bent."""
    num, motion = len(times), mixture(rng, times, {still: 0.6, stepping: 0.4})
    middle = np.array([0.0, -0.1, 0.55]) + rng.normal(0, 0.2, (num, 1, 2, 3))
    path = wander(rng, times, between(rng, num, 0.1, 0.35), 0.15, 6).reshape(*times.shape, 2, 3)
    with_arms(motion, arm_to(middle + path, np.array([0.8, -0.7, 0.0])), 1 + 0 * times)
    bend_legs(rng, motion, np.full_like(times, 1.0), between(rng, num, 0.0, 0.7))
    return motion


def bending(rng: Rng, times: Numbers) -> Motion:
    """Down to the floor with a hand or both, and up again: pick up, tie a shoe, touch the toes."""
    num, motion = len(times), mixture(rng, times, {still: 0.8, stepping: 0.2})
    start, takes = between(rng, num, -3.0, 1.2), between(rng, num, 0.5, 1.6)
    share = bump(times, start, takes, between(rng, num, 0.1, 2.5), takes)
    deep = between(rng, num, 0.9, 2.2)
    motion.trunk[..., PITCH] += deep * share
    knees = between(rng, num, 0.0, 1.0)
    thigh = knees * between(rng, num, 0.0, 1.9) * share
    motion.legs[..., THIGH] += thigh[..., np.newaxis]
    motion.legs[..., KNEE] += 1.3 * thigh[..., np.newaxis]
    # Arms hang down whichever way the trunk leans.
    reach = (
        np.stack(np.broadcast_arrays(0.1, -np.cos(deep * share), np.sin(deep * share)), axis=-1)
        * between(rng, num, 0.7, 1.0)[..., np.newaxis]
    )
    down = arm_to(
        reach[..., np.newaxis, :] + rng.normal(0, 0.1, (num, 1, 2, 3)), np.array([0.8, -0.2, -0.5])
    )
    one = happens(rng, num, 0.4)[..., np.newaxis]
    down[..., 1, :] += one * (motion.arms[..., 1, :] - down[..., 1, :])
    with_arms(motion, down, share)
    return motion


def one_arm_up(rng: Rng, times: Numbers) -> Motion:
    """One hand up and still: a greeting without a wave, holding on, asking to speak, shading."""
    num, motion = len(times), upright(rng, times)
    wrist = np.array([0.1, 0.7, 0.3]) + rng.normal(0, (0.2, 0.25, 0.2), (num, 1, 3))
    lifted = arm_to(wrist + 0 * times[..., np.newaxis], np.array([0.9, -0.6, 0.1]))
    share = episode(rng, times, ease_seconds=1.0)
    motion.arms[..., 0, :] += share[..., np.newaxis] * (lifted - motion.arms[..., 0, :])
    return motion


def phantom(rng: Rng, times: Numbers) -> Motion:
    """What a pose network sees in a coat or a poster: limbs jump about, the trunk stays."""
    num, motion = len(times), mixture(rng, times, {still: 0.6, on_chair: 0.4})
    size = between(rng, num, 0.05, 0.5)[..., np.newaxis]
    jumps = size * rng.standard_normal((*times.shape, 8), np.float32)
    motion.arms += (jumps + wander(rng, times, size[..., 0], 1.0, 8)).reshape(motion.arms.shape)
    jumps = 0.5 * size * rng.standard_normal((*times.shape, 8), np.float32)
    motion.legs += jumps.reshape(motion.legs.shape)
    around_again = (np.abs(wander(rng, times, 1.0, 1.0, 1)[..., 0]) > 1.3) * happens(rng, num, 0.3)
    motion.body[..., YAW] += np.pi * around_again
    return motion
