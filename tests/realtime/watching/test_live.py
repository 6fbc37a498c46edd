"""Many sources and one network: each has its turn, and what happens to one delays no other."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from rtaction.errors import CameraLost, RtactionError, SourceMissing, SourceRefused
from rtaction.frame import DeferredFrame, Frame
from rtaction.model_spec import ModelSpec
from rtaction.realtime.cameras.address import Address
from rtaction.realtime.cameras.camera import Camera
from rtaction.realtime.sources.source import Source
from rtaction.realtime.watching.back_off import BackOff
from rtaction.realtime.watching.live import LiveWatch
from rtaction.realtime.watching.moment import Moment, Moments
from rtaction.realtime.watching.options import WatchOptions
from rtaction.realtime.watching.stats import WatchStats
from tests.realtime.conftest import (
    WAIT_SECONDS,
    BrightnessModel,
    ScriptedSource,
    gray_frame,
    scripted_camera,
)
from tests.videos import write_flat_video

SPEC = ModelSpec(("bright", "dark"), 5, 1.0, 8, 8)
AT_ONCE = BackOff(first_seconds=0.001, longest_seconds=0.001, lasting_seconds=0.001)
NEVER = BackOff(first_seconds=3600.0, longest_seconds=3600.0, lasting_seconds=3600.0)
AHEAD_SECONDS = 1000.0
Try = Source | Exception | Callable[[], Source]


class Run:
    """A watch over scripted sources, followed from the test's thread.

    Args:
        tries: for each source what its tries give, in order; then nobody is there any more. A
            callable is called.
        options: see `LiveWatch` and `WatchOptions`.
    """

    def __init__(self, tries: dict[str, list[Try]], **options: Any) -> None:
        self.model = BrightnessModel(SPEC)
        self.stats = WatchStats()
        self.seen: list[Moment] = []
        self._tries = {name: list(one) for name, one in tries.items()}
        cameras = options.pop("cameras", [scripted_camera(name) for name in tries])
        self.watch = LiveWatch(
            options.pop("model", self.model),
            cameras,
            self.stats,
            open_with=self._open,
            back_off=options.pop("back_off", AT_ONCE),
            stays=options.pop("stays", False),
            options=WatchOptions(**options),
        )
        self.moments: Moments = self.watch.moments()

    def __enter__(self) -> Run:
        # The threads begin with the first moment.
        self.seen.append(next(self.moments))
        return self

    def __exit__(self, *_: object) -> None:
        self.moments.close()

    def _open(self, camera: Camera) -> Source:
        tries = self._tries[camera.name]
        one = tries.pop(0) if tries else SourceMissing("no more")
        if isinstance(one, Exception):
            raise one
        return one() if callable(one) else one

    def until(self, condition: Callable[[], bool]) -> None:
        """Follow until something is so."""
        deadline_seconds = time.monotonic() + WAIT_SECONDS
        while not condition():
            self.seen.append(next(self.moments))
            assert time.monotonic() < deadline_seconds

    def to_the_end(self) -> None:
        self.seen.extend(self.moments)

    def ends_of(self, source: str) -> list[float]:
        """Ends of a source's windows so far."""
        predictions = [one for moment in self.seen for one in moment.predictions]
        return [one.end_seconds for one in predictions if one.source == source]

    def states_of(self, source: str) -> list[str]:
        """What was told of a source's states so far."""
        changes = [one for moment in self.seen for one in moment.changes]
        return [one.state for one in changes if one.source == source]


def feed_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "rtaction-feed"]


@pytest.fixture(autouse=True)
def no_thread_stays() -> Iterator[None]:
    assert feed_threads() == []
    yield
    for thread in feed_threads():
        thread.join(WAIT_SECONDS)
    assert feed_threads() == []


def frames(
    source: str, first: int, count: int, *, value: int = 200, start_seconds: float | None = None
) -> list[Frame]:
    """Four a second; they lie ahead, so that no delay of a busy machine makes them late."""
    start = AHEAD_SECONDS + 1e6 if start_seconds is None else start_seconds
    numbers = range(first, first + count)
    return [gray_frame(start + n / 4, value + n % 2, n, source) for n in numbers]


