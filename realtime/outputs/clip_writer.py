"""Write the frames of many clips, in one thread.

This module knows nothing about events, nor about the files' format.
"""

from __future__ import annotations

import logging
import threading
from collections import deque

from rtaction.errors import OutputError
from rtaction.realtime.outputs.clip_file import ClipFile, JpegPicture

_log = logging.getLogger(__name__)


class ClipWriter:
    """The writing thread and its queue."""

    def __init__(self, max_bytes: int) -> None:
        self.num_dropped = 0
        self._max_bytes = max_bytes
        self._num_bytes = 0
        self._jobs: deque[tuple[ClipFile, JpegPicture | None]] = deque()
        self._busy = False
        self._closing = False
        self._error = ""
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="rtaction-clips", daemon=True)
        self._thread.start()

    def put(self, file: ClipFile, picture: JpegPicture | None) -> None:
        """Queue a frame for writing, or with None the end of the file; never waits."""
        with self._changed:
            num_bytes = len(picture.jpeg) if picture else 0
            if picture and self._num_bytes + num_bytes > self._max_bytes:
                self.num_dropped += 1
                return
            self._num_bytes += num_bytes
            self._jobs.append((file, picture))
            self._changed.notify_all()

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
            self.num_dropped += sum(picture is not None for _, picture in self._jobs)
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
                file, picture = self._jobs.popleft()
                self._num_bytes -= len(picture.jpeg) if picture else 0
                self._busy = True
            written = self._write(file, picture)
            with self._changed:
                self.num_dropped += picture is not None and not written
                self._busy = False
                self._changed.notify_all()

    def _write(self, file: ClipFile, picture: JpegPicture | None) -> bool:
        if file.failed:
            return False
        try:
            if picture is None:
                file.close()
            else:
                file.write(picture)
        except Exception as error:
            # An error in one clip must not keep later ones from being written.
            file.abandon()
            if not self._error:
                self._error = str(error)
                _log.warning("an event clip cannot be written: %s", error)
            return False
        return True
