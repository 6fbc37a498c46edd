from __future__ import annotations

import threading

import pytest

from rtaction.serve.sinks.worker import Counts, Worker
from tests.serve.sinks.doubles import wait_until


def test_in_order_and_the_oldest_make_room() -> None:
    go_on, has_begun = threading.Event(), threading.Event()
    handled: list[int] = []
    left_out: list[int] = []

    def handle(number: int) -> None:
        has_begun.set()
        assert go_on.wait(10)
        handled.append(number)

    worker = Worker("test", handle, max_waiting=3, on_left_out=left_out.append)
    worker.start()
    worker.put(0)
    assert has_begun.wait(10)
    for number in range(1, 6):
        worker.put(number)
    assert (worker.num_waiting, left_out) == (4, [1, 2])
    go_on.set()
    assert worker.close(10) == []
    assert handled == [0, 3, 4, 5]
    worker.put(6)
    assert left_out == [1, 2, 6]


def test_close_waits_no_longer_than_it_may_and_ends_pauses() -> None:
    hangs = threading.Event()
    paused: list[bool] = []

    def handle(item: str) -> None:
        if item == "hang":
            hangs.wait(10)
        else:
            paused.append(worker.pause(10))

    worker = Worker("test", handle)
    worker.start()
    for item in ("pause", "hang", "never"):
        worker.put(item)
    assert worker.close(0.3) == ["never"]
    assert paused == [False]
    assert worker.is_alive
    hangs.set()
    wait_until(lambda: not worker.is_alive)


def test_a_mistake_ends_no_thread_and_tells_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    def handle(item: int) -> None:
        if item == 0:
            raise RuntimeError("t0p-secret")
        handled.append(item)

    handled: list[int] = []
    worker = Worker("test", handle)
    worker.start()
    worker.put(0)
    worker.put(1)
    worker.close(10)
    assert handled == [1]
    assert "test: RuntimeError in " in caplog.text
    assert "t0p-secret" not in caplog.text


def test_a_reason_is_logged_once_and_without_secrets(caplog: pytest.LogCaptureFixture) -> None:
    counts = Counts("mqtt", ["t0p-secret"])
    assert counts.view(0).is_up is None
    for _ in range(3):
        counts.failed("refused t0p-secret\x1b[2J")
    view = counts.view(2)
    assert (view.is_up, view.reason, view.num_waiting) == (False, "refused …?[2J", 2)
    assert caplog.text.count("refused") == 1
    counts.sent(2)
    counts.missed()
    view = counts.view(0)
    assert (view.is_up, view.reason, view.num_sent, view.num_missed) == (True, "", 2, 1)
    counts.failed("refused t0p-secret\x1b[2J")
    assert caplog.text.count("refused") == 1
    counts.failed("another reason")
    assert "another reason" in caplog.text
    assert "t0p-secret" not in caplog.text


def test_the_same_reason_is_logged_again_after_a_while(caplog: pytest.LogCaptureFixture) -> None:
    counts = Counts("mqtt", quiet_seconds=0.0)
    for _ in range(2):
        counts.failed("refused")
        counts.failed("refused")
        counts.sent()
    assert caplog.text.count("refused") == 2
