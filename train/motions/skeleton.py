"""A body's joints in space from the angles of its limbs, for many windows at once.

Axes of a body: x to its own left, y up, z ahead; lengths are shares of the stature. Whatever is
lowest stands or lies on the floor. This module knows nothing about actions or cameras.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from rtaction.pose.keypoints import JOINTS, NUM_JOINTS
from rtaction.train.motions.timing import Numbers

# The angles of an arm: of the upper arm and of the forearm, from hanging (0) to up (pi), and
# around the vertical, from outward (0) to ahead (pi/2) to inward (pi).
UPPER, UPPER_AROUND, FORE, FORE_AROUND = range(4)
# The angles of a leg: thigh ahead, thigh outward, bend of the knee, shank outward.
THIGH, THIGH_OUT, KNEE, SHANK_OUT = range(4)
PITCH, ROLL, YAW = range(3)
_SIDES = np.array([1.0, -1.0], np.float32)  # left, right
_LEFT_FIRST = {name: JOINTS.index(f"left_{name}") for name in ("shoulder", "elbow", "wrist")}
_LEGS = {name: JOINTS.index(f"left_{name}") for name in ("hip", "knee", "ankle")}


@dataclass(eq=False, slots=True)
class Motion:
    """What bodies do over the pictures of windows. Angles are in radians.

    Args:
        arms: float32, shape (num_windows, num_times, 2, 4), left and right, in the order UPPER,
            UPPER_AROUND, FORE, FORE_AROUND, relative to the trunk.
        legs: float32, shape (num_windows, num_times, 2, 4): THIGH, THIGH_OUT, KNEE, SHANK_OUT.
        body: float32, shape (num_windows, num_times, 3): the whole body's PITCH (ahead, down to
            the floor at pi/2), ROLL (to its left) and YAW.
        trunk: the same of the trunk alone.
        head: the same of the head, relative to the trunk.
        place: float32, shape (num_windows, num_times, 3): x, height above the floor, z.
        stands: float32, shape (num_windows, 1): 1 where the feet stay in place, 0 where the hips
            do.
    """

    arms: Numbers
    legs: Numbers
    body: Numbers
    trunk: Numbers
    head: Numbers
    place: Numbers
    stands: Numbers

    def copy(self) -> Motion:
        """With arrays of its own."""
        return Motion(*(getattr(self, name).copy() for name in Motion.__dataclass_fields__))

    def mixed(self, other: Motion, weight: Numbers) -> Motion:
        """From this to another, by a weight from 0 to 1; (num_windows, num_times)."""
        by_axis, by_limb = weight[..., np.newaxis], weight[..., np.newaxis, np.newaxis]
        parts = {
            name: getattr(self, name)
            + (by_limb if name in ("arms", "legs") else by_axis)
            * (getattr(other, name) - getattr(self, name))
            for name in ("arms", "legs", "body", "trunk", "head", "place")
        }
        return replace(self, **parts)

    def picked(self, rows: object) -> Motion:
        """Some of the windows."""
        return Motion(*(getattr(self, name)[rows] for name in Motion.__dataclass_fields__))


@dataclass(frozen=True, eq=False, slots=True)
class Bodies:
    """Proportions, float32, one for each window; shares of the stature."""

    trunk: Numbers
    half_shoulders: Numbers
    half_hips: Numbers
    upper_arm: Numbers
    forearm: Numbers
    thigh: Numbers
    shank: Numbers
    head: Numbers

    @classmethod
    def random(cls, rng: np.random.Generator, num: int) -> Bodies:
        """Bodies of all shapes: children, broad and narrow, long and short legs."""
        middles = (0.29, 0.105, 0.062, 0.16, 0.137, 0.235, 0.235, 0.125)
        spreads = (0.06, 0.10, 0.14, 0.06, 0.07, 0.05, 0.06, 0.09)
        return cls(
            *(
                (middle * np.exp(rng.normal(0, spread, num))).astype(np.float32)
                for middle, spread in zip(middles, spreads, strict=True)
            )
        )


def joints_of(motion: Motion, bodies: Bodies) -> Numbers:
    """Joints in space: float32, shape (num_windows, num_times, 17, 3)."""
    shape = motion.body.shape[:2]
    points = np.zeros((*shape, NUM_JOINTS, 3), np.float32)
    trunk = _turn(motion.trunk)
    upper_body = np.zeros_like(points[..., :11, :])
    _put_arms(upper_body, motion, bodies)
    _put_head(upper_body, motion, bodies)
    points[..., :11, :] = upper_body @ trunk.swapaxes(-1, -2)
    _put_legs(points, motion, bodies)
    points = points @ _turn(motion.body).swapaxes(-1, -2)
    feet = points[..., 15:17, :].mean(axis=-2) * motion.stands[..., np.newaxis]
    points -= (feet * np.array([1.0, 0.0, 1.0], np.float32))[..., np.newaxis, :]
    points[..., 1] -= (points[..., 1] - _THICK).min(axis=-1, keepdims=True)
    return np.asarray(points + motion.place[..., np.newaxis, :])


# How far above the floor a joint is when its part of the body lies on it.
_THICK = np.array([0.04] * 5 + [0.05] * 2 + [0.025] * 4 + [0.06] * 2 + [0.035] * 2 + [0.04] * 2)


def _put_arms(points: Numbers, motion: Motion, bodies: Bodies) -> None:
    for name, length in (("shoulder", None), ("elbow", UPPER), ("wrist", FORE)):
        first = _LEFT_FIRST[name]
        if length is None:
            points[..., first : first + 2, 0] = _column(bodies.half_shoulders) * _SIDES
            points[..., first : first + 2, 1] = _column(bodies.trunk)
            continue
        steep, around = motion.arms[..., length], motion.arms[..., length + 1]
        way = np.stack(
            [
                np.sin(steep) * np.cos(around) * _SIDES,
                -np.cos(steep),
                np.sin(steep) * np.sin(around),
            ],
            axis=-1,
        )
        size = bodies.upper_arm if length == UPPER else bodies.forearm
        points[..., first : first + 2, :] = (
            points[..., first - 2 : first, :] + way * size[:, np.newaxis, np.newaxis, np.newaxis]
        )


# Nose, eyes and ears from the middle of the shoulders, in lengths from there to the eyes.
_FACE = np.array(
    [[0, 0.82, 0.72], [0.19, 1.0, 0.55], [-0.19, 1.0, 0.55], [0.4, 0.92, 0.08], [-0.4, 0.92, 0.08]],
    np.float32,
)


def _put_head(points: Numbers, motion: Motion, bodies: Bodies) -> None:
    neck = np.array([0.0, 0.35, 0.0], np.float32)
    face = (_FACE - neck) @ _turn(motion.head).swapaxes(-1, -2) + neck
    points[..., :5, :] = face * bodies.head[:, np.newaxis, np.newaxis, np.newaxis]
    points[..., :5, 1] += _column(bodies.trunk)


def _put_legs(points: Numbers, motion: Motion, bodies: Bodies) -> None:
    first = _LEGS["hip"]
    points[..., first : first + 2, 0] = _column(bodies.half_hips) * _SIDES
    thigh, thigh_out, knee, shank_out = (motion.legs[..., number] for number in range(4))
    for name, ahead, out, size in (
        ("knee", thigh, thigh_out, bodies.thigh),
        ("ankle", thigh - knee, shank_out, bodies.shank),
    ):
        first = _LEGS[name]
        way = np.stack(
            [
                np.sin(out) * _SIDES,
                -np.cos(ahead) * np.cos(out),
                np.sin(ahead) * np.cos(out),
            ],
            axis=-1,
        )
        points[..., first : first + 2, :] = (
            points[..., first - 2 : first, :] + way * size[:, np.newaxis, np.newaxis, np.newaxis]
        )


def _column(sizes: Numbers) -> Numbers:
    return sizes[:, np.newaxis, np.newaxis]


def _turn(angles: Numbers) -> Numbers:
    """Rotations (..., 3, 3): pitched ahead, then rolled to the left, then turned."""
    (sx, sz, sy), (cx, cz, cy) = (
        np.moveaxis(np.sin(angles), -1, 0),
        np.moveaxis(np.cos(angles), -1, 0),
    )
    zero, one = np.zeros_like(sx), np.ones_like(sx)
    pitch = _matrix((one, zero, zero), (zero, cx, -sx), (zero, sx, cx))
    roll = _matrix((cz, sz, zero), (-sz, cz, zero), (zero, zero, one))
    yaw = _matrix((cy, zero, sy), (zero, one, zero), (-sy, zero, cy))
    return np.asarray(yaw @ roll @ pitch)


def _matrix(*rows: tuple[Numbers, ...]) -> Numbers:
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def arm_to(wrist: Numbers, elbow: Numbers) -> Numbers:
    """The angles of arms whose wrists are at given places.

    Args:
        wrist: float32, shape (..., 3): from the shoulder, outward, up and ahead, in lengths of the
            arm; farther than its reach is as far as it goes.
        elbow: float32, shape (..., 3): which way the elbow points.

    Returns:
        float32, shape (..., 4), as `Motion.arms`.
    """
    upper, fore = 0.54, 0.46  # of the arm's length
    distance = np.linalg.norm(wrist, axis=-1, keepdims=True).clip(1e-3, None)
    reach = distance.clip(0.15, 0.995)
    ahead = wrist / distance
    side = elbow - (elbow * ahead).sum(axis=-1, keepdims=True) * ahead
    side /= np.linalg.norm(side, axis=-1, keepdims=True).clip(1e-3, None)
    along = (upper**2 - fore**2 + reach**2) / (2 * reach)
    across = np.sqrt((upper**2 - along**2).clip(0.0, None))
    bend = along * ahead + across * side
    rest = reach * ahead - bend
    return np.concatenate([_steep_and_around(bend), _steep_and_around(rest)], axis=-1)


def _steep_and_around(ways: Numbers) -> Numbers:
    length = np.linalg.norm(ways, axis=-1).clip(1e-6, None)
    steep = np.arccos((-ways[..., 1] / length).clip(-1, 1))
    around = np.arctan2(ways[..., 2], ways[..., 0])
    # Nobody's arm points inward and backward: there is where the angle jumps.
    around = np.where(around < -2.0, around + 2 * np.pi, around)
    return np.stack([steep, around], axis=-1).astype(np.float32)
