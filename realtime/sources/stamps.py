"""When a frame of a stream was taken: three kinds of stream, three rules.

This module knows nothing about networks.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from rtaction.realtime.sources.pts_clock import PtsClock

_WAKE_SECONDS = 0.1


class Stamps(Protocol):
    """Gives frames their times on the monotonic clock."""

    @property
    def segment(self) -> int:
        """Counts the breaks: the interval between times before and after one is unknown."""

    def stamp(self, pts_seconds: float | None, arrived_at_seconds: float) -> float | None:
        """The time of a frame, later than that of the previous one; None if it has none."""

    def late_seconds(self, pts_seconds: float | None, arrived_at_seconds: float) -> float | None:
        """How late a frame is, without giving it a time; None if that is not known."""


class ArrivalStamps:
    """The time of arrival: for webcams and Motion JPEG."""

    segment = 0

    def __init__(self) -> None:
        self._last_seconds = float("-inf")

    def stamp(self, pts_seconds: float | None, arrived_at_seconds: float) -> float | None:
        """The time of arrival; None for a frame with the same time as the previous one."""
        # Before Python 3.13, the clock on Windows has steps of 16 ms.
        if arrived_at_seconds <= self._last_seconds:
            return None
        self._last_seconds = arrived_at_seconds
        return arrived_at_seconds

    def late_seconds(self, pts_seconds: float | None, arrived_at_seconds: float) -> float | None:
        """Unknown."""
        return None


class PtsStamps:
    """The sender's own times, mapped to the monotonic clock: for RTSP."""

    def __init__(self) -> None:
        self._clock = PtsClock()

    @property
    def segment(self) -> int:
        """See `Stamps`."""
        return self._clock.segment

    def stamp(self, pts_seconds: float | None, arrived_at_seconds: float) -> float | None:
        """See `PtsClock.to_monotonic`; None for a frame without PTS."""
        if pts_seconds is None:
            return None
        return self._clock.to_monotonic(pts_seconds, arrived_at_seconds)

    def late_seconds(self, pts_seconds: float | None, arrived_at_seconds: float) -> float | None:
        """See `PtsClock.late_seconds`."""
        if pts_seconds is None:
            return None
        return self._clock.late_seconds(pts_seconds, arrived_at_seconds)


class PacedStamps:
    """Frames paced by their PTS, however large the pieces in which they come.

    `stamp` waits until a frame is due. If the sender is too slow, or its timestamps jump, pacing
    starts over.

    Args:
        is_closed: polled while waiting; True ends the wait.
        max_late_seconds: a frame later than this is a break. Default 0.5.
        max_step_seconds: so is a step in the timestamps above this. Default 5.0.
    """

    def __init__(
        self,
        is_closed: Callable[[], bool],
        *,
        max_late_seconds: float = 0.5,
        max_step_seconds: float = 5.0,
    ) -> None:
        self.segment = 0
        self._is_closed = is_closed
        self._max_late_seconds = max_late_seconds
        self._max_step_seconds = max_step_seconds
        self._offset_seconds: float | None = None
        self._last_pts_seconds = 0.0

    def stamp(self, pts_seconds: float | None, arrived_at_seconds: float) -> float | None:
        """Wait until a frame is due; returns its time."""
        if pts_seconds is None:
            return None
        step_seconds = pts_seconds - self._last_pts_seconds
        if self._offset_seconds is not None and step_seconds == 0:
            return None
        self._last_pts_seconds = pts_seconds
        if (
            self._offset_seconds is None
            or not 0 < step_seconds <= self._max_step_seconds
            or time.monotonic() - (pts_seconds + self._offset_seconds) > self._max_late_seconds
        ):
            self.segment += self._offset_seconds is not None
            self._offset_seconds = time.monotonic() - pts_seconds
        at_seconds = pts_seconds + self._offset_seconds
        while not self._is_closed() and (wait_seconds := at_seconds - time.monotonic()) > 0:
            time.sleep(min(wait_seconds, _WAKE_SECONDS))
        return at_seconds

    def late_seconds(self, pts_seconds: float | None, arrived_at_seconds: float) -> float | None:
        """By how much a frame is overdue; None if its timestamp has jumped."""
        if pts_seconds is None or self._offset_seconds is None:
            return None
        if not 0 < pts_seconds - self._last_pts_seconds <= self._max_step_seconds:
            return None
        return arrived_at_seconds - (pts_seconds + self._offset_seconds)
