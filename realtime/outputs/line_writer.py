"""Write lines to a reader that may stall or leave: a pipe, a socket or a terminal.

This module knows nothing about what the lines say.
"""

from __future__ import annotations

import os
import select
import threading
from collections import deque
from collections.abc import Callable

_POLL_SECONDS = 0.1
MAX_BYTES = 4 << 20


class LineWriter:
    """Writes lines in a thread of its own.

    Args:
        descriptor: an open file descriptor; it stays open.
        waits: wait until each line is written, however long its reader takes; otherwise lines for
            which there is no room are left out.
        is_stopping: polled while waiting; True ends the wait.
        max_bytes: lines that are kept for the reader, if nothing waits. Default 4 MiB.

    Attributes:
        num_left_out: number of lines that were left out.
    """

    def __init__(
        self,
        descriptor: int,
        *,
        waits: bool,
        is_stopping: Callable[[], bool],
        max_bytes: int | None = None,
    ) -> None:
        self.num_left_out = 0
        self._descriptor = descriptor
        self._waits = waits
        self._is_stopping = is_stopping
        self._max_bytes = MAX_BYTES if max_bytes is None else max_bytes
        self._num_bytes = 0
        self._lines: deque[bytes] = deque()
        self._error: OSError | None = None
        self._closing = False
        self._changed = threading.Condition()
        # A daemon: a reader that never reads on must not keep the process alive.
        self._thread = threading.Thread(target=self._run, name="rtaction-lines", daemon=True)
        self._thread.start()

    def put(self, line: bytes) -> None:
        """Write a line, or queue it.

        Raises:
            OSError: an earlier line or, if it waits, this one could not be written;
                `BrokenPipeError` if the reader has gone.
        """
        with self._changed:
            if self._error is None:
                if self._lines and self._num_bytes + len(line) > self._max_bytes:
                    self.num_left_out += 1
                    return
                self._lines.append(line)
                self._num_bytes += len(line)
                self._changed.notify_all()
            while self._waits and self._lines and self._error is None and not self._is_stopping():
                self._changed.wait(_POLL_SECONDS)
            if self._error is not None:
                raise self._error

    def close(self, timeout_seconds: float) -> bool:
        """Write what is queued, for at most this time; what remains counts as left out.

        Returns:
            Whether the descriptor is no longer in use.
        """
        with self._changed:
            self._closing = True
            self._changed.notify_all()
            is_over = bool(
                self._changed.wait_for(lambda: not self._lines or self._error, timeout_seconds)
            )
            self.num_left_out += len(self._lines)
            return is_over

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._lines or self._closing)
                if not self._lines:
                    return
                line = self._lines[0]
            try:
                self._write(line)
            except OSError as error:
                with self._changed:
                    self._error = error
                    self._changed.notify_all()
                return
            with self._changed:
                self._lines.popleft()
                self._num_bytes -= len(line)
                self._changed.notify_all()

    def _write(self, line: bytes) -> None:
        while line:
            try:
                line = line[os.write(self._descriptor, line) :]
            except BlockingIOError:  # whoever started us made it so
                select.select([], [self._descriptor], [], 1.0)
