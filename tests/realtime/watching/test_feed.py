"""A feed reads one source for as long as the run lasts, and comes back whenever it is lost."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from rtaction.errors import (
    CameraLost,
    MissingLibrary,
    RtactionError,
    SourceMissing,
    SourceRefused,
    SourceUnreadable,
    StreamMissing,
)
from rtaction.frame import Frame, FrameLike
from rtaction.model_spec import ModelSpec
from rtaction.realtime.cameras.camera import Camera
from rtaction.realtime.sources.source import Source
from rtaction.realtime.sources.turns import Turn, Turns
from rtaction.realtime.watching.back_off import BackOff
from rtaction.realtime.watching.feed import Feed, Link
from rtaction.realtime.watching.options import WatchOptions
from rtaction.realtime.windows.state import State
from rtaction.realtime.windows.tracker import Tracker
from tests.realtime.conftest import (
    WAIT_SECONDS,
    ScriptedSource,
    gray_frame,
    scripted_camera,
)

SPEC = ModelSpec(("bright", "dark"), 5, 1.0, 8, 8)
AT_ONCE = BackOff(first_seconds=0.001, longest_seconds=0.001, lasting_seconds=0.001)
NEVER = BackOff(first_seconds=3600.0, longest_seconds=3600.0, lasting_seconds=3600.0)
AHEAD_SECONDS = 1000.0


class Opener:
    """Gives the sources that the test put in, one for each try; an error is raised instead."""

    def __init__(self, *sources: Source | Exception) -> None:
        self.sources = list(sources)
        self.cameras: list[Camera] = []
        self.tried = threading.Semaphore(0)

    def __call__(self, camera: Camera) -> Source:
        self.cameras.append(camera)
        self.tried.release()
        source = self.sources.pop(0) if self.sources else SourceMissing("no more")
        if isinstance(source, Exception):
            raise source
        return source


def feed_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "rtaction-feed"]


@pytest.fixture(autouse=True)
def no_thread_stays() -> Iterator[None]:
    assert feed_threads() == []
    yield
    assert feed_threads() == []


class Watched(Feed[Tracker]):
    """A feed that is closed at the end of a `with`, and notes its links."""

    def __init__(
        self,
        *sources: Source | Exception,
        camera: Camera | None = None,
        back_off: BackOff = AT_ONCE,
        turn: Turn | None = None,
        **options: Any,
    ) -> None:
        self.opener = Opener(*sources)
        self.wake = threading.Event()
        self.links: list[Link] = []
        super().__init__(
            camera or scripted_camera(),
            Tracker(SPEC, is_live=True),
            self.wake,
            WatchOptions(**options),
            turn=turn,
            back_off=back_off,
            open_with=self.opener,
        )

    def __enter__(self) -> Watched:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        assert self.join(WAIT_SECONDS)

    def _change(self, link: Link) -> None:
        self.links.append(link)
        super()._change(link)

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Until something is so; every change of the link wakes."""
        deadline_seconds = time.monotonic() + WAIT_SECONDS
        while not condition():
            assert time.monotonic() < deadline_seconds
            self.wake.wait(0.01)
            self.wake.clear()


def frames_from(first: int, count: int, *, segment: int = 0) -> list[Frame]:
    """Four a second; they lie ahead, so that no delay of a busy machine makes them late."""
    start = round(time.monotonic()) + AHEAD_SECONDS
    return [
        gray_frame(start + n / 4, index=n, segment=segment) for n in range(first, first + count)
    ]


def index_of_next(feed: Feed[Any]) -> int | None:
    frame = feed.latest()
    return frame.index if frame else None


def test_a_slow_consumer_gets_the_newest_frame() -> None:
    source = ScriptedSource()
    with Watched(source) as feed:
        source.give(*frames_from(0, 1))
        assert index_of_next(feed) == 0
        source.give(*frames_from(1, 10))
        assert index_of_next(feed) == 10
        assert feed.drops["not drawn"] == 9
        source.give(*frames_from(11, 2))
        assert index_of_next(feed) == 12
        assert feed.drops["not drawn"] == 10
    assert feed.num_frames == 13


