"""Clips of the packets of a camera: kept as they came, or seen through what hides a part of them.

This module knows nothing about events and cameras.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from rtaction.opencv import cv2  # isort: skip  # before PyAV: windows hang with its libxcb
import av
import numpy.typing as npt
from av.video.codeccontext import VideoCodecContext

from rtaction.errors import OutputError
from rtaction.realtime.sources.stream_packets import StreamPacket
from rtaction.video.rgb_converter import RgbConverter
from rtaction.video.told_file import ToldFile
from rtaction.video.writer import FRAGMENTED, EncodedFile, even_size_of

Look = Callable[[npt.NDArray[Any]], npt.NDArray[Any]]
"""What may be seen of a picture, uint8 RGB, shape (height, width, 3): turned, cut, blackened."""

CODINGS = ("h264", "hevc")
"""What can be kept as it came; not all browsers play the second, H.265."""

_TICK = Fraction(1, 90_000)
# A camera that sets its clock; what came at the same time was not taken minutes apart.
_LONGEST_STEP_SECONDS = 5.0


class PacketFile:
    """An .mp4 of packets, created with the first. Only the writing thread touches the disk.

    Args:
        path: the file; it is replaced if it exists.
        look: what may be seen. None: all, and packets are kept as they are.
        codings: of packets that are kept as they are, of `CODINGS`; others are always encoded anew.
        frames_per_second: of what has to be encoded anew: frames beyond it are passed over.
        uses_hardware: encode by the graphics processor where it can.
        comment: what the file says of itself, from the time of its first packet.
    """

    def __init__(
        self,
        path: Path,
        look: Look | None,
        *,
        codings: Sequence[str],
        frames_per_second: float,
        uses_hardware: bool,
        comment: Callable[[float], str],
    ) -> None:
        self.failed = False
        self._path = path
        self._look = look
        self._codings = codings
        self._frames_per_second = frames_per_second
        self._uses_hardware = uses_hardware
        self._comment = comment
        self._packets: _Packets | None = None
        self._times = _Times()
        self._num_packets = 0

    @property
    def path(self) -> Path | None:
        """Where it is; None before its first packet."""
        return self._path if self._num_packets else None

    def write(self, packet: StreamPacket) -> None:
        """Add a packet; the first is a key. Those of another connection are passed over.

        Raises:
            OutputError: it cannot be written.
        """
        with self._telling():
            if self._packets is None:
                comment = self._comment(packet.at_seconds)
                if self._look is None and packet.coding in self._codings:
                    self._packets = _Copied(self._path, packet, comment)
                else:
                    self._packets = _Seen(
                        packet,
                        self._look or _all,
                        self._frames_per_second,
                        partial(
                            EncodedFile,
                            *(self._path, self._frames_per_second),
                            uses_hardware=self._uses_hardware,
                            comment=comment,
                        ),
                    )
            at = self._times.of(packet)
            if at is not None:
                self._packets.write(packet, *at)
                self._num_packets += 1

    def close(self) -> None:
        """Finish the file.

        Raises:
            OutputError: it cannot be written.
        """
        if self._packets is not None:
            with self._telling():
                self._packets.close()

    def abandon(self) -> None:
        """Keep what was written, if anything."""
        self.failed = True
        # The error that led here says it all.
        with suppress(OutputError):
            self.close()
        if not self._num_packets:
            with suppress(OSError):
                self._path.unlink(missing_ok=True)

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError, av.FFmpegError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise OutputError(f"{self._path}: {reason}") from None


class _Packets(Protocol):
    def write(self, packet: StreamPacket, shown_seconds: float, decoded_seconds: float) -> None:
        """Add a packet, at its times from the first one."""

    def close(self) -> None:
        """Finish the file."""


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
        self._last_dts = -1

    def write(self, packet: StreamPacket, shown_seconds: float, decoded_seconds: float) -> None:
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

    def write(self, packet: StreamPacket, shown_seconds: float, decoded_seconds: float) -> None:
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
