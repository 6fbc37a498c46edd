"""Events as rows of a table, and what is asked of them as SQL.

This module opens no file.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from rtaction.errors import UsageError
from rtaction.prediction import Box
from rtaction.serve.house.house import Query
from rtaction.serve.house.record import EventRecord

MOST_AT_ONCE = 1000

# Times are microseconds since 1970. Ids sort by time, so that the table is in order.
STEPS = (
    """
    CREATE TABLE events (
        id TEXT PRIMARY KEY NOT NULL,
        camera TEXT NOT NULL,
        camera_name TEXT NOT NULL,
        label TEXT NOT NULL,
        started_at INTEGER NOT NULL,
        ended_at INTEGER,
        peak_score REAL NOT NULL,
        model TEXT NOT NULL,
        person INTEGER,
        box TEXT,
        zones TEXT NOT NULL,
        clip TEXT,
        snapshot TEXT,
        verdict TEXT
    ) WITHOUT ROWID;
    CREATE INDEX events_camera ON events (camera, id);
    CREATE INDEX events_label ON events (label, id);
    CREATE INDEX events_person ON events (person, id) WHERE person IS NOT NULL;
    CREATE INDEX events_verdict ON events (verdict, id);
    CREATE INDEX events_started ON events (started_at);
    CREATE INDEX events_ended ON events (ended_at);
    CREATE INDEX events_clip ON events (clip) WHERE clip IS NOT NULL;
    CREATE INDEX events_snapshot ON events (snapshot) WHERE snapshot IS NOT NULL;
    CREATE TABLE settings (key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL) WITHOUT ROWID
    """,
)
"""What makes the tables, see `Database`; to change them, add a step."""

COLUMNS = (
    *("id", "camera", "camera_name", "label", "started_at", "ended_at", "peak_score", "model"),
    *("person", "box", "zones", "clip", "snapshot", "verdict"),
)
SELECT = f"SELECT {', '.join(COLUMNS)} FROM events"
# What others say of an event while it goes on is not taken back by those who watch it.
_OF_OTHERS = ("clip", "snapshot", "verdict")
PUT = (
    f"INSERT INTO events ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))}) "
    "ON CONFLICT (id) DO UPDATE SET "
    + ", ".join(
        f"{name} = coalesce({name}, excluded.{name})"
        if name in _OF_OTHERS
        else f"{name} = excluded.{name}"
        for name in COLUMNS[1:]
    )
)
_MICROSECOND = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def row_of(record: EventRecord) -> tuple[Any, ...]:
    """The values of an event, in the order of `COLUMNS`."""
    ended_at = record.ended_at
    return (
        *(record.id, record.camera, record.camera_name, record.label),
        microseconds_of(record.started_at),
        None if ended_at is None else microseconds_of(ended_at),
        *(float(record.peak_score), record.model, record.person),
        None if record.box is None else json.dumps([float(edge) for edge in record.box]),
        json.dumps(record.zones, ensure_ascii=False),
        *(record.clip, record.snapshot, record.verdict),
    )


def record_of(row: Sequence[Any]) -> EventRecord:
    """The event of a row."""
    told = dict(zip(COLUMNS, row, strict=True))
    box, ended_at = told["box"], told["ended_at"]
    told["box"] = None if box is None else _box(json.loads(box))
    told["zones"] = tuple(json.loads(told["zones"]))
    told["started_at"] = datetime_of(told["started_at"])
    told["ended_at"] = None if ended_at is None else datetime_of(ended_at)
    return EventRecord(**told)


def sql_of(query: Query) -> tuple[str, list[Any]]:
    """The SQL for a query, and its values.

    Raises:
        UsageError: the limit is out of range.
    """
    if not 1 <= query.limit <= MOST_AT_ONCE:
        raise UsageError(f"limit: expected 1 to {MOST_AT_ONCE} events, got {query.limit}")
    wheres: list[str] = []
    values: list[Any] = []

    def want(where: str, *wanted: Any) -> None:
        wheres.append(where)
        values.extend(wanted)

    if query.since is not None:
        want("(ended_at >= ? OR ended_at IS NULL)", microseconds_of(query.since))
    if query.until is not None:
        want("started_at < ?", microseconds_of(query.until))
    if query.camera is not None:
        want("camera = ?", query.camera)
    if query.label is not None:
        want("label = ?", query.label)
    if query.person is not None:
        want("person = ?", query.person)
    if query.verdict == "none":
        want("verdict IS NULL")
    elif query.verdict is not None:
        want("verdict = ?", query.verdict)
    if query.before is not None:
        want("id < ?", query.before)
    where = f" WHERE {' AND '.join(wheres)}" if wheres else ""
    return f"{SELECT}{where} ORDER BY id DESC LIMIT ?", [*values, query.limit]


def microseconds_of(at: datetime) -> int:
    """A time as it is kept; one without a zone is taken for UTC."""
    aware = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    return (aware - _EPOCH) // _MICROSECOND


def datetime_of(microseconds: int) -> datetime:
    """A time, in UTC, from what is kept."""
    return _EPOCH + microseconds * _MICROSECOND


def _box(edges: Sequence[float]) -> Box:
    top, left, bottom, right = edges
    return top, left, bottom, right
