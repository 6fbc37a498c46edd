"""Clips of the packets of a camera: kept as they came, or seen through what hides a part of them.

This module knows nothing about events and cameras.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from rtaction.opencv import cv2  # isort: skip  # before PyAV: windows hang with its libxcb
import av
import numpy.typing as npt
from av.video.codeccontext import VideoCodecContext

from rtaction.realtime.outputs.clips.clip_file import PieceFile, Pieces
from rtaction.realtime.sources.stream_packets import StreamPacket
from rtaction.video.formats import FRAGMENTED
from rtaction.video.rgb_converter import RgbConverter
from rtaction.video.told_file import ToldFile
from rtaction.video.writer import EncodedFile, even_size_of

Look = Callable[[npt.NDArray[Any]], npt.NDArray[Any]]
"""What may be seen of a picture, uint8 RGB, shape (height, width, 3): turned, cut, blackened."""

CODINGS = ("h264", "hevc")
"""What can be kept as it came; not all browsers play the second, H.265."""

_TICK = Fraction(1, 90_000)
# A camera that sets its clock; what came at the same time was not taken minutes apart.
_LONGEST_STEP_SECONDS = 5.0


class PacketFile(PieceFile[StreamPacket]):
    """An .mp4 of packets; the first is a key. Those of another connection are passed over.

    Args:
        folder, stem: see `PieceFile`.
        look: what may be seen. None: all, and packets are kept as they are.
        codings: of packets that are kept as they are, of `CODINGS`; others are always encoded anew.
        frames_per_second: of what has to be encoded anew: frames beyond it are passed over.
        uses_hardware: encode by the graphics processor where it can.
        comment: what the file says of itself, from the time of its first packet.
    """

    def __init__(
        self,
        folder: Path,
        stem: str,
        look: Look | None,
        *,
        codings: Sequence[str],
        frames_per_second: float,
        uses_hardware: bool,
        comment: Callable[[float], str],
    ) -> None:
        def begin(path: Path, first: StreamPacket) -> Pieces[StreamPacket]:
            told = comment(first.at_seconds)
            if look is None and first.coding in codings:
                return _Copied(path, first, told)

            def open_file(size_hw: tuple[int, int]) -> EncodedFile:
                return EncodedFile(
                    path, frames_per_second, size_hw, uses_hardware=uses_hardware, comment=told
                )

            return _Seen(first, look or _all, frames_per_second, open_file)

        super().__init__(folder, stem, "mp4", begin)


class _Times:
    """When packets are shown and decoded, from the first one on, in order."""

    def __init__(self) -> None:
        self._connection: int | None = None
        self._offset_seconds = 0.0
        self._last_decoded_seconds = -1.0
        self._last_at_seconds = 0.0

    def of(self, packet: StreamPacket) -> tuple[float, float] | None:
        """Shown and decoded; None for a packet of another connection."""
        unit = float(packet.time_base)
        stamp = packet.dts if packet.dts is not None else packet.pts
        sent_seconds = packet.at_seconds if stamp is None else stamp * unit
        if self._connection is None:
            self._connection = packet.connection
            self._offset_seconds = -sent_seconds
            self._last_at_seconds = packet.at_seconds
        elif packet.connection != self._connection:
            return None
        decoded_seconds = sent_seconds + self._offset_seconds
        came_seconds = packet.at_seconds - self._last_at_seconds
        step_seconds = decoded_seconds - max(self._last_decoded_seconds, 0.0)
        if abs(step_seconds - came_seconds) > _LONGEST_STEP_SECONDS:
            self._offset_seconds += came_seconds - step_seconds
            decoded_seconds += came_seconds - step_seconds
        shown_seconds = decoded_seconds
        if packet.pts is not None and packet.dts is not None:
            shown_seconds += max(packet.pts - packet.dts, 0) * unit
        self._last_at_seconds = packet.at_seconds
        self._last_decoded_seconds = decoded_seconds
        return shown_seconds, decoded_seconds


class _Copied:
    """Packets of H.264 or H.265 as they came."""

    def __init__(self, path: Path, first: StreamPacket, comment: str) -> None:
        # What a file says of its video is read from the first key, as not all cameras tell it.
        self._told = av.open(io.BytesIO(first.head + first.content), format=first.coding)
        template = self._told.streams.video[0]
        if not template.codec_context.width:
            self._told.close()
            raise ValueError("its first picture is damaged")
        self._file = ToldFile(path)
        self._container = av.open(self._file, "w", format="mp4", options=FRAGMENTED)
        self._container.metadata["comment"] = comment
        self._stream: Any = self._container.add_stream_from_template(template, opaque=True)
        if first.coding == "hevc":
            self._stream.codec_context.codec_tag = "hvc1"  # Apple's players know no other
        self._times = _Times()
        self._last_dts = -1

    def write(self, packet: StreamPacket, at_seconds: float) -> None:
        times = self._times.of(packet)
        if times is None:
            return
        shown_seconds, decoded_seconds = times
        made: Any = av.Packet(packet.content)
        made.stream, made.time_base = self._stream, _TICK
        # Two within a millisecond still need different times.
        made.dts = max(round(decoded_seconds / _TICK), self._last_dts + 1)
        made.pts = max(round(shown_seconds / _TICK), made.dts)
        made.is_keyframe = packet.is_key
        self._last_dts = made.dts
        self._container.mux(made)
        self._file.check()

    def close(self) -> None:
        try:
            self._container.close()
        finally:
            self._told.close()
            self._file.close()


class _Seen:
    """Packets decoded, seen through what hides a part, and encoded anew."""

    def __init__(
        self,
        first: StreamPacket,
        look: Look,
        frames_per_second: float,
        open_file: Callable[[tuple[int, int]], EncodedFile],
    ) -> None:
        self._look = look
        self._head = first.head
        self._open_file = open_file
        self._step_seconds = 1 / frames_per_second
        decoder = av.CodecContext.create(first.coding, "r")
        assert isinstance(decoder, VideoCodecContext)
        self._decoder = decoder
        self._decoder.thread_count = 1
        self._converter = RgbConverter()
        self._file: EncodedFile | None = None
        self._size_hw = (0, 0)
        self._due_seconds = 0.0
        self._times = _Times()

    def write(self, packet: StreamPacket, at_seconds: float) -> None:
        times = self._times.of(packet)
        if times is None:
            return
        shown_seconds, decoded_seconds = times
        made: Any = av.Packet(self._head + packet.content)
        self._head = b""
        made.time_base = _TICK
        made.pts, made.dts = round(shown_seconds / _TICK), round(decoded_seconds / _TICK)
        self._write(made)

    def close(self) -> None:
        self._write(None)
        if self._file is not None:
            self._file.close()

    def _write(self, packet: Any) -> None:
        try:
            pictures = self._decoder.decode(packet)
        except av.error.FFmpegError:  # damaged on its way; the next may not be
            return
        for picture in pictures:
            at_seconds = float((picture.pts or 0) * _TICK)
            if at_seconds < self._due_seconds - self._step_seconds / 4:
                continue
            self._due_seconds = max(self._due_seconds, at_seconds) + self._step_seconds
            image = self._look(self._converter.to_rgb(picture))
            if self._file is None:
                self._size_hw = even_size_of((image.shape[0], image.shape[1]))
                self._file = self._open_file(self._size_hw)
            if image.shape[:2] != self._size_hw:
                image = cv2.resize(image, self._size_hw[::-1])
            self._file.write(image, at_seconds)


def _all(image_rgb: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return image_rgb
