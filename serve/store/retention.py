"""What is kept of clips, snapshots and events, so that nothing fills the disk.

Two rules, each checked every minute and whenever a clip is finished:

- What is older than `days` is removed, with its event.
- Beyond `max_bytes` in all, or where less than `min_free_bytes` are left on the disk, files go,
  the oldest first. Their events stay in the index, without them.

Only files with a name that `clip_stem` makes are counted and removed, whether an event knows them
or not: a folder may hold other things. What is being written stays, and so does what lies in
folders below, such as corrections.
"""

from __future__ import annotations

import logging
import math
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from rtaction.errors import OutputError, UsageError
from rtaction.realtime.outputs.clips.clip_names import began_at
from rtaction.serve.store.amounts import bytes_of

_PERIOD_SECONDS = 60.0
_CLOSE_SECONDS = 2.0
# In one piece, so that what is removed leaves the index before the next is looked at.
_FILES_AT_ONCE = 100
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionOptions:
    """What is kept, see the module.

    Args:
        days: how long, above 0. Default None: until there is no room.
        max_bytes: of all clips and snapshots. Default 10 GB.
        min_free_bytes: what is left to others on their disk. Default 500 MB.

    Raises:
        UsageError: a value is out of range.
    """

    days: float | None = None
    max_bytes: int = 10_000_000_000
    min_free_bytes: int = 500_000_000

    def __post_init__(self) -> None:
        if self.days is not None and not 0 < self.days < math.inf:
            raise UsageError(f"days: expected a number above 0, got {self.days}")
        for key in ("max_bytes", "min_free_bytes"):
            if getattr(self, key) < 0:
                raise UsageError(f"{key}: expected 0 or more, got {getattr(self, key)}")

    @classmethod
    def from_table(cls, table: dict[str, Any], where: str) -> RetentionOptions:
        """The options of a table [retention]: `days`, `max_bytes` and `min_free_bytes`, the latter
        as numbers or as texts such as "10 GB".

        Args:
            table: as it is in the file.
            where: names the file and the table, for errors.

        Raises:
            UsageError: a key is unknown, or its value is not what is expected.
        """
        known = ("days", "max_bytes", "min_free_bytes")
        for key in table:
            if key not in known:
                raise UsageError(
                    f"{where}: unknown key {key!r}; expected one of {', '.join(known)}"
                )
        given: dict[str, Any] = {}
        if "days" in table:
            days = table["days"]
            if isinstance(days, bool) or not isinstance(days, (int, float)):
                raise UsageError(f"{where}: days: expected a number, such as 30")
            given["days"] = float(days)
        for key in known[1:]:
            if key in table:
                given[key] = bytes_of(table[key], f"{where}: {key}")
        try:
            return cls(**given)
        except UsageError as error:
            raise UsageError(f"{where}: {error}") from None


class Index(Protocol):
    """The part of `EventIndex` that retention needs."""

    def forget_files(self, names: list[str]) -> None:
        """Take the names of files from their events."""

    def forget_before(self, at: datetime) -> None:
        """Remove the events that ended before a time."""

    def tidy(self) -> None:
        """Put in order what was written."""


class Retention:
    """Keeps a folder of clips within its bounds, in a thread of its own.

    Args:
        folder: of the clips and snapshots.
        index: the events.
        options: what is kept.
        is_writing: whether a file of this name is being written, and must stay.
    """

    def __init__(
        self,
        folder: Path,
        index: Index,
        options: RetentionOptions,
        *,
        is_writing: Callable[[str], bool] = lambda name: False,
    ) -> None:
        self._folder = folder
        self._index = index
        self._options = options
        self._is_writing = is_writing
        self._num_bytes = 0
        self._has_told = False
        self._wake = threading.Event()
        self._is_closing = False
        self._thread = threading.Thread(target=self._run, name="rtaction-retention", daemon=True)

    @property
    def num_bytes(self) -> int:
        """Size of all clips and snapshots, when they were last looked at."""
        return self._num_bytes

    def start(self) -> None:
        """Begin, with a first look at once."""
        self._wake.set()
        self._thread.start()

    def look_soon(self) -> None:
        """Look now rather than in a minute: a clip was finished, or the disk is full."""
        self._wake.set()

    def close(self, timeout_seconds: float = _CLOSE_SECONDS) -> None:
        """End the thread, after what it is doing."""
        self._is_closing = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout_seconds)

    def look(self, now: datetime | None = None) -> None:
        """Remove what is too old or too much; `start` has it called by a thread.

        Args:
            now: the time, in UTC. Default: now.
        """
        files = sorted(self._files(), key=lambda file: file.name)
        self._num_bytes = sum(file.num_bytes for file in files)
        oldest: datetime | None = None
        if self._options.days is not None:
            oldest = (now or datetime.now(UTC)) - timedelta(days=self._options.days)
        removable = (file for file in files if not self._is_writing(file.name))
        removed: list[str] = []
        for file in removable:
            is_old = oldest is not None and file.began_at < oldest
            if not is_old and not self._is_too_much():
                break
            if self._remove(file):
                removed.append(file.name)
            if len(removed) >= _FILES_AT_ONCE:
                self._index.forget_files(removed)
                removed = []
        self._index.forget_files(removed)
        if oldest is not None:
            self._index.forget_before(oldest)
        self._index.tidy()

    def _run(self) -> None:
        while True:
            self._wake.wait(_PERIOD_SECONDS)
            self._wake.clear()
            if self._is_closing:
                return
            try:
                self.look()
            except (OSError, OutputError) as error:
                self._tell(f"old clips in {self._folder} cannot be looked at: {error}")

    def _files(self) -> Iterator[_File]:
        for path in self._folder.iterdir():
            at = began_at(path.name)
            if at is None or path.is_symlink() or not path.is_file():
                continue
            try:
                num_bytes = path.stat().st_size
            except OSError:  # gone meanwhile
                continue
            yield _File(path, path.name, at, num_bytes)

    def _is_too_much(self) -> bool:
        if self._num_bytes > self._options.max_bytes:
            return True
        return shutil.disk_usage(self._folder).free < self._options.min_free_bytes

    def _remove(self, file: _File) -> bool:
        try:
            file.path.unlink(missing_ok=True)
        except OSError as error:
            self._tell(f"{file.path} cannot be removed: {error.strerror or error}")
            return False
        self._num_bytes -= file.num_bytes
        return True

    def _tell(self, what: str) -> None:
        if not self._has_told:
            self._has_told = True
            _log.warning("%s", what)


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    name: str
    began_at: datetime
    num_bytes: int
