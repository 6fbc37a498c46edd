"""Whole-body movements without a label: walk, turn, bend, sit down, drink, reach, stretch.

A movement of the whole body and one of the arms are drawn independently, so that a few of each
give many combinations; those of the arms are in `rtaction.train.render.gestures`.

This module knows nothing about transitions between movements, cameras or images.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from rtaction.arrays import Float64Array
from rtaction.train.render.actions import Arms
from rtaction.train.render.body import (
    STANDING_HIP,
    Body,
    smoothstep,
)
from rtaction.train.render.gestures import ARM_MOVES, swinging


@dataclass(frozen=True, eq=False, slots=True)
class Doing:
    """The movement of a body besides breathing and swaying; see `body.Motion`.

    Everything but `arms` is zero for a standing body.
    """

    arms: Arms
    torso: Float64Array
    pelvis: Float64Array
    feet: Float64Array
    turn: Float64Array
    place: Float64Array


def standing(arms: Arms) -> Doing:
    """Only move the arms."""
    num_times = len(arms.spread)
    torso, pelvis, turn, place = (np.zeros((num_times, 3)) for _ in range(4))
    torso[:, 1] = arms.twist_radians
    return Doing(arms, torso, pelvis, np.zeros((num_times, 2, 3)), turn, place)


def other_motion(
    rng: np.random.Generator, body: Body, times_seconds: Float64Array, seconds: float
) -> Doing:
    """Do something that has no label.

    Args:
        rng: decides everything; consumes the same amount whatever the times.
        body: proportions.
        times_seconds: float64, shape (num_times,).
        seconds: end of the movement, which starts at 0.
    """
    moves, arm_moves = tuple(BODY_MOVES), tuple(ARM_MOVES)
    move = moves[int(rng.choice(len(moves), p=[BODY_MOVES[one] for one in moves]))]
    arm_move = arm_moves[int(rng.choice(len(arm_moves), p=[ARM_MOVES[one] for one in arm_moves]))]
    doing = standing(arm_move(rng, body, times_seconds, seconds))
    return move(rng, body, times_seconds, seconds, doing)


def walking(rng: np.random.Generator, body: Body, times: Float64Array, seconds: float) -> Doing:
    """Walk somewhere with swinging arms; see `other_motion`."""
    return _walk(rng, body, times, seconds, standing(swinging(rng, body, times, seconds)))


def _stay(
    rng: np.random.Generator, body: Body, times: Float64Array, seconds: float, doing: Doing
) -> Doing:
    return replace(doing, turn=doing.turn + _facing(rng, 0.75))


def _facing(rng: np.random.Generator, to_viewer: float) -> Float64Array:
    """Pitch, yaw and roll: facing the viewer with this probability, otherwise anywhere."""
    yaw = rng.normal(0, 0.2) if rng.random() < to_viewer else rng.uniform(-np.pi, np.pi)
    return np.array([0.0, yaw, 0.0])


def _once(
    rng: np.random.Generator, times: Float64Array, seconds: float, takes: float
) -> Float64Array:
    """Between 0 and 1: there and, after a while, back; float64 (num_times,)."""
    start, hold = rng.uniform(-1.5 * takes, 0.7 * seconds), rng.uniform(0.0, 3.0)
    back = smoothstep((times - start - takes - hold) / (takes * rng.uniform(0.7, 1.5)))
    return smoothstep((times - start) / takes) * (1 - back)


def _walk(
    rng: np.random.Generator, body: Body, times: Float64Array, seconds: float, doing: Doing
) -> Doing:
    yaw = rng.choice([-1, 1]) * np.radians(rng.uniform(60, 120))
    if rng.random() < 0.35:
        yaw = rng.uniform(-np.pi, np.pi)
    hertz, speed = rng.uniform(0.6, 1.3), rng.uniform(0.3, 1.6)
    phase = 2 * np.pi * hertz * times + rng.uniform(0, 6.28)
    stride = 0.5 * speed / hertz
    feet = np.zeros((len(times), 2, 3))
    for side, sign in enumerate((1.0, -1.0)):
        feet[:, side, 2] = 0.5 * stride * np.sin(phase) * sign
        feet[:, side, 1] = 0.09 * body.stature_metres * (sign * np.cos(phase)).clip(0.0)
    way = speed * (times - rng.uniform(0.2, 0.8) * seconds)
    ahead = np.array([np.sin(yaw), 0.0, np.cos(yaw)])
    pelvis = np.zeros((len(times), 3))
    pelvis[:, 1] = 0.015 * (np.cos(2 * phase) - 1)
    twist = np.stack([0 * phase, rng.uniform(0, 0.15) * np.sin(phase), 0 * phase], axis=1)
    start = np.array([rng.uniform(-0.4, 0.4), 0.0, rng.uniform(-1.5, 0.2)])
    return replace(
        doing,
        torso=doing.torso + twist + np.array([rng.uniform(0.0, 0.12), 0.0, 0.0]),
        pelvis=doing.pelvis + pelvis,
        feet=feet,
        turn=doing.turn + np.array([0.0, yaw, 0.0]),
        place=way[:, np.newaxis] * ahead + start,
    )


def _turn(
    rng: np.random.Generator, body: Body, times: Float64Array, seconds: float, doing: Doing
) -> Doing:
    """Turn round, twist, or step nearer and away."""
    share = _once(rng, times, seconds, rng.uniform(0.5, 1.6))[:, np.newaxis]
    turn = share * np.array([0.0, rng.uniform(-3.2, 3.2), 0.0])
    place = share * np.array([rng.uniform(-0.5, 0.5), 0.0, rng.uniform(-1.0, 0.5)])
    sideways = rng.random() < 0.5
    return replace(doing, turn=turn + _facing(rng, 0.6), place=place if sideways else doing.place)


def _bend(
    rng: np.random.Generator, body: Body, times: Float64Array, seconds: float, doing: Doing
) -> Doing:
    """Bow, pick something up, lean to a side, lunge."""
    share = _once(rng, times, seconds, rng.uniform(0.5, 2.2))[:, np.newaxis]
    pitch, roll = rng.uniform(0.2, 1.8), rng.uniform(-0.3, 0.3)
    if rng.random() < 0.35:
        pitch, roll = rng.uniform(-0.2, 0.4), rng.choice([-1, 1]) * rng.uniform(0.4, 1.2)
    torso = share * np.array([pitch, rng.uniform(-0.5, 0.5), roll])
    low = rng.uniform(0.0, 0.2) * body.stature_metres * (rng.random() < 0.6)
    pelvis = share * np.array([0.0, -low, -0.12 * body.stature_metres * min(pitch, 1.0)])
    apart = rng.choice([0.0, rng.uniform(0.05, 0.3)]) * body.stature_metres
    feet = np.zeros((len(times), 2, 3))
    feet[:, 0], feet[:, 1] = share * np.array([apart, 0, 0]), share * np.array([-apart, 0, 0])
    pelvis[:, 1] -= share[:, 0] * apart * 0.4
    return replace(
        doing,
        torso=doing.torso + torso,
        pelvis=pelvis,
        feet=feet,
        turn=doing.turn + _facing(rng, 0.5),
    )


def _sit(
    rng: np.random.Generator, body: Body, times: Float64Array, seconds: float, doing: Doing
) -> Doing:
    """Sit down, crouch or kneel, and get up."""
    share = _once(rng, times, seconds, rng.uniform(0.5, 1.8))[:, np.newaxis]
    down = rng.uniform(0.12, 0.40) * body.stature_metres
    pelvis = share * np.array([0.0, -down, -rng.uniform(0.0, 0.15) * body.stature_metres])
    bow = 4 * share * (1 - share) * rng.uniform(0.1, 0.8) + share * rng.uniform(-0.1, 0.4)
    torso = bow * np.array([1.0, 0.0, 0.0])
    return replace(
        doing, torso=doing.torso + torso, pelvis=pelvis, turn=doing.turn + _facing(rng, 0.5)
    )


def _on_the_floor(
    rng: np.random.Generator, body: Body, times: Float64Array, seconds: float, doing: Doing
) -> Doing:
    """Sit, kneel or lie on the floor, and change between two such poses."""
    s = body.stature_metres
    share = _once(rng, times, seconds, rng.uniform(0.8, 3.0))[:, np.newaxis]
    lies = rng.random() < 0.4
    start = np.array([rng.uniform(-1.6, 1.6) if lies else 0.0, 0.0, 0.0])
    down = (STANDING_HIP - 0.10) * s
    pelvis = np.zeros((len(times), 3)) if lies else np.tile([0.0, -down, -0.1 * s], (len(times), 1))
    place = np.tile([0.0, -down if lies else 0.0, 0.0], (len(times), 1))
    yaw = rng.choice([-1, 1]) * np.radians(rng.uniform(50, 130))
    if not lies and rng.random() < 0.5:
        yaw = rng.normal(0, 0.3)
    torso = share * np.array([rng.uniform(-0.8, 1.6), rng.uniform(-0.3, 0.3), 0.0])
    return replace(
        doing,
        torso=doing.torso + torso,
        pelvis=pelvis,
        turn=doing.turn + start + np.array([0.0, yaw, 0.0]),
        place=place,
    )


_BodyMove = Callable[[np.random.Generator, Body, Float64Array, float, Doing], Doing]
BODY_MOVES: dict[_BodyMove, float] = {
    _stay: 0.34,
    _walk: 0.18,
    _turn: 0.10,
    _bend: 0.14,
    _sit: 0.10,
    _on_the_floor: 0.14,
}
"""Movements of the rest of the body and their probability."""
