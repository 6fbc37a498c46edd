"""Decode the video stream of a file into pictures and times, as far as it can be decoded.

Times continue where a recording was joined to another. This module knows nothing about RGB.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TypeAlias

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from rtaction.video.deinterlacer import Deinterlacer, TimedPicture

# Decoding times never run backwards within a recording. A larger step back is the start of another
# one, a smaller one is an error.
_RESTART_SECONDS = 0.5
_ASSUMED_FRAMES_PER_SECOND = 25.0

VideoPacket: TypeAlias = "Packet[VideoStream]"  # subscriptable only for type checkers


class VideoDecoder:
    """Decodes one video stream.

    Args:
        container: an open file.
        stream: one of its video streams.

    Attributes:
        end: the first byte of the file after the last packet so far.
    """

    def __init__(self, container: InputContainer, stream: VideoStream) -> None:
        self._num_errors = self._num_packets = self._num_pictures = 0
        self.end = 0
        self._container = container
        self._stream = stream
        self._codec = stream.codec_context
        self._codec.thread_type = "AUTO"
        rate = float(stream.average_rate or 0.0)
        self._interval_seconds = 1.0 / (rate or _ASSUMED_FRAMES_PER_SECOND)
        self._clock = JoinedClock(stream.time_base, self._interval_seconds)
        self._last_seconds = -self._interval_seconds

    @property
    def num_damaged(self) -> int:
        """Number of frames that could not be decoded, at the end of the file."""
        # An error of one of the decoder's threads may take more than one frame with it.
        return self._num_errors and max(self._num_errors, self._num_packets - self._num_pictures)

    def pictures(self) -> Iterator[TimedPicture]:
        """The pictures in the order of the file, progressive, with their presentation times."""
        deinterlacer = Deinterlacer()
        for packet in self._packets():
            for picture in self._decode(packet):
                yield from deinterlacer.push(self._time_of(picture), picture)
        yield from deinterlacer.flush()

    def _packets(self) -> Iterator[VideoPacket | None]:
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets)
            except (StopIteration, av.error.FFmpegError, OSError):
                break  # a file that was cut off ends in the middle
            if packet.size == 0:
                break
            self.end = max(self.end, (packet.pos or 0) + packet.size)
            self._clock.stamp(packet)
            self._num_packets += 1
            yield packet
        yield None  # what the decoder holds back

    def _decode(self, packet: VideoPacket | None) -> list[VideoFrame]:
        try:
            pictures = self._codec.decode(packet)
        except (av.error.FFmpegError, MemoryError):
            self._num_errors += 1
            return []
        self._num_pictures += len(pictures)
        return pictures

    def _time_of(self, picture: VideoFrame) -> float:
        # AVI has only decoding times, and bare H.264 none at all.
        ticks = picture.dts if picture.pts is None else picture.pts
        # What the decoder held back until the end has no time base of its own.
        time_base = picture.time_base or self._stream.time_base
        if ticks is None or time_base is None:
            self._last_seconds += self._interval_seconds
        else:
            self._last_seconds = float(ticks * time_base)
        return self._last_seconds


class JoinedClock:
    """Shifts the times of what follows a restart, so that they continue.

    Args:
        time_base: seconds per unit of time; None leaves times as they are.
        interval_seconds: from one frame to the next, until two have come.
    """

    def __init__(self, time_base: Fraction | None, interval_seconds: float) -> None:
        self._limit = round(_RESTART_SECONDS / time_base) if time_base else None
        self._step = max(round(interval_seconds / time_base), 1) if time_base else 1
        self._last: int | None = None
        self._shift = self._former_shift = 0

    def stamp(self, packet: VideoPacket) -> None:
        """Shift the times of the next packet."""
        if self._limit is None:
            return
        if packet.dts is not None:
            self._follow(packet.dts, self._limit)
            packet.dts += self._shift
        if packet.pts is not None:
            packet.pts += self._shift

    def _follow(self, dts: int, limit: int) -> None:
        if self._last is not None:
            ahead = dts + self._shift - self._last
            if ahead < -limit:
                self._former_shift = self._shift
                self._shift += self._step - ahead
            elif ahead > limit and self._last < dts + self._former_shift < dts + self._shift:
                self._shift = self._former_shift  # only some times were wrong
            elif 0 < ahead <= limit:
                self._step = ahead
        self._last = dts + self._shift
