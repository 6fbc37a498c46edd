"""Timestamps of a stream keep their true distances on our clock."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from rtaction.realtime.sources.pts_clock import PtsClock

NOW = 5000.0
LATE = 0.1
"""Seconds that a frame of a steady stream takes to arrive."""


def steady_clock(num_frames: int = 50) -> PtsClock:
    """A clock that has seen two seconds of a steady stream of 25 frames a second."""
    clock = PtsClock()
    for number in range(num_frames):
        clock.to_monotonic(number / 25, NOW + number / 25 + LATE)
    return clock


def test_a_steady_stream_keeps_its_distances() -> None:
    clock = PtsClock()
    times = [clock.to_monotonic(n / 25, NOW + n / 25 + LATE) for n in range(250)]

    assert times[0] is None
    assert times[1:] == pytest.approx([NOW + LATE + n / 25 for n in range(1, 250)])


@pytest.mark.parametrize(
    "first_pts", [pytest.param([], id="plain"), pytest.param([0.0, 0.0], id="first one twice")]
)
@pytest.mark.parametrize("frames_per_second", [15.0, 25.0, 30.0, 50.0, 60.0])
def test_the_opening_burst_is_left_out(frames_per_second: float, first_pts: list[float]) -> None:
    """A second of old frames comes within 50 ms; their age cannot be told before its end."""
    clock = PtsClock()
    burst = first_pts + [n / frames_per_second for n in range(round(frames_per_second))]
    arrivals = NOW + np.linspace(0.0, 0.05, len(burst))
    during = [clock.to_monotonic(p, float(a)) for p, a in zip(burst, arrivals, strict=True)]
    after = [
        clock.to_monotonic(1.0 + n / frames_per_second, NOW + 0.05 + n / frames_per_second)
        for n in range(100)
    ]

    assert during == [None] * len(burst)
    assert after[5:] == pytest.approx(
        [NOW + 0.05 + n / frames_per_second for n in range(5, 100)], abs=0.03
    )


def test_a_hiccup_does_not_end_the_burst() -> None:
    clock = PtsClock()
    arrivals = NOW + np.concatenate([np.linspace(0, 0.01, 12), np.linspace(0.04, 0.05, 13)])

    during = [clock.to_monotonic(n / 25, float(a)) for n, a in enumerate(arrivals)]

    # The age of the frame right after the hiccup may be mistaken; not that of those after it.
    assert during[:12] + during[13:] == [None] * 24


def test_a_late_frame_keeps_its_own_time() -> None:
    clock = steady_clock()

    late = clock.to_monotonic(2.0, NOW + 2.0 + LATE + 1.5)
    after = clock.to_monotonic(2.04, NOW + 2.04 + LATE)

    assert late == pytest.approx(NOW + 2.0 + LATE, abs=0.002)
    assert after == pytest.approx(NOW + 2.04 + LATE, abs=0.002)


@pytest.mark.parametrize("frames_per_second", [25.0, 60.0])
@pytest.mark.parametrize("seed", range(5))
def test_jitter_never_turns_time_back(seed: int, frames_per_second: float) -> None:
    random = np.random.default_rng(seed)
    clock = PtsClock()
    arrived = NOW
    times = []
    for number in range(round(20 * frames_per_second)):
        pts = number / frames_per_second
        arrived = max(arrived, NOW + pts + LATE + float(random.exponential(0.02)))
        at_seconds = clock.to_monotonic(pts, arrived)
        if at_seconds is not None:
            assert at_seconds <= arrived
            times.append(at_seconds)

    assert len(times) > 19 * frames_per_second
    assert min(after - before for before, after in pairwise(times)) > 0


@pytest.mark.parametrize("jump_seconds", [3600.0, -30.0, -2.0])
def test_a_jump_of_the_senders_clock_starts_the_mapping_anew(jump_seconds: float) -> None:
    clock = steady_clock()

    after = [
        clock.to_monotonic(2.0 + n / 25 + jump_seconds, NOW + 2.0 + n / 25 + LATE)
        for n in range(50)
    ]

    assert after[0] is None
    assert after[1:] == pytest.approx([NOW + 2.0 + n / 25 + LATE for n in range(1, 50)], abs=0.002)


@pytest.mark.parametrize("parts_per_million", [-100, 100])
def test_a_drifting_clock_is_followed(parts_per_million: int) -> None:
    clock = PtsClock()
    rate = 1 + parts_per_million / 1e6
    for number in range(3600 * 5):
        true_seconds = number / 5
        at_seconds = clock.to_monotonic(true_seconds * rate, NOW + true_seconds + LATE)

    assert at_seconds == pytest.approx(NOW + true_seconds + LATE, abs=0.01)


def test_a_stream_that_becomes_slower_by_less_than_a_jump_settles_again() -> None:
    clock = steady_clock()
    for number in range(25 * 600):
        at_seconds = clock.to_monotonic(2.0 + number / 25, NOW + 2.0 + number / 25 + LATE + 0.2)

    # The mapping may rise by half a millisecond each second.
    assert at_seconds == pytest.approx(NOW + 2.0 + number / 25 + LATE + 0.2, abs=0.001)


@pytest.mark.parametrize(("step_seconds", "expected"), [(0.9, True), (1.1, False)])
def test_max_step_seconds_tells_a_late_frame_from_a_jump(
    step_seconds: float, expected: bool
) -> None:
    clock = PtsClock(max_step_seconds=1.0)
    for number in range(50):
        clock.to_monotonic(number / 25, NOW + number / 25)

    at_seconds = clock.to_monotonic(2.0, NOW + 2.0 + step_seconds)

    assert (at_seconds is not None) is expected


@pytest.mark.parametrize(
    ("jump_seconds", "expected_run"),
    [
        pytest.param(3600.0, 1, id="far ahead"),
        pytest.param(3.0, 1, id="ahead"),
        pytest.param(-0.5, 1, id="back"),
        pytest.param(-3600.0, 1, id="far back"),
        pytest.param(0.0, 0, id="none"),
        pytest.param(0.04, 0, id="a frame lost"),
    ],
)
def test_a_jump_of_the_senders_clock_is_another_run(jump_seconds: float, expected_run: int) -> None:
    """Frames before and after a jump lie at unknown distances, so they must not share a clip."""
    clock = steady_clock()
    assert clock.segment == 0

    for number in range(50):
        clock.to_monotonic(2.0 + number / 25 + jump_seconds, NOW + 2.0 + number / 25 + LATE)

    assert clock.segment == expected_run


def test_each_jump_counts() -> None:
    clock = steady_clock()
    for jump in range(1, 4):
        for number in range(25):
            now = 2.0 + jump + number / 25
            clock.to_monotonic(now + 100.0 * jump, NOW + now + LATE)
        assert clock.segment == jump


@pytest.mark.parametrize("late_seconds", [0.2, 1.5, 4.9])
def test_a_late_frame_is_no_jump(late_seconds: float) -> None:
    clock = steady_clock()

    clock.to_monotonic(2.0, NOW + 2.0 + LATE + late_seconds)
    clock.to_monotonic(2.04, NOW + 2.04 + LATE + late_seconds)

    assert clock.segment == 0


@pytest.mark.parametrize("frames_per_second", [5.0, 15.0, 25.0, 60.0])
@pytest.mark.parametrize("burst_seconds", [0.0, 1.0, 3.0])
def test_an_opening_burst_is_one_run(frames_per_second: float, burst_seconds: float) -> None:
    clock = PtsClock()
    for number in range(round(10 * frames_per_second)):
        pts = number / frames_per_second
        clock.to_monotonic(pts, NOW + max(pts - burst_seconds, 0.0) + number * 1e-4)

    assert clock.segment == 0


@pytest.mark.parametrize("jump_seconds", [3600.0, -0.5, 3.0])
def test_time_never_runs_backwards_over_a_jump(jump_seconds: float) -> None:
    clock = PtsClock()
    stamped: list[tuple[int, float]] = []
    for number in range(500):
        pts = number / 25 + (jump_seconds if number >= 250 else 0.0)
        at_seconds = clock.to_monotonic(pts, NOW + number / 25 + LATE)
        if at_seconds is not None:
            stamped.append((clock.segment, at_seconds))

    assert stamped == sorted(stamped)
    assert {run for run, _ in stamped} == {0, 1}
    assert len(stamped) > 480


@pytest.mark.parametrize("late_seconds", [0.0, 0.2, 3.0])
def test_how_late_a_frame_is(late_seconds: float) -> None:
    clock = steady_clock()

    measured = clock.late_seconds(2.0, NOW + 2.0 + LATE + late_seconds)

    assert measured == pytest.approx(late_seconds, abs=0.001)
    # It was only asked.
    assert clock.late_seconds(2.0, NOW + 2.0 + LATE + late_seconds) == measured


def test_how_late_is_unknown_at_first_and_after_a_jump() -> None:
    assert PtsClock().late_seconds(1.0, NOW) is None
    assert steady_clock().late_seconds(3600.0, NOW + 2.0) is None
