"""The ring buffer gives the windows of the shared sampling rule, and none that lie."""

from __future__ import annotations

import numpy as np
import pytest

from rtaction.realtime.windows.ring_buffer import RingBuffer, Window
from rtaction.sampling import sliding_selections, window_targets

FIRST_SECONDS = 1000.1


def make_ring(stride_seconds: float = 0.25, frames_per_clip: int = 5) -> RingBuffer[int]:
    return RingBuffer(
        frames_per_clip=frames_per_clip, clip_seconds=1.0, stride_seconds=stride_seconds
    )


def push_all(ring: RingBuffer[int], times_seconds: list[float]) -> list[Window[int]]:
    """Push the frame numbers; returns all windows, in order."""
    windows = []
    for number, seconds in enumerate(times_seconds):
        ring.push(number, seconds)
        while ring.num_due:
            windows.append(ring.take())
    while (last := ring.take_last()) is not None:
        windows.append(last)
    return windows


def steady(frames_per_second: float, seconds: float) -> list[float]:
    count = round(seconds * frames_per_second)
    return [FIRST_SECONDS + number / frames_per_second for number in range(count)]


@pytest.mark.parametrize(
    ("frames_per_second", "expected"),
    [
        (4.0, [(0, 1, 2, 3, 4), (1, 2, 3, 4, 5)]),
        (8.0, [(0, 2, 4, 6, 8), (2, 4, 6, 8, 10)]),
        (20.0, [(0, 5, 10, 15, 20), (5, 10, 15, 20, 25)]),
    ],
)
def test_windows_hold_the_frames_nearest_to_equal_steps(
    frames_per_second: float, expected: list[tuple[int, ...]]
) -> None:
    windows = push_all(make_ring(), steady(frames_per_second, 1.25 + 1 / frames_per_second))

    assert [window.values for window in windows[:2]] == expected
    assert [window.state for window in windows[:2]] == ["ok", "ok"]
    assert [window.end_seconds for window in windows[:2]] == pytest.approx(
        [FIRST_SECONDS + 1.0, FIRST_SECONDS + 1.25]
    )
    numbers = np.array(windows[0].values)
    assert windows[0].times_seconds == pytest.approx(FIRST_SECONDS + numbers / frames_per_second)


@pytest.mark.parametrize("seed", range(20))
def test_windows_are_those_of_the_sampling_rule(seed: int) -> None:
    random = np.random.default_rng(seed)
    gaps = random.choice([0.01, 0.04, 0.1, 0.3, 0.7, 1.2], 300, p=[0.2, 0.4, 0.3, 0.06, 0.03, 0.01])
    times = (FIRST_SECONDS + np.cumsum(gaps)).tolist()
    stride = float(random.choice([0.1, 0.25, 0.4, 1.0, 3.0]))

    windows = push_all(make_ring(stride), times)

    selections = sliding_selections(
        times, frames_per_clip=5, clip_seconds=1.0, stride_seconds=stride
    )
    usable = [tuple(s.indices.tolist()) for s in selections if s.problem is None]
    assert usable
    assert [window.values for window in windows if window.state == "ok"] == usable


@pytest.mark.parametrize(
    ("times_seconds", "expected_state"),
    [
        pytest.param([0.0, 0.1, 0.2, 0.9, 1.0], "degraded", id="hole"),
        pytest.param([0.0, 0.4, 0.8, 1.0], "ok", id="slow camera"),
        pytest.param([0.0, 0.5, 1.0], "degraded", id="too slow a camera: duplicates"),
    ],
)
def test_a_window_over_a_hole_is_not_ok(times_seconds: list[float], expected_state: str) -> None:
    ring = make_ring()
    for number, seconds in enumerate(times_seconds):
        ring.push(number, seconds)

    window = ring.take()

    assert window.state == expected_state
    assert len(window.values) == len(window.times_seconds) == (5 if expected_state == "ok" else 0)


