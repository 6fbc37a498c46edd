"""Choose the sampling interval and the window length from the lengths of the takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rtaction.errors import DatasetError
from rtaction.features.window_length import FRAMES_PER_CLIP, window_length

# Few choices, so that one more take rarely changes the pace, which invalidates all features.
_INTERVALS_SECONDS = (0.07, 0.1, 0.14, 0.2)
_FEWEST_FRAMES = 4


@dataclass(frozen=True, slots=True)
class Pace:
    """How frames are taken from a video.

    Args:
        interval_seconds: time from one frame to the next.
        frames_per_clip: frames in a clip. A window of pictures has one more frame, since
            modalities with motion need a frame before the first.
    """

    interval_seconds: float
    frames_per_clip: int

    @property
    def clip_seconds(self) -> float:
        """Time from a clip's first frame to its last."""
        return round(self.interval_seconds * (self.frames_per_clip - 1), 6)

    @property
    def window_seconds(self) -> float:
        """Time from the frame before the clip to the clip's last frame."""
        return self.interval_seconds * self.frames_per_clip


def choose_pace(durations_seconds: Sequence[float]) -> Pace:
    """Choose about 14 frames per window that fit into nine takes in ten, see `window_length`.

    Args:
        durations_seconds: lengths of the takes, at least one.

    Raises:
        DatasetError: the takes are too short to show a movement.
    """
    window_seconds, short_seconds = window_length(durations_seconds)
    wanted_seconds = max(window_seconds, 1e-6) / FRAMES_PER_CLIP
    ratios = np.abs(np.log(np.asarray(_INTERVALS_SECONDS) / wanted_seconds))
    interval_seconds = _INTERVALS_SECONDS[int(ratios.argmin())]
    frames_per_clip = int(window_seconds / interval_seconds + 1e-6)
    if frames_per_clip < _FEWEST_FRAMES:
        raise DatasetError(_too_short(short_seconds))
    return Pace(interval_seconds, frames_per_clip)


POSE_INTERVAL_SECONDS = 0.125
"""Eight pictures a second: people are followed safely, and fast motion is still seen."""

_MOST_POSE_FRAMES = 16


def pose_pace(durations_seconds: Sequence[float]) -> Pace:
    """Up to 16 pictures of joints, eight a second, that fit into nine takes in ten.

    Args:
        durations_seconds: lengths of the takes, at least one.

    Raises:
        DatasetError: the takes are too short to show a movement.
    """
    window_seconds, short_seconds = window_length(durations_seconds)
    num_frames = int(window_seconds / POSE_INTERVAL_SECONDS + 1e-6) + 1
    if num_frames < _FEWEST_FRAMES:
        raise DatasetError(_too_short(short_seconds))
    return Pace(POSE_INTERVAL_SECONDS, min(num_frames, _MOST_POSE_FRAMES))


def _too_short(short_seconds: float) -> str:
    return (
        f"takes are too short: one in ten lasts {short_seconds:.2f} s or less, expected about "
        "a second or more; record longer ones"
    )
