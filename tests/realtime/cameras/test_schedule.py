"""A schedule goes by the clock on a wall: over midnight, and when clocks are changed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from rtaction.realtime.cameras.schedule import ALWAYS, Schedule

BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str, zone: ZoneInfo | None = BERLIN) -> datetime:
    """Such as "2026-11-30 07:00", a Monday."""
    return datetime.fromisoformat(text).replace(tzinfo=zone or UTC)


def in_berlin(*hours: str, quiet: tuple[str, ...] = ()) -> Schedule:
    return Schedule.parse(hours, quiet, "Europe/Berlin")


@pytest.mark.parametrize(
    ("schedule", "active", "resting"),
    [
        (
            in_berlin("mon-fri 07:00-19:00", "sat 09:00-12:00"),
            ["2026-11-30 07:00", "2026-12-04 18:59:59", "2026-12-05 09:00"],
            ["2026-11-30 06:59:59", "2026-12-04 19:00", "2026-12-05 12:00", "2026-12-06 10:00"],
        ),
        (
            in_berlin("fri 22:00-06:00"),
            ["2026-12-04 22:00", "2026-12-05 05:59"],
            ["2026-12-04 05:00", "2026-12-05 06:00", "2026-12-05 22:30"],
        ),
        (
            in_berlin("sun 22:00-06:00"),  # over the end of the week
            ["2026-12-06 23:00", "2026-12-07 00:00"],
            ["2026-12-07 06:00"],
        ),
        (
            in_berlin("SAT,mon-tue 10:00 - 12:00"),
            ["2026-12-05 10:00", "2026-11-30 11:00", "2026-12-01 11:00"],
            ["2026-12-02 11:00"],
        ),
        (
            in_berlin("fri-mon"),
            ["2026-12-04 00:00", "2026-11-30 23:59"],
            ["2026-12-01 00:00", "2026-12-03 23:59"],
        ),
        (in_berlin("00:00-24:00"), ["2026-11-30 00:00", "2026-11-30 23:59"], []),
        (
            in_berlin(quiet=("22:00-06:00",)),
            ["2026-11-30 06:00", "2026-11-30 21:59"],
            ["2026-11-30 22:00", "2026-12-01 05:59"],
        ),
        (
            in_berlin("mon-fri 07:00-19:00", quiet=("wed 12:00-13:00",)),
            ["2026-12-02 11:59", "2026-12-01 12:30"],
            ["2026-12-02 12:30"],
        ),
    ],
)
def test_when_a_camera_is_watched(
    schedule: Schedule, active: list[str], resting: list[str]
) -> None:
    assert [schedule.is_active(at(text)) for text in active] == [True] * len(active)
    assert [schedule.is_active(at(text)) for text in resting] == [False] * len(resting)


def test_without_hours_it_always_is() -> None:
    assert ALWAYS.is_always
    assert ALWAYS.is_active(at("2026-11-30 03:00"))
    assert ALWAYS.next_change(at("2026-11-30 03:00")) is None
    assert in_berlin("mon-sun").next_change(at("2026-11-30 03:00")) is None
    assert not in_berlin("mon-sun").is_always


def test_any_time_zone_may_ask() -> None:
    schedule = in_berlin("07:00-19:00")
    assert schedule.is_active(at("2026-11-30 06:00", None))
    assert not schedule.is_active(at("2026-11-30 18:00", None))
    with pytest.raises(ValueError, match="expected a time with a time zone"):
        schedule.is_active(datetime(2026, 11, 30))


@pytest.mark.parametrize(
    ("schedule", "now", "change"),
    [
        (in_berlin("mon-fri 07:00-19:00"), "2026-11-30 06:00", "2026-11-30 07:00"),
        (in_berlin("mon-fri 07:00-19:00"), "2026-11-30 07:00", "2026-11-30 19:00"),
        (in_berlin("mon-fri 07:00-19:00"), "2026-12-04 19:00", "2026-12-07 07:00"),
        (in_berlin("fri 22:00-06:00"), "2026-12-05 01:00", "2026-12-05 06:00"),
        # Two hours that meet are one.
        (in_berlin("07:00-12:00", "12:00-19:00"), "2026-11-30 08:00", "2026-11-30 19:00"),
        (in_berlin(quiet=("22:00-06:00",)), "2026-11-30 23:00", "2026-12-01 06:00"),
    ],
)
def test_the_next_change(schedule: Schedule, now: str, change: str) -> None:
    assert schedule.next_change(at(now)) == at(change)


def test_hours_that_the_clock_leaves_out_end_when_it_does() -> None:
    """On 29 March 2026, 01:59 is followed by 03:00 in Berlin."""
    schedule = in_berlin("sun 01:00-02:30")
    assert schedule.is_active(at("2026-03-29 00:59", None)), "01:59"
    assert not schedule.is_active(at("2026-03-29 01:00", None)), "03:00"
    assert schedule.next_change(at("2026-03-29 00:30", None)) == at("2026-03-29 01:00", None)


def test_hours_that_never_come_on_a_day_come_a_week_later() -> None:
    schedule = in_berlin("sun 02:10-02:50")
    assert schedule.next_change(at("2026-03-23 12:00")) == at("2026-04-05 02:10")


def test_hours_that_come_twice_count_twice() -> None:
    """On 25 October 2026, 02:59 is followed by 02:00 in Berlin."""
    schedule = in_berlin("sun 02:15-02:45")
    changes, now = [], at("2026-10-24 22:00", None)
    for _ in range(4):
        change = schedule.next_change(now)
        assert change is not None
        changes.append(change)
        now = change
    assert changes == [
        at(f"2026-10-25 {hour}", None) for hour in ("00:15", "00:45", "01:15", "01:45")
    ]


@pytest.fixture
def in_new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the clock of the machine cannot be set")
@pytest.mark.usefixtures("in_new_york")
def test_without_a_time_zone_it_goes_by_the_clock_of_the_machine() -> None:
    schedule = Schedule.parse(["07:00-19:00"])
    assert not schedule.is_active(at("2026-11-30 11:59", None))
    assert schedule.is_active(at("2026-11-30 12:00", None))
    assert schedule.next_change(at("2026-11-30 12:00", None)) == at("2026-12-01 00:00", None)
    # Daylight saving ends on 1 November.
    assert schedule.next_change(at("2026-10-31 23:30", None)) == at("2026-11-01 12:00", None)


def test_every_change_is_one_and_nothing_changes_between() -> None:
    """Asked minute by minute, over the weekend on which clocks go back."""
    schedule = in_berlin("sat 23:30-02:20", "sun 02:40-03:10", quiet=("00:10-00:20",))
    start = at("2026-10-24 20:00", None)
    minutes = [start + timedelta(minutes=n) for n in range(12 * 60)]
    expected = [
        after
        for before, after in pairwise(minutes)
        if schedule.is_active(before) is not schedule.is_active(after)
    ]
    told, now = [], start
    while (change := schedule.next_change(now)) is not None and change <= minutes[-1]:
        told.append(change)
        now = change
    assert told == expected
    assert len(told) > 6


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        ("always", "with days of mon, tue"),
        ("mon-", "got 'mon-"),
        ("mon 7-19", "got 'mon 7-19'"),
        ("mon 07:00-25:00", "from 00:00 to 24:00"),
        ("mon 07:61-08:00", "from 00:00 to 24:00"),
        ("24:00-08:00", "from 00:00 to 24:00"),
        ("07:00-07:00", "must not end when they begin"),
        ("07:00-08:00 mon", "expected hours of days"),
    ],
)
def test_what_are_no_hours(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Schedule.parse([text])


@pytest.mark.parametrize("name", ["Europe/Atlantis", "", "../etc/passwd", "\0"])
def test_there_is_no_such_time_zone(name: str) -> None:
    with pytest.raises(ValueError, match="there is no time zone"):
        Schedule.parse(["mon"], timezone=name)
