"""Video files, written by time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy.typing as npt

from rtaction.errors import OutputError
from rtaction.opencv import cv2
from rtaction.quiet import silent_stderr
from rtaction.video.file import require_utf8

# The formats that stay playable when cut off. An .mp4 does not: its index comes last.
CODECS = {".avi": "MJPG", ".webm": "VP80", ".mkv": "MJPG"}


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
