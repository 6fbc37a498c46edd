from __future__ import annotations

import pytest

from rtaction.features.window_length import window_length


@pytest.mark.parametrize(
    ("durations_seconds", "expected"),
    [([2.0] * 10, (1.86, 2.0)), ([10.0] * 19 + [0.1], (3.0, 10.0))],
)
def test_it_fits_into_nine_videos_in_ten(
    durations_seconds: list[float], expected: tuple[float, float]
) -> None:
    assert window_length(durations_seconds) == pytest.approx(expected)
