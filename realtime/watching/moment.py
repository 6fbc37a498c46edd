"""What a watch tells its caller from one moment to the next."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field

from rtaction.deferred_frame import FrameLike
from rtaction.prediction import Prediction
from rtaction.realtime.windows.state import State


@dataclass(frozen=True, slots=True)
class StateChange:
    """A source begins or ceases to be fit for labels.

    Args:
        source: name of the source.
        state: from now on.
        reason: why, for a person; "" where the state says it all.
        at_seconds: when, on the source's clock.
    """

    source: str
    state: State
    reason: str
    at_seconds: float


@dataclass(frozen=True, slots=True)
class Moment:
    """What is new.

    Args:
        frames: the newest frame of each source that has a new one; none where nobody draws.
        predictions: of the windows that have come due.
        changes: of sources' states.
    """

    frames: list[FrameLike] = field(default_factory=list)
    predictions: list[Prediction] = field(default_factory=list)
    changes: list[StateChange] = field(default_factory=list)


Moments = Generator[Moment, None, None]
