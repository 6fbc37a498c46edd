"""Tasks are done in order, by another thread; one that fails ends no other."""

from __future__ import annotations

import threading

import pytest

from rtaction.serve.watching.clerk import Clerk

WAIT_SECONDS = 30.0


def test_in_order_and_to_the_end(caplog: pytest.LogCaptureFixture) -> None:
    clerk, done = Clerk(), list[int]()

    def fail() -> None:
        raise OSError("no room")

    for number in range(5):
        clerk.ask(lambda number=number: done.append(number))  # type: ignore[misc]
    clerk.ask(fail)
    clerk.ask(lambda: done.append(5))
    clerk.start()
    clerk.close(WAIT_SECONDS)
    assert done == [0, 1, 2, 3, 4, 5]
    assert clerk.num_lost == 1
    assert caplog.messages == ["an event could not be kept: OSError: no room"]


def test_who_asks_does_not_wait() -> None:
    clerk, release = Clerk(), threading.Event()
    clerk.start()
    clerk.ask(lambda: release.wait(WAIT_SECONDS))
    for _ in range(10_500):
        clerk.ask(lambda: None)
    assert clerk.num_lost >= 499
    release.set()
    clerk.close(WAIT_SECONDS)
