"""Random changes of a person's joints through a clip, the same for all its pictures.

They stand for other people, cameras and network errors: sides exchanged, other proportions, a
tilted camera, legs below the picture's edge, joints that jitter, that are missed, and whole
pictures in which nobody is found. Place and distance do not matter, as they are removed later.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rtaction.arrays import Float32Array
from rtaction.pose.keypoints import JOINTS, VISIBLE_SCORE
from rtaction.pose.normal import mirrored, normalised
from rtaction.train.data.augment import Augmentation

_FARTHEST_JITTER_UNITS = 0.06  # standard deviation; Lightning's is .01 to .04 at rest
_MISSED_JOINT = 0.05  # probability in a clip in which joints are missed
_CUT_OFF = 0.3  # probability that legs are below the edge, as a share of `dropped_frame`'s
_LEGS = tuple(place for place, name in enumerate(JOINTS) if "knee" in name or "ankle" in name)


def changed_joints(
    points: Float32Array, augmentation: Augmentation, label: str, random: np.random.Generator
) -> Float32Array:
    """A changed copy of a person's joints.

    Args:
        points: float32, shape (frames_per_clip, 17, 3): y, x and score, see
            `rtaction.pose.normal.picture_shares`.
        augmentation: `flip`, `scale` (of height against width), `rotation_degrees`, `noise`
            (probability of jitter) and `dropped_frame` (probability of missed joints and pictures)
            are used.
        label: of the clip.
        random: draws the amounts; the same state gives the same joints.

    Returns:
        float32, of the same shape.
    """
    # Everything is drawn, needed or not, so that changing one amount leaves the others as is.
    is_flipped = random.random() < augmentation.flip and label not in augmentation.keep_sides
    stretch, angle = random.uniform(-1, 1, 2)
    spread = random.uniform(0, _FARTHEST_JITTER_UNITS) * (random.random() < augmentation.noise)
    wobble = random.normal(0, 1, (*points.shape[:2], 2))
    is_cut, misses = random.random(2) < augmentation.dropped_frame * np.array([_CUT_OFF, 1])
    missed = random.random(points.shape[:2])
    lost = int(random.integers(len(points)))

    changed = mirrored(points) if is_flipped else points.copy()
    changed[..., :2] @= _map_of(
        stretch * augmentation.scale, np.deg2rad(angle * augmentation.rotation_degrees)
    )
    unit = normalised(changed).unit[:, np.newaxis, np.newaxis]
    changed[..., :2] += (spread * unit * wobble).astype(np.float32)
    if is_cut:
        changed[:, _LEGS, 2] = 0
    if misses:
        changed[missed < _MISSED_JOINT] = 0
        changed[lost] = 0
    return np.asarray(changed, np.float32)


def points_at(
    points: Float32Array, times_seconds: npt.NDArray[np.float64], moments: npt.NDArray[np.float64]
) -> Float32Array:
    """Joints between the moments at which they were read.

    Args:
        points: float32, shape (n, 17, 3).
        times_seconds: of them, increasing, shape (n,).
        moments: within those times, or outside, where the first or last joints stay; shape (m,).

    Returns:
        float32, shape (m, 17, 3). A joint that is seen before and after lies on the line between;
        else it is that of the nearer time.
    """
    last = max(len(times_seconds) - 1, 0)
    before = (np.searchsorted(times_seconds, moments, side="right") - 1).clip(0, max(last - 1, 0))
    after = np.minimum(before + 1, last)
    passed = np.maximum(times_seconds[after] - times_seconds[before], 1e-9)
    share = ((moments - times_seconds[before]) / passed).clip(0, 1).astype(np.float32)
    first, second = points[before], points[after]
    nearer = np.where((share < 0.5)[:, np.newaxis, np.newaxis], first, second)
    both = (first[..., 2:] > VISIBLE_SCORE) & (second[..., 2:] > VISIBLE_SCORE)
    weights = share[:, np.newaxis, np.newaxis]
    between = np.where(both, first + weights * (second - first), nearer)
    return np.asarray(between, np.float32)


def _map_of(stretch: float, angle: float) -> Float32Array:
    """Rotation after a change of height against width, for rows of y and x."""
    rotation = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return np.asarray(np.diag([1 + stretch, 1.0]) @ rotation, np.float32)
