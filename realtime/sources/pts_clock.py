"""Map the timestamps of a stream to the monotonic clock.

Frames of a stream arrive with varying delay, and the first ones of an RTSP session in a burst,
over a second old; the sender's timestamps (PTS) keep the true intervals. The frame with the least
delay so far determines the offset between the two clocks.
"""

from __future__ import annotations

# Clocks with ordinary crystals drift apart by less than this.
_DRIFT_SECONDS_PER_SECOND = 0.0005
# In an opening burst the mapping improves by one frame interval at a time.
_JUMP_SECONDS = 0.5


class PtsClock:
    """Maps presentation timestamps to `time.monotonic`.

    Args:
        max_step_seconds: if a frame's PTS is this much early, or its arrival this much late, the
            sender's clock is taken to have jumped, as with any step back; the mapping then starts
            over. Default 5.0.
        settle_seconds: while the mapping improves by more than this from one frame to the next, or
            by more than half their interval, the stream is in its opening burst. Default 0.02.

    Attributes:
        segment: number of jumps of the sender's clock. The interval between frames of two segments
            is unknown.
    """

    def __init__(self, *, max_step_seconds: float = 5.0, settle_seconds: float = 0.02) -> None:
        self.segment = 0
        self._max_step_seconds = max_step_seconds
        self._settle_seconds = settle_seconds
        self._offset_seconds: float | None = None
        self._last_pts_seconds = 0.0
        self._last_arrival_seconds = 0.0
        self._last_time_seconds = float("-inf")

    def to_monotonic(self, pts_seconds: float, arrived_at_seconds: float) -> float | None:
        """The time at which a frame was taken.

        Args:
            pts_seconds: its timestamp.
            arrived_at_seconds: when it arrived, on the monotonic clock.

        Returns:
            Seconds on the monotonic clock, later than for the previous frame and never later than
            the arrival; None for a frame of the opening burst, whose age is not known yet, and for
            one that is not later than the previous frame.
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
            self.segment += self._offset_seconds is not None
            self._offset_seconds = offset_seconds
            return None
        improvement_seconds = self._offset_seconds - offset_seconds
        if improvement_seconds > _JUMP_SECONDS:
            self.segment += 1
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

    def late_seconds(self, pts_seconds: float, arrived_at_seconds: float) -> float | None:
        """How much later a frame arrived than the promptest one did; changes nothing.

        Args:
            pts_seconds: its timestamp.
            arrived_at_seconds: when it arrived, on the monotonic clock.

        Returns:
            Seconds; None before the first frame, or if the sender's clock has jumped.
        """
        if self._offset_seconds is None:
            return None
        late_seconds = arrived_at_seconds - pts_seconds - self._offset_seconds
        return late_seconds if abs(late_seconds) <= self._max_step_seconds else None
