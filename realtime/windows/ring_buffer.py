"""The last few seconds of one source, from which windows are selected.

The ring buffer knows nothing about models: it keeps values by time and selects those that form a
clip.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from rtaction.arrays import Float64Array
from rtaction.sampling import (
    MAX_DUPLICATE_FRACTION,
    TIME_TOLERANCE_SECONDS,
    Problem,
    Stack,
    WindowGrid,
    frame_interval_seconds,
    last_period_seconds,
    median_period_seconds,
    select_frames,
    window_targets,
)

Value = TypeVar("Value")

WindowState = Literal["ok", "warming_up", "degraded"]
"""Whether a window is usable: "warming_up" until the first window is full, "degraded" while the
frames of a window would misrepresent time."""

_STATE_OF_PROBLEM: dict[Problem | None, WindowState] = {
    None: "ok",
    "too_early": "warming_up",
    "hole": "degraded",
    "duplicates": "degraded",
}


@dataclass(frozen=True, slots=True)
class Window(Generic[Value]):
    """One window that is due.

    Args:
        end_seconds: its nominal end.
        values: the values of its frames, in order; empty unless `state` is "ok".
        times_seconds: times of those frames.
        state: whether it is usable.
    """

    end_seconds: float
    values: tuple[Value, ...]
    times_seconds: tuple[float, ...]
    state: WindowState


class RingBuffer(Generic[Value]):
    """Keeps the values of frames that a window can still need, and the times of all frames.

    Args:
        frames_per_clip: frames per window.
        clip_seconds: length of a window.
        stride_seconds: time from the start of one window to the start of the next.
        keeps_spares: keep both of two frames that are equally near to a moment, so that one can
            stand in for the other if that is damaged. Default True.
        num_blank: windows may begin up to so many moments before the first frame. Default 0.
        blank: makes the value of such a moment, of its time. Default None: there are none.
        max_duplicate_fraction: see `rtaction.sampling.select_frames`. Default a quarter.
        stack: the frames of a window that belong together. Default None: each stands alone.
    """

    def __init__(
        self,
        *,
        frames_per_clip: int,
        clip_seconds: float,
        stride_seconds: float,
        keeps_spares: bool = True,
        num_blank: int = 0,
        blank: Callable[[float], Value] | None = None,
        max_duplicate_fraction: float = MAX_DUPLICATE_FRACTION,
        stack: Stack | None = None,
    ) -> None:
        self._frames_per_clip = frames_per_clip
        self._clip_seconds = clip_seconds
        self._stride_seconds = stride_seconds
        self._keeps_spares = keeps_spares
        self._stack = stack
        offsets = window_targets(clip_seconds, frames_per_clip, clip_seconds, stack)
        self._offsets_seconds: list[float] = offsets.tolist()
        self._blank = blank
        self._max_duplicate_fraction = max_duplicate_fraction
        interval_seconds = frame_interval_seconds(frames_per_clip, clip_seconds)
        self._lead_seconds = 0.0 if blank is None else num_blank * interval_seconds
        self._begun_seconds = -math.inf
        self._values: deque[Value | None] = deque()
        self._times_seconds: deque[float] = deque()
        self._grid: WindowGrid | None = None
        self._num_taken = 0

    def __len__(self) -> int:
        return len(self._times_seconds)

    def resume(self, begun_seconds: float, after_seconds: float) -> None:
        """Go on in the middle of a run of frames: windows end when they would have, had all of its
        frames been pushed.

        Args:
            begun_seconds: time of the run's first frame, before those that will be pushed.
            after_seconds: windows that end by then are passed over. Those after it need the frames
                from one and a half windows before that time.
        """
        self.clear()
        self._begun_seconds = begun_seconds
        first_seconds = begun_seconds - self._lead_seconds
        grid = self._grid = WindowGrid(first_seconds, self._clip_seconds, self._stride_seconds)
        number = max(grid.count_until(after_seconds) - 1, 0)  # it counts with a tolerance
        while grid.end_seconds(number) <= after_seconds:
            number += 1
        self._num_taken = number

    def push(self, value: Value, at_seconds: float) -> Value | None:
        """Add the newest frame.

        If time goes backwards, or a gap is longer than a clip, the window starts over: frames from
        before and after an interruption never share a clip.

        Returns:
            The value of the previous frame if it is now certain that a window will need it;
            otherwise that value is dropped. Which of two frames is nearer to a given time is known
            only when the later one has come.
        """
        if self._times_seconds:
            gap_seconds = at_seconds - self._times_seconds[-1]
            if gap_seconds <= 0 or gap_seconds > self._clip_seconds:
                self.clear()
        if self._grid is None:
            self._begun_seconds = at_seconds
            self._grid = WindowGrid(
                at_seconds - self._lead_seconds, self._clip_seconds, self._stride_seconds
            )
        settled: Value | None = None
        if self._times_seconds:
            settled = self._values[-1] = (
                self._values[-1] if self._needs_newest(self._grid, at_seconds) else None
            )
        self._values.append(value)
        self._times_seconds.append(at_seconds)
        self._forget_before(self._grid.end_seconds(self._num_taken) - self._clip_seconds)
        return settled

    def discard(self, value: Value) -> None:
        """Remove a value, as if its frame had never come."""
        for index, kept in enumerate(self._values):
            if kept is value:
                del self._values[index]
                del self._times_seconds[index]
                break
        if not self._values:
            self.clear()

    def clear(self) -> None:
        """Forget everything; the next frame starts a new run."""
        self._values.clear()
        self._times_seconds.clear()
        self._grid = None
        self._num_taken = 0

    @property
    def num_due(self) -> int:
        """Number of windows that have ended and were not taken yet."""
        if self._grid is None:
            return 0
        return self._grid.count_until(self._times_seconds[-1]) - self._num_taken

    @property
    def next_end_seconds(self) -> float:
        """End of the next window to take; infinite while there is no frame."""
        return math.inf if self._grid is None else self._grid.end_seconds(self._num_taken)

    def take(self) -> Window[Value]:
        """The oldest window that is due.

        Raises:
            ValueError: none is due.
        """
        if self.num_due <= 0:
            raise ValueError("no window is due; look at num_due first")
        return self._take()

    def take_last(self) -> Window[Value] | None:
        """At the end of a source: the window that ends while the last frame is still displayed.

        Returns:
            The window, or None if none ends in that time.
        """
        if self._grid is None:
            return None
        period_seconds = last_period_seconds(self._times_seconds)
        ended = self._grid.count_until(self._times_seconds[-1] + period_seconds)
        return self._take() if ended > self._num_taken else None

    def skip_to_newest(self, max_late_seconds: float = float("inf")) -> int:
        """Drop all due windows but the newest.

        Args:
            max_late_seconds: drop the newest as well if it ended longer than this, plus a frame
                interval, before the newest frame: the next one will be current. Default: never.

        Returns:
            Number of dropped windows.
        """
        num_due = self.num_due
        if self._grid is None or num_due <= 0:
            return 0
        newest_end_seconds = self._grid.end_seconds(self._num_taken + num_due - 1)
        late_seconds = self._times_seconds[-1] - newest_end_seconds
        allowed_seconds = max_late_seconds + median_period_seconds(self._times_seconds)
        skipped = num_due - (late_seconds <= allowed_seconds + TIME_TOLERANCE_SECONDS)
        self._num_taken += skipped
        return skipped

    def _take(self) -> Window[Value]:
        assert self._grid is not None
        end_seconds = self._grid.end_seconds(self._num_taken)
        self._num_taken += 1
        targets = window_targets(
            end_seconds, self._frames_per_clip, self._clip_seconds, self._stack
        )
        early: list[float] = []
        if self._blank is not None:
            is_early = targets < self._begun_seconds - TIME_TOLERANCE_SECONDS
            early, targets = targets[is_early].tolist(), targets[~is_early]
        indices, problem = self._select(targets)
        window: Window[Value]
        if problem is None:
            blanks = [self._blank(seconds) for seconds in early] if self._blank else []
            values = (value for i in indices if (value := self._values[i]) is not None)
            times = (self._times_seconds[i] for i in indices)
            window = Window(end_seconds, (*blanks, *values), (*early, *times), "ok")
        else:
            window = Window(end_seconds, (), (), _STATE_OF_PROBLEM[problem])
        return window

    def _select(self, targets: Float64Array) -> tuple[list[int], Problem | None]:
        most = self._max_duplicate_fraction
        selection = select_frames(list(self._times_seconds), targets, max_duplicate_fraction=most)
        if all(self._values[i] is not None for i in selection.indices):
            return selection.indices.tolist(), selection.problem
        # After a damaged frame was removed, the one that is now nearest may have been dropped.
        kept = [i for i, value in enumerate(self._values) if value is not None]
        times = [self._times_seconds[i] for i in kept]
        selection = select_frames(times, targets, max_duplicate_fraction=most)
        return [kept[i] for i in selection.indices], selection.problem

    def _needs_newest(self, grid: WindowGrid, next_seconds: float) -> bool:
        """Whether a window can need the newest frame, given that one at `next_seconds` follows."""
        at_seconds = self._times_seconds[-1]
        before_seconds = at_seconds
        # Of two frames that are equally near, `nearest_indices` takes the earlier.
        is_spare_needed = self._keeps_spares or len(self._times_seconds) == 1
        tolerance_seconds = TIME_TOLERANCE_SECONDS * (1 if is_spare_needed else -0.25)
        if len(self._times_seconds) > 1:
            before_seconds = self._times_seconds[-2]
        return grid.has_moment(
            (before_seconds + at_seconds) / 2 - tolerance_seconds,
            (at_seconds + next_seconds) / 2 + TIME_TOLERANCE_SECONDS,
            self._offsets_seconds,
        )

    def _forget_before(self, start_seconds: float) -> None:
        """Drop what no window that starts at `start_seconds` or later can need."""
        # The frame before a window's start may be the nearest to it; the frame period needs two.
        while len(self._times_seconds) > 2 and self._times_seconds[1] < start_seconds:
            self._times_seconds.popleft()
            self._values.popleft()
