"""Gestures: wave, clap, arms raised, arms out, point.

Each function takes a random generator and times, float32 of shape (num_windows, num_times), and
returns an `Acted`.
"""

from __future__ import annotations

import numpy as np

from rtaction.train.motions.acted import Acted, arm, both, episode, with_arms
from rtaction.train.motions.postures import (
    mixture,
    on_chair,
    stepping,
    still,
    upright,
)
from rtaction.train.motions.skeleton import (
    PITCH,
    ROLL,
    YAW,
    arm_to,
)
from rtaction.train.motions.timing import (
    Numbers,
    Rng,
    around,
    between,
    happens,
    phase,
    ramp,
    strokes,
    wander,
)


def wave(rng: Rng, times: Numbers) -> Acted:
    """One hand up, swung to and fro from the elbow, the shoulder or both."""
    num, motion = len(times), upright(rng, times)
    done = episode(rng, times)
    angle = phase(rng, times, np.exp(between(rng, num, np.log(0.25), np.log(3.2))))
    swing, whole = np.sin(angle), happens(rng, num, 0.4)
    high = between(rng, num, 0.12, 1.0)
    upper = (1 - whole) * (0.25 + 1.5 * high) + whole * between(rng, num, 1.7, 2.9)
    out = between(rng, num, -0.3, 1.2)
    fore = between(rng, num, 2.3, 3.05)
    size = between(rng, num, 0.2, 0.75)
    lean = between(rng, num, -0.35, 0.35)
    # The forearm goes to both sides of a middle that leans a little.
    sideways = lean + size * swing
    ahead = between(rng, num, -0.1, 0.9) * (1 - whole)
    fore_now = np.pi - np.hypot(sideways, (np.pi - fore) * ahead).clip(0.02, 1.5)
    fore_around = np.arctan2((np.pi - fore) * ahead, sideways)
    bent = arm(upper + 0.12 * size * swing, out + 0.0 * swing, fore_now, fore_around)
    tilt = whole * size * 0.7 * swing
    straight = arm(
        np.pi - np.hypot(lean + tilt, 0.2).clip(0.05, 1.4),
        np.arctan2(0.2, lean + tilt),
        np.pi - np.hypot(lean + 1.4 * tilt, 0.15).clip(0.05, 1.5),
        np.arctan2(0.15, lean + 1.4 * tilt),
    )
    waving = bent + whole[..., np.newaxis] * (straight - bent)
    motion.arms[..., 0, :] += done[..., np.newaxis] * (waving - motion.arms[..., 0, :])
    motion.trunk[..., ROLL] += done * 0.06 * happens(rng, num, 0.4) * swing
    return Acted(motion, done)


def clap(rng: Rng, times: Numbers) -> Acted:
    """Hands that meet again and again, before the chest, low or overhead, narrow or wide."""
    num, motion = len(times), upright(rng, times)
    done = episode(rng, times)
    hertz = between(rng, num, 0.8, 4.0)
    apart = (0.5 - 0.5 * np.cos(phase(rng, times, hertz))) ** between(rng, num, 0.7, 1.6)
    widest = between(rng, num, 0.15, 1.1) / np.maximum(hertz / 2.2, 1)
    overhead = happens(rng, num, 0.12)
    up = between(rng, num, -0.6, 0.35) + overhead * between(rng, num, 0.5, 0.9)
    ahead = between(rng, num, 0.3, 0.85) * (1 - 0.6 * overhead)
    wrist = np.stack(
        np.broadcast_arrays(
            -0.36 + 0.03 + widest * apart,
            up + between(rng, num, -0.2, 0.2) * apart,
            ahead - 0.3 * widest * apart * happens(rng, num, 0.5),
        ),
        axis=-1,
    )
    elbows = rng.normal((0.7, -0.8, -0.2), 0.2, (num, 1, 3))
    one = arm_to(wrist, elbows)
    still_hand = between(rng, num, 0.0, 1.0) * happens(rng, num, 0.3)
    resting = wrist.copy()
    resting[..., 0] -= still_hand * widest * apart
    with_arms(motion, both(one, arm_to(resting, elbows)), done)
    motion.trunk[..., YAW] += done * around(rng, num, 0, 0.1)
    return Acted(motion, done)


