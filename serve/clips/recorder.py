"""The packets of a camera's stream, read without being decoded, for its clips.

A camera often has a small stream to look at and a large one to keep. The large one is read here, by
a thread of its own that reconnects without limit, as for any other source.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from rtaction.errors import UsageError
from rtaction.frame import FrameDamaged, FrameLike
from rtaction.realtime.cameras.camera import Camera
from rtaction.realtime.sources.network import StreamSource
from rtaction.realtime.sources.stream_packets import StreamPacket
from rtaction.realtime.watching.feed import Feed
from rtaction.realtime.watching.options import WatchOptions
from rtaction.realtime.windows.state import State

_OPTIONS = WatchOptions(keep_frames=False)


class Recorder:
    """Reads a camera's packets, for as long as it is not closed.

    Args:
        camera: the stream to keep, of the kind "rtsp" or "http".
        on_packet: called with each packet, on the thread that reads.
        on_loss: called when the connection is lost: what comes later does not go with it.

    Raises:
        UsageError: another kind of source has no packets.
    """

    def __init__(
        self,
        camera: Camera,
        on_packet: Callable[[StreamPacket], None],
        on_loss: Callable[[], None],
    ) -> None:
        if camera.address.kind not in ("rtsp", "http"):
            raise UsageError(
                f"{camera.name}: only what comes by rtsp:// or http:// can be recorded as it comes"
            )
        self.camera = camera
        self._feed = Feed(
            camera,
            _Taker(on_packet, on_loss),
            threading.Event(),
            _OPTIONS,
            open_with=_PacketSource,
        )
        self._feed.start()

    @property
    def is_up(self) -> bool:
        """Whether packets come."""
        return self._feed.link == "up"

    @property
    def reason(self) -> str:
        """Why none come, for a person; "" if they do."""
        return "" if self._feed.error is None else str(self._feed.error)

    @property
    def num_reconnects(self) -> int:
        """Successful attempts after a loss."""
        return self._feed.num_reconnects

    def close(self, timeout_seconds: float = 0.0) -> None:
        """End the thread; it may still hang in the network for a few seconds."""
        self._feed.close()
        self._feed.join(timeout_seconds)


@dataclass(frozen=True, slots=True, eq=False)
class _PacketFrame:
    """A packet for a feed, which asks for the time of a frame only."""

    packet: StreamPacket
    index: int
    segment: int = 0

    @property
    def source(self) -> str:
        return self.packet.source

    @property
    def captured_at_seconds(self) -> float:
        return self.packet.at_seconds

    @property
    def image(self) -> NoReturn:
        raise FrameDamaged("it is not decoded")


class _PacketSource:
    """A stream whose frames are its packets."""

    is_live = True

    def __init__(self, camera: Camera) -> None:
        self._stream = StreamSource(camera)
        self.name = camera.name
        # A file that a server sends begins anew, as a camera that has ended its stream does.
        self.is_finite = False
        self.frames_per_second = self._stream.frames_per_second
        self.drops: Counter[str] = self._stream.drops

    def frames(self) -> Iterator[FrameLike]:
        for index, packet in enumerate(self._stream.packets()):
            yield _PacketFrame(packet, index)

    def close(self) -> None:
        self._stream.close()


class _Taker:
    """What a feed gives its frames to."""

    state: State = "ok"

    def __init__(
        self, on_packet: Callable[[StreamPacket], None], on_loss: Callable[[], None]
    ) -> None:
        self.drops: Counter[str] = Counter()
        self._on_packet = on_packet
        self._on_loss = on_loss

    def push(self, frame: Any) -> bool:
        self._on_packet(frame.packet)
        return False

    def clear(self) -> None:
        self._on_loss()
