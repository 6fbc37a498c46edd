"""Three kinds of stream: stamped on arrival, by the sender's times, or at their pace."""

from __future__ import annotations

import threading
import time

import pytest

from rtaction.realtime.sources.stamps import ArrivalStamps, PacedStamps, PtsStamps, Stamps
from tests.realtime.conftest import WAIT_SECONDS

NOW = 5000.0


def never() -> bool:
    return False


@pytest.mark.parametrize("pts_seconds", [None, 0.0, 77.0, -3.0])
def test_a_webcam_is_stamped_on_arrival(pts_seconds: float | None) -> None:
    stamps = ArrivalStamps()

    assert stamps.stamp(pts_seconds, NOW) == NOW
    assert stamps.stamp(pts_seconds, NOW + 0.04) == NOW + 0.04
    assert stamps.segment == 0


def test_a_stream_keeps_the_senders_distances() -> None:
    stamps = PtsStamps()
    late_seconds = [0.1, 0.1, 0.3, 0.15, 0.1]

    times = [stamps.stamp(n / 25, NOW + n / 25 + late) for n, late in enumerate(late_seconds)]

    assert times[0] is None
    assert times[1:] == pytest.approx([NOW + 0.1 + n / 25 for n in range(1, 5)], abs=1e-3)
    assert stamps.segment == 0


def test_a_break_in_the_senders_clock_is_another_run() -> None:
    stamps = PtsStamps()
    for number in range(10):
        stamps.stamp(number / 25, NOW + number / 25)

    assert stamps.stamp(3600.0, NOW + 0.4) is None
    assert stamps.segment == 1


@pytest.mark.parametrize("stamps", [PtsStamps(), PacedStamps(never)], ids=["pts", "paced"])
def test_a_picture_without_a_time_has_none(stamps: Stamps) -> None:
    assert stamps.stamp(None, NOW) is None
    assert stamps.segment == 0


def test_a_piece_that_comes_at_once_plays_at_its_pace() -> None:
    """HLS brings seconds of video in one piece, whose times begin anywhere."""
    stamps = PacedStamps(never)
    began_seconds = time.monotonic()
    times = []
    for pts_seconds in (100.0, 100.04, 100.05, 100.2):
        at_seconds = stamps.stamp(pts_seconds, began_seconds)
        assert at_seconds is not None
        assert at_seconds <= time.monotonic()
        times.append(at_seconds)

    assert times[0] >= began_seconds
    assert [one - times[0] for one in times] == pytest.approx([0.0, 0.04, 0.05, 0.2])
    assert stamps.segment == 0


def test_a_picture_that_comes_twice_is_one() -> None:
    stamps = PacedStamps(never)
    first = stamps.stamp(0.0, NOW)

    assert stamps.stamp(0.0, NOW) is None
    assert stamps.stamp(0.01, NOW) == pytest.approx((first or 0.0) + 0.01)
    assert stamps.segment == 0


@pytest.mark.parametrize("step_seconds", [-0.04, -3600.0, 1.5, 3600.0])
def test_times_that_jump_start_the_pace_anew(step_seconds: float) -> None:
    stamps = PacedStamps(never, max_step_seconds=1.0)
    stamps.stamp(5000.0, NOW)
    before_seconds = time.monotonic()

    at_seconds = stamps.stamp(5000.0 + step_seconds, NOW)
    next_seconds = stamps.stamp(5000.0 + step_seconds + 0.02, NOW)

    assert at_seconds is not None
    assert before_seconds <= at_seconds <= time.monotonic()
    assert next_seconds == pytest.approx(at_seconds + 0.02)
    assert stamps.segment == 1


def test_a_sender_that_is_too_slow_starts_the_pace_anew() -> None:
    stamps = PacedStamps(never, max_late_seconds=0.02)
    first = stamps.stamp(0.0, NOW)
    time.sleep(0.06)
    before_seconds = time.monotonic()

    late = stamps.stamp(0.01, NOW)

    assert first is not None
    assert late is not None
    assert late >= before_seconds
    assert stamps.segment == 1


def test_a_picture_a_little_late_keeps_its_time() -> None:
    stamps = PacedStamps(never, max_late_seconds=WAIT_SECONDS)
    first = stamps.stamp(0.0, NOW)
    time.sleep(0.05)

    assert stamps.stamp(0.01, NOW) == pytest.approx((first or 0.0) + 0.01)
    assert stamps.segment == 0


def test_closing_ends_the_waiting() -> None:
    closed = threading.Event()
    stamps = PacedStamps(closed.is_set, max_step_seconds=7200.0)
    stamps.stamp(0.0, NOW)
    given: list[float | None] = []
    waiting = threading.Thread(target=lambda: given.append(stamps.stamp(3600.0, NOW)), daemon=True)
    waiting.start()

    closed.set()
    waiting.join(WAIT_SECONDS)

    assert not waiting.is_alive()
    assert len(given) == 1


def test_two_pictures_in_one_moment_of_arrival() -> None:
    """A clock with coarse steps must not make the second look like a step back."""
    stamps = ArrivalStamps()

    assert [stamps.stamp(None, seconds) for seconds in (1.0, 1.0, 1.016)] == [1.0, None, 1.016]


def test_how_late_a_picture_is_is_known_by_its_stamp_alone() -> None:
    paced = PacedStamps(never)
    assert paced.late_seconds(0.0, NOW) is None
    first = paced.stamp(0.0, NOW)
    assert first is not None
    assert paced.late_seconds(0.5, first + 0.7) == pytest.approx(0.2)
    assert paced.late_seconds(100.0, first + 0.7) is None
    assert ArrivalStamps().late_seconds(None, NOW) is None