def arms_raise(rng: Rng, times: Numbers) -> Acted:
    """Both arms up through the front, or straight up past the chest; held, waved or pumped."""
    num, motion = len(times), upright(rng, times)
    start, takes = between(rng, num, -4.0, 0.9), between(rng, num, 0.3, 1.5)
    holds = between(rng, num, 0.2, 2.0) + happens(rng, num, 0.5) * between(rng, num, 0, 5)
    up = ramp(times, start, takes) * (1 - ramp(times, start + takes + holds, takes))
    pumps = happens(rng, num, 0.2) * strokes(
        phase(rng, times, between(rng, num, 0.4, 1.2)), 1.0 + 0 * takes
    )
    up = up * (1 - between(rng, num, 0.2, 0.9) * pumps)
    goalpost = happens(rng, num, 0.25)
    upper_end = goalpost * between(rng, num, 1.3, 2.1) + (1 - goalpost) * between(
        rng, num, 2.3, 3.0
    )
    fore_end = goalpost * between(rng, num, 2.6, 3.1) + (1 - goalpost) * between(rng, num, 2.4, 3.1)
    way = (np.pi / 2 - between(rng, num, -0.25, 0.5)) * (1 - 0.75 * goalpost)
    # Elbows lead: the forearm folds up before the arm is straight, or not at all.
    folds = happens(rng, num, 0.6) * between(rng, num, 0.5, 1.8)
    upper = 0.12 + (upper_end - 0.12) * up
    fore = 0.2 + (fore_end - 0.2) * up + folds * up * (1 - up) * 2.2
    sway = np.sin(phase(rng, times, between(rng, num, 0.5, 2.2))) * happens(rng, num, 0.35)
    size = between(rng, num, 0.1, 0.45)
    alike = np.where(happens(rng, num, 0.6), 1.0, -1.0)
    arms = [
        arm(
            upper + one * size * 0.4 * sway * up,
            way + around(rng, num, 0, 0.1) + 0 * up,
            (fore + one * size * sway * up).clip(0.05, 3.6),
            way - goalpost * 0.3 + around(rng, num, 0, 0.2) + 0 * up,
        )
        for one in (1.0, alike)
    ]
    raised = both(*arms)
    close = happens(rng, num, 0.4)[..., np.newaxis, np.newaxis]
    raised = raised + close * (_past_the_chest(rng, up, size * sway * up) - raised)
    weight = ramp(times, start - 0.2, takes * 0.5)
    weight = weight * (1 - ramp(times, start + 1.7 * takes + holds, takes))
    with_arms(motion, raised, weight)
    motion.trunk[..., PITCH] -= 0.1 * up * happens(rng, num, 0.5)
    motion.trunk[..., ROLL] += 0.2 * sway * size * up * (alike < 0)
    return Acted(motion, up)


def _past_the_chest(rng: Rng, up: Numbers, sway: Numbers) -> Numbers:
    """Both arms on the way up with the hands close to chest and face, elbows out."""
    num = len(up)
    chest = np.array([-0.25, -0.2, 0.3]) + rng.normal(0, (0.12, 0.2, 0.1), (num, 1, 3))
    over = np.array([0.05, 0.9, 0.1]) + rng.normal(0, (0.2, 0.1, 0.1), (num, 1, 3))
    low = np.array([0.0, -0.9, 0.1]) + rng.normal(0, 0.08, (num, 1, 3))
    share = up[..., np.newaxis]
    wrist = (
        low + (2 * share).clip(0, 1) * (chest - low) + (2 * share - 1).clip(0, 1) * (over - chest)
    )
    wrist = wrist[:, :, np.newaxis] + np.zeros((2, 1))
    wrist[..., 0] += sway[..., np.newaxis] * np.array([0.5, -0.5])
    return arm_to(wrist, rng.normal((1.0, -0.4, 0.1), 0.2, (num, 1, 1, 3)))


