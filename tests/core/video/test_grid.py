"""Frames are nearest to the moments of a grid, and windows with missing frames are left out."""

from __future__ import annotations

import numpy as np
import pytest

from rtaction.frame import Frame
from rtaction.video.grid import frames_on_grid, shown_until_seconds, usable_windows


def _frames(times: list[float]) -> list[Frame]:
    image = np.zeros((8, 8, 3), np.uint8)
    return [Frame(image, seconds, number, "test") for number, seconds in enumerate(times)]


@pytest.mark.parametrize(
    ("times", "interval", "chosen"),
    [
        ([0.0, 0.1, 0.2, 0.3], 0.1, [0, 1, 2, 3, 3]),  # the last is shown for 0.1 s
        ([0.0, 0.1, 0.2, 0.3], 0.2, [0, 2, 3]),
        ([0.0, 0.4], 0.1, [0, 0, 0, 1, 1, 1, 1, 1, 1]),  # equally near: the earlier
        ([0.0], 0.1, [0]),
    ],
)
def test_each_moment_has_the_nearest_frame(
    times: list[float], interval: float, chosen: list[int]
) -> None:
    seen: list[float] = []
    found = [f.index for f in frames_on_grid(_frames(times), interval, times_seconds=seen)]
    assert found == chosen
    assert seen == times
    last_period = np.diff(times)[-1:].sum()
    assert shown_until_seconds(times) == pytest.approx(times[-1] + last_period, abs=1e-5)


def test_the_rest_of_a_long_video_is_ignored() -> None:
    seen: list[float] = []
    frames = frames_on_grid(
        _frames([0.0, 0.1, 0.2, 0.3, 0.4]), 0.1, times_seconds=seen, longest_seconds=0.25
    )
    assert [frame.index for frame in frames] == [0, 1, 2, 2]
    assert seen == [0.0, 0.1, 0.2]


def test_windows_with_a_hole_are_left_out_unless_all_have_one() -> None:
    times = np.r_[np.arange(10), np.arange(14, 24)] / 10
    starts = np.arange(0, 20, 4)
    assert usable_windows(starts, times, 0.1, 5).tolist() == [0, 4, 16]
    stuttering = np.array([0.0, 0.1, 0.28, 0.3, 0.4])
    assert usable_windows(np.array([0]), stuttering, 0.1, 5).tolist() == [0]
