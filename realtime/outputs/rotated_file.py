"""A file that lines are appended to, and that begins anew once it is full."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Rotation:
    """When a file begins anew, and how many of the full ones are kept.

    Args:
        max_bytes: size at which it does; at least 1.
        num_kept: full files to keep, at least 1: `name.1` is the newest.
    """

    max_bytes: int
    num_kept: int


class RotatedFile:
    """Appends lines to a file; when it is full, it is renamed to `name.1`, that to `name.2`...

    A line is never divided: one that is longer than a whole file has a file of its own.

    Args:
        path: in a folder that exists.
        rotation: when it is full.

    Raises:
        OSError: it cannot be opened; `write` and `close` raise it as well.
    """

    def __init__(self, path: Path, rotation: Rotation) -> None:
        # Not needed for --help.
        from logging.handlers import RotatingFileHandler

        self._max_bytes = rotation.max_bytes
        self._handler = RotatingFileHandler(path, backupCount=rotation.num_kept, encoding="utf-8")
        self._num_bytes = path.stat().st_size if path.is_file() else 0
        self._is_file = path.is_file()  # a device or a pipe has no size

    def write(self, line: str) -> None:
        """Append a line at once."""
        num_bytes = len(line.encode())
        is_full = self._num_bytes + num_bytes > self._max_bytes
        if self._is_file and self._num_bytes and is_full:
            self._handler.doRollover()
            self._num_bytes = 0
        stream = self._handler.stream
        if stream is None:
            raise OSError(errno.EBADF, "the file could not be begun anew")
        stream.write(line)
        stream.flush()
        self._num_bytes += num_bytes

    def close(self) -> None:
        """Close the file."""
        self._handler.close()
