"""A slow consumer sees the present, hears of errors, and can always leave."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from rtaction.errors import CameraLost
from rtaction.frame import Frame
from rtaction.realtime.latest_frame import LatestFrame
from tests.realtime.conftest import WAIT_SECONDS, ScriptedSource, gray_frame


def frames_from(first: int, count: int) -> list[Frame]:
    return [gray_frame(float(n), index=n) for n in range(first, first + count)]


def reader_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "rtaction-reader"]


@pytest.fixture(autouse=True)
def no_thread_stays() -> Iterator[None]:
    assert reader_threads() == []
    yield
    assert reader_threads() == []


def index_of_next(latest: LatestFrame) -> int | None:
    frame = latest.get(WAIT_SECONDS)
    return frame.index if frame else None


def test_a_slow_consumer_gets_the_newest_frame() -> None:
    source = ScriptedSource()
    with LatestFrame(source) as latest:
        source.give(*frames_from(0, 1))
        assert index_of_next(latest) == 0
        source.give(*frames_from(1, 10))
        assert index_of_next(latest) == 10
        assert latest.num_dropped == 9
        source.give(*frames_from(11, 2))
        assert index_of_next(latest) == 12
        assert latest.num_dropped == 10


def test_a_fast_consumer_gets_every_frame() -> None:
    source = ScriptedSource()
    with LatestFrame(source) as latest:
        seen = []
        for frame in frames_from(0, 20):
            source.give(frame)
            seen.append(index_of_next(latest))

    assert seen == list(range(20))
    assert latest.num_dropped == 0


def test_a_frame_is_given_once() -> None:
    source = ScriptedSource()
    with LatestFrame(source) as latest:
        source.give(*frames_from(0, 1))
        assert index_of_next(latest) == 0
        assert latest.get(0.01) is None
        assert not latest.ended


def test_a_consumer_that_waits_is_woken() -> None:
    source = ScriptedSource()
    seen: list[int | None] = []
    with LatestFrame(source) as latest:
        consumer = threading.Thread(target=lambda: seen.append(index_of_next(latest)))
        consumer.start()
        source.give(*frames_from(7, 1))
        consumer.join(WAIT_SECONDS)

    assert seen == [7]


def test_the_last_frame_comes_before_the_end() -> None:
    source = ScriptedSource()
    with LatestFrame(source) as latest:
        source.give(*frames_from(0, 3))
        source.end()
        assert index_of_next(latest) == 2
        assert index_of_next(latest) is None
        assert latest.ended


@pytest.mark.parametrize("num_frames", [0, 2])
def test_an_error_of_the_source_reaches_the_consumer(num_frames: int) -> None:
    source = ScriptedSource(CameraLost("gone"))
    with LatestFrame(source) as latest:
        source.give(*frames_from(0, num_frames))
        source.end()
        if num_frames:
            assert index_of_next(latest) == num_frames - 1
        with pytest.raises(CameraLost, match="gone"):
            latest.get(WAIT_SECONDS)
        assert latest.get(0.0) is None
        assert latest.ended


def test_an_error_of_the_consumer_passes_through() -> None:
    source = ScriptedSource()

    def fail_inside() -> None:
        with LatestFrame(source) as latest:
            source.give(*frames_from(0, 1))
            assert index_of_next(latest) == 0
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_inside()
    assert source.closed.is_set()


@pytest.mark.parametrize("moment", ["at once", "frame unfetched", "frame fetched", "ended", "lost"])
def test_leaving_at_any_moment_joins_the_reader(moment: str) -> None:
    source = ScriptedSource(CameraLost("gone") if moment == "lost" else None)
    with LatestFrame(source) as latest:
        if moment != "at once":
            source.give(*frames_from(0, 2))
        if moment == "frame fetched":
            assert index_of_next(latest) == 1
        if moment in ("ended", "lost"):
            source.end()

    assert source.closed.is_set()
    assert reader_threads() == []


@pytest.mark.slow
def test_a_source_that_hangs_does_not_keep_anyone() -> None:
    """A driver may block in a read for good; leaving then must not."""
    release = threading.Event()

    class Hanging(ScriptedSource):
        def frames(self) -> Iterator[Frame]:
            release.wait()
            yield from ()

    with LatestFrame(Hanging()) as latest:
        assert latest.get(0.01) is None
    (reader,) = reader_threads()
    assert reader.daemon
    release.set()
    reader.join(WAIT_SECONDS)
