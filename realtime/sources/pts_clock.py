"""A stream's own timestamps, mapped to the monotonic clock.

Frames of a stream arrive late by a varying time, and the first ones of an RTSP session in a burst,
over a second old; the sender's timestamps (PTS) keep their true distances. The least late frame so
far tells how the two clocks lie to each other.
"""

from __future__ import annotations

# Two clocks of ordinary crystals drift apart by less than this.
_DRIFT_SECONDS_PER_SECOND = 0.0005
# In an opening burst the mapping improves by one frame's distance at a time.
_JUMP_SECONDS = 0.5


class PtsClock:
    """Maps presentation timestamps to `time.monotonic`.

    Args:
        max_step_seconds: a frame that comes this much too early in PTS, or late in arrival, is
            taken for a jump of the sender's clock, as is any step back; the mapping then starts
            anew. Default 5.0.
        settle_seconds: while the mapping improves by more than this from one frame to the next, or
            by more than half their distance, the stream is in its opening burst. Default 0.02.

    Attributes:
        run: how often the sender's clock has jumped. Frames of two runs lie at unknown distances.
    """

    def __init__(self, *, max_step_seconds: float = 5.0, settle_seconds: float = 0.02) -> None:
        self.run = 0
        self._max_step_seconds = max_step_seconds
        self._settle_seconds = settle_seconds
        self._offset_seconds: float | None = None
        self._last_pts_seconds = 0.0
        self._last_arrival_seconds = 0.0
        self._last_time_seconds = float("-inf")

    def to_monotonic(self, pts_seconds: float, arrived_at_seconds: float) -> float | None:
        """When a frame was taken.

        Args:
            pts_seconds: its timestamp.
            arrived_at_seconds: when it arrived, on the monotonic clock.

        Returns:
            Seconds on the monotonic clock, later than for the frame before and never later than the
            arrival; None for a frame of the opening burst, whose age cannot be told yet, and for
            one that does not come after the one before.
        """
        offset_seconds = arrived_at_seconds - pts_seconds
        pts_step_seconds = pts_seconds - self._last_pts_seconds
        arrival_step_seconds = arrived_at_seconds - self._last_arrival_seconds
        self._last_pts_seconds = pts_seconds
        self._last_arrival_seconds = arrived_at_seconds
        if (
            self._offset_seconds is None
            or pts_step_seconds < 0
            or abs(offset_seconds - self._offset_seconds) > self._max_step_seconds
        ):
            self.run += self._offset_seconds is not None
            self._offset_seconds = offset_seconds
            return None
        improvement_seconds = self._offset_seconds - offset_seconds
        if improvement_seconds > _JUMP_SECONDS:
            self.run += 1
        drifted = self._offset_seconds + _DRIFT_SECONDS_PER_SECOND * arrival_step_seconds
        self._offset_seconds = min(offset_seconds, drifted)
        at_seconds = pts_seconds + self._offset_seconds
        if (
            pts_step_seconds <= 0
            or improvement_seconds > min(self._settle_seconds, pts_step_seconds / 2)
            or at_seconds <= self._last_time_seconds
        ):
            return None
        self._last_time_seconds = at_seconds
        return at_seconds
