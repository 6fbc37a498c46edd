"""Ways from one posture to another: sit down, stand up, fall, lie down slowly, get up.

As in `rtaction.train.motions.gestures`; `share` says how much of the way is done.
"""

from __future__ import annotations

import numpy as np

from rtaction.train.motions.acted import Acted
from rtaction.train.motions.postures import (
    crouching,
    kneeling,
    limp,
    lying,
    mixture,
    on_all_fours,
    on_chair,
    on_floor,
    stepping,
    still,
    walking,
)
from rtaction.train.motions.skeleton import KNEE, PITCH, ROLL, THIGH, YAW, Motion, arm_to
from rtaction.train.motions.steps import bend_legs
from rtaction.train.motions.timing import Numbers, Rng, around, between, eased, happens, wander


def _changed(rng: Rng, times: Numbers, before: Motion, after: Motion, takes: Numbers) -> Acted:
    """From one posture to another, beginning before or within the window."""
    num = len(times)
    end = times[:, -1:]
    start = between(rng, num, -0.4, 1.0) * end - 0.35 * takes
    share = eased((times - start) / takes)
    return Acted(_joined(before, after).mixed(after, share), share, leads=True)


def _joined(before: Motion, after: Motion) -> Motion:
    """Give two postures the same view and place, so that one turns into the other."""
    after.body[..., YAW] = before.body[..., YAW]
    after.place[..., ::2] = before.place[..., ::2]
    return before


def sit_down(rng: Rng, times: Numbers) -> Acted:
    """From standing onto a chair, leaning ahead on the way."""
    num = len(times)
    before = mixture(rng, times, {still: 0.85, stepping: 0.15})
    acted = _changed(rng, times, before, on_chair(rng, times), between(rng, num, 0.7, 2.2))
    _lean_between(rng, acted)
    return acted


def stand_up(rng: Rng, times: Numbers) -> Acted:
    """From a chair to standing; at times from the floor, a crouch, the knees or lying."""
    num = len(times)
    low = happens(rng, num, 0.25)
    seated = on_chair(rng, times)
    floor = mixture(rng, times, {on_floor: 0.25, kneeling: 0.3, on_all_fours: 0.3, lying: 0.15})
    for name in ("arms", "legs", "body", "trunk", "head"):
        chosen, other = getattr(floor, name), getattr(seated, name)
        weight = low[..., np.newaxis, np.newaxis] if chosen.ndim == 4 else low[..., np.newaxis]
        setattr(seated, name, (other + weight * (chosen - other)).astype(np.float32))
    takes = between(rng, num, 0.7, 2.0) + low * between(rng, num, 0.2, 1.2)
    acted = _changed(rng, times, seated, still(rng, times), takes)
    _lean_between(rng, acted)
    return acted


def _lean_between(rng: Rng, acted: Acted) -> None:
    half = 4 * acted.share * (1 - acted.share)
    num = len(half)
    acted.motion.trunk[..., PITCH] += half * between(rng, num, 0.05, 0.75)
    arms = happens(rng, num, 0.3) * between(rng, num, 0.0, 0.8)
    acted.motion.arms[..., 0] += (half * arms)[..., np.newaxis]
    # Feet stay where they are, and the seat is behind them.
    acted.motion.stands[:] = 1.0


def fall(rng: Rng, times: Numbers) -> Acted:
    """To the floor within a second or so, and lying there: tripped, fainted, slipped, pushed."""
    num = len(times)
    takes = between(rng, num, 0.35, 1.15)
    start = between(rng, num, -1.3, 0.85) * times[:, -1:]
    return _to_the_floor(rng, times, start, takes, sharp=between(rng, num, 1.2, 2.6))


def lie_down(rng: Rng, times: Numbers) -> Acted:
    """To the floor or a bed with care: over sitting, kneeling or all fours, in some seconds."""
    num = len(times)
    way = mixture(
        rng,
        times,
        {on_floor: 0.35, kneeling: 0.2, on_all_fours: 0.25, on_chair: 0.1, crouching: 0.1},
    )
    takes = between(rng, num, 1.9, 5.0)
    start = between(rng, num, -1.0, 0.9) * times[:, -1:] * takes / 2
    share = ((times - start) / takes).clip(0, 1)
    end = mixture(rng, times, {lying: 0.7, on_all_fours: 0.1, on_floor: 0.2})
    before = still(rng, times)
    middle = _joined(before, way)
    moved = middle.mixed(way, eased(2 * share))
    _joined(before, end)
    return Acted(moved.mixed(end, eased(2 * share - 1)), share, leads=True)


def get_up(rng: Rng, times: Numbers) -> Acted:
    """From lying to sitting up, or onto all fours, slowly."""
    num = len(times)
    end = mixture(rng, times, {on_floor: 0.5, on_all_fours: 0.3, kneeling: 0.2})
    return _changed(rng, times, lying(rng, times), end, between(rng, num, 0.8, 3.0))


