"""Arm movements without a label: gestures of the hands, swings, stretches.

Movements that are similar to a label belong here as well: one raised arm, hands that are put
together once, hands that go to the face.

This module knows nothing about the rest of the body, cameras or images.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rtaction.arrays import Float64Array
from rtaction.train.render.actions import Arms, rest_arms, swung
from rtaction.train.render.body import (
    Body,
    arm_reaching,
    smooth_noise,
    smoothstep,
    unit,
)

# Targets of a wrist: statures and outward axes, from the middle between the shoulders.
LOW_SPOTS = (
    (0.135, -0.318, 0.02),  # hanging
    (0.095, -0.225, 0.035),  # hip
    (0.02, -0.20, 0.13),  # belly
    (0.08, -0.25, 0.20),  # table
    (0.06, -0.12, 0.18),  # phone
    (0.25, -0.18, 0.08),  # aside
    (-0.06, -0.12, 0.15),  # across
    (0.05, -0.06, 0.30),  # ahead
)
HIGH_SPOTS = (
    (0.03, 0.02, 0.12),  # mouth
    (0.03, 0.06, 0.09),  # face
    (0.06, 0.12, 0.03),  # hair
    (0.085, 0.055, 0.05),  # ear
    (-0.08, -0.01, 0.10),  # other shoulder
    (0.10, -0.02, 0.12),  # before the shoulder
    (0.14, 0.28, 0.08),  # overhead
    (0.34, 0.02, 0.08),  # out
    (0.07, 0.05, -0.03),  # neck
    (0.10, 0.10, 0.28),  # shelf
)
QUICK_SPOTS = [spot for spot in LOW_SPOTS if spot[0] > 0.075]


def _at_rest(rng: np.random.Generator, body: Body, times: Float64Array, seconds: float) -> Arms:
    return rest_arms(rng, body, times, rng.uniform(0.004, 0.03))


def _errands(rng: np.random.Generator, body: Body, times: Float64Array, seconds: float) -> Arms:
    """Go from spot to spot: drink, telephone, scratch, reach, point, fold, put hands together."""
    both = rng.random() < 0.45
    rest = rest_arms(rng, body, times)
    arms = [_errand(rng, body, times, seconds, (*LOW_SPOTS, *HIGH_SPOTS)) for _ in range(2)]
    first = int(rng.integers(2))
    directions = rest.directions.copy()
    directions[:, first] = arms[0]
    if both:
        directions[:, 1 - first] = arms[1]
    return Arms(directions, np.full_like(rest.spread, rng.uniform(0.0, 0.9)))


def _together(rng: np.random.Generator, body: Body, times: Float64Array, seconds: float) -> Arms:
    """Both hands on the same path, below the shoulders: carry, open, put together, shrug, type."""
    seed, spots = rng.integers(2**32), (*LOW_SPOTS, (0.02, -0.1, 0.13), (0.02, 0.0, 0.12))
    # Hands that meet repeatedly in a short time would be a clap.
    arms = [
        _errand(np.random.default_rng(seed), body, times, seconds, spots, 1.2) for _ in range(2)
    ]
    spread = np.full((len(times), 2), rng.uniform(0.0, 0.9))
    return Arms(np.stack(arms, axis=1), spread)


def _errand(
    rng: np.random.Generator,
    body: Body,
    times: Float64Array,
    seconds: float,
    spots: tuple[tuple[float, float, float], ...],
    least_rest: float = 0.3,
) -> Float64Array:
    """One arm, float64 (num_times, 3, 3), moving between spots, with a rest at each."""

    def spot() -> Float64Array:
        return np.array(spots[int(rng.integers(len(spots)))]) + rng.uniform(-0.03, 0.03, 3)

    now, place, unhurried = rng.uniform(-1.0, 0.6), spot(), rng.uniform(least_rest, 2.0)
    wrist = np.broadcast_to(place, (len(times), 3)).copy()
    while now < seconds:
        goal, takes = spot(), rng.uniform(0.25, 0.5) + 1.6 * np.abs(place).sum() * rng.random()
        wrist += smoothstep((times - now) / takes)[:, np.newaxis] * (goal - place)
        place, now = goal, now + takes + rng.uniform(0.1, 1.0) * unhurried
    wrist += np.stack([smooth_noise(rng, times, 0.006, 1.0) for _ in range(3)], axis=1)
    return arm_reaching(body, wrist, np.array([rng.uniform(0.4, 1.0), -1.0, rng.uniform(-0.5, 0)]))


def _wandering(rng: np.random.Generator, body: Body, times: Float64Array, seconds: float) -> Arms:
    """Hands that move without a plan, as when talking, working or balancing."""
    arms = []
    for _ in range(2):
        quick = rng.random() < 0.5
        # Fast and high would be a wave, fast and together a clap.
        spots = [spot for spot in (*LOW_SPOTS, *HIGH_SPOTS) if not quick or spot in QUICK_SPOTS]
        place = np.array(spots[int(rng.integers(len(spots)))])
        hertz = rng.uniform(0.7, 1.8) if quick else rng.uniform(0.15, 0.6)
        way = rng.uniform(0.02, 0.08, 3) if quick else rng.uniform(0.04, 0.16, 3)
        path = [smooth_noise(rng, times, float(one), hertz) for one in way]
        wrist = place + np.stack(path, axis=1)
        arms.append(arm_reaching(body, wrist, np.array([rng.uniform(0.4, 1.0), -1.0, -0.2])))
    return Arms(np.stack(arms, axis=1), np.full((len(times), 2), rng.uniform(0.0, 0.9)))


def _stretching(rng: np.random.Generator, body: Body, times: Float64Array, seconds: float) -> Arms:
    """Lift one arm at any pace; lifting both would be arms_raise."""
    takes, hold = rng.uniform(0.6, 2.5), rng.uniform(0.3, 3.0)
    start = rng.uniform(-1.5 * takes - 1.0, 0.8 * seconds)
    falls = smoothstep((times - start - takes - hold) / takes)
    up = smoothstep((times - start) / takes) * (1 - falls)
    low, high = np.radians(rng.uniform(4, 25)), np.radians(rng.uniform(60, 178))
    azimuth, bend = np.radians(rng.uniform(-5, 95)), np.radians(rng.uniform(-5, 35))
    rest = rest_arms(rng, body, times)
    directions = rest.directions.copy()
    angle = low + (high - low) * up
    forearm = swung(angle + bend * up * (1 - up) * 4, azimuth)
    arm = np.stack([swung(angle, azimuth), forearm, forearm], axis=1)
    directions[:, int(rng.integers(2))] = arm
    return Arms(directions, np.full_like(rest.spread, rng.uniform(0.0, 0.9)))


def swinging(rng: np.random.Generator, body: Body, times: Float64Array, seconds: float) -> Arms:
    """Hang and swing, as when walking; sometimes one hand carries or telephones instead."""
    hertz, swing = rng.uniform(0.6, 1.3), rng.uniform(0.05, 0.6)
    angle = swing * np.sin(2 * np.pi * hertz * times + rng.uniform(0, 6.28))
    bend, out = rng.uniform(0.05, 0.7), rng.uniform(0.05, 0.2)
    rest = rest_arms(rng, body, times)
    arms = []
    for side, sign in enumerate((1.0, -1.0)):
        upper, fore = (
            unit(np.stack([np.full_like(one, out), -np.cos(one), np.sin(one)], axis=1))
            for one in (sign * angle, sign * angle + bend)
        )
        swung_arm = np.stack([upper, fore, fore], axis=1)
        arms.append(rest.directions[:, side] if rng.random() < 0.2 else swung_arm)
    return Arms(np.stack(arms, axis=1), rest.spread)


_ArmMove = Callable[[np.random.Generator, Body, Float64Array, float], Arms]
ARM_MOVES: dict[_ArmMove, float] = {
    _at_rest: 0.14,
    _errands: 0.34,
    _together: 0.12,
    _wandering: 0.12,
    _stretching: 0.18,
    swinging: 0.10,
}
"""Arm movements and their probability."""
