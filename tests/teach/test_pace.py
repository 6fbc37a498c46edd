"""Pace: about 14 pictures in a window that fits into nine in ten takes."""

from __future__ import annotations

import pytest

from rtaction.errors import DatasetError
from rtaction.teach.pace import Pace, choose_pace


@pytest.mark.parametrize(
    ("durations_seconds", "expected"),
    [
        ([2.0] * 10, Pace(0.14, 13)),
        ([2.6, 3.0, 3.9] * 5, Pace(0.2, 12)),
        ([10.0, 20.0], Pace(0.2, 15)),
        ([1.0] * 5, Pace(0.07, 13)),
        ([10.0] * 19 + [0.1], Pace(0.2, 15)),
    ],
)
def test_it_follows_from_the_takes(durations_seconds: list[float], expected: Pace) -> None:
    pace = choose_pace(durations_seconds)
    assert pace == expected
    assert pace.clip_seconds == pytest.approx(pace.window_seconds - pace.interval_seconds)


def test_takes_without_length_are_told() -> None:
    with pytest.raises(DatasetError, match="record longer ones"):
        choose_pace([0.1, 0.2])
