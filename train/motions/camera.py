"""Joints in space as a camera sees them: from all around, high and low, near and far, cut off.

This module knows nothing about actions or about the errors of pose networks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rtaction.pose.keypoints import SHOULDERS
from rtaction.train.motions.timing import Numbers, Rng, between, happens, wander

_ASPECTS = (16 / 9, 16 / 9, 4 / 3, 4 / 3, 1.0, 9 / 16)  # width by height
_NEAREST = 0.25  # of the stature, before the camera


@dataclass(eq=False, slots=True)
class Seen:
    """What pictures show of bodies.

    Args:
        places: float32, shape (num_windows, num_times, 17, 2): y and x in shares of the picture's
            longer side.
        inside: bool, shape (num_windows, num_times, 17): whether a joint lies in the picture.
        depth: float32, shape (num_windows, num_times, 17): distance from the camera, in statures.
        limits: float32, shape (num_windows, 2): height and width, by the longer side.
    """

    places: Numbers
    inside: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
    depth: Numbers
    limits: Numbers


def look(rng: Rng, joints: Numbers, times: Numbers) -> Seen:
    """Film bodies, each window by a camera of its own.

    Args:
        rng: where the cameras come from.
        joints: float32, shape (num_windows, num_times, 17, 3), in statures, y up, floor at 0.
            Bodies face +z: cameras are mostly before them.
        times: float32, shape (num_windows, num_times), seconds.
    """
    num = len(joints)
    turn = _view(rng, num)
    target = joints.mean(axis=(1, 2), keepdims=True)
    away = (joints - target) @ turn.swapaxes(-1, -2)[:, np.newaxis]
    distance = np.exp(between(rng, num, np.log(0.9), np.log(9.0)))[..., np.newaxis]
    depth = (distance - away[..., 2]).clip(_NEAREST, None)
    flat = np.stack([-away[..., 1], away[..., 0]], axis=-1) / depth[..., np.newaxis]
    flat = flat * distance[..., np.newaxis]
    flat = flat + _shake(rng, times)[:, :, np.newaxis]
    places, limits = _framed(rng, flat)
    inside = np.all((places >= 0) & (places <= limits[:, np.newaxis, np.newaxis]), axis=-1)
    return Seen(places.astype(np.float32), np.asarray(inside), depth.astype(np.float32), limits)


def _view(rng: Rng, num: int) -> Numbers:
    """Rotations into a camera's axes, right, up and towards it: (num, 3, 3)."""
    kind = rng.random((num, 1))
    spread = np.where(kind < 0.5, 0.6, np.where(kind < 0.87, 1.8, np.pi))
    azimuth = spread * rng.uniform(-1, 1, (num, 1))
    high = rng.random((num, 1))
    elevation = np.where(
        high < 0.52,
        rng.normal(0.05, 0.12, (num, 1)),
        np.where(high < 0.94, rng.uniform(0.1, 0.65, (num, 1)), rng.uniform(0.5, 1.15, (num, 1))),
    )
    roll = rng.normal(0, 0.05, (num, 1))
    (sa, se, sr), (ca, ce, cr) = (
        [function(angle)[:, 0] for angle in (azimuth, elevation, roll)]
        for function in (np.sin, np.cos)
    )
    zero, one = np.zeros(num), np.ones(num)

    def matrix(*rows: tuple[Numbers, ...]) -> Numbers:
        return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)

    # Seen from the front, somebody's left is right in the picture.
    around = matrix((ca, zero, -sa), (zero, one, zero), (sa, zero, ca))
    down = matrix((one, zero, zero), (zero, ce, -se), (zero, se, ce))
    tilt = matrix((cr, -sr, zero), (sr, cr, zero), (zero, zero, one))
    return (tilt @ down @ around).astype(np.float32)


def _shake(rng: Rng, times: Numbers) -> Numbers:
    """How the picture moves: hardly ever, or held in a hand, or following somebody."""
    num = len(times)
    held = happens(rng, num, 0.15) * between(rng, num, 0.0, 0.06)
    follows = happens(rng, num, 0.04) * between(rng, num, 0.0, 0.3)
    return wander(rng, times, held, 0.6, 2) + wander(rng, times, follows, 0.2, 2)


def _framed(rng: Rng, flat: Numbers) -> tuple[Numbers, Numbers]:
    """Choose what of the plane is in the picture, (num, ..., 2), and its height and width."""
    num = len(flat)
    # Who is framed at first may leave later, and who comes in is framed at last.
    moment = rng.choice((0, flat.shape[1] // 2, flat.shape[1] - 1), size=num, p=(0.6, 0.15, 0.25))
    first = flat[np.arange(num), moment]
    tops, bottoms = first[..., 0].min(axis=1), first[..., 0].max(axis=1)
    low, high = flat.min(axis=(1, 2)), flat.max(axis=(1, 2))
    middle = first[:, SHOULDERS].mean(axis=1)
    size = (bottoms - tops).clip(0.3, None)
    kind = rng.random(num)
    whole, below = kind < 0.5, (kind >= 0.5) & (kind < 0.72)
    # Room above and below: of the whole of the motion, of the first pose, or cut off at a height.
    above = np.where(whole, low[:, 0], tops) - size * rng.uniform(0.03, 0.5, num)
    under = np.where(
        whole,
        high[:, 0] + size * rng.uniform(0.02, 0.4, num),
        np.where(
            below,
            bottoms + size * rng.uniform(-0.1, 0.12, num),
            middle[:, 0] + size * rng.uniform(0.12, 0.8, num),
        ),
    )
    above += (rng.random(num) < 0.06) * (1 - whole) * size * rng.uniform(0.0, 0.22, num)
    height = (under - above).clip(0.2, None)
    height *= np.where(rng.random(num) < 0.5 * whole, rng.uniform(1.0, 4.0, num), 1.0)
    width = height * rng.choice(_ASPECTS, num)
    # Mostly all of the motion fits in; sometimes it leaves the picture at a side.
    wanted = high[:, 1] - low[:, 1]
    fits = rng.random(num) < np.where(whole, 0.95, 0.6)
    grow = np.where(fits, np.maximum(1.05 * wanted / width, 1.0), 1.0).clip(1.0, 4.0)
    height, width = height * grow, width * grow
    bottom = under + (height - (under - above)) * rng.uniform(0.0, 1.0, num) * whole
    spare = ((width - wanted) / 2).clip(0.05 * width, None)
    left = (low[:, 1] + high[:, 1]) / 2 - width / 2 + spare * rng.uniform(-0.9, 0.9, num)
    corner = np.stack([bottom - height, left], axis=-1)
    longer = np.maximum(height, width)
    places = (flat - corner[:, np.newaxis, np.newaxis]) / longer[
        :, np.newaxis, np.newaxis, np.newaxis
    ]
    limits = np.stack([height, width], axis=-1) / longer[:, np.newaxis]
    return places, limits.astype(np.float32)
