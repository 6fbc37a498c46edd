"""Exercises and poses without a label: push-ups, burpees, lunges, jumps, yoga.

Each function takes a random generator and times, float32 of shape (num_windows, num_times), and
returns a `Motion`.
"""

from __future__ import annotations

import numpy as np

from rtaction.train.motions.acted import arm, both, with_arms
from rtaction.train.motions.postures import (
    crouching,
    go,
    kneeling,
    mixture,
    on_all_fours,
    on_floor,
    still,
)
from rtaction.train.motions.skeleton import (
    KNEE,
    PITCH,
    ROLL,
    SHANK_OUT,
    THIGH,
    THIGH_OUT,
    YAW,
    Motion,
    arm_to,
)
from rtaction.train.motions.timing import (
    Numbers,
    Rng,
    around,
    between,
    bump,
    eased,
    happens,
    phase,
    ramp,
)


def exercising(rng: Rng, times: Numbers) -> Motion:
    """Push-ups, burpees, lunges, crunches, planks."""
    return mixture(rng, times, {_push_ups: 0.25, _burpees: 0.3, _lunges: 0.25, _crunches: 0.2})


def _push_ups(rng: Rng, times: Numbers) -> Motion:
    num, motion = len(times), on_all_fours(rng, times)
    down = 0.5 - 0.5 * np.cos(phase(rng, times, between(rng, num, 0.0, 0.9)))
    low = arm_to(
        np.array([0.45, 0.0, 0.35]) + rng.normal(0, 0.06, (num, 1, 2, 3)),
        np.array([1.0, -0.5, -0.5]),
    )
    with_arms(motion, low, down * between(rng, num, 0.0, 1.0))
    motion.body[..., PITCH] += down * 0.12
    return motion


def _burpees(rng: Rng, times: Numbers) -> Motion:
    """Upright, crouched, in the position of push-ups, and back, again and again."""
    num = len(times)
    turn = (times * between(rng, num, 0.22, 0.5) + between(rng, num, 0, 1)) % 1.0
    up, low, plank = still(rng, times), crouching(rng, times), on_all_fours(rng, times)
    for other in (low, plank):
        other.body[..., YAW], other.place[:] = up.body[..., YAW], up.place
    crouch = eased((turn - 0.1) / 0.15) * (1 - eased((turn - 0.75) / 0.15))
    out = eased((turn - 0.3) / 0.12) * (1 - eased((turn - 0.62) / 0.12))
    hands = arm_to(
        np.array([0.05, -0.6, 0.7]) + rng.normal(0, 0.05, (num, 1, 2, 3)), np.array([1.0, 0, 0])
    )
    with_arms(low, hands, 1 + 0 * times)
    motion = up.mixed(low, crouch).mixed(plank, out)
    jump = np.maximum(np.sin(2 * np.pi * (turn - 0.92) / 0.2), 0) * (np.abs(turn - 0.97) < 0.05)
    motion.place[..., 1] += 0.1 * jump * happens(rng, num, 0.5)
    return motion


def _lunges(rng: Rng, times: Numbers) -> Motion:
    num, motion = len(times), still(rng, times)
    angle = phase(rng, times, between(rng, num, 0.2, 0.6))
    down = (0.5 - 0.5 * np.cos(angle)) * between(rng, num, 0.5, 1.0)
    motion.legs[..., 0, THIGH] += 1.3 * down
    motion.legs[..., 0, KNEE] += 1.4 * down
    motion.legs[..., 1, THIGH] -= 0.4 * down
    motion.legs[..., 1, KNEE] += 1.3 * down
    return motion


def _crunches(rng: Rng, times: Numbers) -> Motion:
    num, motion = len(times), on_floor(rng, times)
    down = 0.5 - 0.5 * np.cos(phase(rng, times, between(rng, num, 0.1, 0.7)))
    back = between(rng, num, 0.4, 1.5)
    motion.trunk[..., PITCH] -= back * down
    return motion


def jumping(rng: Rng, times: Numbers) -> Motion:
    """On the spot, or running: both feet or one after the other, arms hanging or swinging."""
    num, motion = len(times), still(rng, times)
    angle = phase(rng, times, between(rng, num, 0.6, 2.2))
    lift = np.maximum(np.sin(angle), 0)
    runs = happens(rng, num, 0.5)
    motion.place[..., 1] += between(rng, num, 0.02, 0.15) * lift * (1 - 0.7 * runs)
    dip = np.maximum(-np.sin(angle), 0) * between(rng, num, 0.2, 1.0)
    motion.legs[..., THIGH] += (0.5 * dip * (1 - runs))[..., np.newaxis]
    motion.legs[..., KNEE] += (dip * (1 - runs))[..., np.newaxis]
    for side, shift in ((0, 0.0), (1, np.pi)):
        step = np.sin(angle + shift)
        motion.legs[..., side, THIGH] += runs * between(rng, num, 0.4, 0.9) * step
        motion.legs[..., side, KNEE] += runs * (0.4 + 1.1 * np.maximum(np.cos(angle + shift), 0))
        motion.arms[..., side, 0] += runs * 0.3 * np.abs(step) + 0.25 * dip * (1 - runs)
    go(motion, times, runs * happens(rng, num, 0.6) * between(rng, num, 0.8, 2.0), 0 * runs)
    motion.stands[:] = 0
    return motion


