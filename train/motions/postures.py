"""How people stand, sit, kneel and lie while nothing else happens, and where their hands rest.

Each function takes a random generator and times, float32 of shape (num_windows, num_times), and
returns a `Motion`. This module knows nothing about labels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import numpy as np

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
    happens,
    phase,
    wander,
)

Act = Callable[[Rng, Numbers], Motion]

# Where a wrist rests and which way the elbow points: from the shoulder, outward, up and ahead, in
# lengths of the arm.
HANGING = ((0.1, -0.97, 0.05), (0.3, 0.0, -1.0))
_RESTS = (
    (*HANGING, 0.46),
    ((0.02, -0.78, 0.08), (1.0, 0.0, -0.5), 0.09),  # on the hip
    ((-0.35, -0.55, 0.35), (0.6, -1.0, 0.0), 0.09),  # on the belly
    ((-0.45, -0.30, 0.30), (0.5, -1.0, 0.2), 0.06),  # folded
    ((-0.25, -0.75, -0.15), (0.8, -0.3, -0.6), 0.06),  # behind the back
    ((-0.05, -0.65, 0.60), (0.5, -1.0, -0.3), 0.12),  # on a table, or the thighs of who sits
    ((0.05, -0.80, 0.30), (0.5, -0.5, -1.0), 0.06),  # in a pocket
    ((-0.20, 0.15, 0.30), (0.6, -1.0, 0.1), 0.06),  # at the chin
)


def resting_arms(rng: Rng, times: Numbers) -> Numbers:
    """Both arms at rest, mostly alike: (num, num_times, 2, 4)."""
    num = len(times)
    weights = np.array([weight for _, _, weight in _RESTS])
    chosen = rng.choice(len(_RESTS), size=(num, 2), p=weights / weights.sum())
    alike = rng.random(num) < 0.75
    chosen[alike, 1] = chosen[alike, 0]
    wrists = np.array([spot for spot, _, _ in _RESTS])[chosen] + rng.normal(0, 0.04, (num, 2, 3))
    elbows = np.array([elbow for _, elbow, _ in _RESTS])[chosen] + rng.normal(0, 0.2, (num, 2, 3))
    arms = arm_to(wrists, elbows)[:, np.newaxis]  # (num, 1, 2, 4)
    fidget = wander(rng, times, between(rng, num, 0.005, 0.06), 0.5, 8)
    return np.asarray(arms + fidget.reshape(*times.shape, 2, 4), np.float32)


def still(rng: Rng, times: Numbers) -> Motion:
    """Somebody upright with straight legs and resting arms who sways a little."""
    num, shape = len(times), times.shape
    legs = np.zeros((*shape, 2, 4), np.float32)
    apart = between(rng, num, 0.0, 0.16) + 0.2 * happens(rng, num, 0.12)
    legs[..., THIGH_OUT] = apart[..., np.newaxis]
    legs[..., SHANK_OUT] = legs[..., THIGH_OUT]
    legs[..., THIGH] = around(rng, num, 0.0, 0.05)[..., np.newaxis] * np.array([1, -1])
    legs[..., KNEE] = np.abs(around(rng, num, 0.0, 0.08))[..., np.newaxis]
    legs[..., :2] += wander(rng, times, 0.015, 0.3, 4).reshape(*shape, 2, 2)
    trunk = wander(rng, times, between(rng, num, 0.005, 0.04), 0.3, 3)
    trunk += rng.normal(0, (0.06, 0.025, 0.06), (num, 1, 3)).astype(np.float32)
    head = wander(rng, times, between(rng, num, 0.02, 0.18), 0.4, 3)
    head += rng.normal((0.1, 0, 0), (0.2, 0.08, 0.3), (num, 1, 3)).astype(np.float32)
    body = np.zeros((*shape, 3), np.float32)
    body[..., YAW] = wander(rng, times, 0.03, 0.2, 1)[..., 0]
    place = wander(rng, times, between(rng, num, 0.002, 0.02), 0.25, 3)
    place[..., 1] = 0
    stands = np.ones((num, 1), np.float32)
    return Motion(resting_arms(rng, times), legs, body, trunk, head, place, stands)


def set_legs(motion: Motion, thigh: object, out: object, knee: object, shank_out: object) -> None:
    """Both legs alike, each angle (num, num_times), (num, 1) or a number."""
    for number, angle in ((THIGH, thigh), (THIGH_OUT, out), (KNEE, knee), (SHANK_OUT, shank_out)):
        value = np.asarray(angle, np.float32)
        motion.legs[..., number] = value[..., np.newaxis] if value.ndim else value


def on_chair(rng: Rng, times: Numbers) -> Motion:
    """Sitting on a chair, a sofa or a stool."""
    num, motion = len(times), still(rng, times)
    thigh = between(rng, num, 1.1, 1.65)
    knee = (thigh + around(rng, num, 0.0, 0.25)).clip(0.6, 1.9)
    set_legs(motion, thigh, between(rng, num, 0.02, 0.4), knee, between(rng, num, -0.1, 0.2))
    motion.legs += wander(rng, times, between(rng, num, 0.0, 0.04), 0.5, 8).reshape(
        *times.shape, 2, 4
    )
    motion.trunk[..., PITCH] += between(rng, num, -0.35, 0.35)
    motion.stands[:] = 0
    return motion


def on_floor(rng: Rng, times: Numbers) -> Motion:
    """Sitting on the floor: cross-legged, legs ahead, or knees drawn up."""
    num, motion = len(times), still(rng, times)
    way = rng.integers(3, size=(num, 1))
    thigh = np.choose(way, (1.35, 1.5, 2.3)) + around(rng, num, 0, 0.1)
    out = np.choose(way, (0.95, 0.1, 0.15)) + around(rng, num, 0, 0.1)
    knee = np.choose(way, (2.3, 0.15, 2.2)) + around(rng, num, 0, 0.1)
    shank = np.choose(way, (-0.9, 0.1, 0.1)) + around(rng, num, 0, 0.1)
    set_legs(motion, thigh, out, knee, shank)
    motion.trunk[..., PITCH] += between(rng, num, -0.3, 0.3)
    motion.stands[:] = 0
    return motion


def kneeling(rng: Rng, times: Numbers) -> Motion:
    """On the knees, upright or sitting on the heels; sometimes on one knee."""
    num, motion = len(times), still(rng, times)
    heels = happens(rng, num, 0.6)
    thigh = heels * between(rng, num, 1.1, 1.5) + (1 - heels) * between(rng, num, -0.1, 0.2)
    knee = heels * between(rng, num, 2.4, 2.7) + (1 - heels) * (1.5 + thigh)
    set_legs(motion, thigh, between(rng, num, 0.0, 0.3), knee, between(rng, num, -0.1, 0.15))
    one = (happens(rng, num, 0.25) * (1 - heels))[..., np.newaxis]
    for number, angle in ((THIGH, 1.4), (KNEE, 1.4)):
        motion.legs[..., :1, number] += one * (angle - motion.legs[..., :1, number])
    motion.trunk[..., PITCH] += between(rng, num, -0.1, 0.5)
    motion.stands[:] = 0
    return motion


def crouching(rng: Rng, times: Numbers) -> Motion:
    """Low on the heels, as to look at something on the floor."""
    num, motion = len(times), still(rng, times)
    thigh = between(rng, num, 1.7, 2.1)
    knee = thigh + between(rng, num, 0.3, 0.7)
    out = between(rng, num, 0.1, 1.0)
    set_legs(motion, thigh, out, knee, -out * between(rng, num, -0.2, 1.0))
    motion.trunk[..., PITCH] += between(rng, num, 0.2, 0.7)
    return motion


def on_all_fours(rng: Rng, times: Numbers) -> Motion:
    """On hands and knees, or in the position of push-ups."""
    num, motion = len(times), still(rng, times)
    straight = happens(rng, num, 0.5)
    pitch = straight * between(rng, num, 1.15, 1.4) + (1 - straight) * between(rng, num, 1.3, 1.6)
    motion.body[..., PITCH] += pitch
    thigh = (1 - straight) * between(rng, num, 1.3, 1.7)
    set_legs(motion, thigh, 0.08, (1 - straight) * 1.6, 0.08)
    down = arm_to(
        np.array([0.05, 0.0, 0.95]) + rng.normal(0, 0.06, (num, 1, 2, 3)), np.array([1.0, -0.5, 0])
    )
    motion.arms[:] = down
    motion.stands[:] = 0
    return motion


def lying(rng: Rng, times: Numbers) -> Motion:
    """On the back, the belly or a side, with arms and legs as they come."""
    num, motion = len(times), still(rng, times)
    way = rng.random((num, 1)) * 2 * np.pi
    way = np.round(way / (np.pi / 2)) * np.pi / 2 + around(rng, num, 0, 0.15)
    flat = between(rng, num, 1.4, 1.65)
    motion.body[..., PITCH] = flat * np.cos(way)
    motion.body[..., ROLL] = flat * np.sin(way)
    limp(rng, motion)
    motion.stands[:] = 0
    return motion


def limp(rng: Rng, motion: Motion) -> None:
    """Arms and legs of somebody who lies, anywhere."""
    num = len(motion.body)
    wrists = rng.normal((0.3, -0.3, 0.2), (0.35, 0.55, 0.2), (num, 1, 2, 3))
    elbows = rng.normal((1.0, 0.0, 0.0), 0.5, (num, 1, 2, 3))
    loose = happens(rng, num, 0.7)[..., np.newaxis, np.newaxis]
    motion.arms += loose * (arm_to(wrists, elbows) - motion.arms)
    bent = np.abs(rng.normal(0, 0.6, (num, 1, 2)))
    motion.legs[..., THIGH] += bent * rng.uniform(0.3, 1.0, (num, 1, 2))
    motion.legs[..., KNEE] += bent * rng.uniform(0.6, 1.6, (num, 1, 2))
    motion.legs[..., THIGH_OUT] += np.abs(rng.normal(0, 0.12, (num, 1, 2)))
    motion.trunk += rng.normal(0, (0.2, 0.12, 0.15), (num, 1, 3)).astype(np.float32)


def walking(rng: Rng, times: Numbers) -> Motion:
    """Walking along, or on the spot, at any pace; arms swing."""
    num, motion = len(times), still(rng, times)
    # Two steps in each turn.
    hertz = between(rng, num, 0.55, 1.15)
    angle = phase(rng, times, hertz)
    stride = between(rng, num, 0.18, 0.55)
    for side, shift in ((0, 0.0), (1, np.pi)):
        swing = np.sin(angle + shift)
        lift = np.maximum(np.cos(angle + shift), 0)
        motion.legs[..., side, THIGH] = stride * swing + 0.05 + 0.25 * stride * lift
        motion.legs[..., side, KNEE] = 0.08 + between(rng, num, 1.2, 2.4) * stride * lift
        motion.legs[..., side, THIGH_OUT] *= 0.4
        motion.legs[..., side, SHANK_OUT] *= 0.4
        swung = happens(rng, num, 0.8) * between(rng, num, 0.2, 0.9) * stride
        motion.arms[..., side, :] += _swing_of_arm(motion, side, -swung * swing)
    on_the_spot = happens(rng, num, 0.12)
    speed = (1 - on_the_spot) * 2.1 * stride * hertz * between(rng, num, 0.6, 1.1)
    motion.trunk[..., PITCH] += between(rng, num, -0.03, 0.12)
    motion.trunk[..., YAW] += 0.25 * stride * np.sin(angle)
    motion.body[..., YAW] += happens(rng, num, 0.6) * between(rng, num, 0, 2 * np.pi)
    go(motion, times, speed, happens(rng, num, 0.35) * around(rng, num, 0, 0.35))
    motion.stands[:] = 0
    return motion


def go(motion: Motion, times: Numbers, speed: Numbers, turns: Numbers) -> None:
    """Move ahead, at statures a second, while turning, in radians a second."""
    motion.body[..., YAW] += turns * times
    yaw, step = motion.body[..., YAW], np.diff(times, axis=1, prepend=times[:, :1])
    step = step * speed
    motion.place[..., 0] += np.cumsum(step * np.sin(yaw), axis=1)
    motion.place[..., 2] += np.cumsum(step * np.cos(yaw), axis=1)


def _swing_of_arm(motion: Motion, side: int, angle: Numbers) -> Numbers:
    """By how much hanging arms change when they swing ahead by an angle; (..., 4)."""
    arm = motion.arms[..., side, :]
    moved = arm.copy()
    for steep in (0, 2):
        out = np.sin(arm[..., steep]) * np.cos(arm[..., steep + 1])
        ahead = np.sin(arm[..., steep]) * np.sin(arm[..., steep + 1]) + angle * (
            arm[..., steep] < 1.0
        )
        moved[..., steep + 1] = np.arctan2(ahead, out)
        low = np.hypot(out, ahead).clip(0, 1)
        moved[..., steep] = np.where(arm[..., steep] < 1.0, np.arcsin(low), arm[..., steep])
    return np.asarray(moved - arm)


def carrying(rng: Rng, times: Numbers) -> Motion:
    """Walking with something in one or both hands, or a phone at the ear."""
    num, motion = len(times), walking(rng, times)
    spots = np.array(
        [(-0.25, -0.55, 0.4), (-0.1, 0.4, 0.15), (0.1, -0.95, 0.05), (-0.2, -0.3, 0.5)]
    )
    wrist = spots[rng.integers(len(spots), size=(num, 1))] + rng.normal(0, 0.06, (num, 1, 3))
    held = arm_to(wrist + 0 * times[..., np.newaxis], np.array([0.6, -0.9, -0.2]))
    motion.arms[..., 0, :] = held
    two = happens(rng, num, 0.5)[..., np.newaxis]
    motion.arms[..., 1, :] += two * (held - motion.arms[..., 1, :])
    return motion


def stepping(rng: Rng, times: Numbers) -> Motion:
    """Upright, shifting the weight, with a step now and then."""
    num, motion = len(times), still(rng, times)
    angle = phase(rng, times, between(rng, num, 0.3, 0.9))
    lift = np.stack([np.maximum(np.sin(angle), 0), np.maximum(-np.sin(angle), 0)], axis=-1)
    size = between(rng, num, 0.0, 0.4)[..., np.newaxis]
    motion.legs[..., THIGH] += size * lift
    motion.legs[..., KNEE] += 1.6 * size * lift
    motion.trunk[..., ROLL] += 0.15 * size[..., 0] * np.sin(angle)
    path = wander(rng, times, between(rng, num, 0.0, 0.12), 0.25, 2)
    motion.place[..., ::2] += path
    motion.body[..., YAW] += wander(rng, times, between(rng, num, 0.0, 0.4), 0.2, 1)[..., 0]
    motion.stands[:] = 0
    return motion


Part = TypeVar("Part")


def mixture(rng: Rng, times: Numbers, weights: Mapping[Act, float]) -> Motion:
    """Each window by one of several functions, by their weights."""
    acts, shares = list(weights), np.array(list(weights.values()), np.float64)
    chosen = rng.choice(len(acts), size=len(times), p=shares / shares.sum())
    rows = [np.flatnonzero(chosen == number) for number in range(len(acts))]
    parts = [act(rng, times[at]) for act, at in zip(acts, rows, strict=True) if len(at)]
    order = np.argsort(np.concatenate(rows), kind="stable")
    joined = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in Motion.__dataclass_fields__
    )
    return Motion(*(array[order] for array in joined))


UPRIGHT: dict[Act, float] = {still: 0.55, on_chair: 0.27, stepping: 0.15, walking: 0.03}
"""What people do with their legs while they gesture."""


def upright(rng: Rng, times: Numbers) -> Motion:
    """Standing, sitting on a chair or stepping."""
    return mixture(rng, times, UPRIGHT)
