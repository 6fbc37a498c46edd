"""Joints as numbers that do not depend on where in the picture a person stands, or how near.

A joint counts as seen if its score is above `VISIBLE_SCORE` and it lies in the picture. Positions
are relative to the middle of the seen shoulders, or else of the seen hips, or else of all seen
joints. The unit is the larger of the shoulders' distance and 0.62 times the trunk's length, so
that it hardly changes as a person turns; a picture that shows neither is measured by the width of
the head, or else by the spread of what is seen.

Everything is sums, products, comparisons and selections over whole arrays, so that the same can be
written as an ONNX graph: `rtaction.pose.graph` has it. This file knows nothing of networks or of
who is who.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rtaction.arrays import Float32Array
from rtaction.pose.keypoints import EARS, HIPS, MIRRORED, NUM_JOINTS, SHOULDERS, VISIBLE_SCORE

FARTHEST = 4.0
"""Positions are cut off at this many units from the origin."""

FASTEST = 4 * FARTHEST
"""Speeds are cut off at this many units a second."""

TRUNK_SHARE = 0.62  # shoulder width by trunk length, of people who face the camera
HEADS_PER_UNIT = 2.3  # shoulder width by head width
SPREADS_PER_UNIT = 0.5  # unit by root mean square distance from the middle
LEAST_UNIT = 1e-3  # of the picture's longer side

FARTHEST_IN_WINDOW = 6.0
"""Positions relative to the window are cut off at this many units from its origin."""

NUM_PATH_NUMBERS = 10
"""Numbers of a whole body's path, see `window_numbers`."""

NUM_NUMBERS = 7 * NUM_JOINTS + NUM_PATH_NUMBERS
"""Numbers for each picture of a window, see `window_numbers`."""


@dataclass(frozen=True, eq=False, slots=True)
class NormalPose:
    """Joints of people, relative to their own trunk.

    Args:
        positions: float32, shape (..., 17, 2): y and x in units, -4 to 4; 0 for unseen joints.
        seen: float32, shape (..., 17): 1 for seen joints, else 0.
        origin: float32, shape (..., 2): y and x of the origin, in pixels; 0 if nothing is seen.
        unit: float32, shape (...): pixels.
    """

    positions: Float32Array
    seen: Float32Array
    origin: Float32Array
    unit: Float32Array


def picture_shares(points: Float32Array, size_hw: tuple[int, int]) -> Float32Array:
    """Joints in shares of the picture's longer side; those outside of it get score 0.

    Args:
        points: float32, shape (..., 17, 3): y, x in pixels, and score.
        size_hw: height and width of the picture.

    Returns:
        float32, shape (..., 17, 3): y, x and score, what a network of poses sees of a person.
    """
    places = points[..., :2]
    inside = ((places >= 0) & (places <= np.asarray(size_hw, np.float32))).all(axis=-1)
    scores = np.where(inside, points[..., 2], 0)[..., np.newaxis]
    return np.concatenate([places / max(size_hw), scores], axis=-1).astype(np.float32)


def mirrored(points: Float32Array) -> Float32Array:
    """Joints as in a mirror: left and right exchanged; x counts from the other edge.

    Args:
        points: float32, shape (..., 17, 3), from `picture_shares`.
    """
    result = points[..., MIRRORED, :].copy()
    result[..., 1] *= -1
    return result


def normalised(points: Float32Array, size_hw: tuple[int, int] | None = None) -> NormalPose:
    """Normalise joints.

    Args:
        points: float32, shape (..., 17, 3): y, x in pixels, and score.
        size_hw: height and width of the picture. Default None: the points are from
            `picture_shares`, and so are origin and unit.
    """
    places, longer_side = points[..., :2], 1.0
    seen = np.asarray(points[..., 2] > VISIBLE_SCORE, np.float32)  # (..., 17)
    if size_hw is not None:
        longer_side = max(size_hw)
        seen *= ((places >= 0) & (places <= np.asarray(size_hw, np.float32))).all(axis=-1)
    shoulders, has_shoulders = _middle(places, seen, SHOULDERS)
    hips, has_hips = _middle(places, seen, HIPS)
    middle, has_any = _middle(places, seen, slice(None))
    origin = _either(has_shoulders, shoulders, _either(has_hips, hips, middle)) * has_any

    width = _between(places, seen, SHOULDERS)
    trunk = _length(shoulders - hips) * has_shoulders[..., 0] * has_hips[..., 0]
    body = np.maximum(width, TRUNK_SHARE * trunk)
    head = HEADS_PER_UNIT * _between(places, seen, EARS)
    squares = ((places - middle[..., np.newaxis, :]) ** 2).sum(axis=-1) * seen
    spread = np.sqrt(squares.sum(axis=-1) / np.maximum(seen.sum(axis=-1), 1))
    unit = np.where(body > 0, body, np.where(head > 0, head, SPREADS_PER_UNIT * spread))
    unit = np.maximum(unit, LEAST_UNIT * longer_side).astype(np.float32)

    relative = (places - origin[..., np.newaxis, :]) / unit[..., np.newaxis, np.newaxis]
    positions = relative.clip(-FARTHEST, FARTHEST) * seen[..., np.newaxis]
    return NormalPose(positions.astype(np.float32), seen, origin.astype(np.float32), unit)


