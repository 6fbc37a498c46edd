"""Video files, read by time.

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
from functools import lru_cache, partial
from pathlib import Path

import av
from av.container import InputContainer
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from rtaction.errors import SourceMissing, SourceUnreadable, UsageError
from rtaction.frame import DeferredFrame
from rtaction.sampling import last_period_seconds
from rtaction.video.decoder import VideoDecoder
from rtaction.video.left_out import Gaps, unread_rest
from rtaction.video.rgb_converter import RgbConverter

_log = logging.getLogger(__name__)

_SUFFIXES = (
    ".mp4 .m4v .mov .qt .3gp .3g2 .f4v .avi .divx .mkv .webm .ogv .ogm .flv .wmv .asf .gif .mxf "
    ".mpg .mpeg .mpe .m1v .m2v .vob .ts .m2ts .mts .m2t .tod .dv .h264 .264 .h265 .265 .hevc .ivf "
    ".y4m .mjpeg .mjpg .rm .rmvb .wtv"
)
VIDEO_SUFFIXES = frozenset(_SUFFIXES.split())

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
    with open_video(path) as container:
        return _declared(path, container, video_stream(container, str(path)))


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


def read_video(
    path: Path, *, tell: Callable[[str], object] | None = None
) -> Iterator[DeferredFrame]:
    """Decode a video from start to end.

    Args:
        path: the file.
        tell: told at the end, in one sentence, what was left out, if anything was. Default: the
            log.

    Yields:
        RGB frames, upright and deinterlaced, each converted when it is first looked at. Stamped
        with their PTS, counted from the first frame.
        A frame whose time is not later than that of the frame before is dropped.

    Raises:
        SourceMissing: there is no such file.
        SourceUnreadable: it is not a video, or no frame of it can be decoded.
    """
    with open_video(path) as container:
        stream = video_stream(container, str(path))
        declared = _declared(path, container, stream)
        _log.debug(
            "%s: %s, %dx%d, declares %.4g frames a second and %.2f s",
            *(path, stream.codec_context.name, stream.width, stream.height),
            *(declared.frames_per_second, declared.duration_seconds),
        )
        decoder = VideoDecoder(container, stream)
        converter, gaps = RgbConverter(), Gaps(declared.frames_per_second)
        times_seconds: deque[float] = deque(maxlen=2)
        index = num_unordered = 0
        first_seconds = 0.0
        for seconds, picture in decoder.pictures():
            if not times_seconds:
                first_seconds = seconds
            elif seconds <= times_seconds[-1]:
                num_unordered += 1
                continue
            else:
                gaps.add(times_seconds[-1] - first_seconds, seconds - first_seconds)
            times_seconds.append(seconds)
            # Converted when somebody looks at it: a window needs only some of the frames.
            make_image = partial(converter.to_rgb, picture)
            yield DeferredFrame(make_image, seconds - first_seconds, index, str(path))
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
        reasons += filter(None, [gaps.to_text(), unread_rest(path, container, decoder.end)])
    if reasons:
        (tell or _log_warning)(f"{path}: {'; '.join(reasons)}")


@lru_cache(maxsize=1000)  # some commands read each video several times
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


def open_video(path: Path) -> InputContainer:
    """Open a video file.

    Raises:
        SourceMissing: there is no such file.
        SourceUnreadable: it is not a video.
        UsageError: FFmpeg cannot take its name.
    """
    if not path.is_file():
        raise SourceMissing(f"there is no video file {path}")
    require_utf8(path)
    try:
        # The prefix keeps a name such as "a:b.mp4" from being taken for a protocol.
        return av.open(f"file:{path}", metadata_errors="replace")
    except (av.error.FFmpegError, OSError, ValueError):
        raise unreadable(str(path)) from None


def video_stream(container: InputContainer, name: str) -> VideoStream:
    """The stream of a file that shows its video.

    Args:
        container: the open file.
        name: of the file, for the error.

    Raises:
        SourceUnreadable: it has none that can be decoded.
    """
    stream = container.streams.best("video")
    decoder: VideoCodecContext | None = getattr(stream, "codec_context", None)
    if not isinstance(stream, VideoStream) or decoder is None:
        raise unreadable(name)
    return stream


def unreadable(name: str) -> SourceUnreadable:
    """The error for a file that is not a video."""
    return SourceUnreadable(
        f"{name} cannot be read as a video; expected a file that FFmpeg can decode, "
        "such as .mp4, .avi, .mkv or .webm"
    )
