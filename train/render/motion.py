"""Transitions between actions, and the movement of the rest of the body.

This module knows nothing about cameras, images or frame rates.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rtaction.arrays import Float64Array
from rtaction.train.render.actions import ACTIONS, Arms, rest_arms
from rtaction.train.render.body import (
    HAND,
    Body,
    Motion,
    smooth_noise,
    smoothstep,
    unit,
)
from rtaction.train.render.other import Doing, other_motion, standing, walking

NOTHING = "nothing"
OTHER = "other"
TRANSITION_SECONDS = 0.35
# A whole body takes longer than arms.
BODY_TRANSITION_SECONDS = 0.7


def blend(first: Arms, second: Arms, weight: Float64Array) -> Arms:
    """Blend from one to the other as `weight`, shape (num_times,), goes from 0 to 1."""
    w = weight[:, np.newaxis, np.newaxis, np.newaxis]
    # Between opposite directions the path is undefined: bodies take the one outward and forward.
    opposed = (1 - (first.directions * second.directions).sum(-1, keepdims=True)) / 2
    detour = 2.0 * w * (1 - w) * opposed * np.array([0.55, 0.0, 0.83])
    directions = unit((1 - w) * first.directions + w * second.directions + detour)
    spread = first.spread + (second.spread - first.spread) * weight[:, np.newaxis]
    twist = first.twist_radians + (second.twist_radians - first.twist_radians) * weight
    return Arms(directions, spread, twist)


def _become(now: Arms, then: Arms, times: Float64Array, start_seconds: float, takes: float) -> Arms:
    return blend(now, then, smoothstep((times - start_seconds) / takes))


def sequence_motion(
    intervals: Sequence[tuple[str, float, float]],
    body: Body,
    times_seconds: Float64Array,
    rng: np.random.Generator,
) -> Motion:
    """Do several actions one after another, each from rest and back to rest.

    Args:
        intervals: (label, start_seconds, end_seconds), in order.
        body: proportions.
        times_seconds: float64, shape (num_times,).
        rng: decides pose, speed, side and everything else; consumes the same amount whatever the
            times.
    """
    rest = rest_arms(rng, body, times_seconds)
    arms = rest
    doings = []
    for label, start, end in intervals:
        if label == NOTHING:
            continue
        is_other = label == OTHER
        usual_seconds = BODY_TRANSITION_SECONDS if is_other else TRANSITION_SECONDS
        takes = min(usual_seconds, (end - start) / 3)
        if is_other:
            doing = _other_between_rests(rng, body, times_seconds - start, end - start)
            action = doing.arms
            there = smoothstep((times_seconds - start) / takes)
            doings.append((doing, there * (1 - smoothstep((times_seconds - end) / takes + 1))))
        else:
            action = ACTIONS[label](rng, body, times_seconds - start, rest)
        arms = _become(arms, action, times_seconds, start, takes)
        rest = rest_arms(rng, body, times_seconds)
        arms = _become(arms, rest, times_seconds, end - takes, takes)
    return _embodied(_joined(arms, doings), times_seconds, rng)


def _other_between_rests(
    rng: np.random.Generator, body: Body, times: Float64Array, seconds: float
) -> Doing:
    """Other motion that starts and ends with an arm down: the way to both arms up has a label."""
    seeds = rng.integers(2**32, size=12)
    for seed in seeds:
        ends = np.array([0.0, seconds])
        arms = other_motion(np.random.default_rng(seed), body, ends, seconds).arms
        heights = arms.directions[:, :, :HAND, 1].sum(axis=2)  # (2 moments, 2 arms)
        if heights.min(axis=1).max() < -0.6:
            break
    return other_motion(np.random.default_rng(seed), body, times, seconds)


def _joined(arms: Arms, doings: Sequence[tuple[Doing, Float64Array]]) -> Doing:
    """The given arms, blended with each of the other movements by its weight (num_times,)."""
    whole = standing(arms)
    for doing, weight in doings:
        share = weight[:, np.newaxis]
        whole = Doing(
            arms,
            torso=whole.torso + share * doing.torso,
            pelvis=whole.pelvis + share * doing.pelvis,
            feet=whole.feet + share[..., np.newaxis] * doing.feet,
            turn=whole.turn + share * doing.turn,
            place=whole.place + share * doing.place,
        )
    return whole


def clip_motion(
    label: str,
    body: Body,
    times_seconds: Float64Array,
    end_seconds: float,
    rng: np.random.Generator,
) -> Motion:
    """Do one action for most of the time, sometimes with a moment of rest before or after it.

    Args:
        label: a key of `ACTIONS`, "nothing" or "other".
        body: proportions.
        times_seconds: float64, shape (num_times,); the clip starts at 0.
        end_seconds: end of the clip.
        rng: decides pose, speed, side and everything else.
    """
    if label == OTHER:
        doing = other_motion(rng, body, times_seconds, end_seconds)
        return _embodied(doing, times_seconds, rng)
    fidget = 0.004 if label != NOTHING or rng.random() < 0.6 else rng.uniform(0.006, 0.022)
    rest = rest_arms(rng, body, times_seconds, fidget)
    other_rest = rest_arms(rng, body, times_seconds, fidget)
    takes = float(rng.uniform(0.28, 0.42))
    late, early = rng.uniform(0.02, 0.14, 2) * end_seconds
    starts_late, ends_early = rng.random(2) < (0.4, 0.3)
    if label == NOTHING:
        arms = rest
        # Someone who only shifts from one rest pose to another is not acting either.
        if rng.random() < 0.25:
            slow, start = rng.uniform(0.5, 1.0), rng.uniform(-0.2, 0.8) * end_seconds
            arms = _become(rest, other_rest, times_seconds, start, slow)
        return _embodied(standing(arms), times_seconds, rng)
    start = late if starts_late else -rng.uniform(1.0, 4.0)
    arms = ACTIONS[label](rng, body, times_seconds - start, rest)
    arms = _become(rest, arms, times_seconds, start, takes)
    # Never both: the action must fill most of the clip.
    if ends_early and not starts_late:
        arms = _become(arms, other_rest, times_seconds, end_seconds - takes - early / 2, takes)
    return _embodied(standing(arms), times_seconds, rng)


def passing_motion(
    body: Body, times_seconds: Float64Array, end_seconds: float, rng: np.random.Generator
) -> Motion:
    """Walk by, or move without a label, as somebody in the background.

    Args:
        body, times_seconds, end_seconds, rng: see `clip_motion`.
    """
    moves = walking if rng.random() < 0.5 else other_motion
    return _embodied(moves(rng, body, times_seconds, end_seconds), times_seconds, rng)


def _embodied(doing: Doing, times: Float64Array, rng: np.random.Generator) -> Motion:
    """Add what every body does, with every label: breathe, sway and look about."""

    def wander(amplitudes: Float64Array, hertz: float) -> Float64Array:
        noises = [smooth_noise(rng, times, float(a), hertz) for a in amplitudes]
        return np.stack(noises, axis=1)

    lively = rng.uniform(0.3, 1.0) if rng.random() < 0.7 else rng.uniform(1.2, 2.6)
    looks_about = rng.uniform(0.2, 1.0) if rng.random() < 0.7 else rng.uniform(1.5, 4.0)
    torso = wander(lively * np.array([0.018, 0.05, 0.022]), 0.6)
    head = wander(looks_about * np.array([0.05, 0.11, 0.05]), 0.7)
    head += rng.uniform(-1, 1, 3) * np.array([0.10, 0.22, 0.07])
    pelvis = wander(lively * np.array([0.018, 0.002, 0.012]), 0.5)
    pelvis[:, 1] += 0.003 * np.sin(2 * np.pi * rng.uniform(0.2, 0.35) * times)
    torso += rng.uniform(-1, 1, 3) * np.array([0.03, 0.06, 0.025])
    return Motion(
        arms=doing.arms.directions,
        torso_radians=torso + doing.torso,
        head_radians=head,
        pelvis_metres=pelvis + doing.pelvis,
        hand_spread=doing.arms.spread,
        feet_metres=doing.feet,
        turn_radians=doing.turn,
        place_metres=doing.place,
    )
