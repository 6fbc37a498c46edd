from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtaction.sampling import (
    Problem,
    Stack,
    WindowGrid,
    frame_interval_seconds,
    nearest_indices,
    select_frames,
    sliding_selections,
    window_targets,
)


def test_window_targets_end_where_the_window_ends_and_span_the_clip() -> None:
    np.testing.assert_allclose(window_targets(10.0, 5, 1.0), [9.0, 9.25, 9.5, 9.75, 10.0])


def test_a_clip_of_one_frame_has_its_target_at_the_end() -> None:
    np.testing.assert_allclose(window_targets(10.0, 1, 1.0), [10.0])
    assert frame_interval_seconds(1, 1.0) == 1.0


@pytest.mark.parametrize(
    ("times", "targets", "expected"),
    [
        ([0.0, 1.0, 2.0], [0.4, 1.6], [0, 2]),
        ([0.0, 1.0, 2.0], [0.5, 1.5], [0, 1]),  # of two equally near, the earlier
        ([0.0, 1.0, 2.0], [-5.0, 9.0], [0, 2]),
        ([3.0], [0.0, 3.0, 6.0], [0, 0, 0]),
        ([0.0, 0.1, 5.0], [0.2, 4.0], [1, 2]),
    ],
)
def test_nearest_indices(times: list[float], targets: list[float], expected: list[int]) -> None:
    assert nearest_indices(times, np.array(targets)).tolist() == expected


@pytest.mark.parametrize(
    ("times", "problem"),
    [
        (np.arange(0, 2, 1 / 30), None),
        (np.arange(0, 2, 1 / 4), None),
        (np.arange(0.4, 2, 1 / 30), "too_early"),
        (np.r_[np.arange(0, 0.3, 1 / 30), np.arange(0.75, 2, 1 / 30)], "hole"),
        (np.arange(0, 2, 1 / 2), "duplicates"),
    ],
)
def test_select_frames_says_when_a_window_would_be_a_lie(
    times: np.ndarray, problem: Problem | None
) -> None:
    assert select_frames(times, window_targets(1.0, 5, 1.0)).problem == problem


def test_select_frames_needs_a_frame() -> None:
    with pytest.raises(ValueError, match="at least one frame"):
        select_frames([], np.array([0.0]))


@pytest.mark.parametrize(
    ("frames_per_second", "expected"),
    [
        (10.0, [[0, 2, 5, 7, 10], [2, 5, 7, 10, 12], [5, 7, 10, 12, 15]]),
        (29.97, [[0, 7, 15, 22, 30], [7, 15, 22, 30, 37], [15, 22, 30, 37, 45]]),
        (60.0, [[0, 15, 30, 45, 60], [15, 30, 45, 60, 75], [30, 45, 60, 75, 90]]),
    ],
)
def test_windows_truly_slide(frames_per_second: float, expected: list[list[int]]) -> None:
    times = np.arange(int(frames_per_second * 1.5) + 2) / frames_per_second
    windows = sliding_selections(times, frames_per_clip=5, clip_seconds=1.0, stride_seconds=0.25)
    assert [window.indices.tolist() for window in windows[:3]] == expected


def test_a_window_may_end_while_the_last_frame_is_shown() -> None:
    # Fifty frames at 25 a second are two seconds of video, though the last starts at 1.96 s.
    times = np.arange(50) / 25
    windows = sliding_selections(times, frames_per_clip=5, clip_seconds=2.0, stride_seconds=0.5)
    assert [window.indices.tolist() for window in windows] == [[0, 12, 25, 37, 49]]
    assert not sliding_selections(times, frames_per_clip=5, clip_seconds=2.1, stride_seconds=0.5)


def test_windows_start_anew_after_a_silence_longer_than_a_clip() -> None:
    run = np.arange(0, 1.2, 0.1)
    times = np.r_[run, run + 5.0]
    windows = sliding_selections(times, frames_per_clip=3, clip_seconds=1.0, stride_seconds=1.0)
    assert [window.indices.tolist() for window in windows] == [[0, 5, 10], [12, 17, 22]]
    assert all(window.problem is None for window in windows)


STACK = Stack(3, 0.1)


def test_a_stack_is_its_moment_and_those_before() -> None:
    assert STACK.span_seconds == pytest.approx(0.2)
    moments = STACK.moments(np.array([1.0, 5.0]))
    np.testing.assert_allclose(moments, [0.8, 0.9, 1.0, 4.8, 4.9, 5.0])


