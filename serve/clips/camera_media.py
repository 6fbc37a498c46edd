"""What is known of one camera whose clips are kept."""

from __future__ import annotations

from dataclasses import dataclass, field

from rtaction.serve.clips.packet_file import Look
from rtaction.serve.clips.recorder import Recorder

_SLACK_SECONDS = 0.005  # frames come a little early


@dataclass(slots=True)
class KnownEvent:
    """An event that goes on: its number, and whether its clip is made of packets."""

    number: int
    has_packets: bool


@dataclass(slots=True)
class CameraMedia:
    """One camera: where its packets come from if they are kept, and its events that go on.

    Args:
        look: what may be seen of its packets; None: all.
        has_packets: whether packets are to make its clips.
        recorder: reads the stream that is recorded; None if that which is watched serves.
    """

    look: Look | None
    has_packets: bool
    recorder: Recorder | None = None
    connection: int | None = None
    events: dict[str, KnownEvent] = field(default_factory=dict)
    _last_seconds: float = float("-inf")
    _due_seconds: float = float("-inf")

    def is_due(self, at_seconds: float, rate: float) -> bool:
        """Whether a frame of this time is kept, at so many a second."""
        is_in_order = at_seconds >= self._last_seconds
        self._last_seconds = at_seconds
        if is_in_order and at_seconds < self._due_seconds - _SLACK_SECONDS:
            return False
        # Counted on from when a frame was due, so that the rate is true on average.
        due_seconds = self._due_seconds if is_in_order else at_seconds
        self._due_seconds = max(due_seconds, at_seconds - 1 / rate) + 1 / rate
        return True
