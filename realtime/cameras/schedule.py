"""When a camera is watched: hours of days of the week, by a clock on a wall.

This module knows nothing about cameras.
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY_MINUTES = 24 * 60
_WEEK_MINUTES = 7 * _DAY_MINUTES
_HOURS = re.compile(r"(\d{1,2}):(\d\d)\s*-\s*(\d{1,2}):(\d\d)", re.ASCII)
_EXPECTED = (
    'expected hours of days, such as "mon-fri 07:00-19:00", "sat,sun 22:00-06:00" or "07:00-19:00"'
)
# Two weeks, as a change of the clock may leave out the only hours of a week.
_LOOK_AHEAD_DAYS = 15


@dataclass(frozen=True, slots=True)
class Hours:
    """The same hours of some days of the week.

    Args:
        days: on which they begin, 0 for Monday to 6 for Sunday.
        start_minute: of the day, 0 to 1439.
        num_minutes: how long they last on a clock, 1 to 1440; they may end on the next day.
    """

    days: frozenset[int]
    start_minute: int
    num_minutes: int

    @classmethod
    def parse(cls, text: str) -> Hours:
        """Hours such as "mon-fri 07:00-19:00".

        Args:
            text: days, hours or both: days as "sat", "mon-fri" or "mon,wed,sat-sun"; hours as
                "07:00-19:00", or "22:00-06:00" for those up to the next morning. "00:00-24:00" is
                the whole day.

        Raises:
            ValueError: it is something else.
        """
        words = text.lower().split(maxsplit=1)
        if not words:
            raise ValueError(f"{_EXPECTED}; got an empty text")
        has_days = not words[0][0].isdigit()
        days = _days(words[0], text) if has_days else frozenset(range(7))
        rest = (words[1] if len(words) > 1 else "") if has_days else text.strip()
        if not rest:
            return cls(days, 0, _DAY_MINUTES)
        found = _HOURS.fullmatch(rest)
        if found is None:
            raise ValueError(f"{_EXPECTED}; got {text!r}")
        start, end = (
            _minute(found[first], found[first + 1], text, is_end=first == 3) for first in (1, 3)
        )
        if start == end:
            raise ValueError(
                f'hours must not end when they begin, got {text!r}; "00:00-24:00" is the whole day'
            )
        return cls(days, start, (end - start) % _DAY_MINUTES or _DAY_MINUTES)

    def contain(self, minute: int) -> bool:
        """Whether a minute of the week lies in them, counted from Monday, 00:00."""
        return any(
            (minute - day * _DAY_MINUTES - self.start_minute) % _WEEK_MINUTES < self.num_minutes
            for day in self.days
        )


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a camera is watched.

    Where clocks go back, hours that come twice count twice; those that are left out never come.

    Args:
        hours: when it is watched. Default: always.
        quiet: when it is not, although `hours` say so. Default: never.
        timezone: whose clocks are meant, such as "Europe/Berlin". Default None: of this machine.

    Raises:
        ValueError: there is no such time zone.
    """

    hours: tuple[Hours, ...] = ()
    quiet: tuple[Hours, ...] = ()
    timezone: str | None = None

    def __post_init__(self) -> None:
        if self.timezone is not None:
            _zone(self.timezone)

    @classmethod
    def parse(
        cls, hours: Sequence[str] = (), quiet: Sequence[str] = (), timezone: str | None = None
    ) -> Schedule:
        """A schedule of texts, see `Hours.parse`.

        Raises:
            ValueError: one of them is something else, or there is no such time zone.
        """
        return cls(
            tuple(Hours.parse(text) for text in hours),
            tuple(Hours.parse(text) for text in quiet),
            timezone,
        )

    @property
    def is_always(self) -> bool:
        """Whether nothing was said."""
        return not (self.hours or self.quiet)

    def is_active(self, at: datetime) -> bool:
        """Whether the camera is watched.

        Args:
            at: with a time zone.

        Raises:
            ValueError: a time without a time zone.
        """
        here = self._on_the_wall(at)
        minute = here.weekday() * _DAY_MINUTES + here.hour * 60 + here.minute
        is_in = not self.hours or any(one.contain(minute) for one in self.hours)
        return is_in and not any(one.contain(minute) for one in self.quiet)

    def next_change(self, at: datetime) -> datetime | None:
        """The first time after `at` at which `is_active` is another, in UTC; None if it never is.

        Args:
            at: with a time zone.
        """
        now = self.is_active(at)
        later = (one for one in sorted(set(self._turns(at))) if one > at)
        return next((one for one in later if self.is_active(one) is not now), None)

    def _on_the_wall(self, at: datetime) -> datetime:
        if at.tzinfo is None:
            raise ValueError(f"expected a time with a time zone, got {at}")
        return at.astimezone(None if self.timezone is None else _zone(self.timezone))

    def _turns(self, at: datetime) -> Iterator[datetime]:
        """All times of the next days at which hours begin or end, or a clock is changed; and
        others."""
        zone = None if self.timezone is None else _zone(self.timezone)
        minutes = {
            minute % _DAY_MINUTES
            for one in (*self.hours, *self.quiet)
            for minute in (one.start_minute, one.start_minute + one.num_minutes)
        }
        today = self._on_the_wall(at).date()
        for number in range(-1, _LOOK_AHEAD_DAYS):
            for minute in minutes:
                for fold in (0, 1):  # where it comes twice
                    clock = time(*divmod(minute, 60), tzinfo=zone, fold=fold)
                    day = today + timedelta(days=number)
                    yield datetime.combine(day, clock).astimezone(UTC)
        start = at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        for hour in range(24 * _LOOK_AHEAD_DAYS):
            before = start + timedelta(hours=hour)
            if self._offset(before) != self._offset(before + timedelta(hours=1)):
                # Clocks are changed at full quarters.
                yield from (before + timedelta(minutes=15 * quarter) for quarter in range(1, 5))

    def _offset(self, at: datetime) -> timedelta | None:
        return self._on_the_wall(at).utcoffset()


ALWAYS = Schedule()
"""Watched at any time."""


def _zone(name: str) -> zoneinfo.ZoneInfo:
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(
            f"there is no time zone {name!r} on this machine; expected one such as "
            '"Europe/Berlin" (on Windows, they come with `pip install tzdata`)'
        ) from None


def _days(word: str, text: str) -> frozenset[int]:
    days: set[int] = set()
    for part in word.split(","):
        first, dash, last = part.partition("-")
        if not dash:
            last = first
        if first not in _DAYS or last not in _DAYS:
            raise ValueError(f"{_EXPECTED}; got {text!r}, with days of {', '.join(_DAYS)}")
        start, end = _DAYS.index(first), _DAYS.index(last)
        days |= {(start + step) % 7 for step in range((end - start) % 7 + 1)}
    return frozenset(days)


def _minute(hours: str, minutes: str, text: str, *, is_end: bool) -> int:
    minute = int(hours) * 60 + int(minutes)
    if int(minutes) > 59 or minute > _DAY_MINUTES or (minute == _DAY_MINUTES and not is_end):
        raise ValueError(f"hours go from 00:00 to 24:00, got {text!r}")
    return minute
