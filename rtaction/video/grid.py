"""Videos sampled on a grid: one moment every `interval_seconds`, from the first frame on.

Windows that start on the grid share its frames, so each frame is prepared, encoded or posed once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from rtaction.arrays import Float64Array
from rtaction.frame import FrameLike
from rtaction.sampling import (
    TIME_TOLERANCE_SECONDS,
    last_period_seconds,
    nearest_indices,
    select_frames,
)


def frames_on_grid(
    frames: Iterable[FrameLike],
    interval_seconds: float,
    *,
    times_seconds: list[float],
    longest_seconds: float = math.inf,
) -> Iterator[FrameLike]:
    """The frame nearest to each moment; of two equally near the earlier, as in `sampling`.

    Args:
        frames: of a video, from its start, in order of time.
        interval_seconds: between two moments.
        times_seconds: filled with the times of all frames.
        longest_seconds: the frames after it are ignored. Default: none.

    Yields:
        A frame for each moment until the last frame has been shown; one may serve twice.
    """
    before: FrameLike | None = None
    moment = 0
    for frame in frames:
        seconds = frame.captured_at_seconds
        if seconds > longest_seconds:
            break
        times_seconds.append(seconds)
        while (target := moment * interval_seconds) <= seconds:
            is_before = before is not None and (
                target - before.captured_at_seconds <= seconds - target
            )
            yield before if is_before and before is not None else frame
            moment += 1
        before = frame
    while before is not None and moment * interval_seconds <= shown_until_seconds(times_seconds):
        yield before
        moment += 1


def shown_until_seconds(times_seconds: list[float] | Float64Array) -> float:
    """When the last frame of a video ends; its length is that of the one before."""
    last = float(times_seconds[-1])
    return last + last_period_seconds(times_seconds) + TIME_TOLERANCE_SECONDS


def usable_windows(
    starts: npt.NDArray[np.intp],
    times_seconds: Float64Array,
    interval_seconds: float,
    num_frames: int,
) -> npt.NDArray[np.intp]:
    """The windows on a grid whose frames do not misrepresent time.

    Args:
        starts: first moments of the windows, shape (num_windows,).
        times_seconds: of the video's frames.
        interval_seconds: between two moments.
        num_frames: moments in a window.

    Returns:
        Some of `starts`. If none is usable, those whose frames are off by no more than an interval:
        a video recorded on a busy machine stutters, and is still better than none.
    """
    moments = np.arange(num_frames) * interval_seconds
    targets = starts[:, np.newaxis] * interval_seconds + moments
    usable = [select_frames(times_seconds, row).problem is None for row in targets]
    if not any(usable):
        usable = [_largest_error(times_seconds, row) <= interval_seconds for row in targets]
    return starts[usable]


def _largest_error(times_seconds: Float64Array, targets: Float64Array) -> float:
    return float(np.abs(times_seconds[nearest_indices(times_seconds, targets)] - targets).max())
