"""Packets of a stream as they came, so that it can be kept without being decoded.

This module knows nothing about cameras.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import count
from typing import TYPE_CHECKING, Any

import av
from av.bitstream import BitStreamFilterContext

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.stream import VideoStream

_connections = count(1)


@dataclass(frozen=True, slots=True, eq=False)
class StreamPacket:
    """One packet: a frame, encoded.

    Args:
        source: name of the camera.
        connection: which connection it came by; packets of two cannot be decoded together.
        content: the packet; of H.264 and H.265 as a byte stream (Annex B).
        coding: name of the codec, such as "h264" or "hevc".
        head: what a decoder needs before the first packet, in the same form; b"" if that comes
            with each key.
        is_key: whether it can be decoded without those before it.
        pts, dts: when it is shown and decoded, in units of `time_base`; None if unknown.
        time_base: in seconds.
        at_seconds: when it came, on the monotonic clock.
    """

    source: str
    connection: int
    content: bytes
    coding: str
    head: bytes
    is_key: bool
    pts: int | None
    dts: int | None
    time_base: Fraction
    at_seconds: float

    @property
    def num_bytes(self) -> int:
        """What it takes in memory."""
        return len(self.content)


class PacketReader:
    """Takes packets of one connection out of PyAV's hands.

    Args:
        source: name of the camera.
        stream: the stream of a container that is open.
    """

    def __init__(self, source: str, stream: VideoStream) -> None:
        self._source = source
        self._connection = next(_connections)
        context = stream.codec_context
        self._coding = context.codec.canonical_name
        self._head = bytes(context.extradata or b"")
        self._to_bytes: BitStreamFilterContext | None = None
        # Files hold lengths instead of start codes; their head begins with a version.
        if self._coding in ("h264", "hevc") and self._head[:1] == b"\x01":
            self._to_bytes = BitStreamFilterContext(f"{self._coding}_mp4toannexb", stream)
            self._head = b""  # it is put before each key

    def read(self, packet: Packet[VideoStream], at_seconds: float) -> StreamPacket | None:
        """A copy of a packet; None if it is damaged.

        Args:
            packet: it may be decoded afterwards.
            at_seconds: when it came.
        """
        content = bytes(packet)
        if self._to_bytes is not None:
            given: Any = av.Packet(content)  # a filter takes away what it is given
            given.is_keyframe, given.time_base = packet.is_keyframe, packet.time_base
            given.pts, given.dts = packet.pts, packet.dts
            try:
                content = b"".join(bytes(made) for made in self._to_bytes.filter(given))
            except av.error.FFmpegError:
                return None
        return StreamPacket(
            self._source,
            self._connection,
            content,
            self._coding,
            self._head,
            packet.is_keyframe,
            packet.pts,
            packet.dts,
            Fraction(packet.time_base or 0),
            at_seconds,
        )
