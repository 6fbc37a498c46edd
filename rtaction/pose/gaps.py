"""Short gaps in what was seen of a person, filled by moving joints in straight lines.

This file knows nothing of networks or pictures.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from rtaction.arrays import Float32Array

LEAST_SEEN = 0.5
"""Share of a window's pictures in which somebody must be seen for it to be judged or learned from;
pictures in gaps that are filled count."""

LONGEST_GAP = 2
"""Pictures in a row that are filled; after a longer gap nobody knows what has happened."""


def filled(
    points: Float32Array, is_seen: npt.NDArray[Any], *, longest_gap: int = LONGEST_GAP
) -> tuple[Float32Array, npt.NDArray[np.bool_]]:
    """Fill short gaps between pictures in which somebody was seen.

    Args:
        points: float32, shape (num_pictures, 17, 3): y, x and score of each joint, in the pictures'
            order, equally spaced in time; anything where nobody was seen.
        is_seen: bool, shape (num_pictures,).
        longest_gap: longer ones are left. Default `LONGEST_GAP`.

    Returns:
        The points, with 0 where nobody is seen, and in which pictures somebody is, now. A joint of
        a filled picture has the lower of the two scores around the gap.
    """
    result = np.where(is_seen[:, np.newaxis, np.newaxis], points, np.float32(0))
    known = np.array(is_seen, bool)
    for before, after in pairwise(np.flatnonzero(is_seen).tolist()):
        num_missing = after - before - 1
        if not 0 < num_missing <= longest_gap:
            continue
        share = np.arange(1, num_missing + 1, dtype=np.float32) / np.float32(num_missing + 1)
        share = share[:, np.newaxis, np.newaxis]
        between = slice(before + 1, after)
        result[between] = (1 - share) * points[before] + share * points[after]
        result[between, :, 2] = np.minimum(points[before, :, 2], points[after, :, 2])
        known[between] = True
    return result, known