def yoga(rng: Rng, times: Numbers) -> Motion:
    """Poses that are held: legs wide with arms out, tree, warrior, hands joined overhead, bows."""
    return mixture(rng, times, {_wide: 0.33, _tree: 0.1, _seated_arms: 0.4, _down_dog: 0.17})


def _wide(rng: Rng, times: Numbers) -> Motion:
    num, motion = len(times), still(rng, times)
    apart = between(rng, num, 0.4, 0.75)[..., np.newaxis]
    motion.legs[..., THIGH_OUT] = apart
    motion.legs[..., SHANK_OUT] = apart
    side = ramp(times, between(rng, num, -4, 1.5), between(rng, num, 0.8, 3.0))
    motion.trunk[..., ROLL] += side * between(rng, num, -1.5, 1.5)
    knee = happens(rng, num, 0.3) * between(rng, num, 0.5, 1.3)
    motion.legs[..., 0, KNEE] += knee
    motion.legs[..., 0, THIGH] += 0.7 * knee
    level = between(rng, num, 0.4, 1.75)
    out = arm(
        level + 0 * times, around(rng, num, 0, 0.15), level + 0 * times, around(rng, num, 0, 0.15)
    )
    arms = both(out, out)
    one = happens(rng, num, 0.3)[..., np.newaxis]
    arms[..., 1, :] += one * (motion.arms[..., 1, :] - arms[..., 1, :])
    with_arms(motion, arms, ramp(times, between(rng, num, -5, 1.0), between(rng, num, 0.8, 2.5)))
    return motion


def _down_dog(rng: Rng, times: Numbers) -> Motion:
    """Bent far ahead with straight legs, the arms in line with the trunk, hands to the floor."""
    num, motion = len(times), still(rng, times)
    share = bump(
        times,
        between(rng, num, -6, 1.2),
        between(rng, num, 0.7, 2.5),
        between(rng, num, 0.5, 6.0),
        between(rng, num, 0.7, 2.5),
    )
    motion.trunk[..., PITCH] += share * between(rng, num, 1.2, 2.5)
    motion.legs[..., THIGH] += (share * between(rng, num, -0.5, 0.6))[..., np.newaxis]
    over = arm_to(
        np.array([0.0, 0.95, 0.15]) + rng.normal(0, 0.12, (num, 1, 2, 3)), np.array([1.0, 0, 0.1])
    )
    with_arms(motion, over, ramp(share, between(rng, num, 0.0, 0.5), 0.5 + 0 * share[:, :1]))
    return motion


def _tree(rng: Rng, times: Numbers) -> Motion:
    num, motion = len(times), still(rng, times)
    share = ramp(times, between(rng, num, -4, 1.2), between(rng, num, 0.8, 2.5))
    motion.legs[..., 0, THIGH] += 0.9 * share
    motion.legs[..., 0, THIGH_OUT] += 1.0 * share
    motion.legs[..., 0, KNEE] += 2.2 * share
    motion.legs[..., 0, SHANK_OUT] -= 0.4 * share
    joined = arm_to(
        np.array([-0.33, 0.0, 0.3]) + rng.normal(0, 0.03, (num, 1, 1, 3)), np.array([1.0, -0.3, 0])
    )
    over = arm_to(
        np.array([-0.33, 0.9, 0.05]) + rng.normal(0, 0.03, (num, 1, 1, 3)),
        np.array([1.0, 0.0, 0.1]),
    )
    chosen = happens(rng, num, 0.5)[..., np.newaxis, np.newaxis]
    arms = joined + chosen * (over - joined)
    with_arms(motion, np.broadcast_to(arms, motion.arms.shape), share)
    return motion


def _seated_arms(rng: Rng, times: Numbers) -> Motion:
    """On heels or floor: arms go up and down with the trunk, as in a bow."""
    num, motion = len(times), mixture(rng, times, {kneeling: 0.7, on_floor: 0.3})
    up = arm_to(
        np.array([-0.1, 0.95, 0.1]) + rng.normal(0, 0.12, (num, 1, 2, 3)), np.array([1.0, 0.0, 0.1])
    )
    lifted = bump(
        times,
        between(rng, num, -3, 1.2),
        between(rng, num, 0.6, 2.5),
        between(rng, num, 0.5, 4),
        between(rng, num, 0.8, 2.5),
    )
    with_arms(motion, up, lifted)
    bow = ramp(times, between(rng, num, -3.0, 3.0), between(rng, num, 1.0, 3.0))
    motion.trunk[..., PITCH] += bow * happens(rng, num, 0.7) * between(rng, num, 0.6, 1.7)
    return motion
