"""How much a folder of decoded videos may hold, and what goes when there is no room.

The least recently used entries go first, but none that this process uses.
"""

from __future__ import annotations

import math
import os
import shutil
import threading
import time
import weakref
from contextlib import suppress
from pathlib import Path
from typing import IO, Protocol

_MAX_SHARE_OF_FREE = 0.5
# Other processes add entries as well.
_RESCAN_SECONDS = 10.0

FRAMES_SUFFIX = ".frames"
ARRAY_SUFFIX = ".npy"
FLOW_SUFFIX = ".flow"
CLOSEUP_SUFFIX = ".closeup"
_SPARSE = (FLOW_SUFFIX, CLOSEUP_SUFFIX)


class Entry(Protocol):
    """What is in a file of the folder, or in another one."""

    @property
    def file(self) -> Path | IO[bytes]:
        """Its file."""


in_use: weakref.WeakSet[Entry] = weakref.WeakSet()
"""Entries of this process, of all folders, that must not be dropped."""

lock = threading.Lock()
"""Is held to open an entry, to add one, or to make room."""


class CacheRoom:
    """The room of one folder.

    Args:
        folder: the folder.
        limit_gb: size limit, in 10**9 bytes, but at most half of the space that would be free on
            its disk without it.
    """

    def __init__(self, folder: Path, limit_gb: float) -> None:
        self.folder = folder
        self.limit_gb = limit_gb
        self._used_bytes = self._limit_bytes = 0
        self._scanned_at_seconds = -math.inf

    def make(self, num_bytes: int) -> bool:
        """Make room for an entry, and count it; the caller holds `lock`.

        Returns:
            Whether there is room for it now.

        Raises:
            OSError: the folder is gone.
        """
        is_old = time.monotonic() - self._scanned_at_seconds > _RESCAN_SECONDS
        if is_old or self._used_bytes + num_bytes > self._limit_bytes:
            entries = self._scan()
            used_files = {entry.file for entry in in_use}
            free_to_go = [entry for entry in sorted(entries) if entry[2] not in used_files]
            still_used_bytes = self._used_bytes - sum(size for _, size, _ in free_to_go)
            if still_used_bytes + num_bytes > self._limit_bytes:
                return False
            self._drop(free_to_go, self._used_bytes + num_bytes - self._limit_bytes)
        self._used_bytes += num_bytes
        return True

    def _drop(self, entries: list[tuple[float, int, Path]], num_bytes: int) -> None:
        for _, size, path in entries:
            if num_bytes <= 0:
                return
            with suppress(OSError):  # open in another process, on some systems
                path.unlink(missing_ok=True)
                self._used_bytes -= size
                num_bytes -= size

    def _scan(self) -> list[tuple[float, int, Path]]:
        """Time of last use, size and path of each entry."""
        entries = []
        for path in self.folder.iterdir():
            if path.suffix not in (FRAMES_SUFFIX, ARRAY_SUFFIX, *_SPARSE):
                continue
            with suppress(FileNotFoundError):
                status = path.stat()
                entries.append((status.st_mtime, _size_bytes(path, status), path))
        self._scanned_at_seconds = time.monotonic()
        self._used_bytes = sum(size for _, size, _ in entries)
        free_bytes = shutil.disk_usage(self.folder).free + self._used_bytes
        self._limit_bytes = int(min(self.limit_gb * 1e9, free_bytes * _MAX_SHARE_OF_FREE))
        return entries


def _size_bytes(path: Path, status: os.stat_result) -> int:
    if path.suffix in _SPARSE and hasattr(status, "st_blocks"):
        return 512 * status.st_blocks  # most of it may never have been written
    return status.st_size
