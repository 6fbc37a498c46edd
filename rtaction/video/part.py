"""Parts of a video file, each decoded from a key frame in its middle.

Where decoding can begin is read from the file's index, or, if it has none, by going through its
packets. This module knows nothing about windows or networks.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import partial

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from rtaction.frame import DeferredFrame
from rtaction.video.decoder import VideoDecoder
from rtaction.video.file import video_stream
from rtaction.video.rgb_converter import RgbConverter

_INDEXED = frozenset({"mov", "matroska"})  # their files have all key frames, or at least most
_RESTART_SECONDS = 0.5  # as of `rtaction.video.decoder.JoinedClock`


@dataclass(frozen=True, slots=True)
class Entry:
    """A key frame at which decoding can begin.

    Args:
        ticks: where to seek, in the stream's time base.
        seconds: time of the frame, counted from the video's first; about right, as it is worked
            out from an index.
    """

    ticks: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Outline:
    """What is known of a video before it is decoded.

    Args:
        first_seconds: PTS of its first frame.
        length_seconds: as its header declares, or as its packets show.
        entries: its key frames, in order; empty if it cannot be entered but at its start.
    """

    first_seconds: float
    length_seconds: float
    entries: tuple[Entry, ...]


def read_outline(container: InputContainer, name: str, *, least_seconds: float) -> Outline | None:
    """Find the key frames of a video.

    Args:
        container: the open file; it is left somewhere in its middle.
        name: of the file, for errors.
        least_seconds: a video that declares less than that is not looked at.

    Returns:
        None if it is shorter, declares no length, or if nothing of it can be decoded.

    Raises:
        SourceUnreadable: it has no video.
    """
    stream = video_stream(container, name)
    time_base = stream.time_base
    if time_base is None:
        return None
    length_seconds = 0.0
    if stream.duration:
        length_seconds = float(stream.duration * time_base)
    elif container.duration:
        length_seconds = container.duration / av.time_base
    if not least_seconds <= length_seconds < math.inf:
        return None
    first = next(VideoDecoder(container, stream).pictures(), None)
    if first is None:
        return None
    ticks: list[int] = []
    shift = 0
    try:
        container.seek(0, stream=stream)  # Matroska's index is read when something is sought
        if _INDEXED & set(container.format.name.split(",")):
            ticks = [one.timestamp for one in stream.index_entries if one.is_keyframe]
            # An index may have the times of decoding; what is sought is a time of display.
            shift = round(first[0] / time_base) - ticks[0] if ticks else 0
        if len(ticks) < 2:
            ticks, shift = _key_ticks(container, stream, time_base), 0
    except (av.error.FFmpegError, OSError):
        ticks = []
    entries = tuple(Entry(one + shift, float((one - ticks[0]) * time_base)) for one in ticks)
    return Outline(first[0], length_seconds, entries)


def read_part(
    container: InputContainer, name: str, *, entry_ticks: int | None, first_seconds: float
) -> Iterator[DeferredFrame]:
    """Decode a video from a key frame to its end, or as far as is asked for.

    The frames are those of `rtaction.video.file.read_video`, but for their `index`.

    Args:
        container: the open file.
        name: of the file.
        entry_ticks: `Entry.ticks` of the key frame. None: the start.
        first_seconds: PTS of the video's first frame.
    """
    stream = video_stream(container, name)
    if entry_ticks is not None:
        container.seek(entry_ticks, stream=stream)
    converter = RgbConverter()
    has_key = entry_ticks is None
    last_seconds = -math.inf
    index = 0
    for seconds, picture in VideoDecoder(container, stream).pictures():
        # Frames that are shown before the key frame may need others from before it.
        has_key = has_key or bool(picture.key_frame)
        if not has_key or seconds <= last_seconds:
            continue
        last_seconds = seconds
        make_image = partial(converter.to_rgb, picture)
        yield DeferredFrame(make_image, seconds - first_seconds, index, name)
        index += 1


def _key_ticks(container: InputContainer, stream: VideoStream, time_base: Fraction) -> list[int]:
    """Where the key frames are, by going through the file; nothing if its clock starts again."""
    container.seek(0, stream=stream)
    ticks: list[int] = []
    last: int | None = None
    limit = round(_RESTART_SECONDS / time_base)
    for packet in container.demux(stream):
        at = packet.pts if packet.dts is None else packet.dts
        if not packet.size or at is None:
            continue
        if packet.dts is not None:
            if last is not None and packet.dts < last - limit:
                return []
            last = packet.dts
        if packet.is_keyframe:
            ticks.append(at)
    return ticks
