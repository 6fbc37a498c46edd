"""Actions of legs and arms together: jumping jacks, squats, kicks, walking.

As in `rtaction.train.motions.gestures`.
"""

from __future__ import annotations

import numpy as np

from rtaction.train.motions.acted import Acted, arm, both, episode, with_arms
from rtaction.train.motions.postures import (
    carrying,
    crouching,
    go,
    mixture,
    stepping,
    still,
    walking,
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
    happens,
    phase,
    strokes,
    wander,
)


def jumping_jack(rng: Rng, times: Numbers) -> Acted:
    """Arms out and overhead while the legs jump or step apart, and back."""
    num, motion = len(times), still(rng, times)
    done = episode(rng, times)
    angle = phase(rng, times, between(rng, num, 0.45, 1.35))
    open_ = 0.5 - 0.5 * np.cos(angle)
    late = 0.5 - 0.5 * np.cos(angle - around(rng, num, 0, 0.25))
    low, high = between(rng, num, 0.1, 0.5), between(rng, num, 1.7, 3.1)
    bend = between(rng, num, 0.0, 0.7)
    arms = [
        arm(
            low + (high - low) * late + around(rng, num, 0, 0.08),
            between(rng, num, -0.2, 0.5) + 0 * late,
            (low + (high - low) * late + bend * late).clip(0, 3.5),
            between(rng, num, -0.2, 0.6) + 0 * late,
        )
        for _ in range(2)
    ]
    with_arms(motion, both(*arms), done)
    apart = between(rng, num, 0.15, 0.5) * open_ * done
    steps = happens(rng, num, 0.2)[..., np.newaxis]
    turn = (np.floor(angle / (2 * np.pi)) % 2)[..., np.newaxis] == np.array([0, 1])
    legs = apart[..., np.newaxis] * np.where(steps > 0, turn, 1.0)
    motion.legs[..., THIGH_OUT] += legs
    motion.legs[..., SHANK_OUT] += legs
    jump = np.abs(np.sin(angle)) * between(rng, num, 0.0, 0.06) * (1 - steps[..., 0])
    motion.place[..., 1] += jump * done
    dip = (1 - np.abs(np.sin(angle))) * between(rng, num, 0.0, 0.35) * done
    motion.legs[..., THIGH] += 0.5 * dip[..., np.newaxis]
    motion.legs[..., KNEE] += dip[..., np.newaxis]
    motion.stands[:] = 0
    return Acted(motion, done)


def squat(rng: Rng, times: Numbers) -> Acted:
    """Down and up on both feet, again and again, or small pulses low down."""
    num, motion = len(times), still(rng, times)
    done = episode(rng, times, ease_seconds=0.8)
    angle = phase(rng, times, between(rng, num, 0.22, 0.85))
    down = (0.5 - 0.5 * np.cos(angle)) ** between(rng, num, 0.6, 1.4)
    pulses = happens(rng, num, 0.3)
    small = between(rng, num, 0.0, 0.4)
    quick = 0.5 - 0.5 * np.cos(phase(rng, times, between(rng, num, 0.5, 2.0)))
    down = (down * (1 - pulses) + (1 - small * quick) * pulses) * done
    bend_legs(rng, motion, down, between(rng, num, 1.2, 2.15))
    _hold_arms(rng, motion, down, done)
    # Low on the heels without a rest is as good as a squat.
    low = crouching(rng, times)
    stays = happens(rng, num, 0.28) * done
    low.body, low.place = motion.body, motion.place
    return Acted(motion.mixed(low, stays), done, strokes=np.maximum(down, stays))


# Where hands are held, and which way the elbows point: ahead, at the chest, behind the neck, out.
_HELD = (
    ((-0.1, 0.0, 0.95), (0.8, -0.6, 0.0)),
    ((-0.3, -0.1, 0.3), (0.7, -0.8, 0.0)),
    ((0.05, 0.3, -0.05), (1.0, 0.2, 0.0)),
    ((0.9, 0.0, 0.2), (0.3, -1.0, 0.0)),
)


def _hold_arms(rng: Rng, motion: Motion, down: Numbers, done: Numbers) -> None:
    """Hold the arms somewhere, swing them ahead on the way down, or let them be."""
    num = len(down)
    held = rng.choice(6, size=num, p=(0.3, 0.18, 0.1, 0.12, 0.15, 0.15))
    weight = done * np.maximum(down, happens(rng, num, 0.5))
    for number, (wrist, elbow) in enumerate(_HELD):
        arms = arm_to(np.array(wrist) + rng.normal(0, 0.14, (num, 1, 2, 3)), np.array(elbow))
        rows = (held == number)[:, np.newaxis]
        if number == 0:
            with_arms(motion, arms, down * (held == len(_HELD))[:, np.newaxis])
        with_arms(motion, arms, weight * rows)


