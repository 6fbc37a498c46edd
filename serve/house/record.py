"""One event of one camera, as it is kept, shown and passed on."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from rtaction.prediction import Box

Phase = Literal["start", "end", "change"]
"""Why somebody is told of an event: it has started; it has ended; or its clip or snapshot is
there, or a person has judged it."""

RIGHT, WRONG = "right", "wrong"
"""What a person may say of an event; or the label that it should have had."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRecord:
    """One event of one camera.

    Args:
        id: letters, digits and hyphens; unique, also after a restart, and sorts by time.
        camera: the camera's id, see `CameraView`.
        camera_name: its name when the event started.
        label: the action.
        started_at: when it started, in UTC.
        ended_at: when it ended; None while it goes on.
        peak_score: highest smoothed score so far, 0 to 1.
        model: name of the model's file, without its folder.
        person: id of who did it, unique within a run; None with a model of whole pictures.
        box: where they were last seen, or None.
        zones: names of the camera's zones in which they stood.
        clip: name of the file with the video of it, within the folder of clips; None before it is
            written, or if none is kept.
        snapshot: name of the file with its picture, likewise.
        verdict: what a person said of it: "right", "wrong" or another label. None: nobody did.
    """

    id: str
    camera: str
    camera_name: str
    label: str
    started_at: datetime
    ended_at: datetime | None = None
    peak_score: float
    model: str
    person: int | None = None
    box: Box | None = None
    zones: tuple[str, ...] = ()
    clip: str | None = None
    snapshot: str | None = None
    verdict: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """For JSON: times in ISO 8601 with milliseconds, in UTC; `duration_seconds` is added."""
        ended_at = self.ended_at
        duration = None if ended_at is None else (ended_at - self.started_at).total_seconds()
        return {
            "id": self.id,
            "camera": self.camera,
            "camera_name": self.camera_name,
            "label": self.label,
            "started_at": iso(self.started_at),
            "ended_at": None if ended_at is None else iso(ended_at),
            "duration_seconds": None if duration is None else round(duration, 3),
            "peak_score": round(self.peak_score, 4),
            "model": self.model,
            "person": self.person,
            "box": None if self.box is None else [round(edge, 4) for edge in self.box],
            "zones": list(self.zones),
            "clip": self.clip,
            "snapshot": self.snapshot,
            "verdict": self.verdict,
        }


def new_event_id(started_at: datetime) -> str:
    """An id for an event; ids sort by the times of their events."""
    stamp = f"{started_at.astimezone(UTC):%Y%m%dT%H%M%S}{started_at.microsecond // 1000:03}Z"
    return f"{stamp}-{secrets.token_hex(4)}"


def iso(at: datetime) -> str:
    """A time in UTC, as ISO 8601 with milliseconds, such as 2026-11-30T09:27:23.120Z."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
