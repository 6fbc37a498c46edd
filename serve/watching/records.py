"""Events of cameras as records: with ids, in UTC."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime

from rtaction.realtime.actions.detector import ActionEvent
from rtaction.serve.house.record import EventRecord, new_event_id
from rtaction.serve.watching.desk import Desk


class Records:
    """Makes records of the events of cameras, and knows those that go on."""

    def __init__(self) -> None:
        self._ongoing: dict[tuple[str, int], EventRecord] = {}

    def take(self, desk: Desk, event: ActionEvent) -> EventRecord:
        """The record of an event that has started or ended.

        Args:
            desk: its camera.
            event: on the monotonic clock.
        """
        key = desk.setup.id, event.number
        ended_at = None if event.end_seconds is None else _utc(event.end_seconds)
        before = self._ongoing.pop(key, None)
        started_at = _utc(event.start_seconds)
        record = before or EventRecord(
            id=new_event_id(started_at),
            camera=desk.setup.id,
            camera_name=desk.setup.camera.name,
            label=event.label,
            started_at=started_at,
            peak_score=event.peak_score,
            model=desk.setup.model.name,
            person=event.person,
        )
        record = replace(
            record,
            ended_at=ended_at,
            peak_score=event.peak_score,
            box=event.box or record.box,
            zones=event.zones,
        )
        if ended_at is None:
            self._ongoing[key] = record
        return record


def _utc(at_seconds: float) -> datetime:
    """The time of a moment on the monotonic clock."""
    return datetime.fromtimestamp(time.time() - (time.monotonic() - at_seconds), UTC)