def _to_the_floor(
    rng: Rng, times: Numbers, start: Numbers, takes: Numbers, sharp: Numbers
) -> Acted:
    num = len(times)
    before = mixture(rng, times, {still: 0.45, stepping: 0.15, walking: 0.25, on_chair: 0.15})
    time_share = ((times - start) / takes).clip(0, 1)
    # Faster and faster, as everything that topples.
    share = np.where(time_share < 1, time_share**sharp, 1.0)
    after = still(rng, times)
    _joined(before, after)
    after.place[:] = before.place
    way = rng.choice(4, size=(num, 1), p=(0.4, 0.28, 0.2, 0.12)) * np.pi / 2
    way = np.where(way == np.pi / 2, np.pi, np.where(way == np.pi, np.pi / 2, way))
    way = way + around(rng, num, 0, 0.25)
    flat = between(rng, num, 1.3, 1.7)
    after.body[..., PITCH] = flat * np.cos(way)
    after.body[..., ROLL] = flat * np.sin(way)
    limp(rng, after)
    _end_on_knees(rng, after, happens(rng, num, 0.2) * (np.cos(way) > 0.6))
    _end_seated(rng, after, happens(rng, num, 0.12) * (np.cos(way) < -0.6))
    motion = before.mixed(after, share)
    half = 4 * share * (1 - share)
    collapses = happens(rng, num, 0.55) * between(rng, num, 0.3, 1.0)
    crumple = np.sin(np.pi * time_share) * collapses
    bend_legs(rng, motion, crumple, between(rng, num, 0.8, 1.8))
    _throw_arms(rng, motion, times, half)
    moves = (1 - eased(time_share)) * happens(rng, num, 0.5)
    motion.place[..., ::2] += _slide(rng, motion, way, share)
    motion.arms += (0.02 + moves)[..., np.newaxis, np.newaxis] * wander(
        rng, times, 0.15, 0.9, 8
    ).reshape(motion.arms.shape)
    motion.place[..., 1] += 0.0
    feet = happens(rng, num, 0.7)
    motion.stands = feet * motion.stands.clip(1, 1)
    return Acted(motion, share.astype(np.float32), leads=True)


def _slide(rng: Rng, motion: Motion, way: Numbers, share: Numbers) -> Numbers:
    """How far somebody goes on while falling, mostly the way they fall; (num, num_times, 2)."""
    num = len(share)
    yaw = motion.body[..., YAW]
    ahead, aside = np.cos(way), np.sin(way)
    far = between(rng, num, -0.15, 0.45) * share
    x = far * (ahead * np.sin(yaw) + aside * np.cos(yaw))
    z = far * (ahead * np.cos(yaw) - aside * np.sin(yaw))
    return np.stack([x, z], axis=-1).astype(np.float32)


def _end_on_knees(rng: Rng, after: Motion, which: Numbers) -> None:
    """Some end on knees and hands, or with the chest on the floor and the knees under it."""
    num, by = len(which), which[..., np.newaxis]
    low = happens(rng, num, 0.5)
    thigh = between(rng, num, 1.2, 1.9)
    for number, angle in ((THIGH, thigh), (KNEE, 1.6 + 0.5 * low)):
        now = after.legs[..., number]
        after.legs[..., number] = now + by * (angle[..., np.newaxis] - now)
    down = arm_to(
        np.array([0.2, 0.2, 0.9]) + rng.normal(0, 0.15, (num, 1, 2, 3)), np.array([1.0, -0.3, 0])
    )
    weight = (which * (1 - low))[..., np.newaxis, np.newaxis]
    after.arms += weight * (down - after.arms)


def _end_seated(rng: Rng, after: Motion, which: Numbers) -> None:
    """Some end sitting, leaning far back on their hands."""
    num, by = len(which), which[..., np.newaxis]
    thigh = between(rng, num, 0.9, 1.4)
    now = after.legs[..., THIGH]
    after.legs[..., THIGH] = now + by * (thigh[..., np.newaxis] - now)
    after.body[..., PITCH] *= 1 - which * between(rng, num, 0.2, 0.6)


def _throw_arms(rng: Rng, motion: Motion, times: Numbers, half: Numbers) -> None:
    num = len(half)
    wrists = rng.normal((0.4, 0.1, 0.6), (0.3, 0.4, 0.3), (num, 1, 2, 3))
    out = arm_to(wrists, rng.normal((0.8, -0.5, -0.2), 0.2, (num, 1, 3))[:, :, np.newaxis])
    weight = half * happens(rng, num, 0.7) * between(rng, num, 0.3, 1.0)
    motion.arms += weight[..., np.newaxis, np.newaxis] * (out - motion.arms)
