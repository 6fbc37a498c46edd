"""The interface of a source of frames."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from rtaction.frame import FrameLike
from rtaction.realtime.sources.turns import Turn

if TYPE_CHECKING:
    from rtaction.realtime.sources.stream_packets import StreamPacket


class BareSource(Protocol):
    """A source of frames, without a view."""

    name: str
    is_live: bool
    frames_per_second: float

    def frames(self) -> Iterator[FrameLike]:
        """The frames, from now on."""

    def close(self) -> None:
        """End `frames` soon, from any thread."""


class Source(Protocol):
    """A source of frames."""

    name: str
    is_live: bool
    is_finite: bool
    """Whether it may end without being lost."""
    frames_per_second: float
    """The rate that the source declares; 0.0 if it declares none. Only good enough for a saved
    video."""
    drops: Counter[str]
    """Number of frames that came and were not given, by reason."""

    def frames(self) -> Iterator[FrameLike]:
        """The frames, from now on."""

    def close(self) -> None:
        """End `frames` soon, from any thread."""


@runtime_checkable
class GivesPackets(Protocol):
    """A source that shows what it reads before it is decoded."""

    on_packet: Callable[[StreamPacket], None] | None
    """Called with every packet, on the thread that reads; set before the first frame is taken."""


@runtime_checkable
class TakesTurns(Protocol):
    """A source that can be read on without being decoded, if others are to be decoded instead."""

    turn: Turn
    """Set before its first frame is taken."""
