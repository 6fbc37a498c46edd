"""A file to be written by PyAV whose errors are told instead of printed."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


class ToldFile:
    """A file object for `av.open`; it is written at once.

    PyAV prints the traceback of what a file object raises. If it is given a name instead, it holds
    the interpreter's lock while it writes the beginning of the file, so that a disk that stands
    still stops all threads. This raises nothing while PyAV writes; `check` does afterwards.

    After an error, what came since the last `check` without one is cut off: players stop at a part
    of a frame.

    Args:
        path: the file; it is created or emptied.
        mode: "wb", or "xb" to refuse one that exists. Default "wb".

    Raises:
        OSError: it cannot be opened.
    """

    def __init__(self, path: Path, mode: str = "wb") -> None:
        self._file = path.open(mode, buffering=0)
        self._error: OSError | None = None
        self._num_whole_bytes: int | None = None

    def write(self, content: bytes) -> int:
        """Write all of it; after an error, nothing more."""
        left = memoryview(content)
        try:
            while self._error is None and left:
                left = left[self._file.write(left) :]
        except OSError as error:
            self._error = error
        return len(content)

    def seekable(self) -> bool:
        """Whether it is more than a pipe or a device."""
        return bool(self._file.seekable())

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to a place in the file."""
        try:
            return int(self._file.seek(offset, whence))
        except OSError as error:
            self._error = self._error or error
            return 0

    def tell(self) -> int:
        """The place in the file."""
        return self.seek(0, os.SEEK_CUR)

    def check(self) -> None:
        """Tell what went wrong up to now.

        Raises:
            OSError: something could not be written.
        """
        if self._error is not None:
            raise self._error
        with suppress(OSError):
            self._num_whole_bytes = os.fstat(self._file.fileno()).st_size

    def close(self) -> None:
        """Close it. Closing twice does nothing.

        Raises:
            OSError: something could not be written.
        """
        if self._error is not None and self._num_whole_bytes is not None and not self._file.closed:
            with suppress(OSError):  # a pipe, or a disk that is gone
                self._file.truncate(self._num_whole_bytes)
        self._file.close()
        if self._error is not None:
            raise self._error
