"""Errors of a pose network: joints that tremble, vanish, change sides or are made up.

Sizes are in shoulder widths, as in `docs/pose.md`. This module knows nothing about actions.
"""

from __future__ import annotations

import numpy as np

from rtaction.pose.keypoints import HIPS, NUM_JOINTS, SHOULDERS
from rtaction.pose.normal import TRUNK_SHARE
from rtaction.train.motions.camera import Seen
from rtaction.train.motions.timing import Numbers, Rng, around, between, happens, wander

# How far each joint is off, by the mean over joints, and how often it is not seen.
_OFF = np.array(
    [0.5, 0.5, 0.5, 0.6, 0.6, 0.8, 0.8, 1.2, 1.2, 1.5, 1.5, 1.0, 1.0, 1.2, 1.2, 1.4, 1.4],
    np.float32,
)
_UNSEEN = np.array(
    [1, 1, 1, 1.2, 1.2, 0.4, 0.4, 1, 1, 1.8, 1.8, 0.5, 0.5, 0.8, 0.8, 1.2, 1.2], np.float32
)
_SWAPPED = np.array([0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15])
_LEGS, _ARMS = (
    np.arange(NUM_JOINTS) >= 11,
    (np.arange(NUM_JOINTS) >= 7) & (np.arange(NUM_JOINTS) < 11),
)
_FACE = np.arange(NUM_JOINTS) < 3
_UNSEEN_SCORE, _SEEN_SCORE = 0.05, 0.6
MADE_UP_SCORE = 0.4
"""Of joints out of the picture that are reported within it; those that are seen have more."""


def keypoints_of(rng: Rng, seen: Seen, joints: Numbers, times: Numbers) -> Numbers:
    """What a pose network makes of pictures.

    Args:
        rng: where the errors come from.
        seen: joints in the picture.
        joints: the same in space, (num_windows, num_times, 17, 3).
        times: float32, shape (num_windows, num_times), seconds.

    Returns:
        float32, shape (num_windows, num_times, 17, 3): y and x in shares of the picture's longer
        side, and score; all zeros where the person is not found.
    """
    num = len(joints)
    unit = _unit(seen.places)  # (num, 1, 1)
    lies = _lies(joints)[..., np.newaxis]  # (num, num_times, 1)
    places = _exchanged(rng, seen, times)
    places = places + _off(rng, times, lies) * unit[..., np.newaxis]
    visible = seen.inside & ~_hidden(rng, seen, joints, times, lies)
    places, made_up = _made_up(rng, places, seen)
    visible &= _within(places, seen) & ~made_up
    found = ~_lost(rng, times, lies[..., 0])
    points = np.zeros((num, times.shape[1], NUM_JOINTS, 3), np.float32)
    points[..., :2] = places
    points[..., 2] = np.where(visible, _SEEN_SCORE, np.where(made_up, MADE_UP_SCORE, _UNSEEN_SCORE))
    return points * found[..., np.newaxis, np.newaxis]


def _unit(places: Numbers) -> Numbers:
    """Shoulder width in the picture, (num, 1, 1)."""
    shoulders, hips = places[..., SHOULDERS, :], places[..., HIPS, :]
    width = np.linalg.norm(shoulders[..., 0, :] - shoulders[..., 1, :], axis=-1)
    trunk = np.linalg.norm(shoulders.mean(axis=-2) - hips.mean(axis=-2), axis=-1)
    return np.asarray(
        np.maximum(width, TRUNK_SHARE * trunk).mean(axis=1)[:, np.newaxis, np.newaxis]
    )


def _lies(joints: Numbers) -> Numbers:
    """From 0, trunk upright, to 1, trunk level; (num, num_times)."""
    trunk = joints[..., SHOULDERS, :].mean(axis=-2) - joints[..., HIPS, :].mean(axis=-2)
    upright = trunk[..., 1] / np.linalg.norm(trunk, axis=-1).clip(1e-3, None)
    return np.asarray(((0.8 - upright) / 0.6).clip(0.0, 1.0))


def _off(rng: Rng, times: Numbers, lies: Numbers) -> Numbers:
    """Errors of places in shoulder widths: some that last, some that change with each picture."""
    num = len(times)
    poor = np.exp(around(rng, num, np.log(0.022), 0.6))
    # Who lies is read wrongly, or not as a person at all.
    garbled = 2.0 + 8.0 * happens(rng, num, 0.5) * rng.random((num, 1))
    poor = poor[..., np.newaxis] * (1 + garbled[..., np.newaxis] * lies)
    lasting = 1.2 * rng.standard_normal((num, 1, NUM_JOINTS, 2), np.float32)
    slow = wander(rng, times, 0.8, 0.5, 2 * NUM_JOINTS).reshape(*times.shape, NUM_JOINTS, 2)
    quick = rng.standard_normal((*times.shape, NUM_JOINTS, 2), np.float32)
    # Some joints are worse than others for a while, and rarely one is far off.
    worse = np.exp(0.4 * rng.standard_normal((num, 1, NUM_JOINTS, 1), np.float32))
    chance = rng.random((*times.shape, NUM_JOINTS, 1), np.float32)
    wild = 1 + 12.0 * (chance < 0.006 * _OFF[:, np.newaxis]) + 2.0 * (chance > 0.95)
    total = (lasting + slow + 0.9 * worse * wild * quick) * _OFF[:, np.newaxis]
    return np.asarray(total * poor[..., np.newaxis], np.float32)


