"""Write JPEG frames into .mkv files, in one thread.

Nothing is re-encoded: a file holds the JPEGs as they are, and their times. This module knows
nothing about events.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

import av

from rtaction.errors import OutputError

_MILLISECOND = Fraction(1, 1000)
# A cluster reaches the disk when the next one begins. With one cluster per frame, a clip that is
# cut off lacks only its last frame.
_MUXER_OPTIONS = {"cluster_time_limit": "1"}
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class JpegPicture:
    """One frame.

    Args:
        at_seconds: its time, on any clock.
        jpeg: the encoded frame.
        size_hw: height and width in pixels.
    """

    at_seconds: float
    jpeg: bytes
    size_hw: tuple[int, int]


class ClipFile:
    """One .mkv, created with its first frame. Only the writing thread touches the disk."""

    def __init__(self, folder: Path, stem: str) -> None:
        self.failed = False
        self._folder = folder
        self._stem = stem
        self._file: BinaryIO | None = None
        self._container: Any = None
        self._stream: Any = None
        self._first_seconds = 0.0
        self._last_pts = -1

    def write(self, picture: JpegPicture) -> None:
        """Add a frame.

        Raises:
            OSError, av.FFmpegError: it cannot be written.
        """
        if self._file is None:
            self._open(picture)
        assert self._file is not None
        since_first_seconds = picture.at_seconds - self._first_seconds
        packet = av.Packet(picture.jpeg)
        packet.stream = self._stream
        packet.time_base = _MILLISECOND
        # Two frames within a millisecond still need different times.
        self._last_pts = max(round(since_first_seconds / _MILLISECOND), self._last_pts + 1)
        packet.pts = packet.dts = self._last_pts
        packet.is_keyframe = True
        self._container.mux(packet)
        self._file.flush()

    def close(self) -> None:
        """Finish the file.

        Raises:
            OSError, av.FFmpegError: it cannot be written.
        """
        if self._file is None:
            return
        with self._file:
            if self._container is not None:
                self._container.close()

    def abandon(self) -> None:
        """Keep what was written, if anything."""
        self.failed = True
        # The error that led here says it all.
        with suppress(OSError, ValueError, av.FFmpegError):
            self.close()
        if self._file is not None and self._last_pts <= 0:
            with suppress(OSError):
                Path(self._file.name).unlink()

    def _open(self, picture: JpegPicture) -> None:
        # FFmpeg would take a folder such as "a:b" for a protocol; a file object avoids that.
        self._file = _create(self._folder, self._stem)
        self._container = av.open(self._file, "w", format="matroska", options=_MUXER_OPTIONS)
        # Later frames may have another size: each JPEG carries its own, and players follow.
        height, width = picture.size_hw
        self._stream = self._container.add_mux_stream(
            "mjpeg", width=width, height=height, time_base=_MILLISECOND
        )
        self._first_seconds = picture.at_seconds


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


def _create(folder: Path, stem: str) -> BinaryIO:
    """A new file; two sources may have similar names and events at the same time."""
    number = 1
    while True:
        name = f"{stem}.mkv" if number == 1 else f"{stem}_{number}.mkv"
        try:
            return (folder / name).open("xb")
        except FileExistsError:
            number += 1
