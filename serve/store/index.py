"""The events that were, in a file, so that a restart knows them.

Those who watch are never stopped by it: what cannot be written, because the disk is full or
broken, is counted and told once. A person who asks for something that cannot be kept is told.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from rtaction.errors import NoSuchThing, OutputError
from rtaction.serve.house.house import Query
from rtaction.serve.house.record import EventRecord
from rtaction.serve.store.csv_lines import csv_lines
from rtaction.serve.store.database import Database
from rtaction.serve.store.rows import PUT, SELECT, STEPS, microseconds_of, record_of, row_of, sql_of

MOST_EVENTS = 1_000_000
"""Events that are kept; an event takes some 0.5 kB with its entries in the indices."""

_READ_AT_ONCE = 500
_T = TypeVar("_T")
_DAY = timedelta(days=1)
_log = logging.getLogger(__name__)


class EventIndex:
    """The index of events, and a few settings that last over restarts.

    All methods may be called from any thread. What was written survives the process at once, and a
    loss of power after some seconds. See `Database` for damaged files.

    Args:
        path: the file, such as events.db.

    Raises:
        UsageError, OutputError: see `Database`.
    """

    def __init__(self, path: Path) -> None:
        self._database = Database(path, STEPS)
        self._path = path
        self._num_missed = 0
        self._is_failing = False
        self._missing = threading.Lock()

    @property
    def num_missed(self) -> int:
        """Writes that could not be kept so far."""
        return self._num_missed

    def add(self, record: EventRecord) -> None:
        """Keep a new event; where that is not possible, it is counted, see `num_missed`."""
        self._try(lambda connection: connection.execute(PUT, row_of(record)))

    def update(self, record: EventRecord) -> EventRecord:
        """Keep what has become of an event, also of one that could not be kept before.

        A clip, snapshot or verdict that it has by now stays, whatever the given record says: others
        set them, by `add_files` and `judge`, while those who watch know the older record.

        Returns:
            The event as it is kept; if it cannot be, the given one.
        """

        def put(connection: sqlite3.Connection) -> EventRecord:
            connection.execute(PUT, row_of(record))
            return _got(connection, record.id) or record

        return self._try(put) or record

    def add_files(
        self, event: str, *, clip: str | None = None, snapshot: str | None = None
    ) -> EventRecord | None:
        """Keep the names of an event's files; None leaves what is there.

        Returns:
            The event as it is now; None if there is no such event, or it could not be kept.
        """

        def put(connection: sqlite3.Connection) -> EventRecord | None:
            connection.execute(
                "UPDATE events SET clip = coalesce(?, clip), snapshot = coalesce(?, snapshot) "
                "WHERE id = ?",
                (clip, snapshot, event),
            )
            return _got(connection, event)

        return self._try(put)

    def judge(self, event: str, verdict: str | None) -> EventRecord:
        """Keep what a person says of an event; None takes it back. It is not checked.

        Raises:
            NoSuchThing: there is no such event.
            OutputError: it cannot be kept.
        """

        def put(connection: sqlite3.Connection) -> EventRecord | None:
            connection.execute("UPDATE events SET verdict = ? WHERE id = ?", (verdict, event))
            return _got(connection, event)

        judged = self._must(put)
        if judged is None:
            raise NoSuchThing(f"there is no event {event!r}")
        return judged

    def get(self, event: str) -> EventRecord:
        """One event, by its id.

        Raises:
            NoSuchThing: there is none.
            OutputError: the file cannot be read.
        """
        with self._database.reading() as connection:
            record = _got(connection, event)
        if record is None:
            raise NoSuchThing(f"there is no event {event!r}")
        return record

    def find(self, query: Query) -> list[EventRecord]:
        """Events, newest first.

        Raises:
            UsageError: the query is out of range.
            OutputError: the file cannot be read.
        """
        sql, values = sql_of(query)
        if self._database.is_blank:
            return []
        with self._database.reading() as connection:
            return [record_of(row) for row in connection.execute(sql, values)]

    def csv(self, day: date) -> Iterator[str]:
        """The events that started on a day (UTC), see `csv_lines`, oldest first.

        Raises:
            OutputError: the file cannot be read.
        """
        return csv_lines(self._started_on(day))

    def close_open(self, at: datetime) -> list[EventRecord]:
        """End the events that went on when an earlier process was killed.

        Args:
            at: the time at which they ended as far as is known, in UTC; an event that started later
                ends at its start.

        Returns:
            These events, oldest first.
        """
        ended_at = microseconds_of(at)

        def put(connection: sqlite3.Connection) -> list[EventRecord]:
            opened = [
                record_of(row)
                for row in connection.execute(f"{SELECT} WHERE ended_at IS NULL ORDER BY id")
            ]
            connection.execute(
                "UPDATE events SET ended_at = max(started_at, ?) WHERE ended_at IS NULL",
                (ended_at,),
            )
            return [replace(one, ended_at=max(one.started_at, at)) for one in opened]

        return self._try(put) or []

    def forget_files(self, names: Collection[str]) -> None:
        """Take the names of files that are no longer there from their events."""

        def put(connection: sqlite3.Connection) -> None:
            for column in ("clip", "snapshot"):
                connection.executemany(
                    f"UPDATE events SET {column} = NULL WHERE {column} = ?",
                    [(name,) for name in names],
                )

        if names:
            self._try(put)

    def forget_before(self, at: datetime) -> None:
        """Remove the events that ended before a time, in UTC."""
        before = microseconds_of(at)
        self._try(lambda one: one.execute("DELETE FROM events WHERE ended_at < ?", (before,)))

    def tidy(self, *, most_events: int = MOST_EVENTS) -> None:
        """Remove the oldest events beyond a number of them, and move what was written to its place
        in the file. It may wait for the disk, so it belongs on a thread that has the time."""
        last = "SELECT id FROM events ORDER BY id DESC LIMIT 1 OFFSET ?"
        with self._database.reading() as connection:
            beyond = connection.execute(last, (most_events,)).fetchone()
        if beyond is not None:
            self._try(lambda one: one.execute("DELETE FROM events WHERE id <= ?", beyond))
        self._database.tidy()

    def get_setting(self, key: str, default: Any = None) -> Any:
        """What was set, or the default.

        Raises:
            OutputError: the file cannot be read.
        """
        if self._database.is_blank:
            return default
        with self._database.reading() as connection:
            row = connection.execute("SELECT value FROM settings WHERE key = ?", (key,)).fetchone()
        return default if row is None else json.loads(row[0])

    def set_setting(self, key: str, value: Any) -> None:
        """Set what lasts over restarts: anything that JSON can hold; None takes it back.

        Raises:
            OutputError: it cannot be kept.
        """
        text = json.dumps(value)

        def put(connection: sqlite3.Connection) -> None:
            if value is None:
                connection.execute("DELETE FROM settings WHERE key = ?", (key,))
            else:
                connection.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (key, text))

        self._must(put)

    def close(self) -> None:
        """Close the file. Closing twice does nothing."""
        self._database.close()

    def _started_on(self, day: date) -> Iterator[EventRecord]:
        begin = datetime(day.year, day.month, day.day, tzinfo=UTC)
        # Day by day and page by page: who reads slowly holds nothing up.
        sql = f"{SELECT} WHERE started_at >= ? AND started_at < ? AND id > ? ORDER BY id LIMIT ?"
        span, last = (microseconds_of(begin), microseconds_of(begin + _DAY)), ""
        while True:
            with self._database.reading() as connection:
                values = (*span, last, _READ_AT_ONCE)
                page = [record_of(row) for row in connection.execute(sql, values)]
            yield from page
            if len(page) < _READ_AT_ONCE:
                return
            last = page[-1].id

    def _try(self, write: Callable[[sqlite3.Connection], _T]) -> _T | None:
        """Write, or count what could not be written."""
        try:
            with self._database.writing() as connection:
                done = write(connection)
        except sqlite3.Error as error:
            self._count(error)
            return None
        if self._is_failing:
            self._is_failing = False
            _log.warning("%s is written to again; %s", self._path, self._missed_text())
        return done

    def _must(self, write: Callable[[sqlite3.Connection], _T]) -> _T:
        try:
            with self._database.writing() as connection:
                return write(connection)
        except sqlite3.Error as error:
            raise OutputError(f"this cannot be kept in {self._path}: {error}") from None

    def _count(self, error: sqlite3.Error) -> None:
        with self._missing:
            self._num_missed += 1
            is_new, self._is_failing = not self._is_failing, True
        if is_new:
            _log.warning(
                "events cannot be kept in %s: %s; the watching goes on, and they are kept again as "
                "soon as that is possible",
                *(self._path, error),
            )

    def _missed_text(self) -> str:
        return f"so far, {self._num_missed} changes of events could not be kept"


def _got(connection: sqlite3.Connection, event: str) -> EventRecord | None:
    row: Sequence[Any] | None = connection.execute(f"{SELECT} WHERE id = ?", (event,)).fetchone()
    return None if row is None else record_of(row)
