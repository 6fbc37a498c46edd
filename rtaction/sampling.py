"""Which frames form a clip: one rule for training and for live video.

A clip is `frames_per_clip` equally spaced moments, with the frame nearest to each moment. Moments
are in seconds, never in frame numbers, so cameras with 10, 29.97 or 60 frames per second, or a
variable rate, fill the same clip with frames of the same moments.

The moments span `clip_seconds`, and the window slides by `stride_seconds`; those of clips that
stand for whole videos are in `rtaction.whole_video`. A moment may need several frames, such as
those of a stack of flow fields, see `Stack`.

This module knows nothing about pixels, video files or threads.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
import numpy.typing as npt

from rtaction.arrays import Float64Array

Problem = Literal["too_early", "hole", "duplicates"]
"""Why a window would misrepresent time: it starts before the first frame, a moment has no frame
near enough, or more than a quarter of its frames would be used for two moments."""

MAX_DUPLICATE_FRACTION = 0.25
# Decoders give times in milliseconds or in 1/90000 s, so equality needs a tolerance.
TIME_TOLERANCE_SECONDS = 1e-6


@dataclass(frozen=True, slots=True)
class Selection:
    """The frames chosen for one window.

    Args:
        indices: intp, shape (frames_per_clip,), indices into the list of times.
        problem: None, or why the window must not be used.
    """

    indices: npt.NDArray[np.intp]
    problem: Problem | None


@dataclass(frozen=True, slots=True)
class Stack:
    """The frames that belong to one moment: its own, and others before it.

    Args:
        num_frames: number of frames, that of the moment included.
        interval_seconds: time from one to the next.
    """

    num_frames: int
    interval_seconds: float

    @property
    def span_seconds(self) -> float:
        """Time from the first frame to the last."""
        return (self.num_frames - 1) * self.interval_seconds

    def moments(self, last_seconds: Float64Array) -> Float64Array:
        """The moments of all frames of several stacks, stack by stack.

        Args:
            last_seconds: float64, shape (num_stacks,): the last moment of each.

        Returns:
            float64, shape (num_stacks * num_frames,); increasing within a stack. Stacks may
            overlap.
        """
        before = self.interval_seconds * np.arange(self.num_frames - 1, -1, -1, dtype=np.float64)
        return np.asarray(last_seconds[:, np.newaxis] - before).ravel()


def frame_interval_seconds(frames_per_clip: int, clip_seconds: float) -> float:
    """Interval between two moments of a clip whose first and last are `clip_seconds` apart."""
    return clip_seconds / max(frames_per_clip - 1, 1)


def window_targets(
    end_seconds: float, frames_per_clip: int, clip_seconds: float, stack: Stack | None = None
) -> Float64Array:
    """The moments of the window that ends at `end_seconds`: float64 (frames_per_clip,).

    Args:
        end_seconds: the last moment.
        frames_per_clip: number of moments, those of all stacks included.
        clip_seconds: time from the first moment to the last.
        stack: the frames that belong together. Default None: each stands alone.
    """
    if stack is not None:
        num_stacks = frames_per_clip // stack.num_frames
        return stack.moments(
            window_targets(end_seconds, num_stacks, clip_seconds - stack.span_seconds)
        )
    steps_back = np.arange(frames_per_clip - 1, -1, -1, dtype=np.float64)
    return end_seconds - steps_back * frame_interval_seconds(frames_per_clip, clip_seconds)


def median_period_seconds(times_seconds: Sequence[float] | Float64Array) -> float:
    """The median interval between two frames; 0.0 for fewer than two frames."""
    if len(times_seconds) < 2:
        return 0.0
    return float(np.median(np.diff(np.asarray(times_seconds, dtype=np.float64))))


def last_period_seconds(times_seconds: Sequence[float] | Float64Array) -> float:
    """How long the last frame is displayed: as long as the one before; 0.0 for a single frame."""
    return float(times_seconds[-1] - times_seconds[-2]) if len(times_seconds) > 1 else 0.0


def nearest_indices(
    times_seconds: Sequence[float] | Float64Array, targets_seconds: Float64Array
) -> npt.NDArray[np.intp]:
    """Index of the frame nearest to each target; of two equally near, the earlier.

    Args:
        times_seconds: times of the frames, increasing, at least one.
        targets_seconds: float64, shape (num_targets,).
    """
    times = np.asarray(times_seconds, dtype=np.float64)
    after = np.searchsorted(times, targets_seconds).clip(1, max(len(times) - 1, 1))
    before = after - 1
    after = np.minimum(after, len(times) - 1)
    closer_after = (
        times[after] - targets_seconds + TIME_TOLERANCE_SECONDS < targets_seconds - times[before]
    )
    return np.where(closer_after, after, before).astype(np.intp)


def select_frames(
    times_seconds: Sequence[float] | Float64Array,
    targets_seconds: Float64Array,
    *,
    max_duplicate_fraction: float = MAX_DUPLICATE_FRACTION,
) -> Selection:
    """Choose the frame nearest to each target, and check whether the result misrepresents time.

    A frame may be off its target by half the interval of the targets, or by half the camera's frame
    period if the camera is the slower of the two.

    Args:
        times_seconds: times of the available frames, increasing.
        targets_seconds: float64, shape (frames_per_clip,), increasing, but for stacks that overlap.
        max_duplicate_fraction: share of the targets that may have the frame of the one before.
            Default a quarter.

    Raises:
        ValueError: there are no frames.
    """
    if len(times_seconds) == 0:
        raise ValueError("select_frames needs at least one frame, got none")
    times = np.asarray(times_seconds, dtype=np.float64)
    indices = nearest_indices(times, targets_seconds)
    # Only frames within the window count, so that later frames cannot change the result.
    period = median_period_seconds(times[indices[0] : indices[-1] + 1])
    allowed = max(median_period_seconds(targets_seconds), period) / 2 + TIME_TOLERANCE_SECONDS
    errors = np.abs(times[indices] - targets_seconds)
    problem: Problem | None = None
    if times[0] - targets_seconds[0] > allowed:
        problem = "too_early"
    elif errors.max() > allowed:
        problem = "hole"
    elif np.count_nonzero(np.diff(indices) == 0) > max_duplicate_fraction * len(indices):
        problem = "duplicates"
    return Selection(indices, problem)


@dataclass(frozen=True, slots=True)
class WindowGrid:
    """The ends of the windows over one uninterrupted run of frames.

    The first window starts at the first frame, and each further one `stride_seconds` later, so a
    video gives the same windows in training, from a file, and live.

    Args:
        first_seconds: time of the first frame.
        clip_seconds: length of a window.
        stride_seconds: time from one window to the next, above 0.
    """

    first_seconds: float
    clip_seconds: float
    stride_seconds: float

    def __post_init__(self) -> None:
        if not self.stride_seconds > 0:
            raise ValueError(f"stride_seconds must be above 0, got {self.stride_seconds}")

    def end_seconds(self, number: int) -> float:
        """End of window `number`, counted from 0."""
        return self.first_seconds + self.clip_seconds + number * self.stride_seconds

    def count_until(self, seconds: float) -> int:
        """Number of windows that have ended by `seconds`."""
        since_first_end = seconds - self.end_seconds(0) + TIME_TOLERANCE_SECONDS
        return max(math.floor(since_first_end / self.stride_seconds) + 1, 0)

    def has_moment(
        self, from_seconds: float, to_seconds: float, offsets_seconds: Sequence[float]
    ) -> bool:
        """Whether a window has a moment within an interval.

        Args:
            from_seconds: start of the interval.
            to_seconds: end of the interval.
            offsets_seconds: the moments of a window, counted from its start.
        """
        for offset_seconds in offsets_seconds:
            # Relative to the first moments of the windows, of which there is one per stride.
            shift_seconds = self.first_seconds + offset_seconds
            last = math.floor((to_seconds - shift_seconds) / self.stride_seconds)
            if last >= max(math.ceil((from_seconds - shift_seconds) / self.stride_seconds), 0):
                return True
        return False


def sliding_selections(
    times_seconds: Sequence[float] | Float64Array,
    *,
    frames_per_clip: int,
    clip_seconds: float,
    stride_seconds: float,
    stack: Stack | None = None,
) -> list[Selection]:
    """All windows of a whole video, in order, including unusable ones.

    A gap longer than a clip ends a run of frames; the windows start over after it. The other
    arguments are those of `window_targets` and `WindowGrid`.
    """
    times = np.asarray(times_seconds, dtype=np.float64)
    if len(times) == 0:
        return []
    starts = [0, *(np.flatnonzero(np.diff(times) > clip_seconds) + 1), len(times)]
    selections = []
    for start, stop in pairwise(starts):
        run = times[start:stop]
        ended_seconds = float(run[-1])
        if stop == len(times):
            ended_seconds += last_period_seconds(run)
        grid = WindowGrid(float(run[0]), clip_seconds, stride_seconds)
        for number in range(grid.count_until(ended_seconds)):
            targets = window_targets(grid.end_seconds(number), frames_per_clip, clip_seconds, stack)
            selection = select_frames(run, targets)
            selections.append(Selection(selection.indices + start, selection.problem))
    return selections