def _exchanged(rng: Rng, seen: Seen, times: Numbers) -> Numbers:
    """Left and right exchanged: for a whole window, or legs or arms for some pictures."""
    num, places = len(times), seen.places
    width = np.abs(places[..., 5, 1] - places[..., 6, 1]) / _unit(places)[..., 0]
    side_on = (width.mean(axis=1, keepdims=True) < 0.5).astype(np.float32)
    always = happens(rng, num, 0.03) + 0 * times
    threshold = 2.1 - 0.9 * side_on
    legs, arms = (np.abs(wander(rng, times, 1.0, 0.5, 1)[..., 0]) > threshold for _ in range(2))
    swapped = places[..., _SWAPPED, :]
    which = (always > 0)[..., np.newaxis] | (legs[..., np.newaxis] & _LEGS)
    which = which | (arms[..., np.newaxis] & _ARMS)
    places = np.where(which[..., np.newaxis], swapped, places)
    # The farther limb is taken for the nearer one.
    behind = seen.depth > seen.depth[..., _SWAPPED] + 0.08
    chosen = happens(rng, num, 0.3) * side_on
    moved = (np.abs(wander(rng, times, 1.0, 0.4, 1)) > 1.0) & (chosen > 0)[..., np.newaxis]
    follows = (behind & moved & (_LEGS | _ARMS))[..., np.newaxis]
    return np.asarray(np.where(follows, swapped, places))


def _hidden(
    rng: Rng, seen: Seen, joints: Numbers, times: Numbers, lies: Numbers
) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Which joints are not seen, for some pictures on end."""
    num = len(times)
    often: Numbers = np.exp(around(rng, num, np.log(0.03), 0.9))[..., np.newaxis] * _UNSEEN
    often = often + 0.3 * lies * happens(rng, num, 0.7)[..., np.newaxis] * rng.random(
        (num, 1, NUM_JOINTS)
    )
    behind = (seen.depth > seen.depth[..., _SWAPPED] + 0.1) & (_LEGS | _ARMS)
    often = often + 0.25 * behind * happens(rng, num, 0.5)[..., np.newaxis]
    # The face of who turns away.
    nose, ears = seen.depth[..., 0], seen.depth[..., 3:5].mean(axis=-1)
    away = (nose > ears + 0.02)[..., np.newaxis] & _FACE
    often = often + 0.8 * away * happens(rng, num, 0.7)[..., np.newaxis]
    # Legs behind a table, all the time.
    table = happens(rng, num, 0.08)[..., np.newaxis] * _LEGS
    often = often + table
    noise = wander(rng, times, 1.0, 0.7, NUM_JOINTS) + np.float32(0.5) * rng.standard_normal(
        (*times.shape, NUM_JOINTS), np.float32
    )
    spread = 0.8 * np.sqrt(1.5) * 1.06
    return np.asarray(_share_below(noise / spread) < often)


def _share_below(values: Numbers) -> Numbers:
    """How often a standard normal number is below; a good enough curve."""
    return np.asarray(1 / (1 + np.exp(-1.702 * values)))


def _made_up(
    rng: Rng, places: Numbers, seen: Seen
) -> tuple[Numbers, np.ndarray[tuple[int, ...], np.dtype[np.bool_]]]:
    """Some joints out of the picture are reported just within its edge: places, and which."""
    num = len(places)
    limits = seen.limits[:, np.newaxis, np.newaxis]
    clipped = places.clip(0.0, None)
    clipped = np.minimum(clipped, limits - (0.002 + 0.018 * rng.random(places.shape, np.float32)))
    near = np.linalg.norm(clipped - places, axis=-1) < 3.0 * _unit(places)
    often = happens(rng, num, 0.5)[..., np.newaxis] > 0
    chosen = (rng.random((num, 1, NUM_JOINTS)) < 0.5) & often
    made = ~seen.inside & near & chosen & (rng.random(near.shape, np.float32) < 0.7)
    return np.where(made[..., np.newaxis], clipped, places), np.asarray(made)


def _within(places: Numbers, seen: Seen) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    limits = seen.limits[:, np.newaxis, np.newaxis]
    return np.asarray(np.all((places >= 0) & (places <= limits), axis=-1))


def _lost(
    rng: Rng, times: Numbers, lies: Numbers
) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Pictures in which the person is not found: some on end, or all before a moment."""
    num = len(times)
    weak = happens(rng, num, 0.15) * 0.12 + happens(rng, num, 0.25) * 0.5 * lies
    noise = wander(rng, times, 1.0, 0.5, 1)[..., 0] / 0.98
    gone = _share_below(noise) < weak
    came = happens(rng, num, 0.2) * between(rng, num, 0.05, 0.42) * times[:, -1:]
    return np.asarray(gone | (times < came))
