"""Parts of videos: their frames, their length, and what is beyond the end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rtaction.video.file import read_video
from rtaction.video.span import Span, frames_within, length_seconds
from tests.videos import index_of

TIMES = np.arange(30) / 10


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [(0.0, 3.0, (0, 30)), (1.0, 2.0, (10, 20)), (0.95, 1.05, (10, 11)), (5.0, 6.0, (30, 30))],
)
def test_the_end_is_not_part_of_it(start: float, end: float, expected: tuple[int, int]) -> None:
    places = Span(start, end).places(TIMES)
    assert (places.start, places.stop) == expected


def test_frames_count_their_time_from_the_first(indexed_video: Callable[..., Path]) -> None:
    path = indexed_video(TIMES)
    frames = list(frames_within(read_video(path), Span(1.0, 1.3)))
    assert [index_of(frame.image) for frame in frames] == [10, 11, 12]
    assert [frame.captured_at_seconds for frame in frames] == pytest.approx([0.0, 0.1, 0.2])
    assert len(list(frames_within(read_video(path), None))) == 30
    assert list(frames_within(read_video(path), Span(4.0, 5.0))) == []


def test_the_length_ends_with_the_video(indexed_video: Callable[..., Path]) -> None:
    path = indexed_video(TIMES)
    whole = length_seconds(path, None)
    assert whole == pytest.approx(3.0, abs=0.11)
    assert length_seconds(path, Span(1.0, 2.5)) == 1.5
    assert length_seconds(path, Span(1.0, 9.0)) == pytest.approx(whole - 1.0)
    assert length_seconds(path, Span(8.0, 9.0)) == 0.0


def test_what_is_beyond_the_end_says_its_line() -> None:
    assert Span(1.0, 9.0, 4).why_beyond(3.0) == ""
    assert (
        Span(3.0, 9.0, 4)
        .why_beyond(3.0)
        .startswith("line 4: it is to be used from 3 to 9 s but ends at 3.00 s")
    )
