"""What waits to be sent, on disk, so that it outlives the process.

This module knows neither events nor servers.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from rtaction.errors import OutputError

_SCHEMA = """
    CREATE TABLE IF NOT EXISTS waiting (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        receiver TEXT NOT NULL,
        key TEXT NOT NULL,
        body BLOB NOT NULL,
        UNIQUE (receiver, key)
    )
"""
_LOCKED_SECONDS = 10.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Waiting:
    """One that waits.

    Args:
        number: its place in the queue.
        key: what it is known by; no two that wait for one receiver have the same.
        body: what is to be sent.
    """

    number: int
    key: str
    body: bytes


class Outbox:
    """A bounded queue on disk for one receiver, for any thread; several may share a file.

    Args:
        path: an SQLite file, made if it is not there; one that is damaged is set aside. None: kept
            in memory only.
        receiver: names the receiver within the file.
        max_waiting: how many are kept; the oldest make room.

    Raises:
        OutputError: the file cannot be written.
    """

    def __init__(self, path: Path | None, receiver: str, *, max_waiting: int) -> None:
        self._receiver = receiver
        self._max_waiting = max_waiting
        self._lock = threading.Lock()
        self._database = _open(path)
        with self._lock, _told():
            self._num_waiting = self._counted()

    def put(self, key: str, body: bytes) -> int:
        """Add one at the end; one with a key that waits already is left out.

        Returns:
            How many had to make room.

        Raises:
            OutputError: it cannot be written.
        """
        with self._lock, _told(), self._database as database:
            database.execute(
                "INSERT OR IGNORE INTO waiting (receiver, key, body) VALUES (?, ?, ?)",
                (self._receiver, key, body),
            )
            num_left_out = database.execute(
                "DELETE FROM waiting WHERE number IN (SELECT number FROM waiting"
                " WHERE receiver = ? ORDER BY number DESC LIMIT -1 OFFSET ?)",
                (self._receiver, self._max_waiting),
            ).rowcount
            self._num_waiting = self._counted()
        return num_left_out

    def first(self) -> Waiting | None:
        """The one that has waited longest, which stays there."""
        with self._lock, _told():
            row = self._database.execute(
                "SELECT number, key, body FROM waiting WHERE receiver = ? ORDER BY number LIMIT 1",
                (self._receiver,),
            ).fetchone()
        return None if row is None else Waiting(*row)

    def remove(self, waiting: Waiting) -> None:
        """Take one out; it need no longer be there."""
        with self._lock, _told(), self._database as database:
            database.execute("DELETE FROM waiting WHERE number = ?", (waiting.number,))
            self._num_waiting = self._counted()

    def __len__(self) -> int:
        return self._num_waiting

    def close(self) -> None:
        """Close the file; what waits stays in it."""
        with self._lock:
            self._database.close()

    def _counted(self) -> int:
        row = self._database.execute(
            "SELECT COUNT(*) FROM waiting WHERE receiver = ?", (self._receiver,)
        ).fetchone()
        return int(row[0])


def forget_others(path: Path, receivers: Collection[str]) -> int:
    """Remove what waits for those who are no longer there.

    Returns:
        How many were removed.
    """
    if not path.exists():
        return 0
    marks = ", ".join("?" * len(receivers))
    with closing(_open(path)) as database, _told(), database:
        return database.execute(
            f"DELETE FROM waiting WHERE receiver NOT IN ({marks})", tuple(receivers)
        ).rowcount


@contextmanager
def _told() -> Iterator[None]:
    """SQLite's errors as ours."""
    try:
        yield
    except sqlite3.Error as error:
        raise OutputError(f"the queue on disk cannot be used: {error}") from None


def _open(path: Path | None) -> sqlite3.Connection:
    try:
        return _connect(path)
    except sqlite3.OperationalError as error:
        raise OutputError(f"{path} cannot be used: {error}") from None
    except sqlite3.DatabaseError as error:
        assert path is not None  # there is nothing to be damaged in memory
        aside = path.with_suffix(".damaged")
        _log.warning("%s is damaged (%s); it is now %s", path, error, aside.name)
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        path.replace(aside)
        return _connect(path)


def _connect(path: Path | None) -> sqlite3.Connection:
    if path is not None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Who may read it is decided before there is anything in it.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as error:
            raise OutputError(f"{path} cannot be written: {error.strerror}") from None
    database = sqlite3.connect(
        ":memory:" if path is None else path, timeout=_LOCKED_SECONDS, check_same_thread=False
    )
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        with database:
            database.execute(_SCHEMA)
            database.execute("SELECT COUNT(*) FROM waiting").fetchone()
    except sqlite3.Error:
        database.close()
        raise
    return database