@pytest.mark.parametrize(
    ("next_seconds", "expected_length"),
    [(1.3, 7), (2.25, 7), (2.3, 1), (1.25, 1), (0.3, 1), (-3600.0, 1), (3600.0, 1)],
)
def test_time_that_jumps_starts_the_window_anew(next_seconds: float, expected_length: int) -> None:
    ring = make_ring()
    for number in range(6):
        ring.push(number, number * 0.25)

    ring.push(6, next_seconds)

    assert len(ring) == expected_length
    if expected_length == 1:
        assert ring.num_due == 0


def test_nothing_is_due_before_the_first_window_is_full() -> None:
    ring = make_ring()
    assert (ring.num_due, ring.take_last()) == (0, None)
    ring.push(0, 5.0)
    ring.push(1, 5.99)

    assert ring.num_due == 0
    with pytest.raises(ValueError, match="no window is due"):
        ring.take()


def test_skipping_leaves_the_newest_window() -> None:
    ring = make_ring()
    for number in range(9):
        ring.push(number, number * 0.25)

    assert ring.num_due == 5
    assert ring.skip_to_newest() == 4
    assert ring.skip_to_newest() == 0
    assert ring.take().values == (4, 5, 6, 7, 8)
    assert ring.num_due == 0


@pytest.mark.parametrize("stride_seconds", [0.04, 0.25, 1.0, 30.0])
def test_memory_stays_bounded(stride_seconds: float) -> None:
    ring = make_ring(stride_seconds)
    longest = 0
    for number in range(2500):
        ring.push(number, number / 25)
        while ring.num_due:
            ring.take()
        longest = max(longest, len(ring))

    # A window spans 26 frames; none of them needs more than one before its start.
    assert longest <= 28


def test_clear_forgets_everything() -> None:
    ring = make_ring()
    for number in range(9):
        ring.push(number, number * 0.25)

    ring.clear()

    assert (len(ring), ring.num_due) == (0, 0)
    ring.push(9, 2.25)
    assert ring.num_due == 0


def test_push_tells_which_frames_are_needed() -> None:
    ring = make_ring()

    settled = [ring.push(number, FIRST_SECONDS + number / 20) for number in range(22)]

    # A frame is settled when the next one comes; every fifth is a moment of a window.
    assert settled == [
        number - 1 if number % 5 == 1 and number > 0 else None for number in range(22)
    ]


@pytest.mark.parametrize("stride_seconds", [0.1, 0.25, 0.4, 1.0, 3.0])
@pytest.mark.parametrize("seed", range(4))
def test_no_window_needs_a_frame_that_was_dropped(seed: int, stride_seconds: float) -> None:
    random = np.random.default_rng(seed)
    times = (FIRST_SECONDS + np.cumsum(random.uniform(0.01, 0.12, 300))).tolist()
    ring = make_ring(stride_seconds)
    settled = {ring.push(number, seconds) for number, seconds in enumerate(times)} - {None}

    windows = push_all(make_ring(stride_seconds), times)

    needed = {value for window in windows for value in window.values}
    # The last two frames are not settled yet, or not needed before the end of the video.
    assert needed - settled <= {298, 299}
    assert needed
    # A frame may be nearest to a moment by the frames around it, and tie within the tolerance.
    assert len(settled - needed) <= 5


def test_a_window_that_is_late_is_given_up_for_the_next() -> None:
    ring = make_ring()
    for number in range(28):
        ring.push(number, FIRST_SECONDS + number / 20)

    # The newest window ended 0.1 s before the newest frame, which is two frames.
    assert ring.skip_to_newest(max_late_seconds=0.02) == 2
    assert ring.num_due == 0
    for number in range(28, 31):
        ring.push(number, FIRST_SECONDS + number / 20)

    assert ring.skip_to_newest(max_late_seconds=0.02) == 0
    window = ring.take()
    assert window.end_seconds == pytest.approx(FIRST_SECONDS + 1.5)
    assert (window.state, window.values) == ("ok", (10, 15, 20, 25, 30))


@pytest.mark.parametrize("max_late_seconds", [0.06, float("inf")])
def test_a_window_that_is_not_late_keeps_its_place(max_late_seconds: float) -> None:
    ring = make_ring()
    for number in range(28):
        ring.push(number, FIRST_SECONDS + number / 20)

    assert ring.skip_to_newest(max_late_seconds) == 1

    assert ring.take().end_seconds == pytest.approx(FIRST_SECONDS + 1.25)


