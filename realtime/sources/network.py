"""Network streams: RTSP, Motion JPEG and HLS, read by FFmpeg through PyAV.

PyAV rather than OpenCV, because it distinguishes a wrong password from a wrong path, honours its
timeouts, and decodes only on request. This module knows nothing about models or reconnecting.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from itertools import chain
from typing import Any, TypeAlias

import av
import numpy.typing as npt
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from rtaction.errors import CameraLost
from rtaction.frame import DeferredFrame, FrameDamaged
from rtaction.realtime.cameras.camera import Camera
from rtaction.realtime.sources.connecting import forget_transport, open_stream, transport_of
from rtaction.realtime.sources.network_errors import not_in_parts, single_picture
from rtaction.realtime.sources.stamps import ArrivalStamps, PacedStamps, PtsStamps, Stamps
from rtaction.realtime.sources.stream_packets import PacketReader, StreamPacket
from rtaction.realtime.sources.turns import Turns
from rtaction.video.jpeg import jpeg_size_hw
from rtaction.video.rgb_converter import RgbConverter

# A sender may announce any size; a frame of this many pixels takes 200 MB as RGB.
MAX_PIXELS = 8192 * 8192
# After skipping what had piled up in our buffers, a frame is current again if no later than this,
# or if this many had to be waited for: then the sender itself is late.
_CAUGHT_UP_SECONDS = 0.2
_CAUGHT_UP_WAITS = 3
_NO_WAIT_SECONDS = 0.002
# A sender that stays this late never catches up; a new session starts with current frames.
_HOPELESS_SECONDS, _HOPELESS_FOR_SECONDS = 1.0, 5.0
_INTRA_ONLY = {"mjpeg"}

ImageMaker = Callable[[], npt.NDArray[Any]]
VideoPacket: TypeAlias = "Packet[VideoStream]"  # subscriptable only for type checkers


class StreamSource:
    """A camera or a stream on the network.

    RTSP frames are stamped by their PTS, mapped to the monotonic clock; Motion JPEG frames, which
    have none, on arrival; HLS and files, which come in large pieces, are played in real time.

    Args:
        camera: with an address of the kind "rtsp" or "http".

    Raises:
        SourceMissing: no answer, or no such host.
        StreamMissing: no stream with that path.
        SourceRefused: wrong user or password.
        SourceUnreadable: the response cannot be decoded.

    Attributes:
        drops: number of frames that came and were not given, by reason: "burst" (age unknown),
            "damaged", "oversized", "behind" (skipped to catch up, or while others are decoded).
        turn: when it may be decoded. Default: always, unless it falls behind.
        on_packet: called with every packet before it is decoded. Default None.
        is_finite: whether it may end without being lost: a video file over HTTP.
    """

    is_live = True

    def __init__(self, camera: Camera) -> None:
        self.name = camera.name
        self.drops: Counter[str] = Counter()
        self._camera = camera
        self.turn = Turns().join()
        self.on_packet: Callable[[StreamPacket], None] | None = None
        self._closing = threading.Event()
        self._container = open_stream(camera)
        self._stream = self._container.streams.video[0]
        self._demuxed: Iterator[VideoPacket] = self._container.demux(self._stream)
        self._decoder: VideoCodecContext = self._stream.codec_context
        self._decoder.thread_count = 1  # one thread per camera is enough, and bounds the total
        self._decoder.options = _decoder_options(self._decoder.name)
        self._decoding = threading.Lock()
        self._reader = PacketReader(self.name, self._stream)
        self._converter = RgbConverter()
        self._segment = 0
        self._index = 0
        self._num_packets = 0
        self._size_hw: tuple[int, int] | None = None
        self._num_waits = 0
        self._behind_since_seconds: float | None = None
        kind = self._container.format.name
        # Other streams are paced by their timestamps; for Motion JPEG, FFmpeg derives those from an
        # assumed rate.
        self.is_finite = camera.address.kind == "http" and self._container.duration is not None
        self._stamps: Stamps
        if camera.address.kind == "rtsp":
            self._stamps = PtsStamps()
        elif kind in ("mpjpeg", "mjpeg", "jpeg_pipe"):
            self._stamps, self.is_finite = ArrivalStamps(), False
        else:
            self._stamps = PacedStamps(self._closing.is_set)
        if kind.endswith("_pipe"):
            self._look_for_a_second_picture()
        rate = float(self._stream.average_rate or 0)
        self.frames_per_second = rate if 1 <= rate <= 240 else 0.0

    def frames(self) -> Iterator[DeferredFrame]:
        """RGB frames on the monotonic clock, with pixels made on demand.

        Raises:
            CameraLost: it ended or stopped answering.
            SourceUnreadable: a file, of whose frames the server sends none.
        """
        self.turn.enter()
        try:
            for packet in self._packets():
                arrived_at_seconds = time.monotonic()
                if self.on_packet is not None:
                    copy = self._reader.read(packet, arrived_at_seconds)
                    if copy is not None:
                        self.on_packet(copy)
                if self._decoder.name in _INTRA_ONLY:
                    yield from self._whole_picture(packet, arrived_at_seconds)
                else:
                    yield from self._decoded(packet, arrived_at_seconds)
                if self._closing.is_set():
                    return
        finally:
            self.turn.leave()
            with self._decoding:
                self._container.close()

    def packets(self) -> Iterator[StreamPacket]:
        """What comes, undecoded, instead of `frames`; with the same errors."""
        is_sent_in_time = isinstance(self._stamps, PtsStamps)
        try:
            for packet in self._packets():
                now = time.monotonic()
                pts_seconds = _seconds(packet.dts, packet.time_base)
                at_seconds = None if is_sent_in_time else self._stamps.stamp(pts_seconds, now)
                copy = self._reader.read(packet, now if at_seconds is None else at_seconds)
                if copy is not None:
                    yield copy
                if self._closing.is_set():
                    return
        finally:
            self._container.close()

    def close(self) -> None:
        """End `frames` or `packets` after what is being read."""
        self._closing.set()

    def _look_for_a_second_picture(self) -> None:
        """Pictures one after the other are a stream; a single one is not."""
        ahead: list[VideoPacket] = []
        with suppress(StopIteration, av.error.FFmpegError, OSError):
            while len(ahead) < 2 and (packet := next(self._demuxed)).size > 0:
                ahead.append(packet)
        if len(ahead) < 2:
            self._container.close()
            raise single_picture(self._camera)
        self._demuxed = chain(ahead, self._demuxed)

    def _packets(self) -> Iterator[VideoPacket]:
        silence = f"{self.name} has sent nothing for {self._camera.read_timeout_seconds:g} s"
        if transport_of(self._camera) == "udp":
            silence += " by UDP; a firewall may be in the way"
        while True:
            asked_seconds = time.monotonic()
            try:
                packet = next(self._demuxed)
            except (StopIteration, av.error.EOFError):
                break
            except av.error.ExitError:
                if self._num_packets == 0:
                    forget_transport(self._camera)
                raise CameraLost(silence) from None
            except (av.error.FFmpegError, OSError):
                # Their text contains the URL with the password.
                if self._num_packets == 0 and self.is_finite and self._stream.frames:
                    raise not_in_parts(self._camera) from None
                raise CameraLost(f"{self.name}: the connection broke") from None
            if packet.size == 0:
                break
            self._num_packets += 1
            waited_seconds = time.monotonic() - asked_seconds
            self._num_waits = self._num_waits + 1 if waited_seconds > _NO_WAIT_SECONDS else 0
            if waited_seconds >= self._camera.read_timeout_seconds:
                raise CameraLost(silence)  # FFmpeg's parser had held back a packet until now
            yield packet
        if not (self._closing.is_set() or self.is_finite):
            raise CameraLost(f"{self.name} has ended the stream")

    def _whole_picture(
        self, packet: VideoPacket, arrived_at_seconds: float
    ) -> Iterator[DeferredFrame]:
        """Every frame is a key frame, so even decoding can be deferred."""
        pts_seconds = _seconds(packet.pts, packet.time_base)
        at_seconds = self._stamps.stamp(pts_seconds, arrived_at_seconds)
        if at_seconds is None:
            self.drops["burst"] += 1
            return

        def make_image() -> npt.NDArray[Any]:
            # Whoever requests the pixels counts a damaged frame.
            try:
                with self._decoding:
                    pictures = self._decoder.decode(packet)
            except (av.error.FFmpegError, MemoryError):
                raise FrameDamaged from None
            if not pictures:
                raise FrameDamaged
            return self._to_rgb(pictures[-1])

        size_hw = jpeg_size_hw(bytes(packet))
        if size_hw is None:
            self.drops["damaged"] += 1
        elif self._takes_size(size_hw):
            yield self._frame(make_image, at_seconds)

    def _decoded(self, packet: VideoPacket, arrived_at_seconds: float) -> Iterator[DeferredFrame]:
        if self.turn.is_waiting and not self._begins(packet, arrived_at_seconds):
            self.drops["behind"] += 1
            return
        for picture in self._decode(packet):
            if not self._takes_size((picture.height, picture.width)):
                continue
            pts_seconds = _seconds(picture.pts, picture.time_base)
            at_seconds = self._stamps.stamp(pts_seconds, arrived_at_seconds)
            if at_seconds is None:
                self.drops["burst"] += 1
                continue
            self._stay_in_the_present(time.monotonic() - at_seconds)
            yield self._frame(partial(self._to_rgb, picture), at_seconds)

    def _decode(self, packet: VideoPacket) -> list[VideoFrame]:
        try:
            pictures = self._decoder.decode(packet)
        except (av.error.FFmpegError, MemoryError):
            # The decoder rejects a frame above its option `max_pixels`, but has parsed its size.
            is_oversized = self._decoder.height * self._decoder.width > MAX_PIXELS
            self.drops["oversized" if is_oversized else "damaged"] += 1
            return []
        whole = [picture for picture in pictures if not picture.is_corrupt]
        self.drops["damaged"] += len(pictures) - len(whole)
        return whole

    def _frame(self, make_image: ImageMaker, at_seconds: float) -> DeferredFrame:
        index, self._index = self._index, self._index + 1
        return DeferredFrame(
            make_image, at_seconds, index, self.name, self._segment + self._stamps.segment
        )

    def _to_rgb(self, picture: VideoFrame) -> npt.NDArray[Any]:
        return self._camera.view.apply(self._converter.to_rgb(picture))

    def _takes_size(self, size_hw: tuple[int, int]) -> bool:
        if size_hw[0] * size_hw[1] > MAX_PIXELS:
            self.drops["oversized"] += 1
            return False
        if size_hw != self._size_hw:
            self._segment += self._size_hw is not None
            self._size_hw = size_hw
        return True

    def _begins(self, packet: VideoPacket, arrived_at_seconds: float) -> bool:
        """Whether to decode again, from this packet on. Until then, packets are only read."""
        pts_seconds = _seconds(packet.pts, packet.time_base)
        late_seconds = self._stamps.late_seconds(pts_seconds, arrived_at_seconds)
        is_current = (
            late_seconds is None
            or late_seconds < _CAUGHT_UP_SECONDS
            or self._num_waits >= _CAUGHT_UP_WAITS
        )
        nap_seconds = self.turn.nap_seconds
        if is_current and nap_seconds:
            # To read what has come meanwhile all at once costs a third.
            self._closing.wait(nap_seconds)
        elif is_current and packet.is_keyframe and self.turn.begin():
            self._decoder.flush_buffers()
            return True
        elif not nap_seconds:
            self._raise_if_hopeless(late_seconds or 0.0)
        return False

    def _stay_in_the_present(self, age_seconds: float) -> None:
        """Stop decoding if more has piled up than can be decoded in time.

        If reading had to wait, nothing has piled up in our buffers: the sender itself is late.
        """
        self._raise_if_hopeless(age_seconds)
        self.turn.goes_on(0.0 if self._num_waits else age_seconds)

    def _raise_if_hopeless(self, late_seconds: float) -> None:
        if late_seconds < _HOPELESS_SECONDS:
            self._behind_since_seconds = None
            return
        now = time.monotonic()
        self._behind_since_seconds = self._behind_since_seconds or now
        if now - self._behind_since_seconds > _HOPELESS_FOR_SECONDS:
            raise CameraLost(f"{self.name} is {late_seconds:.1f} s late")


def _decoder_options(coding: str) -> dict[str, str]:
    # By default FFmpeg silently fills the missing half of a JPEG with gray.
    whole = {"err_detect": "explode"} if coding in _INTRA_ONLY else {}
    return {"max_pixels": str(MAX_PIXELS)} | whole


def _seconds(pts: int | None, time_base: Any) -> float | None:
    return None if pts is None or time_base is None else float(pts * time_base)
