"""How alike, and how near, two poses are.

This file knows nothing of time, or of who is who.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from rtaction.arrays import Float32Array, Float64Array
from rtaction.pose.keypoints import HIPS, NUM_JOINTS, SHOULDERS, Pose
from rtaction.pose.normal import normalised

# COCO's spread of human annotations for each joint, as a share of the root of a person's area.
_SIGMAS = np.array(
    [26, 25, 25, 35, 35, 79, 79, 72, 72, 62, 62, 107, 107, 87, 87, 89, 89], np.float64
)
_SIGMAS /= 1000
_ROOT_AREA_UNITS = 2.0  # root of a person's area, in shoulder widths
_TRUNK = np.zeros(NUM_JOINTS, bool)
_TRUNK[SHOULDERS] = _TRUNK[HIPS] = True


def similarity(
    one: Pose, other: Pose, size_hw: tuple[int, int], *, tolerance: float = 1.0
) -> float:
    """Object keypoint similarity of two poses, over the joints that are seen in both.

    Args:
        one: its size counts.
        other: what is compared.
        size_hw: height and width of the picture.
        tolerance: by which COCO's spread of each joint is multiplied. Default 1.

    Returns:
        0 to 1; 0 if they share fewer than three seen joints.
    """
    both = one.visible & other.visible
    if both.sum() < 3:
        return 0.0
    unit = float(normalised(one.points, size_hw).unit)
    apart = (one.points[both, :2].astype(np.float64) - other.points[both, :2]) ** 2
    spread = 2 * _SIGMAS[both] * _ROOT_AREA_UNITS * unit * tolerance
    return float(np.exp(-apart.sum(axis=-1) / (2 * spread**2)).mean())


def greedy_pairs(likeness: Float64Array, least: float) -> dict[int, int]:
    """Pairs of row and column of at least a likeness, the most alike first, each once."""
    pairs: dict[int, int] = {}
    order: npt.NDArray[Any] = np.argsort(-likeness, axis=None, kind="stable")
    for flat in order:
        row, column = divmod(int(flat), likeness.shape[1])
        if likeness[row, column] < least:
            break
        if row not in pairs and column not in pairs.values():
            pairs[row] = column
    return pairs


def covered(one: Pose, other: Pose) -> float:
    """Area that two boxes share, as a share of the smaller box."""
    tops, lefts, bottoms, rights = zip(one.box, other.box, strict=True)
    shared = max(min(bottoms) - max(tops), 0.0) * max(min(rights) - max(lefts), 0.0)
    areas = [
        (bottom - top) * (right - left)
        for top, left, bottom, right in zip(tops, lefts, bottoms, rights, strict=True)
    ]
    return shared / max(min(areas), 1e-9)


def middle_of(pose: Pose) -> Float32Array:
    """Mean of the seen joints of the trunk, or else of all joints: y and x, (2,)."""
    chosen = pose.visible & _TRUNK
    return np.asarray(pose.points[chosen if chosen.any() else slice(None), :2].mean(axis=0))


def shift_between(before: Pose, after: Pose) -> Float32Array:
    """How far somebody has moved, (2,): the trunk, or else all joints that are seen in both."""
    both = before.visible & after.visible
    chosen = both & _TRUNK if (both & _TRUNK).any() else both
    if not chosen.any():
        return np.zeros(2, np.float32)
    return np.asarray(np.median(after.points[chosen, :2] - before.points[chosen, :2], axis=0))
