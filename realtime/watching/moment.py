"""The news that a run gives its caller from one moment to the next."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field

from rtaction.frame import FrameLike
from rtaction.pose.tracker import Person
from rtaction.prediction import Prediction
from rtaction.realtime.windows.state import State


@dataclass(frozen=True, slots=True)
class StateChange:
    """A source changes its state, that is, whether labels can be given for it.

    Args:
        source: name of the source.
        state: the new state.
        reason: why, for a person; "" if the state says it all.
        at_seconds: time of the change, on the source's clock.
    """

    source: str
    state: State
    reason: str
    at_seconds: float


@dataclass(frozen=True, slots=True)
class Leave:
    """Somebody has left, does not count any longer, or is seen too seldom to be judged.

    Args:
        source: name of the source.
        person: their id.
    """

    source: str
    person: int


@dataclass(frozen=True, slots=True)
class PeopleSeen:
    """Who was seen in the newest picture that was looked at.

    Args:
        source: name of the source.
        people: those who count, with joints in pixels.
    """

    source: str
    people: tuple[Person, ...]


@dataclass(frozen=True, slots=True)
class Moment:
    """The news since the moment before.

    Args:
        frames: the newest frame of each source that has a new one; empty if nothing is drawn.
        predictions: of the windows that were due.
        changes: state changes of sources.
        people: of sources in which somebody looked for people.
        left: those who have left.
    """

    frames: list[FrameLike] = field(default_factory=list)
    predictions: list[Prediction] = field(default_factory=list)
    changes: list[StateChange] = field(default_factory=list)
    people: list[PeopleSeen] = field(default_factory=list)
    left: list[Leave] = field(default_factory=list)


Moments = Generator[Moment, None, None]
