from __future__ import annotations

import pytest

from tests.realtime.clock_picture import clock_picture, read_clock


@pytest.mark.parametrize("seconds", [-2.0, -0.013, 0.0, 0.331, 31.968, 57.5])
def test_a_time_is_read_as_it_was_drawn(seconds: float) -> None:
    """Also of before the start: a server that sends a burst begins there."""
    assert read_clock(clock_picture(seconds, (48, 64))) == seconds
