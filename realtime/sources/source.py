"""What a source of frames is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Protocol

from rtaction.deferred_frame import FrameLike
from rtaction.frame import Frame


class BareSource(Protocol):
    """A source of plain frames, without a view."""

    name: str
    is_live: bool
    frames_per_second: float

    def frames(self) -> Iterator[Frame]:
        """The frames, from now on."""

    def close(self) -> None:
        """End `frames` soon, from any thread."""


class Source(Protocol):
    """Where frames come from."""

    name: str
    is_live: bool
    is_finite: bool
    """Whether its end is no loss."""
    frames_per_second: float
    """What the source says of its rate; 0.0 where it says nothing. Fit for a saved video, no
    more."""
    drops: Counter[str]
    """Pictures that came and were not given, by reason."""

    def frames(self) -> Iterator[FrameLike]:
        """The frames, from now on."""

    def close(self) -> None:
        """End `frames` soon, from any thread."""
