"""Lines reach their reader in order, and a reader that stalls or leaves holds nobody up."""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from rtaction.realtime.outputs.line_writer import LineWriter
from tests.realtime.conftest import WAIT_SECONDS
from tests.realtime.servers.stream_client import until

LINE = b"x" * 999 + b"\n"
LARGE = b"y" * 200_000 + b"\n"
"""More than a pipe holds."""


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """The end to read and the end to write."""
    ends = os.pipe()
    yield ends
    for end in ends:
        with suppress(OSError):  # the test may have closed it
            os.close(end)


def read_all(end: int, num_bytes: int) -> bytes:
    """So many bytes, or what came until nothing more did for a while."""
    content = b""
    while len(content) < num_bytes and select.select([end], [], [], WAIT_SECONDS)[0]:
        content += os.read(end, num_bytes)
    return content


@pytest.mark.parametrize("waits", [True, False])
@pytest.mark.parametrize("blocking", [True, False])
def test_all_lines_come_in_order(pipe: tuple[int, int], waits: bool, blocking: bool) -> None:
    os.set_blocking(pipe[1], blocking)
    lines = [b"%d" % number + LINE for number in range(500)]
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(read_all(pipe[0], sum(map(len, lines)))))
    reader.start()
    writer = LineWriter(pipe[1], waits=waits, is_stopping=lambda: False)

    for line in lines:
        writer.put(line)
    assert writer.close(WAIT_SECONDS)
    reader.join(WAIT_SECONDS)

    assert read == [b"".join(lines)]
    assert writer.num_left_out == 0


def test_a_reader_that_stalls_delays_nothing(pipe: tuple[int, int]) -> None:
    writer = LineWriter(pipe[1], waits=False, is_stopping=lambda: False, max_bytes=5000)
    writer.put(LARGE)  # is taken, and fills the pipe
    begun_seconds = time.monotonic()
    for _ in range(1000):
        writer.put(LINE)
    assert time.monotonic() - begun_seconds < 3.0
    assert writer.num_left_out == 1000

    assert read_all(pipe[0], len(LARGE)) == LARGE

    def is_taken() -> bool:
        before = writer.num_left_out
        writer.put(b"again\n")
        return writer.num_left_out == before

    until(is_taken)  # the large line is read a moment before the writer knows
    assert read_all(pipe[0], 6) == b"again\n"
    assert writer.close(WAIT_SECONDS)


def test_what_is_left_at_the_end_is_counted(pipe: tuple[int, int]) -> None:
    writer = LineWriter(pipe[1], waits=False, is_stopping=lambda: False)
    for line in (LARGE, LINE, LINE):
        writer.put(line)

    begun_seconds = time.monotonic()
    assert not writer.close(0.2)

    assert 0.2 <= time.monotonic() - begun_seconds < 3.0
    assert writer.num_left_out == 3


def test_who_waits_waits_until_it_is_to_stop(pipe: tuple[int, int]) -> None:
    stop = threading.Event()
    writer = LineWriter(pipe[1], waits=True, is_stopping=stop.is_set)
    waiting = threading.Thread(target=writer.put, args=(LARGE,))
    waiting.start()
    waiting.join(0.3)
    assert waiting.is_alive()

    stop.set()
    waiting.join(WAIT_SECONDS)

    assert not waiting.is_alive()
    assert not writer.close(0.0)


@pytest.mark.parametrize("waits", [True, False])
def test_a_reader_that_leaves_is_told(pipe: tuple[int, int], waits: bool) -> None:
    writer = LineWriter(pipe[1], waits=waits, is_stopping=lambda: False)
    os.close(pipe[0])

    def has_told() -> bool:
        try:
            writer.put(LINE)
        except BrokenPipeError:
            return True
        return False

    assert has_told() or not waits
    until(has_told)
    assert writer.close(WAIT_SECONDS)