def arms_side(rng: Rng, times: Numbers) -> Acted:
    """Both straight arms out to the sides, held, circled, or on to overhead and back."""
    num, motion = len(times), mixture(rng, times, {still: 0.7, on_chair: 0.15, stepping: 0.15})
    start, takes = between(rng, num, -4.0, 0.9), between(rng, num, 0.3, 1.5)
    holds = between(rng, num, 0.2, 2.0) + happens(rng, num, 0.5) * between(rng, num, 0, 5)
    out = ramp(times, start, takes) * (1 - ramp(times, start + takes + holds, takes))
    angle = phase(rng, times, between(rng, num, 0.25, 1.0))
    repeats = happens(rng, num, 0.25)
    on = happens(rng, num, 0.35)
    over = (0.5 - 0.5 * np.cos(angle)) * repeats
    once = ramp(times, start + takes, takes) * (
        1 - ramp(times, start + takes + holds - takes, takes)
    )
    over = np.maximum(over, once * (1 - repeats)) * on
    pulses = repeats * (1 - on) * (0.5 - 0.5 * np.cos(angle))
    level = between(rng, num, 1.25, 1.8)
    circles = happens(rng, num, 0.3) * between(rng, num, 0.03, 0.25)
    turn = phase(rng, times, between(rng, num, 0.6, 2.2))
    steep = 0.12 + (level - 0.12) * out * (1 - pulses * between(rng, num, 0.3, 1.0))
    steep = steep + over * out * (between(rng, num, 2.6, 3.1) - level)
    way = between(rng, num, -0.25, 0.3)
    bend = np.abs(around(rng, num, 0, 0.12)) + over * happens(rng, num, 0.5) * 0.5
    arms = [
        arm(
            steep + circles * np.sin(turn) + around(rng, num, 0, 0.06),
            way + circles * np.cos(turn) + around(rng, num, 0, 0.06),
            steep + bend * np.where(over > 0.3, 1, 0.6) + 1.2 * circles * np.sin(turn),
            way + 1.2 * circles * np.cos(turn) + around(rng, num, 0, 0.15),
        )
        for _ in range(2)
    ]
    with_arms(
        motion,
        both(*arms),
        ramp(times, start - 0.2, takes * 0.4)
        * (1 - ramp(times, start + 1.7 * takes + holds, takes)),
    )
    return Acted(motion, out)


def point(rng: Rng, times: Numbers) -> Acted:
    """One straight arm to something, held, and back; also reaching out."""
    num, motion = len(times), upright(rng, times)
    start, takes = between(rng, num, -3.0, 0.7), between(rng, num, 0.25, 0.9)
    holds = between(rng, num, 0.5, 4.0)
    out = ramp(times, start, takes) * (1 - ramp(times, start + takes + holds, takes))
    steep, way = around(rng, num, 1.55, 0.25), between(rng, num, -0.3, 2.1)
    bend = np.abs(around(rng, num, 0, 0.15))
    shake = wander(rng, times, between(rng, num, 0.0, 0.07), 0.8, 2)
    folds = happens(rng, num, 0.5) * between(rng, num, 0.2, 1.2) * out * (1 - out) * 3
    pointing = arm(
        0.1 + (steep - 0.1) * out + shake[..., 0],
        way + shake[..., 1],
        0.15 + (steep + bend - 0.15) * out + folds + shake[..., 0],
        way + around(rng, num, 0, 0.12) + shake[..., 1],
    )
    weight = ramp(times, start - 0.2, takes * 0.5) * (
        1 - ramp(times, start + 1.7 * takes + holds, takes)
    )
    motion.arms[..., 0, :] += weight[..., np.newaxis] * (pointing - motion.arms[..., 0, :])
    motion.head[..., YAW] += out * between(rng, num, -0.2, 0.6)
    motion.trunk[..., PITCH] += out * happens(rng, num, 0.3) * between(rng, num, 0.0, 0.4)
    return Acted(motion, out)
