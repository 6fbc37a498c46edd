"""Video files, read and written by time.

Reading relies on PTS alone: the frame rate and frame count in a header are often wrong, and mean
nothing for a variable rate. This module knows nothing about networks.
"""

from __future__ import annotations

import logging
import math
import os
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy.typing as npt
from av.container import InputContainer
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from rtaction.errors import OutputError, SourceMissing, SourceUnreadable, UsageError
from rtaction.frame import Frame
from rtaction.opencv import cv2
from rtaction.quiet import silent_stderr
from rtaction.sampling import last_period_seconds
from rtaction.video.decoder import VideoDecoder
from rtaction.video.rgb_converter import RgbConverter

_log = logging.getLogger(__name__)

_SUFFIXES = (
    ".mp4 .m4v .mov .qt .3gp .3g2 .f4v .avi .divx .mkv .webm .ogv .ogm .flv .wmv .asf .gif .mxf "
    ".mpg .mpeg .mpe .m1v .m2v .vob .ts .m2ts .mts .m2t .tod .dv .h264 .264 .h265 .265 .hevc .ivf "
    ".y4m .mjpeg .mjpg .rm .rmvb .wtv"
)
VIDEO_SUFFIXES = frozenset(_SUFFIXES.split())

# The formats that the opencv-python wheel can encode and that stay playable when cut off. An .mp4
# does not: its index comes last.
CODECS = {".avi": "MJPG", ".webm": "VP80", ".mkv": "MJPG"}

# If a header declares this much more than can be decoded, the file was cut off.
_MIN_DECODED_FRACTION = 0.9
_SLACK_SECONDS = 0.25
_MIN_BYTES_PER_FRAME = 8


@dataclass(frozen=True, slots=True)
class DeclaredVideo:
    """What a file's header declares, true or not; 0.0 if it declares nothing that can be true.

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
    with _open(path) as container:
        return _declared(path, container, _video_stream(path, container))


def read_length_seconds(path: Path) -> float:
    """Length of a video: as its header declares, or, if it declares none, as decoding shows.

    Raises:
        SourceMissing: there is no such file.
        SourceUnreadable: it is not a video, or no frame of it can be decoded.
    """
    declared_seconds = read_declared(path).duration_seconds
    if declared_seconds > 0:
        return declared_seconds
    for frame in read_video(path, tell=lambda _: None):
        seconds = frame.captured_at_seconds
    return seconds


def read_video(path: Path, *, tell: Callable[[str], object] | None = None) -> Iterator[Frame]:
    """Decode a video from start to end.

    Args:
        path: the file.
        tell: told at the end, in one sentence, what was left out, if anything was. Default: the
            log.

    Yields:
        RGB frames, upright and deinterlaced, stamped with their PTS, counted from the first frame.
        A frame whose time is not later than that of the frame before is dropped.

    Raises:
        SourceMissing: there is no such file.
        SourceUnreadable: it is not a video, or no frame of it can be decoded.
    """
    with _open(path) as container:
        stream = _video_stream(path, container)
        declared = _declared(path, container, stream)
        decoder = VideoDecoder(container, stream)
        converter = RgbConverter()
        times_seconds: deque[float] = deque(maxlen=2)
        index = num_unordered = 0
        first_seconds = 0.0
        for seconds, picture in decoder.pictures():
            if not times_seconds:
                first_seconds = seconds
            elif seconds <= times_seconds[-1]:
                num_unordered += 1
                continue
            times_seconds.append(seconds)
            yield Frame(converter.to_rgb(picture), seconds - first_seconds, index, str(path))
            index += 1
        if index == 0:
            raise SourceUnreadable(
                f"{path}: no frame can be decoded; is the video damaged or empty?"
            )
        reasons = []
        if decoder.num_damaged:
            reasons.append(f"{decoder.num_damaged} frames are damaged and were left out")
        if num_unordered:
            reasons.append(
                f"{num_unordered} of {index + num_unordered} frames were left out, because their "
                "times do not increase"
            )
        # Some headers declare the end of the video rather than its length.
        length_seconds = times_seconds[-1] - min(first_seconds, 0.0)
        length_seconds += last_period_seconds(times_seconds)
        if declared.duration_seconds - length_seconds > _slack_seconds(stream, declared):
            reasons.append(_cut_off(declared, index, times_seconds[-1] - first_seconds))
    if reasons:
        (tell or _log_warning)(f"{path}: {'; '.join(reasons)}")


def _log_warning(text: str) -> None:
    _log.warning("%s", text)


def _slack_seconds(stream: VideoStream, declared: DeclaredVideo) -> float:
    """How much less than declared is still whole."""
    if stream.duration:
        return max(_SLACK_SECONDS, 2.5 / (declared.frames_per_second or math.inf))
    # The length of the file may be that of its sound.
    return _SLACK_SECONDS + (1 - _MIN_DECODED_FRACTION) * declared.duration_seconds


def _cut_off(declared: DeclaredVideo, num_frames: int, seconds: float) -> str:
    expected = round(declared.duration_seconds * declared.frames_per_second)
    return (
        f"only {num_frames} of {expected} frames, {seconds:.1f} of {declared.duration_seconds:.1f} "
        "s, can be read; it was cut off, or its header is wrong"
    )


def _declared(path: Path, container: InputContainer, stream: VideoStream) -> DeclaredVideo:
    rate = float(stream.average_rate or stream.guessed_rate or 0.0)
    seconds = 0.0
    if stream.duration and stream.time_base:
        seconds = float(stream.duration * stream.time_base)
    elif container.duration:
        seconds = container.duration / av.time_base
    if not 0 < rate < math.inf:
        return DeclaredVideo(0.0, 0.0)
    if seconds * rate * _MIN_BYTES_PER_FRAME > path.stat().st_size:
        seconds = 0.0  # an .avi that was written into a pipe declares a billion frames
    return DeclaredVideo(max(seconds, 0.0), rate)


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


def _open(path: Path) -> InputContainer:
    if not path.is_file():
        raise SourceMissing(f"there is no video file {path}")
    require_utf8(path)
    try:
        # The prefix keeps a name such as "a:b.mp4" from being taken for a protocol.
        return av.open(f"file:{path}", metadata_errors="replace")
    except (av.error.FFmpegError, OSError, ValueError):
        raise _unreadable(path) from None


def _video_stream(path: Path, container: InputContainer) -> VideoStream:
    stream = container.streams.best("video")
    decoder: VideoCodecContext | None = getattr(stream, "codec_context", None)
    if not isinstance(stream, VideoStream) or decoder is None:
        raise _unreadable(path)
    return stream


def _unreadable(path: Path) -> SourceUnreadable:
    return SourceUnreadable(
        f"{path} cannot be read as a video; expected a file that FFmpeg can decode, "
        "such as .mp4, .avi, .mkv or .webm"
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
