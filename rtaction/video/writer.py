"""Video files, written by time."""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.video.stream import VideoStream

from rtaction.errors import OutputError
from rtaction.opencv import cv2
from rtaction.video.file import require_utf8
from rtaction.video.formats import SUFFIXES, Format, formats_of
from rtaction.video.told_file import ToldFile

_MILLISECOND = Fraction(1, 1000)


class EncodedFile:
    """A video file, its frames encoded and written one by one.

    By PyAV, because OpenCV does not tell when the disk is full.

    Args:
        path: with one of the `SUFFIXES`.
        frames_per_second: its rate if it is an .avi; otherwise about what is to come.
        size_hw: height and width, both even.
        uses_hardware: encode an .mp4 by the graphics processor where that works. Default False.
        comment: what the file says of itself. Default "".

    Raises:
        OutputError: it cannot be written.
    """

    def __init__(
        self,
        path: Path,
        frames_per_second: float,
        size_hw: tuple[int, int],
        *,
        uses_hardware: bool = False,
        comment: str = "",
    ) -> None:
        self._path = path
        self._num_frames = 0
        self._has_failed = False
        kinds = formats_of(path.suffix.lower(), uses_hardware=uses_hardware)
        rate = Fraction(frames_per_second).limit_denominator(10_000)
        # Only an .avi has to have a constant rate.
        self._is_constant = path.suffix.lower() == ".avi"
        self._time_base = 1 / rate if self._is_constant else _MILLISECOND
        self._next_pts = 0
        self._last: list[bytes] = []
        try:
            self._file = ToldFile(path)
            for kind in kinds:
                try:
                    self._container = av.open(self._file, "w", format=kind.name, options=kind.muxer)
                    self._stream = self._opened(kind, rate, size_hw)
                    break
                except av.error.FFmpegError:
                    # A graphics processor may encode only so many videos at once.
                    if kind is kinds[-1]:
                        raise
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise self._told(error) from None
        if comment:
            self._container.metadata["comment"] = comment

    def _opened(self, kind: Format, rate: Fraction, size_hw: tuple[int, int]) -> VideoStream:
        made: Any = self._container.add_stream(kind.codec, rate=rate, options=dict(kind.encoder))
        stream: VideoStream = made
        stream.height, stream.width = size_hw
        stream.pix_fmt = kind.pixels
        stream.codec_context.time_base = self._time_base
        stream.codec_context.thread_count = 1  # several would hold frames back
        stream.codec_context.open()
        return stream

    def write(self, image_rgb: npt.NDArray[Any], at_seconds: float) -> None:
        """Add a frame.

        Args:
            image_rgb: uint8 RGB of the size of the file.
            at_seconds: its time from the first frame, later than that of the frame before.

        Raises:
            OutputError: it cannot be written.
        """
        pts = max(round(at_seconds / self._time_base), self._next_pts)
        frame = av.VideoFrame.from_ndarray(image_rgb, "rgb24")
        frame.pts, frame.time_base = pts, self._time_base
        try:
            if self._is_constant:
                self._repeat_until(pts)
            packets = self._stream.encode(frame)
            self._last = [bytes(packet) for packet in packets] if self._is_constant else []
            self._container.mux(packets)
            self._file.check()
        except (av.error.FFmpegError, OSError) as error:
            self._abandon()
            raise self._told(error) from None
        self._next_pts = pts + 1
        self._num_frames += 1

    def close(self) -> None:
        """Finish the file.

        Raises:
            OutputError: not all of it could be written.
        """
        if self._has_failed:
            return
        try:
            self._container.mux(self._stream.encode(None))
            self._container.close()
            self._file.close()
        except (av.error.FFmpegError, OSError) as error:
            self._abandon()
            raise self._told(error) from None

    def _repeat_until(self, pts: int) -> None:
        """Fill a gap with copies of the frame before, which are encoded already."""
        for repeated in range(self._next_pts, pts):
            for content in self._last:
                packet = av.Packet(content)
                packet.stream, packet.time_base = self._stream, self._time_base
                packet.pts = packet.dts = repeated
                packet.is_keyframe = True
                self._container.mux(packet)

    def _abandon(self) -> None:
        self._has_failed = True
        # It tries to write the index, which fails for the same reason.
        with suppress(av.error.FFmpegError, OSError):
            self._container.close()
        with suppress(OSError):
            self._file.close()

    def _told(self, error: Exception) -> OutputError:
        reason = getattr(error, "strerror", None) or str(error)
        kept = "; what was written before plays" if self._num_frames else ""
        return OutputError(f"cannot write the video {self._path}: {reason}{kept}")


class VideoWriter:
    """Writes frames into a video so that their times stay true.

    A frame that is too early for the rate is dropped. In an .avi, which has a constant rate, a gap
    before a frame is filled with repeats of the one before. The file is playable up to its last
    frame even if the process is killed.

    Args:
        path: .avi or .mkv (Motion JPEG), .webm (VP8) or .mp4 (H.264, fragmented). Missing folders
            are created.
        frames_per_second: highest rate of the file; may be changed until the first frame. Default
            30.0.
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
        self._writer: EncodedFile | None = None
        self._is_closed = False
        self._size_hw = (0, 0)
        self._last_seconds = 0.0
        self._video_seconds = 0.0
        self._next_seconds = 0.0

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
            self._writer = self._start(image_rgb.shape[0], image_rgb.shape[1])
        else:
            elapsed_seconds = max(at_seconds - self._last_seconds, 0.0)
            self._video_seconds += min(elapsed_seconds, self._max_gap_seconds)
        self._last_seconds = at_seconds
        # A tolerance of half a frame: steps of 33.3 ms at 30 fps are neither lost nor doubled.
        if self._video_seconds < self._next_seconds - 0.5 / self.frames_per_second:
            return
        if image_rgb.shape[:2] != self._size_hw:
            image_rgb = cv2.resize(image_rgb, self._size_hw[::-1])
        self._writer.write(np.ascontiguousarray(image_rgb), self._video_seconds)
        # Counted on from when a frame was due, so that a rate a little too high averages out.
        period_seconds = 1.0 / self.frames_per_second
        self._next_seconds = max(self._next_seconds, self._video_seconds - period_seconds / 2)
        self._next_seconds += period_seconds

    def close(self) -> None:
        """Finish the file. Closing twice, or after an error, does nothing more.

        Raises:
            OutputError: not all of it could be written.
        """
        if self._writer is not None and not self._is_closed:
            self._is_closed = True
            self._writer.close()

    def _start(self, height: int, width: int) -> EncodedFile:
        self._size_hw = even_size_of((height, width))
        return EncodedFile(self._path, self.frames_per_second, self._size_hw)


def even_size_of(size_hw: tuple[int, int]) -> tuple[int, int]:
    """The size of a video: its codecs store colour at half resolution, so both sides are even."""
    height, width = size_hw
    return max(height - height % 2, 2), max(width - width % 2, 2)
