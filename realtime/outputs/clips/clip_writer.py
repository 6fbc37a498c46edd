"""Write the pieces of many files, such as the frames of clips, in one thread.

This module knows nothing about events, nor about the files' format.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from typing import Any, Protocol, TypeVar

from rtaction.errors import OutputError

_log = logging.getLogger(__name__)


class Piece(Protocol):
    """A part of a file that is written at once, such as a frame."""

    @property
    def num_bytes(self) -> int:
        """What it takes in memory."""


PieceT = TypeVar("PieceT", bound=Piece)
_Taken = TypeVar("_Taken", bound=Piece, contravariant=True)


class Written(Protocol[_Taken]):
    """A file, written piece by piece; only the writing thread touches it."""

    @property
    def failed(self) -> bool:
        """Whether it was abandoned."""

    def write(self, piece: _Taken, /) -> None:
        """Add a piece. Any error abandons the file."""

    def close(self) -> None:
        """Finish it. Any error abandons the file."""

    def abandon(self) -> None:
        """Leave it as it is, after an error."""


class ClipWriter:
    """The writing thread and its queue.

    Args:
        max_bytes: what may be queued; beyond it, pieces are dropped.
    """

    def __init__(self, max_bytes: int) -> None:
        self.num_dropped = 0
        self._max_bytes = max_bytes
        self._num_bytes = 0
        self._jobs: deque[tuple[Written[Any], Piece | None]] = deque()
        self._busy = False
        self._closing = False
        self._error = ""
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="rtaction-clips", daemon=True)
        self._thread.start()

    def put(self, file: Written[PieceT], piece: PieceT | None) -> bool:
        """Queue a piece for writing, or with None the end of the file; never waits.

        Returns:
            Whether there was room for it.
        """
        with self._changed:
            num_bytes = piece.num_bytes if piece is not None else 0
            if piece is not None and self._num_bytes + num_bytes > self._max_bytes:
                self.num_dropped += 1
                return False
            self._num_bytes += num_bytes
            self._jobs.append((file, piece))
            self._changed.notify_all()
            return True

    def flush(self, timeout_seconds: float) -> bool:
        """Wait until everything is written; returns whether it is."""
        with self._changed:
            return self._changed.wait_for(
                lambda: not self._jobs and not self._busy, timeout_seconds
            )

    def close(self, timeout_seconds: float) -> None:
        """Write what is queued, for at most this time.

        Raises:
            OutputError: something could not be written.
        """
        all_written = self.flush(timeout_seconds)
        with self._changed:
            self._closing = True
            self.num_dropped += sum(piece is not None for _, piece in self._jobs)
            self._jobs.clear()
            self._changed.notify_all()
        if not all_written:
            self._error = self._error or "the disk did not keep up"
        else:
            self._thread.join()
        if self.num_dropped and not self._error:
            _log.warning(
                "%d frames are missing from the event clips: the disk was too slow",
                self.num_dropped,
            )
        if self._error:
            raise OutputError(
                f"not all event clips could be written: {self._error}; "
                f"{self.num_dropped} frames are missing"
            )

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._jobs or self._closing)
                if not self._jobs:
                    return
                file, piece = self._jobs.popleft()
                self._num_bytes -= piece.num_bytes if piece is not None else 0
                self._busy = True
            written = self._write(file, piece)
            with self._changed:
                self.num_dropped += piece is not None and not written
                self._busy = False
                self._changed.notify_all()

    def _write(self, file: Written[Any], piece: Piece | None) -> bool:
        if file.failed:
            return False
        try:
            if piece is None:
                file.close()
            else:
                file.write(piece)
        except Exception as error:
            # An error in one clip must not keep later ones from being written.
            file.abandon()
            if not self._error:
                self._error = str(error)
                _log.warning("an event clip cannot be written: %s", error)
            return False
        return True
