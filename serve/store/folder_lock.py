"""One service at a time in a folder, and when the last one was alive there."""

from __future__ import annotations

import errno
import logging
import os
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from rtaction.errors import OutputError, UsageError

_NAME = "rtaction.lock"
_log = logging.getLogger(__name__)


class FolderLock:
    """Holds a folder until `close`, or until the process ends, however it ends.

    Args:
        folder: an existing folder.

    Attributes:
        last_alive: when the one who had the folder before was last alive; None for a new folder.

    Raises:
        UsageError: another process has it.
        OutputError: it cannot be written to.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / _NAME
        self.last_alive = self._changed_at()
        try:
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise OutputError(f"cannot write to the folder {folder}: {error.strerror}") from None
        try:
            _lock(self._file)
        except OSError as error:
            if error.errno in (errno.EACCES, errno.EAGAIN, errno.EDEADLK):
                os.close(self._file)
                raise UsageError(
                    f"another rtaction serve or fleet uses the folder {folder} (process "
                    f"{self._told()}); end it, or choose another with --folder"
                ) from None
            _log.warning("%s cannot be locked: %s; start no second one there", folder, error)
        with suppress(OSError):  # a full disk; nobody needs to know who holds it
            os.ftruncate(self._file, 0)
            os.write(self._file, f"{os.getpid()}\n".encode())

    def beat(self) -> None:
        """Still alive; nothing is written but the time of the file."""
        with suppress(OSError):
            os.utime(self._path)

    def close(self) -> None:
        """Let others have the folder. Closing twice does nothing."""
        if self._file >= 0:
            self.beat()
            os.close(self._file)
            self._file = -1

    def _changed_at(self) -> datetime | None:
        try:
            return datetime.fromtimestamp(self._path.stat().st_mtime, UTC)
        except OSError:
            return None

    def _told(self) -> str:
        try:
            number = self._path.read_text(encoding="ascii", errors="replace").strip()
        except OSError:
            number = ""
        return number if number.isdecimal() else "unknown"


def made_folder(folder: Path) -> Path:
    """A folder of what is kept, created if missing.

    Raises:
        UsageError: it cannot be created.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"--folder {folder}: {error.strerror or error}; choose one that can be written to"
        ) from None
    return folder


if sys.platform == "win32":
    import msvcrt

    _FAR_BYTES = 1 << 30  # beyond the end: what is locked cannot be read by others

    def _lock(file: int) -> None:
        os.lseek(file, _FAR_BYTES, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        os.lseek(file, 0, os.SEEK_SET)

else:
    import fcntl

    def _lock(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
