"""The movements of each label: rest poses and actions, as arms over time.

Everything is a function of time in seconds, never of frame numbers: the same seed gives the same
movement at 10 or at 60 frames per second. Directions are outward axes, see
`rtaction.train.render.body`.

This module knows nothing about transitions between actions, cameras or images.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from rtaction.arrays import Float64Array
from rtaction.train.render.body import (
    FOREARM,
    HAND,
    SIDE_SIGNS,
    UPPER_ARM,
    Body,
    arm_reaching,
    smooth_noise,
    smoothstep,
    unit,
)

# Where a resting wrist is (statures, from the middle between the shoulders), where its elbow points
# and where its hand points. Outward axes.
Spot = tuple[
    tuple[float, float, float], tuple[float, float, float], tuple[float, float, float] | None
]
_HANGING: Spot = ((0.135, -0.318, 0.02), (0.5, 0.0, -1.0), (0.0, -1.0, 0.1))
_HIP: Spot = ((0.095, -0.225, 0.035), (1.0, 0.0, -0.45), (-0.5, -0.7, 0.5))
_POCKET: Spot = ((0.105, -0.27, 0.05), (0.7, 0.0, -1.0), (-0.2, -1.0, 0.1))
_CLASPED: Spot = ((0.025, -0.235, 0.12), (1.0, -0.3, -0.4), (-0.8, -0.5, 0.2))
_FOLDED_OVER: Spot = ((-0.015, -0.115, 0.125), (0.9, -0.8, 0.0), (-0.9, 0.2, 0.0))
_FOLDED_UNDER: Spot = ((-0.010, -0.145, 0.105), (0.9, -0.8, 0.0), (-0.8, 0.3, -0.5))
_CHIN: Spot = ((0.035, 0.0, 0.105), (0.5, -1.0, 0.2), (-0.3, 1.0, -0.1))
_EAR: Spot = ((0.085, 0.055, 0.05), (0.8, -1.0, 0.2), (-0.3, 1.0, 0.0))
_BEHIND: Spot = ((0.03, -0.24, -0.10), (1.0, 0.0, -0.3), (-1.0, -0.2, 0.0))
_DESK: Spot = ((0.06, -0.20, 0.17), (1.0, -0.6, -0.5), (-0.4, -0.2, 1.0))

# First and second arm, and their probability.
REST_POSES: tuple[tuple[Spot, Spot, float], ...] = (
    (_HANGING, _HANGING, 0.36),
    (_HIP, _HIP, 0.08),
    (_HIP, _HANGING, 0.07),
    (_POCKET, _POCKET, 0.07),
    (_CLASPED, _CLASPED, 0.10),
    (_FOLDED_OVER, _FOLDED_UNDER, 0.10),
    (_CHIN, _HANGING, 0.04),
    (_CHIN, _FOLDED_UNDER, 0.05),
    (_EAR, _HANGING, 0.04),
    (_BEHIND, _BEHIND, 0.04),
    (_DESK, _DESK, 0.05),
)


@dataclass(frozen=True, eq=False, slots=True)
class Arms:
    """Both arms over time, and the rotation of the chest.

    Args:
        directions: float64, shape (num_times, 2, 3, 3), see
            `rtaction.train.render.body.Motion.arms`.
        spread: float64, shape (num_times, 2): how far the fingers are apart.
        twist_radians: float64, shape (num_times,) or (1,): yaw of the chest. Default none.
    """

    directions: Float64Array
    spread: Float64Array
    twist_radians: Float64Array = field(default_factory=lambda: np.zeros(1))


def rest_arms(
    rng: np.random.Generator, body: Body, times_seconds: Float64Array, fidget: float = 0.004
) -> Arms:
    """Arms in one of the rest poses, with slight movement of `fidget` statures."""
    weights = np.array([weight for *_, weight in REST_POSES])
    choice = int(rng.choice(len(REST_POSES), p=weights / weights.sum()))
    spots = REST_POSES[choice][:2]
    if rng.random() < 0.5:
        spots = spots[::-1]
    arms = []
    for wrist, elbow_towards, hand in spots:
        place = np.array(wrist) + rng.uniform(-0.012, 0.012, 3)
        fidgets = [smooth_noise(rng, times_seconds, fidget, 0.9) for _ in range(3)]
        arm = arm_reaching(body, place + np.stack(fidgets, axis=1), np.array(elbow_towards))
        arm[:, HAND] = unit(np.array(hand) + rng.uniform(-0.15, 0.15, 3))
        arms.append(arm)
    spread = np.full((len(times_seconds), 2), rng.uniform(0.0, 0.35))
    return Arms(np.stack(arms, axis=1), spread)


def swung(elevation_radians: Float64Array, azimuth_radians: float) -> Float64Array:
    """Unit vectors, shape (num_times, 3): elevation 0 hangs, pi is up; azimuth 0 is sideways."""
    level = np.sin(elevation_radians)
    return np.stack(
        [
            level * np.cos(azimuth_radians),
            -np.cos(elevation_radians),
            level * np.sin(azimuth_radians),
        ],
        axis=1,
    )


def _wave(rng: np.random.Generator, body: Body, times: Float64Array, rest: Arms) -> Arms:
    side = int(rng.integers(2))
    hertz = rng.uniform(1.4, 3.0)
    overhead = bool(rng.random() < 0.3)
    wide = overhead or rng.random() < 0.35
    # Nobody swings far and fast at once, hence the limit in degrees times hertz.
    degrees = min(rng.uniform(20, 42) if wide else rng.uniform(8, 28), 80 / hertz)
    phase = 2 * np.pi * hertz * times + smooth_noise(rng, times, 0.5, 0.4) + rng.uniform(0, 6.28)
    amplitude = np.radians(degrees) * (1 + smooth_noise(rng, times, 0.12, 0.5))
    swing = amplitude * np.sin(phase)
    if overhead:
        elevation = np.radians(rng.uniform(125, 165)) - rng.uniform(0.3, 0.7) * swing
        tilt = np.radians(rng.uniform(-5, 20))
    else:
        degrees_up = rng.uniform(22, 82)
        elevation = np.radians(degrees_up) + rng.uniform(0.0, 0.2) * swing
        # An elbow bends to about 145 degrees: beside a hanging upper arm the forearm points ahead.
        tilt = np.radians(rng.uniform(-5, 28) + max(0.0, 38 - degrees_up))
    lean = np.radians(rng.uniform(-14, 24))
    flick = rng.uniform(0.1, 0.9) * amplitude * np.sin(phase - rng.uniform(0.2, 0.9))

    def upright(angle: Float64Array) -> Float64Array:
        ahead = np.full_like(angle, np.sin(tilt))
        return np.stack([np.sin(angle) * np.cos(tilt), np.cos(angle) * np.cos(tilt), ahead], axis=1)

    directions, spread = rest.directions.copy(), rest.spread.copy()
    directions[:, side, UPPER_ARM] = swung(elevation, np.radians(rng.uniform(-5, 55)))
    directions[:, side, FOREARM] = upright(lean + swing)
    directions[:, side, HAND] = upright(lean + swing + flick)
    spread[:, side] = rng.uniform(0.6, 1.0)
    return Arms(directions, spread)


def _clap(rng: np.random.Generator, body: Body, times: Float64Array, rest: Arms) -> Arms:
    hertz = rng.uniform(1.5, 4.0)
    phase = 2 * np.pi * hertz * times + smooth_noise(rng, times, 0.4, 0.5) + rng.uniform(0, 6.28)
    opening = min(rng.uniform(0.06, 0.22), 0.42 / hertz)
    apart = opening * (0.5 - 0.5 * np.cos(phase)) * (1 + smooth_noise(rng, times, 0.12, 0.5))
    height, ahead = rng.uniform(-0.17, 0.0), rng.uniform(0.15, 0.21)
    first_share, sideways = rng.uniform(0.3, 0.7), rng.uniform(-0.025, 0.025)
    upwards, elbow_towards = rng.uniform(0.3, 1.2), np.array([1.0, rng.uniform(-1.5, -0.4), -0.3])
    drop = rng.uniform(0.0, 0.3)
    arms = []
    for share, sign in ((first_share, 1.0), (1 - first_share, -1.0)):
        out = 0.016 + share * apart + sign * sideways
        wrist = np.stack([out, height - drop * share * apart, np.full_like(out, ahead)], axis=1)
        arm = arm_reaching(body, wrist, elbow_towards)
        # Palms meet flat, and fingertips open a little further than wrists do.
        inward = -0.10 + 0.8 * share * apart
        arm[:, HAND] = unit(np.stack([inward, np.full_like(out, upwards), np.ones_like(out)], 1))
        arms.append(arm)
    return Arms(np.stack(arms, axis=1), np.full_like(rest.spread, rng.uniform(0.0, 0.25)))


def _lift(rng: np.random.Generator, times: Float64Array, hold_seconds: float) -> Float64Array:
    """Between 0 (down) and 1 (up) repeatedly; starts down at time 0."""
    rise, fall = rng.uniform(0.38, 0.8, 2)
    pause = rng.uniform(0.0, 0.25)
    moment = np.mod(times, rise + hold_seconds + fall + pause)
    return smoothstep(moment / rise) * (1 - smoothstep((moment - rise - hold_seconds) / fall))


def _arms_raise(rng: np.random.Generator, body: Body, times: Float64Array, rest: Arms) -> Arms:
    hold_seconds = rng.uniform(0.0, 2.0)
    low, high = np.radians(rng.uniform(8, 28)), np.radians(rng.uniform(152, 175))
    # In front of the body, or obliquely; arms that rise at the sides are the other action.
    azimuth = np.radians(rng.choice([rng.uniform(42, 65), rng.uniform(65, 95)]))
    pushing = bool(rng.random() < 0.15)
    bend = np.radians(rng.uniform(5, 40))
    # Many people lift their hands close to the body, elbows bent until the hands are overhead.
    flex = np.radians(rng.choice([0.0, rng.uniform(15, 105)]))
    drift = smooth_noise(rng, times, np.radians(rng.uniform(0, 6)), 0.6)
    lag_seconds = rng.uniform(-0.04, 0.04)
    seed = rng.integers(2**32)
    arms = []
    for delay, offset in ((0.0, 0.0), (lag_seconds, np.radians(rng.uniform(-4, 4)))):
        # Both arms follow the same plan, hence the same seed twice.
        up = _lift(np.random.default_rng(seed), times - delay, hold_seconds)
        upper = low + (high + offset - low + drift) * up
        fore = upper + bend * (1 - up) + np.radians(6) * up
        fore = np.maximum(upper, np.minimum(fore + flex * 4 * up * (1 - up), np.radians(178)))
        if pushing:
            upper = np.radians(35) + (high - np.radians(35)) * up
            fore = np.radians(158) + np.radians(18) * up
        forearm = swung(fore, azimuth)
        arms.append(np.stack([swung(upper, azimuth), forearm, forearm], axis=1))
    return Arms(np.stack(arms, axis=1), np.full_like(rest.spread, rng.uniform(0.1, 0.9)))


def _arms_side(rng: np.random.Generator, body: Body, times: Float64Array, rest: Arms) -> Arms:
    hold_seconds = rng.uniform(0.0, 2.0)
    # Out to shoulder height, or on until they are overhead.
    highest_degrees = rng.choice([rng.uniform(82, 104), rng.uniform(104, 178)])
    low, high = np.radians(rng.uniform(6, 16)), np.radians(highest_degrees)
    azimuth, bend = np.radians(rng.uniform(-4, 18)), np.radians(rng.uniform(-8, 8))
    # Overhead the elbows may bend until the hands meet, which is not a clap.
    closing = np.radians(rng.uniform(0, 40)) * max(0.0, (highest_degrees - 130) / 48)
    drift = smooth_noise(rng, times, np.radians(rng.uniform(0, 4)), 0.6)
    lag_seconds, seed = rng.uniform(-0.04, 0.04), rng.integers(2**32)
    arms = []
    for delay, offset in ((0.0, 0.0), (lag_seconds, np.radians(rng.uniform(-4, 4)))):
        up = _lift(np.random.default_rng(seed), times - delay, hold_seconds)
        upper = low + (high + offset - low + drift) * up
        forearm = swung(upper + bend + closing * up**3, azimuth)
        arms.append(np.stack([swung(upper, azimuth), forearm, forearm], axis=1))
    return Arms(np.stack(arms, axis=1), np.full_like(rest.spread, rng.uniform(0.0, 0.5)))


def _punch(rng: np.random.Generator, body: Body, times: Float64Array, rest: Arms) -> Arms:
    """Straight or swung from a guard before the face, by one fist or by both in turn."""
    out, back = rng.uniform(0.10, 0.22), rng.uniform(0.14, 0.34)
    pause = rng.choice([rng.uniform(0.0, 0.15), rng.uniform(0.15, 0.6)])
    cycle, phase = out + back + pause, rng.uniform(0, 1)
    first = int(rng.integers(2))
    swap = rng.choice([1, 2], p=[0.35, 0.65])  # number of fists that take part
    height, reach = rng.uniform(-0.07, 0.07), rng.uniform(0.27, 0.35)
    inward, swing = rng.uniform(-0.02, 0.10), rng.choice([0.0, rng.uniform(0.0, 0.16)])
    guard = np.array([rng.uniform(0.03, 0.08), rng.uniform(-0.09, 0.02), rng.uniform(0.08, 0.14)])
    number, moment = np.divmod(times / cycle + phase, 1.0)
    moment = moment * cycle
    thrust = smoothstep(moment / out) * (1 - smoothstep((moment - out) / back))
    bob = np.stack([smooth_noise(rng, times, 0.012, 1.5) for _ in range(3)], axis=1)
    guards, twists = rng.random() < 0.85, rng.uniform(0.0, 0.35)
    twist = np.zeros(len(times))
    directions, spread = rest.directions.copy(), rest.spread.copy()
    for side in range(2):
        acts = np.mod(number + first + side, 2) < 1 if swap == 2 else np.full(len(times), not side)
        share = (thrust * acts)[:, np.newaxis]
        arc = np.stack([np.full_like(thrust, 0.0)] * 3, axis=1)
        arc[:, 0] = swing * (share * (1 - share))[:, 0] * 4
        # The shoulder moves along, and the fist still goes straight ahead.
        goal = np.array([guard[0] - inward + reach * np.sin(twists), height, reach])
        arm = arm_reaching(
            body, guard + bob + share * (goal - guard) + arc, np.array([0.45, -1.0, -0.2])
        )
        index = side if first else 1 - side
        twist -= SIDE_SIGNS[index] * twists * share[:, 0]
        if guards or swap == 2 or not side:
            directions[:, index], spread[:, index] = arm, 0.0
    return Arms(directions, spread, twist)


_Action = Callable[[np.random.Generator, Body, Float64Array, Arms], Arms]
ACTIONS: dict[str, _Action] = {
    "arms_raise": _arms_raise,
    "arms_side": _arms_side,
    "clap": _clap,
    "punch": _punch,
    "wave": _wave,
}
