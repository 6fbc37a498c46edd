"""Who of the people in front of a camera counts: those in a region, the largest, or the first few.

This file knows nothing of pictures or windows.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from rtaction.pose.keypoints import JOINTS, Pose
from rtaction.pose.normal import normalised
from rtaction.pose.region import Region, Zone
from rtaction.pose.tracker import Person
from rtaction.sampling import TIME_TOLERANCE_SECONDS

Persons = Literal["all", "largest"]

# Steps back and forth over the edge of a region are neither the end of an event nor a new one.
_OUTSIDE_SECONDS = 1.0
# Of two who are about equally large, the one who was the largest remains it.
_LARGER = 1.25
_MOST_FOUND = 6  # by the network that finds people
_SIZE_SHARE = 0.2  # of a new size in the mean
_LAST_PLACE = 1 - 1e-6  # a region that ends with the picture does not contain 1 itself
_FEET = [JOINTS.index("left_ankle"), JOINTS.index("right_ankle")]


@dataclass(frozen=True, slots=True)
class CountOptions:
    """Who counts.

    Args:
        max_persons: at most so many at once, at least 1; others once somebody has left. Default 6.
        person: "all", or only the "largest". Default "all".
        region: only those who stand there. Default None: the whole picture.
        zones: it is told who of them stands there. Default none.

    Raises:
        ValueError: a value is out of range.
    """

    max_persons: int = _MOST_FOUND
    person: Persons = "all"
    region: Region | None = None
    zones: tuple[Zone, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.max_persons, int) or self.max_persons < 1:
            raise ValueError(
                f"max_persons must be a whole number, 1 or more, got {self.max_persons!r}"
            )
        if self.person not in get_args(Persons):
            raise ValueError(f'person must be "all" or "largest", got {self.person!r}')

    @property
    def most_followed(self) -> int:
        """How many people to follow, to know who counts."""
        chooses = self.region is not None or self.person == "largest"
        return max(self.max_persons, _MOST_FOUND) if chooses else self.max_persons


EVERYBODY = CountOptions()
"""Everybody who is found counts."""


@dataclass(slots=True)
class PeopleNews:
    """What is new about the people of a source.

    Args:
        people: those who count and were seen in the newest picture that was looked at; None if
            none was since the last time.
        left: ids of those who have left, do not count any longer, or are seen too seldom to be
            judged any longer; the last may be judged again.
    """

    people: list[Person] | None = None
    left: list[int] = field(default_factory=list)


class WhoCounts:
    """Who counts, from picture to picture.

    Args:
        options: see `CountOptions`.

    Attributes:
        numbers: the ids of those who count, in the order in which they began to.
    """

    def __init__(self, options: CountOptions) -> None:
        self.numbers: list[int] = []
        self._options = options
        self._in_region = _WhoIsIn(options.region)
        self._in_zones = {zone.name: _WhoIsIn(zone.region) for zone in options.zones}
        self._sizes: dict[int, float] = {}
        self._now_seconds = -math.inf

    def see(
        self, people: Sequence[Person], time_seconds: float, size_hw: tuple[int, int]
    ) -> list[int]:
        """Take the next picture.

        Args:
            people: all who are followed, the hidden ones too.
            time_seconds: of the picture.
            size_hw: its height and width, in pixels.

        Returns:
            The ids of those who counted before, and do so no longer.
        """
        for person in people:
            if person.last_seen_seconds == time_seconds:
                self._measure(person, time_seconds, size_hw)
        followed = [person.number for person in people]
        for who in (self._in_region, *self._in_zones.values()):
            who.keep(followed)
        self._sizes = {number: size for number, size in self._sizes.items() if number in followed}
        self._now_seconds = time_seconds
        before, self.numbers = self.numbers, self._chosen(followed)
        return [number for number in before if number not in self.numbers]

    def zones_of(self, number: int) -> tuple[str, ...]:
        """The names of the zones in which somebody stands."""
        return tuple(
            name for name, who in self._in_zones.items() if who.has(number, self._now_seconds)
        )

    def _measure(self, person: Person, time_seconds: float, size_hw: tuple[int, int]) -> None:
        number, place = person.number, standing_place(person.pose, size_hw)
        for who in (self._in_region, *self._in_zones.values()):
            who.see(number, place, time_seconds)
        size = float(normalised(person.pose.points, size_hw).unit)
        before = self._sizes.get(number, size)
        self._sizes[number] = before + _SIZE_SHARE * (size - before)

    def _chosen(self, followed: Sequence[int]) -> list[int]:
        inside = [number for number in followed if self._in_region.has(number, self._now_seconds)]
        if self._options.person == "largest":
            return self._largest(inside)
        kept = [number for number in self.numbers if number in inside]
        new = [number for number in inside if number not in kept]
        return [*kept, *new][: self._options.max_persons]

    def _largest(self, numbers: Sequence[int]) -> list[int]:
        if not numbers:
            return []
        largest = max(numbers, key=lambda number: self._sizes[number])
        for number in self.numbers:
            if number in numbers and self._sizes[largest] < _LARGER * self._sizes[number]:
                return [number]
        return [largest]


class _WhoIsIn:
    """Who stands in a region, from picture to picture; None is the whole picture."""

    def __init__(self, region: Region | None) -> None:
        self._region = region
        # When somebody was first seen outside of the region since they were last seen in it.
        self._outside_since_seconds: dict[int, float] = {}

    def see(self, number: int, place_xy: tuple[float, float], time_seconds: float) -> None:
        """Take where somebody stands now."""
        if self._region is None or self._region.contains(*place_xy):
            self._outside_since_seconds[number] = math.inf
        elif self._outside_since_seconds.get(number) in (None, math.inf):
            was_inside = number in self._outside_since_seconds
            self._outside_since_seconds[number] = time_seconds if was_inside else -math.inf

    def keep(self, numbers: Collection[int]) -> None:
        """Forget all others."""
        since = self._outside_since_seconds
        self._outside_since_seconds = {one: at for one, at in since.items() if one in numbers}

    def has(self, number: int, time_seconds: float) -> bool:
        """Whether somebody is in it, or has only just stepped out of it."""
        since_seconds = self._outside_since_seconds.get(number, -math.inf)
        return time_seconds - since_seconds < _OUTSIDE_SECONDS


class Judgements:
    """Who was judged, and whose last judgement is too long ago for what they did to go on.

    Args:
        patience_seconds: how long ago that is.
    """

    def __init__(self, patience_seconds: float) -> None:
        self._patience_seconds = patience_seconds + TIME_TOLERANCE_SECONDS
        self._last_seconds: dict[int, float] = {}

    def see(
        self, judged: Collection[int], counting: Collection[int], time_seconds: float
    ) -> list[int]:
        """Take the next window of a source.

        Args:
            judged: ids of those who are judged in it.
            counting: ids of all who count.
            time_seconds: its end.

        Returns:
            The ids of those who count, and were judged once, but are no longer.
        """
        self._last_seconds |= dict.fromkeys(judged, time_seconds)
        lapsed = [
            number
            for number, last_seconds in self._last_seconds.items()
            if time_seconds - last_seconds > self._patience_seconds
        ]
        kept = set(counting) - set(lapsed)
        self._last_seconds = {n: at for n, at in self._last_seconds.items() if n in kept}
        return [number for number in lapsed if number in counting]


def standing_place(pose: Pose, size_hw: tuple[int, int]) -> tuple[float, float]:
    """Where somebody stands, x and y in shares of the picture.

    The middle between the feet, or the one foot that is seen, or else the middle of the box; moved
    into the picture if it lies outside, as feet do that its edge cuts off.
    """
    height, width = size_hw
    feet = [pose.points[foot] for foot in _FEET if pose.visible[foot]]
    if feet:
        y, x = (sum(float(foot[axis]) for foot in feet) / len(feet) for axis in (0, 1))
    else:
        top, left, bottom, right = pose.box
        y, x = (top + bottom) / 2, (left + right) / 2
    x, y = (min(max(place, 0.0), _LAST_PLACE) for place in (x / width, y / height))
    return x, y