def test_a_fast_consumer_gets_every_frame_once() -> None:
    source = ScriptedSource()
    with Watched(source) as feed:
        seen = []
        for frame in frames_from(0, 20):
            source.give(frame)
            seen.append(index_of_next(feed))
            assert feed.latest() is None

    assert seen == list(range(20))
    assert feed.drops["not drawn"] == 0


def test_a_consumer_that_waits_is_woken_by_a_frame() -> None:
    source = ScriptedSource()
    with Watched(source) as feed:
        source.give(*frames_from(0, 1))
        feed.wake.clear()
        source.give(*frames_from(1, 1))
        assert feed.wake.is_set()


def test_where_nobody_draws_only_a_window_wakes() -> None:
    source = ScriptedSource()
    with Watched(source, keep_frames=False) as feed:
        frames = frames_from(0, 6)
        source.give(*frames[:1])
        feed.wake.clear()
        source.give(*frames[1:4])
        assert not feed.wake.is_set()
        source.give(frames[4])
        assert feed.wake.is_set()

        assert feed.latest() is None
        window = feed.tracker.take()
        assert window is not None
        assert window.end_seconds == frames[4].captured_at_seconds
    assert feed.drops["not drawn"] == 0


def test_figures_of_a_feed() -> None:
    source = ScriptedSource()
    source.frames_per_second = 12.5
    frames = frames_from(3, 5)
    with Watched(source) as feed:
        assert (feed.first_seconds, feed.num_frames, feed.link) == (None, 0, "connecting")
        source.give(*frames)
        assert feed.first_seconds == frames[0].captured_at_seconds
        assert feed.last_seconds == frames[-1].captured_at_seconds
        assert (feed.num_frames, feed.num_tries, feed.num_reconnects) == (5, 1, 0)
        assert feed.frames_per_second == 12.5
        assert feed.opener.cameras == [feed.camera]
        assert feed.error is None
        assert not feed.has_failed_at_first


def test_every_frame_is_told_on_the_thread_that_reads() -> None:
    source = ScriptedSource()
    told: list[tuple[int, str]] = []
    with Watched(
        source, on_frame=lambda one: told.append((one.index, threading.current_thread().name))
    ):
        source.give(*frames_from(0, 4))

    assert told == [(number, "rtaction-feed") for number in range(4)]


def test_drops_of_source_tracker_and_feed_add_up_over_losses() -> None:
    first, second = ScriptedSource(CameraLost("gone")), ScriptedSource()
    first.drops.update({"burst": 3, "behind": 1})
    with Watched(first, second) as feed:
        first.give(*frames_from(0, 9))
        feed.tracker.take()
        assert feed.drops == {"burst": 3, "behind": 1, "not drawn": 8, "skipped": 4}
        first.end()
        second.give(*frames_from(9, 1))
        second.drops.update({"burst": 4})
        assert feed.drops == {"burst": 7, "behind": 1, "not drawn": 9, "skipped": 4}
    assert feed.drops == {"burst": 7, "behind": 1, "not drawn": 9, "skipped": 4}


def test_a_true_end_ends_the_feed() -> None:
    source = ScriptedSource()
    with Watched(source) as feed:
        source.give(*frames_from(0, 3))
        source.end()
        assert feed.join(WAIT_SECONDS)
        assert feed.link == feed.state == "ended"
        assert feed.error is None
        # The last frame can still be fetched, and windows can still be taken.
        assert index_of_next(feed) == 2
    assert feed.links == ["up", "ended"]
    assert feed.num_tries == 1
    assert source.closed.is_set()


@pytest.mark.parametrize(
    ("error", "expected_link"),
    [
        (CameraLost("gone"), "down"),
        (SourceMissing("nobody there"), "down"),
        (SourceRefused("wrong password"), "refused"),
        (StreamMissing("no such path"), "refused"),
        (SourceUnreadable("no video"), "refused"),
        (MissingLibrary("pip install it"), "refused"),
    ],
)
def test_why_a_source_is_not_up(error: RtactionError, expected_link: State) -> None:
    with Watched(error, back_off=NEVER) as feed:
        feed.wait_for(lambda: feed.link != "connecting")
        assert feed.link == feed.state == expected_link
        assert feed.error is error
        assert feed.has_failed_at_first
        assert (feed.num_tries, feed.num_frames) == (1, 0)