def window_numbers(points: Float32Array, interval_seconds: float) -> Float32Array:
    """The numbers that describe one person over the pictures of a window.

    Args:
        points: float32, shape (..., num_pictures, 17, 3), from `picture_shares`; a score of 0 for
            all joints of a picture that does not show the person.
        interval_seconds: between two pictures, by the contract of the model.

    Returns:
        float32, shape (..., num_pictures, `NUM_NUMBERS`). For each joint its y and x, from the
        picture's origin; then its speed in y and x, in units a second since the picture before, or
        0 where it is unseen in either; then whether it is seen; then its y and x from the window's
        origin in the window's units. Both of the window are means over the pictures that show the
        person. Then, of the body as a whole: y and x of the origin in the window; its speed in y
        and x, in the window's units a second; height and width of the box around the seen joints;
        y and x of the direction from shoulders to hips, of length 1; the logarithm of the unit by
        the window's; and whether any joint is seen.
    """
    normal = normalised(points)
    flat = (*normal.seen.shape[:-1], -1)
    both = (normal.seen[..., 1:, :] * normal.seen[..., :-1, :])[..., np.newaxis]
    speeds = _speeds(normal.positions, both, interval_seconds, axis=-3)
    shown = np.minimum(normal.seen.sum(axis=-1, keepdims=True), 1)  # (..., F, 1)
    num_shown = np.maximum(shown.sum(axis=-2, keepdims=True), 1)
    origin = (normal.origin * shown).sum(axis=-2, keepdims=True) / num_shown
    units = normal.unit[..., np.newaxis]
    unit = (units * shown).sum(axis=-2, keepdims=True) / num_shown
    unit = np.maximum(unit, LEAST_UNIT)

    seen, limit = normal.seen[..., np.newaxis], FARTHEST_IN_WINDOW
    relative = (points[..., :2] - origin[..., np.newaxis, :]) / unit[..., np.newaxis]
    in_window = relative.clip(-limit, limit) * seen
    place = ((normal.origin - origin) / unit).clip(-limit, limit) * shown
    path = _speeds(place, shown[..., 1:, :] * shown[..., :-1, :], interval_seconds, axis=-2)
    far = 2 * limit * (1 - seen)
    box = ((in_window - far).max(axis=-2) - (in_window + far).min(axis=-2)) * shown
    size = np.log((units / unit).clip(1 / limit, limit)) * shown
    return np.concatenate(
        [
            normal.positions.reshape(flat),
            speeds.reshape(flat),
            normal.seen,
            in_window.reshape(flat),
            place,
            path,
            box,
            _trunk_direction(normal),
            size,
            shown,
        ],
        axis=-1,
        dtype=np.float32,
    )


def _speeds(
    places: Float32Array, both: Float32Array, interval_seconds: float, *, axis: int
) -> Float32Array:
    """Per second since the picture before, where both are seen; 0 in the first."""
    moved = np.diff(places, axis=axis) * both / np.float32(interval_seconds)
    first = np.zeros_like(places.take([0], axis=axis))
    return np.concatenate([first, moved.clip(-FASTEST, FASTEST)], axis=axis)


def _trunk_direction(normal: NormalPose) -> Float32Array:
    """From the middle of the shoulders to that of the hips, (..., 2); 0 if either is unseen."""
    shoulders, has_shoulders = _middle(normal.positions, normal.seen, SHOULDERS)
    hips, has_hips = _middle(normal.positions, normal.seen, HIPS)
    vector = (hips - shoulders) * has_shoulders * has_hips
    return np.asarray(vector / np.maximum(_length(vector), 1e-3)[..., np.newaxis])


def _middle(
    places: Float32Array, seen: Float32Array, joints: slice
) -> tuple[Float32Array, Float32Array]:
    """Mean of the seen joints, (..., 2), and 1 where there is one, else 0, (..., 1)."""
    weights = seen[..., joints, np.newaxis]
    total = weights.sum(axis=-2)
    mean = (places[..., joints, :] * weights).sum(axis=-2) / np.maximum(total, 1)
    return mean, np.minimum(total, 1)


def _between(places: Float32Array, seen: Float32Array, pair: slice) -> Float32Array:
    """Distance of two joints, or 0 if either is unseen; (...)."""
    first, second = (places[..., number, :] for number in (pair.start, pair.start + 1))
    return np.asarray(_length(first - second) * seen[..., pair.start] * seen[..., pair.start + 1])


def _length(vectors: Float32Array) -> Float32Array:
    return np.asarray(np.sqrt((vectors**2).sum(axis=-1)))


def _either(condition: Float32Array, yes: Float32Array, no: Float32Array) -> Float32Array:
    return np.asarray(np.where(condition > 0, yes, no))
