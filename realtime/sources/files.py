"""Video files and image files on disk, read as frames.

This module knows nothing about cameras or networks.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from rtaction.errors import SourceMissing, SourceUnreadable, UsageError
from rtaction.frame import DeferredFrame, Frame
from rtaction.opencv import cv2
from rtaction.realtime.cameras.listing import list_files, pictures_among
from rtaction.video.file import read_declared, read_video

if TYPE_CHECKING:
    from rtaction.realtime.sources.source import BareSource

_log = logging.getLogger(__name__)


class FileSource:
    """A video file: every frame, as fast as they are requested.

    Args:
        path: the file.

    Raises:
        SourceMissing, SourceUnreadable: it cannot be read.
    """

    is_live = False

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self.frames_per_second = _plausible(read_declared(path).frames_per_second)
        self._path = path

    def frames(self) -> Iterator[DeferredFrame]:
        """RGB frames, with times counted from the first."""
        return read_video(self._path)

    def close(self) -> None:
        """Nothing to do: the reader closes the file."""


class ImagesSource:
    """Image files as frames at a constant rate, as fast as they are requested.

    Image files carry no time, so the rate is an assumption. An unreadable one is skipped, and its
    time is left empty; the sizes of the others may differ.

    Args:
        paths: the image files in order, or a text for `list_files`.
        frames_per_second: the rate, above 0. Default 25.0.

    Raises:
        UsageError: the rate is not above 0.
        SourceMissing: there are no image files.

    Attributes:
        num_unreadable: images skipped so far in the last run of `frames`.
    """

    is_live = False

    def __init__(self, paths: Sequence[Path] | str, frames_per_second: float = 25.0) -> None:
        if not 0 < frames_per_second < float("inf"):
            raise UsageError(
                f"images need a rate above 0 frames per second, such as 25; got {frames_per_second}"
            )
        found = pictures_among(list_files(paths)) if isinstance(paths, str) else list(paths)
        if not found:
            where = f" in {paths}" if isinstance(paths, str) else ""
            raise SourceMissing(f"there are no images{where}; expected files such as 00001.png")
        self.name = paths if isinstance(paths, str) else f"{found[0]} … {found[-1].name}"
        self.frames_per_second = frames_per_second
        self.num_unreadable = 0
        self._paths = found
        self._closed = False

    def frames(self) -> Iterator[Frame]:
        """RGB frames, timed from the first image of the list.

        Raises:
            SourceUnreadable: none can be read.
        """
        self.num_unreadable = 0
        first_unreadable: Path | None = None
        index = 0
        try:
            for position, path in enumerate(self._paths):
                if self._closed:
                    return
                image_rgb = _read_picture(path)
                if image_rgb is None:
                    self.num_unreadable += 1
                    first_unreadable = first_unreadable or path
                    continue
                yield Frame(image_rgb, position / self.frames_per_second, index, self.name)
                index += 1
        finally:
            if first_unreadable is not None and index > 0:
                _log.warning(
                    "%s: %d of %d images cannot be read and were skipped; the first is %s",
                    *(self.name, self.num_unreadable, len(self._paths), first_unreadable),
                )
        if index == 0:
            raise SourceUnreadable(
                f"{self.name}: none of {len(self._paths)} images can be read; are they "
                "damaged or empty?"
            )

    def close(self) -> None:
        """End `frames` after the image that is being read."""
        self._closed = True


class Paced:
    """A video file or images in real time, as if they came from a camera.

    Args:
        source: gives frames on request, with times counted from its start.
    """

    is_live = True

    def __init__(self, source: BareSource) -> None:
        self.name = source.name
        self.frames_per_second = source.frames_per_second
        self._source = source
        self._closed = threading.Event()

    def frames(self) -> Iterator[DeferredFrame]:
        """RGB frames on the monotonic clock, each when it is due."""
        start_seconds: float | None = None
        for frame in self._source.frames():
            if start_seconds is None:
                start_seconds = time.monotonic() - frame.captured_at_seconds
            at_seconds = start_seconds + frame.captured_at_seconds
            if self._closed.wait(max(at_seconds - time.monotonic(), 0.0)):
                return
            yield DeferredFrame(
                partial(getattr, frame, "image"), at_seconds, frame.index, self.name, frame.segment
            )

    def close(self) -> None:
        """End `frames` at once, or after the frame that is being read."""
        self._closed.set()
        self._source.close()


def _plausible(frames_per_second: float) -> float:
    # Files with a variable rate, and many streams, declare their time base, such as 1000 or 90000.
    return frames_per_second if 1 <= frames_per_second <= 240 else 0.0


def _read_picture(path: Path) -> npt.NDArray[Any] | None:
    """uint8 RGB, shape (height, width, 3), or None if the file has no complete image."""
    try:
        # OpenCV itself cannot open names outside the code page of a Windows machine.
        encoded = np.frombuffer(path.read_bytes(), np.uint8)
        return cv2.imdecode(encoded, cv2.IMREAD_COLOR_RGB)
    except (OSError, cv2.error):
        return None