def test_a_lost_source_is_opened_again_for_ever() -> None:
    sources = [ScriptedSource(CameraLost(f"loss {number}")) for number in range(5)]
    with Watched(*sources) as feed:
        for number, source in enumerate(sources):
            source.give(*frames_from(2 * number, 2))
            assert feed.link == "up"
            assert feed.error is None
            assert feed.num_reconnects == number
            if number < 4:
                source.end()
    assert feed.num_tries == 5
    assert feed.links == ["up", "down"] * 4 + ["up", "ended"]
    assert all(source.closed.is_set() for source in sources)
    assert not feed.has_failed_at_first


def test_failures_between_two_losses_are_no_reconnects() -> None:
    first, second = ScriptedSource(CameraLost("gone")), ScriptedSource()
    with Watched(SourceMissing("a"), first, SourceMissing("b"), SourceMissing("c"), second) as feed:
        first.give(*frames_from(0, 1))
        assert feed.num_reconnects == 0
        first.end()
        second.give(*frames_from(1, 1))
        assert (feed.num_tries, feed.num_reconnects) == (5, 1)
    assert feed.links == ["down", "up", "down", "down", "down", "up", "ended"]


def test_a_loss_forgets_the_pictures_before_it() -> None:
    """Time goes on while nothing comes; no window may span that."""
    first, second = ScriptedSource(CameraLost("gone")), ScriptedSource()
    with Watched(first, second) as feed:
        frames = frames_from(0, 9)
        first.give(*frames[:4])
        first.end()
        second.give(*frames[4:8])
        assert feed.tracker.take() is None
        states = [feed.state]
        second.give(frames[8])
        window = feed.tracker.take()
        assert window is not None
        assert window.times_seconds[0] == frames[4].captured_at_seconds
        assert [*states, feed.state] == ["warming_up", "ok"]


def test_without_reconnect_a_loss_is_the_end() -> None:
    error = CameraLost("gone")
    source = ScriptedSource(error)
    with Watched(source, reconnect=False) as feed:
        source.give(*frames_from(0, 9))
        source.end()
        assert feed.join(WAIT_SECONDS)
        assert feed.link == "ended"
        assert feed.error is error
        # What was lost is not judged to its end.
        assert (feed.tracker.take(), feed.tracker.take_last()) == (None, None)
    assert feed.num_tries == 1


class Noted(BackOff):
    """Waits that are noted, and over at once."""

    asked: list[tuple[int, bool]]

    def __init__(self) -> None:
        super().__init__()
        object.__setattr__(self, "asked", [])

    def wait_seconds(self, num_failures: int, *, is_lasting: bool = False) -> float:
        self.asked.append((num_failures, is_lasting))
        return 0.0


def test_failures_in_a_row_are_counted_by_their_kind() -> None:
    """The first wrong password after a long outage is not the tenth."""
    outage = [SourceMissing("nobody there") for _ in range(9)]
    refused = [SourceRefused("wrong password") for _ in range(2)]
    back_off, source = Noted(), ScriptedSource()
    with Watched(*outage, *refused, SourceMissing("again"), source, back_off=back_off):
        source.give(*frames_from(0, 1))

    waits = [(number, False) for number in range(1, 10)]
    assert back_off.asked == [*waits, (1, True), (2, True), (10, False)]


def test_a_password_that_worked_is_tried_once_more_soon() -> None:
    """A camera that starts up may refuse everybody; one that counts locks out who insists."""
    back_off = Noted()
    sources = [ScriptedSource(CameraLost("gone")) for _ in range(2)]
    refused = [SourceRefused("wrong password") for _ in range(3)]
    with Watched(sources[0], *refused, sources[1], *refused, back_off=back_off) as feed:
        for number, source in enumerate(sources):
            source.give(*frames_from(2 * number, 1))
            source.end()
        feed.wait_for(lambda: feed.num_tries > 8)

    lost = [(1, False), (2, False), (1, True), (2, True)]
    assert back_off.asked[:8] == [*lost, (3, False), (4, False), (1, True), (2, True)]


