"""Video files, written by time."""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy.typing as npt
from av.video.stream import VideoStream

from rtaction.errors import OutputError
from rtaction.opencv import cv2
from rtaction.quiet import silent_stderr
from rtaction.video.file import require_utf8

# The formats that stay playable when cut off. An .mp4 does not: its index comes last.
SUFFIXES = (".avi", ".webm", ".mkv")
# Of FFmpeg's scale from 2, the best, to 31.
_JPEG_QUALITY = 3
# Each frame reaches the disk before the next: a killed process loses one at most.
_MUXER_OPTIONS = {
    ".avi": {"flush_packets": "1"},
    ".mkv": {"flush_packets": "1", "cluster_time_limit": "1"},
}


class _MotionJpeg:
    """Motion JPEG in .avi or .mkv.

    By PyAV, because OpenCV does not tell when the disk is full.
    """

    def __init__(self, path: Path, frames_per_second: float, size_hw: tuple[int, int]) -> None:
        self._path = path
        self._num_frames = 0
        self._has_failed = False
        try:
            self._container = av.open(
                f"file:{path}", "w", options=_MUXER_OPTIONS[path.suffix.lower()]
            )
        except (av.error.FFmpegError, OSError) as error:
            raise self._told(error) from None
        rate = Fraction(frames_per_second).limit_denominator(10_000)
        self._stream: VideoStream = self._container.add_stream(
            "mjpeg",
            rate=rate,
            options={"flags": "+qscale", "global_quality": str(_JPEG_QUALITY * 118)},
        )
        self._stream.height, self._stream.width = size_hw
        self._stream.pix_fmt = "yuvj420p"
        self._stream.codec_context.thread_count = 1  # several would hold frames back
        self._time_base = 1 / rate

    def write(self, image_bgr: npt.NDArray[Any]) -> None:
        frame = av.VideoFrame.from_ndarray(image_bgr, "bgr24")
        frame.pts, frame.time_base = self._num_frames, self._time_base
        try:
            self._container.mux(self._stream.encode(frame))
        except (av.error.FFmpegError, OSError) as error:
            self._abandon()
            raise self._told(error) from None
        self._num_frames += 1

    def close(self) -> None:
        if self._has_failed:
            return
        try:
            self._container.mux(self._stream.encode(None))
            self._container.close()
        except (av.error.FFmpegError, OSError) as error:
            self._abandon()
            raise self._told(error) from None

    def _abandon(self) -> None:
        self._has_failed = True
        # It tries to write the index, which fails for the same reason.
        with suppress(av.error.FFmpegError, OSError):
            self._container.close()

    def _told(self, error: Exception) -> OutputError:
        reason = getattr(error, "strerror", None) or str(error)
        kept = "; what was written before plays" if self._num_frames else ""
        return OutputError(f"cannot write the video {self._path}: {reason}{kept}")


class _Vp8:
    """VP8 in .webm, by OpenCV: its encoder is several times faster than PyAV's.

    It does not tell when the disk is full, so the frames are counted at the end.
    """

    def __init__(self, path: Path, frames_per_second: float, size_hw: tuple[int, int]) -> None:
        self._path = path
        self._num_frames = 0
        # OpenCV warns about the tag "VP80" in a .webm, the only one by which it finds the codec.
        with silent_stderr():
            self._writer = cv2.VideoWriter(
                *(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"VP80")),
                *(frames_per_second, size_hw[::-1]),
            )
        if not self._writer.isOpened():
            raise OutputError(f"cannot write the video {path}; is the folder writable?")

    def write(self, image_bgr: npt.NDArray[Any]) -> None:
        self._writer.write(image_bgr)
        self._num_frames += 1

    def close(self) -> None:
        self._writer.release()
        num_written = 0
        with (
            suppress(av.error.FFmpegError, OSError),
            av.open(f"file:{self._path}") as container,
        ):
            for packet in container.demux(video=0):
                num_written += packet.size > 0
        if num_written < self._num_frames:
            raise OutputError(
                f"cannot write all of the video {self._path}: it holds {num_written} of "
                f"{self._num_frames} frames; is the disk full?"
            )


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
        if path.suffix.lower() not in SUFFIXES:
            raise OutputError(
                f"cannot write {path}: expected a name that ends in {', '.join(SUFFIXES)}, "
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
        self._writer: _MotionJpeg | _Vp8 | None = None
        self._is_closed = False
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
        assert self._writer is not None
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
        """Finish the file. Closing twice, or after an error, does nothing more.

        Raises:
            OutputError: not all of it could be written.
        """
        if self._writer is not None and not self._is_closed:
            self._is_closed = True
            self._writer.close()

    def _start(self, height: int, width: int) -> None:
        # The codecs store colour at half resolution, so both sides must be even.
        self._size_hw = (max(height - height % 2, 2), max(width - width % 2, 2))
        encoder = _Vp8 if self._path.suffix.lower() == ".webm" else _MotionJpeg
        self._writer = encoder(self._path, self.frames_per_second, self._size_hw)
