"""Which square of the next picture to look at for a person, and how pictures become squares.

After MoveNet's own cropping: around the hips, wide enough for the trunk times 1.9 and for all seen
joints times 1.2. Unlike there, someone whose hips are not seen is still followed, by the shoulders,
because the whole picture may show other people too. A square may be turned, so that somebody who
lies is upright in it. This file knows nothing of networks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rtaction.arrays import Float32Array, UInt8Array
from rtaction.opencv import cv2
from rtaction.pose.keypoints import HIPS, SHOULDERS, Pose
from rtaction.pose.normal import normalised

_TRUNK_ROOM, _JOINT_ROOM = 1.9, 1.2  # MoveNet's
_LEAST_HALF_UNITS = 2.2  # of the side: an arm's reach, in shoulder widths
_SLOWEST_SHRINK = 0.9  # by picture, so that a joint that is missed once does not narrow the view
_LEAST_SIDE_PIXELS = 16.0


@dataclass(frozen=True, slots=True)
class Square:
    """A square in a picture; it may reach over its edges.

    Args:
        top, left: of its corner, in pixels.
        side: in pixels.
        turns: quarter turns to the left that make whoever is in it upright, 0 to 3. Default 0.
    """

    top: float
    left: float
    side: float
    turns: int = 0

    def points_from(self, shares: Float32Array) -> Float32Array:
        """Joints in the picture: y and x of (..., 3) from shares of what was cut to pixels."""
        points = np.array(shares, np.float32)
        for _ in range(self.turns):
            points[..., 0], points[..., 1] = points[..., 1], 1 - points[..., 0]
        points[..., :2] *= self.side
        points[..., :2] += np.array([self.top, self.left], np.float32)
        return points


def whole_picture(size_hw: tuple[int, int]) -> Square:
    """The smallest square around a whole picture."""
    height, width = size_hw
    side = max(height, width)
    return Square((height - side) / 2, (width - side) / 2, side)


def square_around(
    pose: Pose, size_hw: tuple[int, int], *, before: Square | None = None
) -> Square | None:
    """Where to look for a person in the next picture.

    Args:
        pose: the person's last one, or where they are expected.
        size_hw: height and width of the picture.
        before: the square in which the pose was found; the next is not much smaller, and is turned
            alike. Default None.

    Returns:
        None if neither shoulders nor hips are seen: only a look at the whole picture helps.
    """
    visible, places = pose.visible, pose.points[:, :2]
    shoulders, hips = places[SHOULDERS][visible[SHOULDERS]], places[HIPS][visible[HIPS]]
    unit = float(normalised(pose.points, size_hw).unit)
    if len(hips):
        middle = hips.mean(axis=0)
    elif len(shoulders):
        middle = shoulders.mean(axis=0) + np.array([0.5 * unit, 0.0])
    else:
        return None
    trunk = np.abs(np.concatenate([shoulders, hips]) - middle).max() if len(hips) else 0.0
    reach = np.abs(places[visible] - middle).max()
    half = max(_TRUNK_ROOM * trunk, _JOINT_ROOM * reach, _LEAST_HALF_UNITS * unit)
    if before is not None:
        half = max(half, _SLOWEST_SHRINK * before.side / 2)
    # Farther than this there is no picture.
    half = min(half, max(*middle, *(np.asarray(size_hw) - middle)))
    half = max(float(half), _LEAST_SIDE_PIXELS / 2)
    turns = 0 if before is None else before.turns
    return Square(float(middle[0]) - half, float(middle[1]) - half, 2 * half, turns)


def cut(picture: UInt8Array, square: Square, size: int) -> UInt8Array:
    """The part of a picture in a square, black beyond the edges.

    Args:
        picture: uint8 RGB, shape (height, width, 3).
        square: what to cut.
        size: height and width of the result, in pixels.

    Returns:
        uint8 RGB, shape (size, size, 3), turned as the square says; sizes are changed alike in
        both directions.
    """
    height, width = picture.shape[:2]
    top, left = round(square.top), round(square.left)
    side = max(round(square.side), 1)
    rows = slice(max(top, 0), min(top + side, height))
    columns = slice(max(left, 0), min(left + side, width))
    result: Any = np.zeros((size, size, 3), np.uint8)
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return np.asarray(result)
    scale = size / side
    first = [round((part.start - edge) * scale) for part, edge in ((rows, top), (columns, left))]
    last = [round((part.stop - edge) * scale) for part, edge in ((rows, top), (columns, left))]
    last = [max(end, start + 1) for start, end in zip(first, last, strict=True)]
    inner = cv2.resize(
        np.ascontiguousarray(picture[rows, columns]),
        (last[1] - first[1], last[0] - first[0]),
        interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR,
    )
    result[first[0] : last[0], first[1] : last[1]] = inner[: size - first[0], : size - first[1]]
    return np.rot90(result, square.turns)


def rounded(square: Square) -> Square:
    """The square that `cut` really cuts, on whole pixels."""
    return replace(
        square,
        top=round(square.top),
        left=round(square.left),
        side=max(round(square.side), 1),
    )


def fitted(picture: UInt8Array, longest: int, multiple: int) -> tuple[UInt8Array, float]:
    """A picture made smaller as a whole, with black right and below it.

    Args:
        picture: uint8 RGB, shape (height, width, 3).
        longest: its longer side in the result, in pixels.
        multiple: of which height and width of the result are made.

    Returns:
        uint8 RGB, shape (height, width, 3), and how many times larger the picture was.
    """
    height, width = picture.shape[:2]
    scale = max(height, width) / longest
    inner_hw = [max(round(side / scale), 1) for side in (height, width)]
    padded_hw = [-(-side // multiple) * multiple for side in inner_hw]
    result: Any = np.zeros((*padded_hw, 3), np.uint8)
    result[: inner_hw[0], : inner_hw[1]] = cv2.resize(
        np.ascontiguousarray(picture),
        (inner_hw[1], inner_hw[0]),
        interpolation=cv2.INTER_AREA if scale > 1 else cv2.INTER_LINEAR,
    )
    return np.asarray(result), scale