@pytest.mark.parametrize("error", [StreamMissing("404"), SourceUnreadable("a web page")])
def test_a_stream_that_worked_is_awaited(error: RtactionError) -> None:
    back_off, source = Noted(), ScriptedSource(CameraLost("gone"))
    with Watched(error, source, error, error, error, back_off=back_off) as feed:
        source.give(*frames_from(0, 1))
        source.end()
        feed.wait_for(lambda: feed.num_tries > 5)

    assert back_off.asked[:5] == [(1, True), (1, False), (2, False), (3, False), (4, False)]
    assert feed.links[:3] == ["refused", "up", "down"]
    assert feed.links[3] == "refused"


def test_no_outage_makes_a_feed_wait_long() -> None:
    """Whatever has failed how often: who comes back is found within seconds."""
    for num_failures in (1, 10, 10_000):
        assert BackOff().wait_seconds(num_failures) <= 5.0


def test_a_source_that_is_lost_at_once_again_counts_as_failing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A camera that accepts, gives a picture and hangs up must not be hammered."""
    back_off = Noted()
    sources = [ScriptedSource(CameraLost("gone")) for _ in range(4)]
    with Watched(*sources, back_off=back_off) as feed:
        for number, source in enumerate(sources):
            if number == 2:
                # From now on a source counts as well again with its second picture.
                monkeypatch.setattr("rtaction.realtime.watching.feed._HEALTHY_SECONDS", 0.0)
            source.give(*frames_from(3 * number, 3))
            source.end()
        feed.wait_for(lambda: feed.num_tries > 4)

    assert [num for num, _ in back_off.asked[:4]] == [1, 2, 1, 1]


def test_waiting_ends_when_the_feed_is_closed() -> None:
    began_seconds = time.monotonic()
    with Watched(SourceMissing("a"), back_off=NEVER) as feed:
        feed.wait_for(lambda: feed.link == "down")

    assert time.monotonic() - began_seconds < 3600.0
    assert feed.links[-1] == "ended"


def test_a_source_that_hangs_counts_as_down_before_it_gives_up() -> None:
    source = ScriptedSource()
    camera = replace(scripted_camera(), read_timeout_seconds=0.05)
    with Watched(source, camera=camera) as feed:
        source.give(*frames_from(0, 5))
        feed.wait_for(lambda: feed.link == "down")
        assert feed.state == "down"
        source.give(*frames_from(5, 1))
        feed.wait_for(lambda: feed.num_frames == 6)
        # Nobody has opened it again: it was late, not lost.
        assert (feed.num_tries, feed.num_reconnects) == (1, 0)
    assert feed.links == ["up", "ended"]


@pytest.mark.parametrize("where", ["open", "frames", "on_frame"])
def test_an_error_that_nobody_expected_is_a_loss(
    where: str, caplog: pytest.LogCaptureFixture
) -> None:
    error = ZeroDivisionError("odd camera")
    good = ScriptedSource()
    broken = error if where == "open" else ScriptedSource(error if where == "frames" else None)
    told: list[int] = []

    def on_frame(frame: FrameLike) -> None:
        told.append(frame.index)
        if where == "on_frame" and len(told) == 2:
            raise error

    with (
        caplog.at_level(logging.WARNING, "rtaction.realtime.watching.feed"),
        Watched(broken, good, on_frame=on_frame) as feed,
    ):
        if isinstance(broken, ScriptedSource):
            broken.give(*frames_from(0, 2))
            broken.end()
        good.give(*frames_from(2, 1))
        assert feed.link == "up"
    assert feed.num_tries == 2
    assert "test: unexpected ZeroDivisionError: odd camera" in caplog.text


def test_an_error_that_nobody_expected_tells_no_password(
    caplog: pytest.LogCaptureFixture,
) -> None:
    url = "rtsp://admin:s3cret@127.0.0.1/live"
    camera = scripted_camera("front", "rtsp")
    camera = replace(camera, address=replace(camera.address, target=url))
    with Watched(ValueError(f"cannot read {url}"), camera=camera, back_off=NEVER) as feed:
        feed.wait_for(lambda: feed.link != "connecting")
        assert isinstance(feed.error, CameraLost)
        said = f"{feed.error} {caplog.text}"

    assert "front: unexpected ValueError: cannot read" in said
    assert "s3cret" not in said
    assert "admin" not in said


@pytest.mark.parametrize("moment", ["at once", "frame unfetched", "frame fetched", "ended", "lost"])
def test_leaving_at_any_moment_joins_the_reader(moment: str) -> None:
    source = ScriptedSource(CameraLost("gone") if moment == "lost" else None)
    with Watched(source, back_off=NEVER) as feed:
        assert feed.opener.tried.acquire(timeout=WAIT_SECONDS)
        if moment != "at once":
            source.give(*frames_from(0, 2))
        if moment == "frame fetched":
            assert index_of_next(feed) == 1
        if moment in ("ended", "lost"):
            source.end()
            feed.wait_for(lambda: feed.link in ("ended", "down"))

    assert source.closed.is_set()
    assert feed_threads() == []


def test_leaving_while_the_source_is_being_opened() -> None:
    """What is opened after all is closed at once, though it never gives a picture."""
    opening, release = threading.Event(), threading.Event()
    source = ScriptedSource()

    def open_slowly(camera: Camera) -> Source:
        opening.set()
        assert release.wait(WAIT_SECONDS)
        return source

    feed = Feed(scripted_camera(), Tracker(SPEC), threading.Event(), open_with=open_slowly)
    feed.start()
    assert opening.wait(WAIT_SECONDS)
    feed.close()
    release.set()
    has_ended = feed.join(5.0)
    source.close()

    assert feed.join(WAIT_SECONDS)
    assert has_ended


def test_a_source_that_hangs_does_not_keep_anyone() -> None:
    """A driver may block in a read for good; leaving then must not."""
    release = threading.Event()

    class Hanging(ScriptedSource):
        def frames(self) -> Iterator[Frame]:
            release.wait(WAIT_SECONDS)
            yield from ()

    feed = Watched(Hanging())
    feed.start()
    assert feed.opener.tried.acquire(timeout=WAIT_SECONDS)
    feed.close()
    assert not feed.join(0.01)
    (reader,) = feed_threads()
    assert reader.daemon
    release.set()
    assert feed.join(WAIT_SECONDS)


def test_figures_can_be_asked_for_while_they_change() -> None:
    """Another thread looks at them all the time."""

    class Growing(ScriptedSource):
        def frames(self) -> Iterator[Frame]:
            for number in range(20_000):
                self.drops[f"reason {number}"] += 1
                if self.closed.is_set():
                    return
            yield from ()

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        source = Growing()
        with Watched(source) as feed:
            seen: list[Counter[str]] = []
            while feed.link != "ended":
                seen.append(feed.drops)
    finally:
        sys.setswitchinterval(before)

    assert len(seen) > 1
    assert feed.drops["reason 19999"] == 1


class TakingTurns(ScriptedSource):
    """A source that can be told to wait for others."""

    def __init__(self) -> None:
        super().__init__()
        self.turn = Turns().join()


def test_who_waits_for_its_turn_is_not_lost() -> None:
    turns = Turns()
    turn, source = turns.join(), TakingTurns()
    camera = replace(scripted_camera(kind="rtsp"), read_timeout_seconds=0.05)
    with Watched(source, camera=camera, turn=turn) as feed:
        source.give(*frames_from(0, 1))
        assert source.turn is turn
        turn.enter()
        turn.goes_on(1.0)
        assert turn.is_waiting
        time.sleep(0.1)  # longer than it may send nothing
        assert (feed.link, feed.state) == ("up", "overloaded")
        turn.leave()
        feed.wait_for(lambda: feed.link == "down")


def test_what_comes_at_its_own_pace_waits_for_nobody() -> None:
    source, turn = TakingTurns(), Turns().join()
    with Watched(source, camera=scripted_camera(kind="http"), turn=turn) as feed:
        source.give(*frames_from(0, 1))
        assert source.turn is not turn
        assert feed.link == "up"