def bend_legs(rng: Rng, motion: Motion, down: Numbers, deepest: Numbers) -> None:
    """Bend hips and knees on both feet, by (num, num_times), and lean ahead for balance."""
    num = len(down)
    thigh = deepest * down
    out = between(rng, num, 0.0, 0.9) * down
    motion.legs[..., THIGH] += (thigh * between(rng, num, 0.85, 1.0))[..., np.newaxis]
    motion.legs[..., KNEE] += (thigh * between(rng, num, 1.0, 1.3))[..., np.newaxis]
    motion.legs[..., THIGH_OUT] += out[..., np.newaxis]
    motion.legs[..., SHANK_OUT] += (-out * between(rng, num, -0.3, 0.9))[..., np.newaxis]
    motion.trunk[..., PITCH] += down * between(rng, num, 0.1, 0.85)
    motion.head[..., PITCH] -= down * between(rng, num, 0.0, 0.4)


def kick(rng: Rng, times: Numbers) -> Acted:
    """A leg swung or thrust out and back: ahead, around, sideways, at a ball; once or often."""
    num = len(times)
    motion = mixture(rng, times, {still: 0.55, stepping: 0.25, walking: 0.2})
    done = episode(rng, times)
    hertz = between(rng, num, 0.3, 1.2)
    angle = phase(rng, times, hertz)
    lasts = between(rng, num, 0.4, 1.4)
    up = strokes(angle, (lasts * hertz).clip(0.2, 1.0)) * done
    alternate = happens(rng, num, 0.45)
    turn = (np.floor(angle / (2 * np.pi)) % 2) * alternate
    kind = rng.choice(4, size=(num, 1), p=(0.4, 0.2, 0.15, 0.25))
    high = between(rng, num, 0.7, 1.9)
    snap = between(rng, num, 0.0, 1.6) * (kind != 3)
    before = up * (1 - up) * 4
    thigh = np.where(kind == 1, 0.6 * high, np.where(kind == 2, 0.25 * high, high)) * up
    out = np.where(kind == 1, 0.8 * high, np.where(kind == 2, high, 0.1)) * up
    # At a ball: the leg swings back first.
    back = np.where(kind == 3, 0.7 * strokes(angle + 0.5, (0.5 * lasts * hertz).clip(0.1, 1)), 0)
    for side in range(2):
        mine = np.where(turn == side, 1.0, 0.0)
        motion.legs[..., side, THIGH] += mine * (thigh - back * done)
        motion.legs[..., side, THIGH_OUT] += mine * out
        motion.legs[..., side, SHANK_OUT] += mine * out
        motion.legs[..., side, KNEE] += mine * (snap * before + 1.2 * back * done)
    motion.trunk[..., PITCH] -= up * between(rng, num, -0.15, 0.5)
    motion.trunk[..., ROLL] += np.where(kind == 2, 0.5, 0.1) * up * (2 * turn - 1)
    motion.body[..., YAW] += np.where(kind == 1, 0.6, 0.1) * up * (2 * turn - 1)
    guard = arm_to(
        np.array([-0.2, 0.05, 0.35]) + rng.normal(0, 0.12, (num, 1, 2, 3)), np.array([0.7, -0.8, 0])
    )
    with_arms(motion, guard, done * happens(rng, num, 0.35))
    swing = wander(rng, times, between(rng, num, 0.05, 0.4), 0.8, 8).reshape(motion.arms.shape)
    motion.arms += swing * (0.3 + up)[..., np.newaxis, np.newaxis]
    motion.stands[:] = 0
    go(motion, times, np.where(kind == 3, 0.6, 0.0) * rng.random((num, 1)), 0 * hertz)
    return Acted(motion, done, strokes=up)


def walk(rng: Rng, times: Numbers) -> Acted:
    """Walking, from a standstill or to one."""
    num = len(times)
    always = happens(rng, num, 0.75)
    start = between(rng, num, -2.0, 1.6)
    lasts = between(rng, num, 1.2, 6.0)
    share = bump(times, start, 0.4 + 0 * start, lasts, 0.4 + 0 * start)
    share = np.maximum(share, always)
    moving = mixture(rng, times, {walking: 0.75, carrying: 0.25})
    resting = still(rng, times)
    resting.body = moving.body
    resting.place = moving.place[:, :1] + 0 * moving.place
    return Acted(resting.mixed(moving, share), share)