@pytest.mark.parametrize("frames_per_second", [10.0, 25.0, 60.0])
@pytest.mark.parametrize("stride_seconds", [0.1, 0.25, 1.0])
def test_a_busy_consumer_gets_whole_windows_of_the_present(
    frames_per_second: float, stride_seconds: float
) -> None:
    """It comes at any moment, however seldom, and waits for what is fresh, never long."""
    random = np.random.default_rng(0)
    ring = make_ring(stride_seconds)
    period_seconds = 1 / frames_per_second
    asked_seconds = FIRST_SECONDS + 1.5
    num_windows = 0
    for number in range(round(60 * frames_per_second)):
        at_seconds = FIRST_SECONDS + number * period_seconds
        ring.push(number, at_seconds)
        if at_seconds < asked_seconds:
            continue
        ring.skip_to_newest(max_late_seconds=0.05)
        if ring.num_due == 0:
            continue
        window = ring.take()
        num_windows += 1
        assert window.state == "ok"
        assert at_seconds - window.times_seconds[-1] <= 0.05 + 1.5 * period_seconds + 1e-6
        targets = window_targets(window.end_seconds, 5, 1.0)
        errors = np.abs(np.array(window.times_seconds) - targets)
        assert errors.max() <= period_seconds / 2 + 1e-6
        assert at_seconds - asked_seconds <= stride_seconds + period_seconds + 1e-6
        asked_seconds = at_seconds + float(random.uniform(0.0, 0.9))

    assert num_windows > 30


def test_a_frame_that_is_taken_out_stands_in_no_window() -> None:
    ring = make_ring()
    for number in range(6):
        ring.push(number, number / 8)

    ring.discard(4)
    for number in range(6, 9):
        ring.push(number, number / 8)

    assert len(ring) == 8
    window = ring.take()
    assert window.state == "ok"
    # Frame 3 is as near to 0.5 s as frame 5, but was of no use while frame 4 was there.
    assert window.values == (0, 2, 5, 6, 8)


def test_taking_out_the_only_frame_starts_anew() -> None:
    ring = make_ring()
    ring.push(0, 0.0)

    ring.discard(0)

    assert (len(ring), ring.num_due, ring.take_last()) == (0, 0, None)
    ring.push(1, 0.9)
    ring.push(2, 1.1)
    assert ring.num_due == 0


def test_taking_out_what_is_not_there_changes_nothing() -> None:
    ring = make_ring()
    ring.push(0, 0.0)

    ring.discard(7)

    assert len(ring) == 1


def test_windows_may_begin_before_the_first_frame() -> None:
    ring: RingBuffer[int] = RingBuffer(
        frames_per_clip=5, clip_seconds=1.0, stride_seconds=0.25, num_blank=2, blank=lambda at: -1
    )
    windows = push_all(ring, steady(8.0, 1.2))
    usable = [window.values for window in windows if window.state == "ok"]
    assert usable[:3] == [(-1, -1, 0, 2, 4), (-1, 0, 2, 4, 6), (0, 2, 4, 6, 8)]
    assert windows[0].times_seconds == pytest.approx(FIRST_SECONDS + np.arange(-2, 3) * 0.25)
    # After an interruption, windows begin before the first frame again.
    later = [FIRST_SECONDS + 9 + one / 8 for one in range(6)]
    assert push_all(ring, later)[0].values == (-1, -1, 0, 2, 4)


def test_without_spares_no_frame_is_kept_in_vain() -> None:
    """At 25 frames a second every eighth moment lies between two frames."""
    rings = {
        keeps: RingBuffer[int](
            frames_per_clip=9, clip_seconds=1.0, stride_seconds=0.125, keeps_spares=keeps
        )
        for keeps in (True, False)
    }
    times = [number / 25 for number in range(250)]
    settled = {
        keeps: [n for n, at in enumerate(times) if ring.push(n, at) is not None]
        for keeps, ring in rings.items()
    }
    assert set(settled[False]) < set(settled[True])
    assert len(settled[False]) == pytest.approx(80, abs=1)
    assert len(settled[True]) > 85