def test_the_stacks_of_a_window_are_evenly_spaced() -> None:
    targets = window_targets(10.0, 9, 2.2, STACK)
    np.testing.assert_allclose(targets, [7.8, 7.9, 8.0, 8.8, 8.9, 9.0, 9.8, 9.9, 10.0])
    times = np.arange(0, 3, 0.1)
    (window,) = sliding_selections(
        times, frames_per_clip=9, clip_seconds=2.2, stride_seconds=5.0, stack=STACK
    )
    assert window.indices.tolist() == [0, 1, 2, 10, 11, 12, 20, 21, 22]
    assert window.problem is None


@pytest.mark.parametrize(
    ("seconds", "count"), [(0.5, 0), (0.999, 0), (1.0, 1), (1.24, 1), (1.25, 2), (3.0, 9)]
)
def test_grid_counts_the_windows_that_have_ended(seconds: float, count: int) -> None:
    grid = WindowGrid(first_seconds=0.0, clip_seconds=1.0, stride_seconds=0.25)
    assert grid.count_until(seconds) == count


def test_grid_needs_a_stride() -> None:
    with pytest.raises(ValueError, match="above 0"):
        WindowGrid(0.0, 1.0, 0.0)


@pytest.mark.parametrize(
    ("from_seconds", "to_seconds", "expected"),
    [
        pytest.param(9.9, 10.1, True, id="first moment"),
        pytest.param(9.0, 9.99, False, id="before the first"),
        pytest.param(10.01, 10.11, False, id="between"),
        pytest.param(10.1, 10.2, False, id="middle between two moments"),
        pytest.param(10.49, 10.51, True, id="a moment"),
        pytest.param(10.51, 10.61, False, id="between later ones"),
        pytest.param(11.0, 11.0, True, id="last moment, exactly"),
        pytest.param(110.74, 110.76, True, id="long after"),
        pytest.param(110.76, 110.86, False, id="long after, between"),
    ],
)
def test_grid_has_moments(from_seconds: float, to_seconds: float, expected: bool) -> None:
    grid = WindowGrid(first_seconds=10.0, clip_seconds=1.0, stride_seconds=0.25)
    assert grid.has_moment(from_seconds, to_seconds, [0, 0.25, 0.5, 0.75, 1.0]) is expected


@pytest.mark.parametrize(
    ("from_seconds", "to_seconds", "expected"),
    [(0.9, 1.1, True), (1.2, 2.9, False), (2.9, 3.1, True), (4.1, 5.9, False), (7.1, 7.9, False)],
)
def test_grid_has_no_moment_between_distant_windows(
    from_seconds: float, to_seconds: float, expected: bool
) -> None:
    # Windows span 0 to 1 s, 3 to 4 s, 6 to 7 s.
    grid = WindowGrid(first_seconds=0.0, clip_seconds=1.0, stride_seconds=3.0)
    assert grid.has_moment(from_seconds, to_seconds, [0, 0.25, 0.5, 0.75, 1.0]) is expected


@given(
    frames_per_clip=st.integers(1, 9),
    clip_tenths=st.integers(1, 40),
    stride_hundredths=st.integers(2, 500),
    from_milliseconds=st.integers(-1000, 10_000),
    length_milliseconds=st.integers(0, 200),
)
def test_grid_finds_the_moments_of_all_windows(
    frames_per_clip: int,
    clip_tenths: int,
    stride_hundredths: int,
    from_milliseconds: int,
    length_milliseconds: int,
) -> None:
    clip_seconds, stride_seconds = clip_tenths / 10, stride_hundredths / 100
    # Half a millisecond off the grid, so that rounding decides nothing.
    from_seconds = 100.0 + from_milliseconds / 1000 + 0.00051
    to_seconds = from_seconds + length_milliseconds / 1000
    numbers = np.arange(12.0 // stride_seconds + 1)[:, np.newaxis]
    moments = 100.0 + numbers * stride_seconds
    offsets = window_targets(clip_seconds, frames_per_clip, clip_seconds)
    moments = moments + offsets
    is_near = (moments >= from_seconds - 1e-6) & (moments <= to_seconds + 1e-6)
    is_inside = (moments >= from_seconds + 1e-6) & (moments <= to_seconds - 1e-6)

    found = WindowGrid(100.0, clip_seconds, stride_seconds).has_moment(
        from_seconds, to_seconds, offsets.tolist()
    )

    assert is_inside.any() <= found <= is_near.any()
