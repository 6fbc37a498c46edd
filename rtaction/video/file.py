"""Video files, read and written by time.

Reading relies on PTS alone: the frame rate and frame count in a header are often wrong, and mean
nothing for a variable rate. This module knows nothing about networks.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy.typing as npt

from rtaction.errors import OutputError, SourceMissing, SourceUnreadable, UsageError
from rtaction.frame import Frame
from rtaction.opencv import cv2
from rtaction.quiet import silent_stderr

VIDEO_SUFFIXES = frozenset(
    [
        ".mp4",
        ".avi",
        ".mkv",
        ".webm",
        ".mov",
        ".m4v",
        ".mpg",
        ".mpeg",
        ".wmv",
        ".flv",
        ".ts",
        ".3gp",
        ".ogv",
    ]
)

# The formats that the opencv-python wheel can encode and that stay playable when cut off. An .mp4
# does not: its index comes last.
CODECS = {".avi": "MJPG", ".webm": "VP80", ".mkv": "MJPG"}


@dataclass(frozen=True, slots=True)
class DeclaredVideo:
    """What a file's header declares, true or not; 0.0 if it declares nothing.

    Args:
        duration_seconds: length.
        frames_per_second: rate.
    """

    duration_seconds: float
    frames_per_second: float


def read_declared(path: Path) -> DeclaredVideo:
    """Read the header of a video.

    Raises:
        SourceMissing: there is no such file.
        SourceUnreadable: it is not a video.
    """
    capture = _open(path)
    try:
        rate = float(capture.get(cv2.CAP_PROP_FPS))
        count = float(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    finally:
        capture.release()
    if not 0 < rate < float("inf"):
        return DeclaredVideo(0.0, 0.0)
    return DeclaredVideo(max(count, 0.0) / rate, rate)


def read_video(path: Path) -> Iterator[Frame]:
    """Decode a video from start to end.

    Args:
        path: the file.

    Yields:
        RGB frames, stamped with their PTS, counted from the first frame. A frame whose time is not
        later than that of the frame before is dropped.

    Raises:
        SourceMissing: there is no such file.
        SourceUnreadable: it is not a video, or no frame of it can be decoded.
    """
    capture = _open(path)
    try:
        first_seconds = last_seconds = None
        index = 0
        while True:
            got_one, image_bgr = capture.read()
            if not got_one:
                break
            seconds = float(capture.get(cv2.CAP_PROP_POS_MSEC)) / 1000.0
            if last_seconds is not None and seconds <= last_seconds:
                continue
            first_seconds = seconds if first_seconds is None else first_seconds
            last_seconds = seconds
            image_rgb = cv2.cvtColor(image_bgr, cv2.COLOR_BGR2RGB)
            yield Frame(image_rgb, seconds - first_seconds, index, str(path))
            index += 1
    finally:
        capture.release()
    if index == 0:
        raise SourceUnreadable(f"{path}: no frame can be decoded; is the video damaged or empty?")


def require_utf8(path: Path) -> None:
    """Check that OpenCV can open a file of this name; Linux allows any bytes in a name.

    Raises:
        UsageError: it cannot.
    """
    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError:
        readable = os.fsencode(path).decode("utf-8", errors="replace")
        raise UsageError(f"the name {readable!r} is not UTF-8; rename the file") from None


def _open(path: Path) -> Any:
    if not path.is_file():
        raise SourceMissing(f"there is no video file {path}")
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    if not capture.isOpened():
        capture.release()
        raise SourceUnreadable(
            f"{path} cannot be read as a video; expected a file that FFmpeg can decode, "
            "such as .mp4, .avi, .mkv or .webm"
        )
    return capture


class VideoWriter:
    """Writes frames into a video of constant rate so that their times stay true.

    A gap before a frame is filled with repeats of the one before; a frame that is too early for the
    rate is dropped. The file is playable up to its last frame even if the process is killed.

    Args:
        path: .avi or .mkv (Motion JPEG) or .webm (VP8). Missing folders are created.
        frames_per_second: rate of the file; may be changed until the first frame. Default 30.0.
        max_gap_seconds: a longer gap is shortened to this. Default 2.0.

    Raises:
        OutputError: another suffix, or the file cannot be written.
    """

    def __init__(
        self, path: Path, *, frames_per_second: float = 30.0, max_gap_seconds: float = 2.0
    ) -> None:
        if path.suffix.lower() not in CODECS:
            raise OutputError(
                f"cannot write {path}: expected a name that ends in {', '.join(CODECS)}, "
                f"got {path.suffix or 'no suffix'!r}"
            )
        require_utf8(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"cannot create the folder of {path}: {error}") from None
        self.frames_per_second = frames_per_second
        self._path = path
        self._max_gap_seconds = max_gap_seconds
        self._writer: Any = None
        self._size_hw = (0, 0)
        self._last_image: npt.NDArray[Any] | None = None
        self._last_seconds = 0.0
        self._debt_frames = 0.0

    @property
    def has_begun(self) -> bool:
        """Whether a frame was written."""
        return self._writer is not None

    def write(self, image_rgb: npt.NDArray[Any], at_seconds: float) -> None:
        """Add one frame.

        Args:
            image_rgb: uint8 RGB, shape (height, width, 3); resized to the size of the first.
            at_seconds: its time, on any clock.

        Raises:
            OutputError: the file cannot be written.
        """
        if self._writer is None:
            self._start(image_rgb.shape[0], image_rgb.shape[1])
            self._debt_frames = 1.0
        else:
            elapsed_seconds = min(max(at_seconds - self._last_seconds, 0.0), self._max_gap_seconds)
            self._debt_frames += elapsed_seconds * self.frames_per_second
        self._last_seconds = at_seconds
        image_bgr = cv2.cvtColor(image_rgb, cv2.COLOR_RGB2BGR)
        if image_bgr.shape[:2] != self._size_hw:
            image_bgr = cv2.resize(image_bgr, self._size_hw[::-1])
        # A tolerance of half a frame: steps of 33.3 ms at 30 fps are neither lost nor doubled.
        owed = int(self._debt_frames + 0.5)
        for _ in range(owed - 1):
            self._writer.write(self._last_image if self._last_image is not None else image_bgr)
        if owed > 0:
            self._writer.write(image_bgr)
        self._debt_frames -= owed
        self._last_image = image_bgr

    def close(self) -> None:
        """Finish the file. Closing twice does nothing."""
        if self._writer is not None:
            self._writer.release()

    def _start(self, height: int, width: int) -> None:
        # The codecs store colour at half resolution, so both sides must be even.
        self._size_hw = (max(height - height % 2, 2), max(width - width % 2, 2))
        fourcc = cv2.VideoWriter.fourcc(*CODECS[self._path.suffix.lower()])
        # OpenCV warns about the tag "VP80" in a .webm, the only one by which it finds the codec.
        with silent_stderr():
            self._writer = cv2.VideoWriter(
                *(str(self._path), cv2.CAP_FFMPEG, fourcc),
                *(self.frames_per_second, self._size_hw[::-1]),
            )
        if not self._writer.isOpened():
            raise OutputError(f"cannot write the video {self._path}; is the folder writable?")
