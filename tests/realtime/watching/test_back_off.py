"""Waits double, are a little off by chance, and stay within their bounds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtaction.realtime.watching.back_off import BackOff

STEADY = BackOff(jitter=0.0)


@pytest.mark.parametrize(
    ("num_failures", "expected_seconds"),
    [(0, 0.5), (1, 0.5), (2, 1.0), (3, 2.0), (4, 4.0), (5, 5.0), (6, 5.0), (10**9, 5.0)],
)
def test_waits_double(num_failures: int, expected_seconds: float) -> None:
    assert STEADY.wait_seconds(num_failures) == expected_seconds


@pytest.mark.parametrize(
    ("num_failures", "expected_seconds"),
    [(1, 30.0), (2, 60.0), (3, 120.0), (4, 240.0), (5, 300.0), (10**9, 300.0)],
)
def test_a_lasting_failure_waits_longer(num_failures: int, expected_seconds: float) -> None:
    assert STEADY.wait_seconds(num_failures, is_lasting=True) == expected_seconds


def test_all_waits_can_be_set() -> None:
    back_off = BackOff(first_seconds=1.0, longest_seconds=3.0, lasting_seconds=7.0, jitter=0.0)

    assert [back_off.wait_seconds(n) for n in (1, 2, 3)] == [1.0, 2.0, 3.0]
    assert [back_off.wait_seconds(n, is_lasting=True) for n in (1, 2, 9)] == [7.0, 14.0, 70.0]


@given(num_failures=st.integers(1, 10_000), is_lasting=st.booleans(), jitter=st.floats(0.0, 0.9))
def test_chance_moves_a_wait_by_its_share_at_most(
    num_failures: int, is_lasting: bool, jitter: float
) -> None:
    middle_seconds = STEADY.wait_seconds(num_failures, is_lasting=is_lasting)
    longest_seconds = 300.0 if is_lasting else 5.0

    wait_seconds = BackOff(jitter=jitter).wait_seconds(num_failures, is_lasting=is_lasting)

    assert middle_seconds * (1 - jitter) - 1e-9 <= wait_seconds
    assert wait_seconds <= min(middle_seconds * (1 + jitter) + 1e-9, longest_seconds)


def test_cameras_that_fail_together_come_back_apart() -> None:
    waits = {BackOff().wait_seconds(3) for _ in range(20)}

    assert len(waits) > 10
    assert max(waits) > 1.05 * min(waits)
