"""Where a close-up looks: a square of the source's frame, around what moves most.

A network's frames are small, and a person who is far away is a few pixels of them. A close-up sees
them as the camera did. It is made of the *detail* of two frames: their gray values at the source's
own size, or at a height of 240 where that is larger, so that it costs the same for every camera.

The square is a share of the height of the frame, and is found anew between each two frames, from
these alone: overlapping windows share it, and it is the same live as in training. Of several things
that move, it takes that which changes most; where nothing moves, it is in the middle.

This module knows nothing about time, flow or networks.
"""

from __future__ import annotations

import numpy as np

from rtaction.arrays import UInt8Array
from rtaction.opencv import cv2

DETAIL_HEIGHT = 240
"""Most rows of a detail."""

CLOSEUP_SHARE = 0.3
"""Side of the square, as a share of the height of the frame."""

CLOSEUP_SIZE = round(CLOSEUP_SHARE * DETAIL_HEIGHT)
"""Rows and columns of a close-up, and those of the square in the largest detail."""

# Smaller changes of gray values are noise; larger ones say no more about how much moves.
_LEAST_CHANGE, _MOST_CHANGE = 8, 60


def detail_of(image_rgb: UInt8Array) -> UInt8Array:
    """The gray values of a source's frame, at its own size or a height of `DETAIL_HEIGHT`.

    Args:
        image_rgb: uint8 RGB, shape (any height, any width, 3).

    Returns:
        uint8, shape (at most DETAIL_HEIGHT, width in proportion, 1).
    """
    shades = cv2.cvtColor(image_rgb, cv2.COLOR_RGB2GRAY)  # first: it is a third of the colours
    height, width = shades.shape
    if height > DETAIL_HEIGHT:
        width = max(round(width * DETAIL_HEIGHT / height), 1)
        shades = cv2.resize(shades, (width, DETAIL_HEIGHT), interpolation=cv2.INTER_AREA)
    return np.asarray(shades, np.uint8)[..., np.newaxis]


def moving_square(before: UInt8Array, after: UInt8Array) -> tuple[int, int, int]:
    """The square of a frame in which gray values change most.

    Args:
        before: the detail of a frame, uint8, shape (height, width, 1).
        after: that of the next, of the same shape.

    Returns:
        Its upper row, its left column and its side, in pixels of the detail. Of several that are
        equal, the one in their middle; so in the middle of the frame if nothing changes.
    """
    height, width = after.shape[:2]
    side = min(max(round(CLOSEUP_SHARE * height), 1), width)
    change = np.minimum(cv2.absdiff(before, after), _MOST_CHANGE)
    change[change < _LEAST_CHANGE] = 0
    sums = cv2.integral(change)  # (height + 1, width + 1)
    inside = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    # What is smaller than the square fits into many: it stands in the middle of the one taken.
    places = np.argwhere(inside == inside.max())  # (num_places, 2)
    distances = np.square(places - places.mean(axis=0)).sum(axis=1)
    top, left = places[int(distances.argmin())].tolist()
    return top, left, side
