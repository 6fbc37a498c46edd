"""Cameras, streams and files as frames with true times.

A *live* source goes on whether or not anybody looks; a file waits. This file knows nothing of
models.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from rtaction.errors import CameraLost, SourceMissing, SourceUnreadable
from rtaction.frame import Frame
from rtaction.opencv import cv2
from rtaction.realtime.address import Address
from rtaction.realtime.pts_clock import PtsClock
from rtaction.video import read_declared, read_video

OPEN_TIMEOUT_SECONDS = 5.0
READ_TIMEOUT_SECONDS = 3.0


class Source(Protocol):
    """Where frames come from."""

    name: str
    is_live: bool
    frames_per_second: float
    """What the source says of its rate; 0.0 where it says nothing. Fit for a saved video, no
    more."""

    def frames(self) -> Iterator[Frame]:
        """The frames, from now on."""

    def close(self) -> None:
        """End `frames` soon, from any thread."""


class FileSource:
    """A video file, every frame of it, as fast as it is asked for.

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

    def frames(self) -> Iterator[Frame]:
        """RGB frames, their times counted from the first."""
        return read_video(self._path)

    def close(self) -> None:
        """Nothing to do: the reader closes the file."""


class PacedFileSource:
    """A video file that plays at its own pace, as if it were a camera.

    Args:
        path: the file.

    Raises:
        SourceMissing, SourceUnreadable: it cannot be read.
    """

    is_live = True

    def __init__(self, path: Path) -> None:
        self._file = FileSource(path)
        self._closed = False
        self.name = self._file.name
        self.frames_per_second = self._file.frames_per_second

    def frames(self) -> Iterator[Frame]:
        """RGB frames, each given when its moment has come, on the monotonic clock."""
        start_seconds: float | None = None
        for frame in self._file.frames():
            now = time.monotonic()
            start_seconds = now if start_seconds is None else start_seconds
            at_seconds = start_seconds + frame.captured_at_seconds
            while not self._closed and (wait_seconds := at_seconds - time.monotonic()) > 0:
                time.sleep(min(wait_seconds, 0.1))
            if self._closed:
                return
            yield Frame(frame.image, at_seconds, frame.index, self.name)

    def close(self) -> None:
        """End `frames` within 0.1 s."""
        self._closed = True


class CameraSource:
    """A webcam, or a stream over the network.

    Webcams and HTTP streams are stamped on arrival; RTSP by its presentation timestamps, mapped to
    the monotonic clock.

    Args:
        address: from `parse_address`; not of the kind "file".

    Raises:
        SourceMissing: no such camera, or nobody answers.
        SourceUnreadable: it answers, and the first frame cannot be decoded.
    """

    is_live = True

    def __init__(self, address: Address) -> None:
        self.name = address.name
        self._closed = False
        self._clock = PtsClock() if address.kind == "rtsp" else None
        self._capture = _open_capture(address)
        self.frames_per_second = _plausible(float(self._capture.get(cv2.CAP_PROP_FPS)))
        got_one, self._first_image_bgr = self._capture.read()
        if not got_one:
            self._capture.release()
            raise SourceUnreadable(
                f"{self.name} was opened but gave no picture within "
                f"{READ_TIMEOUT_SECONDS:.0f} s; is another program using it?"
            )

    def frames(self) -> Iterator[Frame]:
        """RGB frames on the monotonic clock.

        Raises:
            CameraLost: it ended or stopped answering.
        """
        image_bgr: Any = self._first_image_bgr
        self._first_image_bgr = None
        index = 0
        try:
            while not self._closed:
                arrived_at_seconds = time.monotonic()
                at_seconds: float | None = arrived_at_seconds
                if self._clock is not None:
                    pts_seconds = float(self._capture.get(cv2.CAP_PROP_POS_MSEC)) / 1000.0
                    at_seconds = self._clock.to_monotonic(pts_seconds, arrived_at_seconds)
                if at_seconds is not None:
                    image_rgb = cv2.cvtColor(image_bgr, cv2.COLOR_BGR2RGB)
                    yield Frame(image_rgb, at_seconds, index, self.name)
                    index += 1
                got_one, image_bgr = self._capture.read()
                if not got_one and not self._closed:
                    raise CameraLost(
                        f"{self.name} ended or stopped answering; what came until then is kept"
                    )
        finally:
            self._capture.release()

    def close(self) -> None:
        """End `frames` after the picture that is being read."""
        self._closed = True


def open_source(address: Address, *, paced: bool = False) -> Source:
    """Open what an address names.

    Args:
        address: from `parse_address`.
        paced: play a file at its own pace, as if it were a camera. Default False.

    Raises:
        SourceMissing, SourceUnreadable: it cannot be opened.
    """
    if address.kind != "file":
        return CameraSource(address)
    path = Path(str(address.target))
    return PacedFileSource(path) if paced else FileSource(path)


def _plausible(frames_per_second: float) -> float:
    # Files of variable rate and many streams declare their clock's rate, such as 1000 or 90000.
    return frames_per_second if 1 <= frames_per_second <= 240 else 0.0


def _open_capture(address: Address) -> Any:
    if address.kind == "webcam":
        capture = cv2.VideoCapture(address.target)
    else:
        # Without these OpenCV waits 30 s for a dead peer.
        timeouts = [
            cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
            round(OPEN_TIMEOUT_SECONDS * 1000),
            cv2.CAP_PROP_READ_TIMEOUT_MSEC,
            round(READ_TIMEOUT_SECONDS * 1000),
            # FFmpeg decodes several frames at a time, and gives each that much later.
            cv2.CAP_PROP_N_THREADS,
            1,
        ]
        capture = cv2.VideoCapture(str(address.target), cv2.CAP_FFMPEG, timeouts)
    if capture.isOpened():
        return capture
    capture.release()
    if address.kind == "webcam":
        raise SourceMissing(
            f"there is no {address.name}, or it cannot be opened; is it plugged in, and may you "
            "read it? To try without one: rtaction demo"
        )
    raise SourceMissing(
        f"{address.name} cannot be opened: nobody answers there within "
        f"{OPEN_TIMEOUT_SECONDS:.0f} s, or the path, user or password is wrong"
    )
