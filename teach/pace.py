"""How often to look, and how long a window is: read off how long the takes are.

This file knows nothing of pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rtaction.errors import DatasetError

_WANTED_PICTURES = 14
# Few to choose from, so that one more take rarely changes the pace and all its pictures with it.
_INTERVALS_SECONDS = (0.07, 0.1, 0.14, 0.2)
_LONGEST_WINDOW_SECONDS = 3.0
_SHARE_OF_SHORTEST = 0.93  # of what nine in ten takes are longer than
_FEWEST_PICTURES = 4


@dataclass(frozen=True, slots=True)
class Pace:
    """How a clip is taken.

    Args:
        interval_seconds: time between two pictures.
        frames_per_clip: pictures in a clip; one frame comes before the first, as they show motion.
    """

    interval_seconds: float
    frames_per_clip: int

    @property
    def clip_seconds(self) -> float:
        """Time from a clip's first picture to its last."""
        return round(self.interval_seconds * (self.frames_per_clip - 1), 6)

    @property
    def window_seconds(self) -> float:
        """Time from the frame before the first picture to the last picture."""
        return self.interval_seconds * self.frames_per_clip


def choose_pace(durations_seconds: Sequence[float]) -> Pace:
    """About 14 pictures in a window that nine in ten takes are longer than, and of 3 s at most.

    Args:
        durations_seconds: lengths of the takes, at least one.

    Raises:
        DatasetError: the takes are too short to see a movement in.
    """
    short_seconds = float(np.percentile(durations_seconds, 10))
    window_seconds = min(_SHARE_OF_SHORTEST * short_seconds, _LONGEST_WINDOW_SECONDS)
    wanted_seconds = max(window_seconds, 1e-6) / _WANTED_PICTURES
    ratios = np.abs(np.log(np.asarray(_INTERVALS_SECONDS) / wanted_seconds))
    interval_seconds = _INTERVALS_SECONDS[int(ratios.argmin())]
    frames_per_clip = int(window_seconds / interval_seconds + 1e-6)
    if frames_per_clip < _FEWEST_PICTURES:
        raise DatasetError(
            f"takes must last a second or so, but one in ten lasts {short_seconds:.2f} s or less; "
            "record longer ones"
        )
    return Pace(interval_seconds, frames_per_clip)
