"""How long a window is and how many frames it holds, from how long the videos are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

FRAMES_PER_CLIP = 14
"""Frames in a window, or about as many."""

_LONGEST_SECONDS = 3.0  # longer than that is a sequence of actions, and a late prediction
_SHARE_OF_SHORTEST = 0.93  # leaves room to place a window in the shortest videos
_PERCENTILE = 10


def window_length(durations_seconds: Sequence[float]) -> tuple[float, float]:
    """A window that fits into nine videos in ten.

    Args:
        durations_seconds: lengths of the videos, at least one.

    Returns:
        Length of the window, at most 3 s, and what nine videos in ten are longer than; seconds.
    """
    short_seconds = float(np.percentile(durations_seconds, _PERCENTILE))
    return min(_SHARE_OF_SHORTEST * short_seconds, _LONGEST_SECONDS), short_seconds