class Blocking(BrightnessModel):
    """A network that computes only once it is released, and tells when it is asked."""

    def __init__(self) -> None:
        super().__init__(SPEC)
        self.asked, self.released = threading.Event(), threading.Event()

    def encode(self, images: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        self.asked.set()
        assert self.released.wait(WAIT_SECONDS)
        return super().encode(images)


def test_windows_of_many_sources_are_computed_in_one_batch() -> None:
    sources = {f"camera {number}": ScriptedSource() for number in range(8)}
    with Run({name: [one] for name, one in sources.items()}) as run:
        for number, (name, source) in enumerate(sources.items()):
            source.give(*frames(name, 0, 5, value=10 * number))
        run.until(lambda: all(run.ends_of(name) for name in sources))

    # The sources' frames all lay ready when somebody looked: one batch, but for its bound.
    assert run.model.batches == [32, 8]
    assert run.model.num_clips == [8]
    for number, name in enumerate(sources):
        (prediction,) = [p for m in run.seen for p in m.predictions if p.source == name]
        assert prediction.score_of("bright") == pytest.approx((10 * number + 0.4) / 255, abs=1e-3)
        assert run.stats.of(name).num_predictions == 1


@pytest.mark.parametrize("beside", [False, True])
def test_frames_stand_beside_predictions_where_they_are_wanted(beside: bool) -> None:
    sources = {name: ScriptedSource() for name in ("a", "b")}
    with Run({name: [one] for name, one in sources.items()}, frames_beside=beside) as run:
        for number, (name, source) in enumerate(sources.items()):
            source.give(*frames(name, 0, 5, value=100 * number))
        run.until(lambda: all(run.ends_of(name) for name in sources))

    found = {p.source: p.frame for moment in run.seen for p in moment.predictions}
    shown = {
        name: None if one is None else (one.index, int(one.image.max()))
        for name, one in found.items()
    }
    assert shown == ({"a": (4, 0), "b": (4, 100)} if beside else {"a": None, "b": None})


def test_a_busy_source_does_not_starve_the_others() -> None:
    busy, calm = ScriptedSource(), ScriptedSource()
    with Run({"busy": [busy], "calm": [calm]}) as run:
        busy.give(*frames("busy", 0, 200))
        calm.give(*frames("calm", 0, 5))
        run.until(lambda: bool(run.ends_of("calm")))

        # The first look takes one window of each: the newest of the busy one.
        assert len(run.ends_of("busy")) == 1
        assert run.ends_of("busy") == [1e6 + AHEAD_SECONDS + 199 / 4]
        assert run.stats.of("busy").drops["skipped"] == 195
    assert run.model.num_clips == [2]


def test_a_source_that_cannot_be_reached_delays_nobody() -> None:
    """One camera never answers, another fails each time; the third is watched all the while."""
    release = threading.Event()
    good = ScriptedSource()

    def hang() -> Source:
        assert release.wait(WAIT_SECONDS)
        raise SourceMissing("at last")

    failing: list[Try] = [SourceMissing(f"try {number}") for number in range(10_000)]
    with Run({"hangs": [hang], "fails": failing, "good": [good]}) as run:
        for number in range(0, 20, 5):
            good.give(*frames("good", number, 5))
            run.until(lambda end=number + 4: len(run.ends_of("good")) > end // 5)  # type: ignore[misc]
        run.until(lambda: run.watch.feeds[1].num_tries > 20)

        assert run.states_of("hangs") == ["connecting"]
        assert run.states_of("good")[-1] == "ok"
        assert "down" in run.states_of("fails")
        assert "up" not in run.states_of("fails")
        release.set()


def test_a_source_that_hangs_does_not_keep_who_leaves() -> None:
    release = threading.Event()

    def hang() -> Source:
        assert release.wait(WAIT_SECONDS)
        raise SourceMissing("at last")

    with Run({"hangs": [hang]}) as run:
        run.until(lambda: len(run.seen) > 2)
        began_seconds = time.monotonic()
        run.moments.close()
        took_seconds = time.monotonic() - began_seconds
    assert len(feed_threads()) == 1
    release.set()

    # A second to wait for the thread, and much room for a busy machine.
    assert took_seconds < 10.0


@pytest.mark.parametrize("error", [ZeroDivisionError("odd"), KeyError("x"), MemoryError()])
@pytest.mark.parametrize("where", ["open", "frames"])
def test_an_error_that_nobody_expected_stops_no_other(error: Exception, where: str) -> None:
    odd: Try = error if where == "open" else ScriptedSource(error)
    good = ScriptedSource()
    with Run({"odd": [odd], "good": [good]}) as run:
        good.give(*frames("good", 0, 5))
        run.until(lambda: len(run.ends_of("good")) == 1)
        if isinstance(odd, ScriptedSource):
            odd.give(*frames("odd", 0, 1))
            odd.end()
        run.until(lambda: "down" in run.states_of("odd"))
        good.give(*frames("good", 5, 5))
        run.until(lambda: len(run.ends_of("good")) == 2)

        assert run.states_of("good")[-1] == "ok"


@pytest.mark.parametrize("error", [ValueError("no such format"), MemoryError()])
def test_a_picture_that_cannot_be_made_stops_no_other(error: Exception) -> None:
    """Pictures are made late, the newest of a window on the thread that computes for all."""

    def make_image() -> npt.NDArray[Any]:
        raise error

    odd, good = ScriptedSource(), ScriptedSource()
    with Run({"odd": [odd], "good": [good]}, keep_frames=False) as run:
        good.give(*frames("good", 0, 5))
        *whole, last = frames("odd", 0, 5)
        odd.give(*whole, DeferredFrame(make_image, last.captured_at_seconds, 4, "odd"))
        run.until(lambda: bool(run.ends_of("good")))
        odd.give(*frames("odd", 5, 9))
        run.until(lambda: bool(run.ends_of("odd")))

        assert run.stats.of("odd").drops["damaged"] == 1


def test_an_error_of_the_network_is_told() -> None:
    class Broken(BrightnessModel):
        def encode(self, images: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
            raise ZeroDivisionError

    source = ScriptedSource()
    with Run({"test": [source]}, model=Broken(SPEC)) as run:
        source.give(*frames("test", 0, 5))
        with pytest.raises(ZeroDivisionError):
            run.until(lambda: False)
    assert source.closed.is_set()


@pytest.mark.parametrize(
    "error", [SourceMissing("nobody there"), SourceRefused("password"), CameraLost("gone")]
)
def test_a_sole_source_that_cannot_be_opened_at_first_is_told(error: RtactionError) -> None:
    run = Run({"test": [error]}, back_off=NEVER)

    with pytest.raises(type(error)) as caught:
        run.to_the_end()

    assert caught.value is error
    # The error says it; a state that says it as well would be one line too many.
    assert not {"down", "refused"} & set(run.states_of("test"))


def test_where_no_source_can_be_opened_the_first_error_is_told() -> None:
    errors = [SourceMissing("a"), SourceRefused("b")]
    run = Run({"a": [errors[0]], "b": [errors[1]]}, back_off=NEVER)

    with pytest.raises(SourceMissing) as caught:
        run.to_the_end()
    assert caught.value is errors[0]


def test_one_of_two_that_can_be_opened_is_enough() -> None:
    good = ScriptedSource()
    with Run({"fails": [SourceMissing("nobody there")], "good": [good]}, back_off=NEVER) as run:
        run.until(lambda: "down" in run.states_of("fails"))
        good.give(*frames("good", 0, 5))
        run.until(lambda: bool(run.ends_of("good")))

        assert run.states_of("fails")[-1] == "down"


def test_who_waits_for_sources_is_not_told_of_the_first_failures() -> None:
    source = ScriptedSource()
    failing: list[Try] = [SourceMissing("not yet")] * 5
    with Run({"test": [*failing, source]}, wait_for_sources=True) as run:
        run.until(lambda: run.watch.feeds[0].num_tries > 5)
        source.give(*frames("test", 0, 5))
        run.until(lambda: bool(run.ends_of("test")))

    # The first picture was the first: nothing was lost before it.
    assert run.stats.of("test").num_reconnects == 0


def test_states_in_order_over_a_loss() -> None:
    first, second = ScriptedSource(CameraLost("test: gone")), ScriptedSource()
    reopen = threading.Event()

    def open_again() -> Source:
        assert reopen.wait(WAIT_SECONDS)
        return second

    with Run({"test": [first, open_again]}) as run:
        first.give(*frames("test", 0, 1))
        run.until(lambda: run.states_of("test")[-1:] == ["warming_up"])
        first.give(*frames("test", 1, 4))
        run.until(lambda: run.states_of("test")[-1:] == ["ok"])
        first.end()
        run.until(lambda: run.states_of("test")[-1:] == ["down"])
        reopen.set()
        second.give(*frames("test", 5, 1))
        run.until(lambda: run.states_of("test")[-1:] == ["warming_up"])
        second.give(*frames("test", 6, 4))
        run.until(lambda: run.states_of("test")[-1:] == ["ok"])
        second.end()
        run.to_the_end()

        assert run.states_of("test") == [
            *("connecting", "warming_up", "ok", "down", "warming_up", "ok", "ended")
        ]
        changes = [change for moment in run.seen for change in moment.changes]
        assert [one.reason for one in changes] == [
            # The source is named beside the reason.
            *("connecting…", "warming up…", "", "gone", "warming up…", "", "ended")
        ]
        told_seconds = [one.at_seconds for one in changes]
        assert told_seconds == sorted(told_seconds)
        assert 0.0 <= time.monotonic() - told_seconds[0] < 2 * WAIT_SECONDS
        # No window holds pictures of before and after the loss.
        start = AHEAD_SECONDS + 1e6
        assert run.ends_of("test") == [start + 1.0, start + 2.25]


@pytest.mark.parametrize("num_losses", [1, 3])
def test_reconnects_are_counted(num_losses: int) -> None:
    sources = [ScriptedSource(CameraLost("gone")) for _ in range(num_losses + 1)]
    with Run({"test": list(sources)}) as run:
        for number, source in enumerate(sources):
            source.give(*frames("test", 6 * number, 5))
            run.until(lambda end=number: len(run.ends_of("test")) > end)  # type: ignore[misc]
            source.end()
            if number == num_losses:
                break
        figures = run.stats.of("test")

        assert figures.num_reconnects == num_losses
        assert figures.num_frames == 5 * (num_losses + 1)
        assert figures.num_predictions == num_losses + 1


def test_a_black_and_a_frozen_camera() -> None:
    """Only of cameras: a screen or a film may well be so."""
    random = np.random.default_rng(0)

    def picture(name: str, number: int) -> Frame:
        image = random.integers(90, 110, (8, 8, 3)).astype(np.uint8)
        if name == "black":
            image[:] = 0
        if name == "frozen":
            image[:] = 100
        return Frame(image, 1e6 + number / 4, number, name)

    names = ["black", "frozen", "good"]
    sources = {name: ScriptedSource() for name in names}
    cameras = [scripted_camera(name, "rtsp") for name in names]
    with Run({name: [one] for name, one in sources.items()}, cameras=cameras) as run:
        for name, source in sources.items():
            source.give(*(picture(name, number) for number in range(5)))
        run.until(lambda: bool(run.ends_of("good")))

        assert [run.states_of(name)[-1] for name in names] == ["black", "frozen", "ok"]
        assert (run.ends_of("black"), run.ends_of("frozen")) == ([], [])


def test_frames_are_given_for_who_draws() -> None:
    sources = {name: ScriptedSource() for name in ("a", "b")}
    with Run({name: [one] for name, one in sources.items()}) as run:
        run.seen.clear()
        for name, source in sources.items():
            source.give(*frames(name, 0, 3))
        run.until(lambda: bool(run.seen) and len(run.seen[-1].frames) == 2)

        given = [(one.source, one.index) for one in run.seen[-1].frames]
        assert given == [("a", 2), ("b", 2)]
        run.until(lambda: not run.seen[-1].frames)
        assert run.stats.of("a").drops["not drawn"] == 2


def test_nobody_draws() -> None:
    source = ScriptedSource()
    told: list[int] = []
    with Run(
        {"test": [source]}, keep_frames=False, on_frame=lambda one: told.append(one.index)
    ) as run:
        source.give(*frames("test", 0, 5))
        run.until(lambda: bool(run.ends_of("test")))

        assert [moment.frames for moment in run.seen if moment.frames] == []
        assert told == [0, 1, 2, 3, 4]
        assert run.stats.of("test").drops["not drawn"] == 0


def test_silence_still_gives_moments() -> None:
    """Somebody looks at the keyboard between them."""
    with Run({"test": [ScriptedSource()]}) as run:
        run.until(lambda: len(run.seen) >= 5)

        assert all(moment == Moment() for moment in run.seen[1:])
        assert run.states_of("test") == ["connecting"]


def test_frames_that_come_while_the_network_computes_are_not_waited_for() -> None:
    model, source = Blocking(), ScriptedSource()
    with Run({"test": [source]}, model=model) as run:
        source.give(*frames("test", 0, 5))
        looking = threading.Thread(target=lambda: run.until(lambda: bool(run.ends_of("test"))))
        looking.start()
        assert model.asked.wait(WAIT_SECONDS)
        # The reader is not held up by the network.
        source.give(*frames("test", 5, 20))
        model.released.set()
        looking.join(WAIT_SECONDS)
        run.until(lambda: len(run.ends_of("test")) >= 2)

        start = AHEAD_SECONDS + 1e6
        assert run.ends_of("test") == [start + 1.0, start + 6.0]
        assert run.stats.of("test").drops["skipped"] == 19


def test_figures_of_the_sources() -> None:
    source = ScriptedSource()
    source.frames_per_second = 12.5
    source.drops.update({"burst": 3})
    given = frames("test", 0, 5)
    with Run({"test": [source]}) as run:
        source.give(*given)
        run.until(lambda: bool(run.ends_of("test")))

        figures = run.stats.of("test")
        assert figures.first_seconds == given[0].captured_at_seconds
        assert figures.last_seconds == given[-1].captured_at_seconds
        assert (figures.num_frames, figures.num_predictions) == (5, 1)
        assert figures.frames_per_second == 12.5
        assert figures.drops["burst"] == 3
        assert figures.latency.num_values == 1
        assert run.watch.engine.num_encoded == 5


def film_camera(name: str) -> Camera:
    """A camera that is a file."""
    return Camera(Address("file", f"{name}.mp4", name), name)


def now_frames(name: str, count: int) -> list[Frame]:
    """Twenty a second, the last of them a little ahead."""
    start = time.monotonic() + AHEAD_SECONDS
    return [gray_frame(start + n / 20, 200, n, name) for n in range(count)]


def test_a_finite_source_gives_its_last_window() -> None:
    source = ScriptedSource()
    camera = film_camera("test")
    with Run({"test": [source]}, cameras=[camera]) as run:
        # 1.0 s is reached only while the last frame, of 0.95 s, is still shown.
        given = now_frames("test", 20)
        source.give(*given)
        source.end()
        run.to_the_end()

    assert run.ends_of("test") == [given[-1].captured_at_seconds]
    assert run.states_of("test")[-1] == "ended"


def test_a_lost_source_gives_no_last_window() -> None:
    source = ScriptedSource(CameraLost("gone"))
    with Run({"test": [source]}, reconnect=False) as run:
        source.give(*now_frames("test", 20))
        source.end()
        with pytest.raises(CameraLost, match="gone"):
            run.to_the_end()

    assert run.ends_of("test") == []


def test_a_finite_source_gives_its_last_window_though_others_go_on() -> None:
    """Not only at the end of the run, when it would be too old to be judged."""
    source, other = ScriptedSource(), ScriptedSource()
    camera = film_camera("test")
    with Run(
        {"test": [source], "other": [other]}, cameras=[camera, scripted_camera("other")]
    ) as run:
        source.give(*now_frames("test", 20))
        source.end()
        run.until(lambda: run.states_of("test")[-1:] == ["ended"])
        for number in range(0, 15, 5):
            other.give(*frames("other", number, 5))
            run.until(lambda end=number: len(run.ends_of("other")) > end // 5)  # type: ignore[misc]

        assert len(run.ends_of("test")) == 1


def test_no_window_comes_after_the_end_of_its_source() -> None:
    """Its actions have ended by then. While the network computes, much may come, and the end."""
    model, source, other = Blocking(), ScriptedSource(), ScriptedSource()
    with Run({"test": [source], "other": [other]}, model=model) as run:
        source.give(*frames("test", 0, 5))
        looking = threading.Thread(target=lambda: run.until(lambda: bool(run.ends_of("test"))))
        looking.start()
        assert model.asked.wait(WAIT_SECONDS)
        source.give(*frames("test", 5, 5))
        source.end()
        assert run.watch.feeds[0].join(WAIT_SECONDS)
        model.released.set()
        looking.join(WAIT_SECONDS)
        run.until(lambda: len(run.ends_of("test")) == 2)
        run.until(lambda: run.states_of("test")[-1:] == ["ended"])

        ended_at = next(
            number
            for number, moment in enumerate(run.seen)
            if any((one.source, one.state) == ("test", "ended") for one in moment.changes)
        )
        assert not [p for moment in run.seen[ended_at + 1 :] for p in moment.predictions]


def test_a_finite_source_is_not_opened_again() -> None:
    source = ScriptedSource(CameraLost("the file is damaged"))
    camera = film_camera("test")
    with Run({"test": [source]}, cameras=[camera]) as run:
        source.give(*now_frames("test", 5))
        source.end()
        with pytest.raises(CameraLost, match="the file is damaged"):
            run.to_the_end()

    assert run.watch.feeds[0].num_tries == 1


def test_what_was_lost_is_told_when_all_have_ended() -> None:
    good, lost = ScriptedSource(), ScriptedSource(CameraLost("b: gone"))
    run = Run({"a": [good], "b": [lost]}, reconnect=False)
    with run:
        lost.give(*frames("b", 0, 1))
        lost.end()
        run.until(lambda: run.states_of("b")[-1:] == ["ended"])
        good.give(*frames("a", 0, 5))
        run.until(lambda: bool(run.ends_of("a")))
        good.end()
        with pytest.raises(CameraLost, match="b: gone"):
            run.to_the_end()


def test_a_real_file_is_played_at_its_pace(tmp_path: Path) -> None:
    path = write_flat_video(tmp_path / "film.mp4", value=200, seconds=1.5)
    camera = Camera(Address("file", str(path), "film"), "film")
    stats = WatchStats()
    began_seconds = time.monotonic()

    moments = list(LiveWatch(BrightnessModel(SPEC), [camera], stats).moments())

    predictions = [p for moment in moments for p in moment.predictions]
    # Windows end at 1.0, 1.25 and 1.5 s; a busy machine may skip some of them.
    assert 1 <= len(predictions) <= 3
    assert {p.label for p in predictions} == {"bright"}
    assert all(began_seconds <= p.start_seconds < p.end_seconds for p in predictions)
    assert stats.of("film").num_frames == round(1.5 * 25)
    assert time.monotonic() - began_seconds >= 1.4
    assert next(frame.source for moment in moments for frame in moment.frames) == "film"


@pytest.mark.parametrize(
    "when", ["at once", "connected", "in a window", "lost", "while the network computes"]
)
def test_leaving_at_any_moment_joins_all_threads(when: str) -> None:
    sources = {f"camera {number}": ScriptedSource(CameraLost("gone")) for number in range(4)}
    model = Blocking()
    if when != "while the network computes":
        model.released.set()
    run = Run({name: [one] for name, one in sources.items()}, model=model, back_off=NEVER)
    with run:
        for name, source in sources.items():
            if when != "at once":
                source.give(*frames(name, 0, 1 if when == "connected" else 5))
            if when == "lost":
                source.end()
        if when == "lost":
            run.until(lambda: all("down" in run.states_of(name) for name in sources))
        if when == "while the network computes":
            looking = threading.Thread(target=lambda: run.seen.append(next(run.moments)))
            looking.start()
            assert model.asked.wait(WAIT_SECONDS)
            model.released.set()
            looking.join(WAIT_SECONDS)
        began_seconds = time.monotonic()
        run.moments.close()
        took_seconds = time.monotonic() - began_seconds

    assert feed_threads() == []
    assert took_seconds < 10.0
    assert list(run.moments) == []


def test_that_nothing_comes_is_told_before_why() -> None:
    """A host that swallows everything is down after 3 s; that it does not answer is known later."""
    opening, release = threading.Event(), threading.Event()

    def open_slowly(camera: Camera) -> Source:
        opening.set()
        assert release.wait(WAIT_SECONDS)
        raise SourceMissing(f"{camera.name} has not answered within 5 s")

    camera = replace(scripted_camera(), read_timeout_seconds=0.2)
    watch = LiveWatch(
        BrightnessModel(SPEC),
        [camera],
        WatchStats(),
        WatchOptions(wait_for_sources=True),
        back_off=NEVER,
        open_with=open_slowly,
    )
    told = []
    with closing(watch.moments()) as moments:
        for moment in moments:
            told += [(change.state, change.reason) for change in moment.changes]
            if ("down", "no frames") in told:
                release.set()
            if len(told) == 3:
                break

    assert told == [
        ("connecting", "connecting…"),
        ("down", "no frames"),
        ("down", "has not answered within 5 s"),
    ]


def test_a_source_comes_and_goes_while_another_is_watched() -> None:
    one, other, again = ScriptedSource(), ScriptedSource(), ScriptedSource()
    tries: dict[str, list[Try]] = {"one": [one], "other": [other, again]}
    with Run(tries, cameras=[scripted_camera("one")], stays=True) as run:
        one.give(*frames("one", 0, 5))
        run.until(lambda: len(run.ends_of("one")) == 1)
        run.watch.add(scripted_camera("other"))
        run.until(lambda: len(run.watch.feeds) == 2)
        other.give(*frames("other", 0, 5))
        run.until(lambda: len(run.ends_of("other")) == 1)

        run.watch.remove("other")
        run.until(lambda: run.states_of("other")[-1] == "ended")
        assert other.closed.wait(WAIT_SECONDS)
        one.give(*frames("one", 5, 1))
        run.until(lambda: len(run.ends_of("one")) == 2)
        assert [feed.camera.name for feed in run.watch.feeds] == ["one"]

        run.watch.add(scripted_camera("other"))
        run.until(lambda: len(run.watch.feeds) == 2)
        again.give(*frames("other", 0, 5))
        run.until(lambda: len(run.ends_of("other")) == 2)
        run.watch.remove("nobody")
        next(run.moments)
        assert run.states_of("one")[-1] == "ok"
        assert "ended" not in run.states_of("one")


def test_who_stays_watches_on_without_sources() -> None:
    with Run({"late": [ScriptedSource()]}, cameras=[], stays=True) as run:
        assert next(run.moments).changes == []
        run.watch.add(scripted_camera("late"))
        run.until(lambda: run.states_of("late") != [])
