"""Events for tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from rtaction.serve.house.record import EventRecord

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


def made_event(number: int = 0, **changes: Any) -> EventRecord:
    """An event that started so many minutes after noon and took ten seconds."""
    started_at = NOON + timedelta(minutes=number)
    given: dict[str, Any] = {
        "id": f"{started_at:%Y%m%dT%H%M%S}000Z-{number & 0xFFFFFFFF:08x}",
        "camera": "door",
        "camera_name": "Door",
        "label": "wave",
        "started_at": started_at,
        "ended_at": started_at + timedelta(seconds=10),
        "peak_score": 0.75,
        "model": "people.onnx",
    }
    return EventRecord(**(given | changes))
