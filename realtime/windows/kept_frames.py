"""What is kept of a video until its end is known: all frames, or an even selection of a long one.

Which frames stand for a whole video is known only when it has ended. This module knows nothing
about models.
"""

from __future__ import annotations

import numpy as np

from rtaction.arrays import Float64Array
from rtaction.choices import Sampling
from rtaction.sampling import Stack
from rtaction.video.prepared import PreparedFrame
from rtaction.whole_video import whole_targets

_BURST_SPANS = 1.5  # a burst is longer than a stack, so that no frame at its ends is missing


class KeptFrames:
    """Frames of one video; every second is forgotten whenever there are too many.

    Args:
        most_kept: number of frames, at least 2.

    Attributes:
        times_seconds: of the frames that are kept, increasing.
        frames: those frames.
    """

    def __init__(self, most_kept: int) -> None:
        self.times_seconds: list[float] = []
        self.frames: list[PreparedFrame] = []
        self._most_kept = most_kept
        self._step_seconds = 0.0

    def add(self, at_seconds: float, frame: PreparedFrame) -> None:
        """Take the next frame."""
        times, frames = self.times_seconds, self.frames
        if len(times) > 1 and at_seconds - times[-2] < self._step_seconds:
            # The last frame is always kept, and takes the place of one that is too near.
            times[-1], frames[-1] = at_seconds, frame
            return
        times.append(at_seconds)
        frames.append(frame)
        if len(times) > self._most_kept:
            del times[1:-1:2], frames[1:-1:2]
            self._step_seconds = (times[-1] - times[0]) / (len(times) - 1)

    def targets(self, num_moments: int, sampling: Sampling) -> Float64Array:
        """The moments that stand for the whole video, see `rtaction.whole_video.whole_targets`."""
        return whole_targets(self.times_seconds, num_moments, sampling=sampling)


class KeptBursts(KeptFrames):
    """Bursts of frames of one video, long enough for a stack; every second burst is forgotten
    whenever there are too many frames.

    Args:
        most_kept: number of frames, at least those of two bursts.
        stack: the frames that belong together.
    """

    def __init__(self, most_kept: int, stack: Stack) -> None:
        super().__init__(most_kept)
        self._stack = stack
        self._burst_seconds = _BURST_SPANS * stack.span_seconds
        self._every = 1
        self._first_seconds: float | None = None
        self._newest_seconds = 0.0

    def add(self, at_seconds: float, frame: PreparedFrame) -> None:
        """Take the next frame."""
        if self._first_seconds is None:
            self._first_seconds = at_seconds
        self._newest_seconds = at_seconds
        if self._burst_of(at_seconds) % self._every:
            return
        self.times_seconds.append(at_seconds)
        self.frames.append(frame)
        while len(self.frames) > self._most_kept and self._burst_of(at_seconds) >= self._every:
            self._every *= 2
            stays = [
                number
                for number, seconds in enumerate(self.times_seconds)
                if self._burst_of(seconds) % self._every == 0
            ]
            self.times_seconds = [self.times_seconds[number] for number in stays]
            self.frames = [self.frames[number] for number in stays]

    def targets(self, num_moments: int, sampling: Sampling) -> Float64Array:
        """The moments that stand for the whole video; of a long one, each stack in the burst that
        is nearest to its place."""
        stack, first = self._stack, self.times_seconds[0]
        ends = [first, max(self._newest_seconds, first)]
        targets = whole_targets(ends, num_moments, sampling=sampling, stack=stack)
        if self._every == 1:
            return targets
        lasts = targets[stack.num_frames - 1 :: stack.num_frames]
        between = self._every * self._burst_seconds
        middles = lasts - (stack.span_seconds + self._burst_seconds) / 2 - first
        # The newest burst may be incomplete.
        most = (self._burst_of(self._newest_seconds) - 1) // self._every
        starts = first + np.clip(np.rint(middles / between), 0, most) * between
        margin = (self._burst_seconds - stack.span_seconds) / 4
        earliest = starts + stack.span_seconds + margin
        return stack.moments(np.clip(lasts, earliest, starts + self._burst_seconds - margin))

    def _burst_of(self, seconds: float) -> int:
        assert self._first_seconds is not None
        return int((seconds - self._first_seconds) / self._burst_seconds)
