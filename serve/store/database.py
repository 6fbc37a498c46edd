"""The SQLite file of the events: opened, brought up to date, and put aside where it is damaged.

This module knows nothing about events.
"""

from __future__ import annotations

import logging
import os
import shutil
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rtaction.errors import OutputError, UsageError

_BUSY_SECONDS = 5.0
_MOST_IDLE_READERS = 4
_MOST_LOG_BYTES = 16_000_000
# Its pages are moved to the file by `tidy`, so that no write waits for the disk; this is for those
# who never call it.
_PAGES_IN_LOG = 8000
_LEAST_BYTES = 1_000_000  # with less, no file can be opened
_BESIDE = ("-wal", "-shm", "-journal")
# What a file says that is none of SQLite's, or is no longer. An index that contradicts its table
# shows in other ways, which only `PRAGMA quick_check` finds.
_DAMAGED = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)
_log = logging.getLogger(__name__)


class Database:
    """One SQLite file with a write-ahead log: one who writes, and any number who read beside.

    A file that is damaged is renamed to `<name>.damaged-<UTC time>`, with a warning, and a new one
    is begun. Where a full disk lets no file be opened at all, each write tries again.

    Args:
        path: the file; its folder is created if missing.
        steps: what makes its tables, each a script of SQL that leads from the version before to the
            next, so that an older file is brought up to date.

    Raises:
        UsageError: the file was made by a newer version of rtaction.
        OutputError: it cannot be opened, for other reasons than a full disk.
    """

    def __init__(self, path: Path, steps: Sequence[str]) -> None:
        self._path = path
        self._steps = steps
        self._lock = threading.Lock()
        self._writer: sqlite3.Connection | None = None
        self._readers: list[sqlite3.Connection] = []
        self._is_closed = False
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"cannot create the folder of {path}: {error.strerror}") from None
        try:
            self._writer = self._open()
        except sqlite3.Error as error:
            if not self._is_for_want_of_room(error):
                raise OutputError(f"the index of events {path} cannot be opened: {error}") from None
            _log.warning("%s cannot be opened now: %s", path, error)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction, kept if the block succeeds; one at a time.

        Raises:
            sqlite3.Error: it cannot be kept.
        """
        with self._lock:
            if self._is_closed:
                raise sqlite3.OperationalError("it is closed")
            if self._writer is None:
                self._writer = self._open()
            with self._writer:
                yield self._writer

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection to read with, by any number of threads at once.

        Raises:
            OutputError: the file cannot be read.
        """
        reader: sqlite3.Connection | None = None
        # Where no room is left for the log's own index, the file is read without its log.
        is_for_now = self._writer is None and not self._is_closed
        try:
            with self._lock:
                reader = self._readers.pop() if self._readers else None
            if reader is None:
                reader = _connect(self._path, mode="ro&immutable=1" if is_for_now else "ro")
            yield reader
        except sqlite3.Error as error:
            if reader is not None:
                reader.close()
                reader = None
            raise OutputError(f"the index of events {self._path} cannot be read: {error}") from None
        finally:
            if reader is not None:
                with self._lock:
                    is_kept = len(self._readers) < _MOST_IDLE_READERS and not self._is_closed
                    is_kept &= not is_for_now
                    if is_kept:
                        self._readers.append(reader)
                if not is_kept:
                    reader.close()

    @property
    def is_blank(self) -> bool:
        """Whether there was no room yet to begin the file, so that there is nothing to read."""
        if self._writer is not None:
            return False
        return not self._path.exists() or self._path.stat().st_size == 0

    def tidy(self) -> None:
        """Move what was written from the log into the file. Nobody waits for it but the caller."""
        with suppress(sqlite3.Error), closing(_connect(self._path)) as connection:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def close(self) -> None:
        """Close all connections. Closing twice does nothing."""
        with self._lock:
            self._is_closed = True
            connections = [*self._readers, *([self._writer] if self._writer else [])]
            self._readers, self._writer = [], None
            for connection in connections:
                connection.close()

    def _open(self) -> sqlite3.Connection:
        try:
            return self._opened()
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode not in _DAMAGED:
                raise
            self._put_aside(str(error))
            return self._opened()

    def _opened(self) -> sqlite3.Connection:
        connection = _connect(self._path)
        try:
            (told,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if told != "ok":
                error = sqlite3.DatabaseError(told)
                error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
                raise error
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute(f"PRAGMA journal_size_limit = {_MOST_LOG_BYTES}")
            connection.execute(f"PRAGMA wal_autocheckpoint = {_PAGES_IN_LOG}")
            self._bring_up_to_date(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _bring_up_to_date(self, connection: sqlite3.Connection) -> None:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > len(self._steps):
            raise UsageError(
                f"{self._path} was written by a newer version of rtaction (its version is "
                f"{version}, this one knows {len(self._steps)}); update rtaction, or move the file "
                "away to begin anew"
            )
        for number, step in enumerate(self._steps[version:], version + 1):
            # One transaction for each, so that a killed process leaves no half of it.
            connection.executescript(f"BEGIN; {step}; PRAGMA user_version = {number}; COMMIT;")

    def _is_for_want_of_room(self, error: sqlite3.Error) -> bool:
        # Where there is no room for the log's own index, SQLite tells of an error of the disk.
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_CANTOPEN:
            return shutil.disk_usage(self._path.parent).free < _LEAST_BYTES
        return code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)

    def _put_aside(self, reason: str) -> None:
        stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
        aside = self._path.with_name(f"{self._path.name}.damaged-{stamp}")
        _log.warning(
            "%s is damaged (%s); it is kept as %s, and a new one is begun",
            *(self._path, reason, aside.name),
        )
        os.replace(self._path, aside)
        for suffix in _BESIDE:
            with suppress(FileNotFoundError):
                os.replace(f"{self._path}{suffix}", f"{aside}{suffix}")


def _connect(path: Path, *, mode: str = "rwc") -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    connection: Any = sqlite3.connect(uri, timeout=_BUSY_SECONDS, uri=True, check_same_thread=False)
    assert isinstance(connection, sqlite3.Connection)
    return connection
