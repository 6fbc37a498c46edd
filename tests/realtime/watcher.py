"""A watch of live sources that a thread follows, so that a test can break them meanwhile."""

from __future__ import annotations

import itertools
import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from rtaction.model_spec import ModelSpec
from rtaction.prediction import Prediction
from rtaction.realtime.cameras.camera import cameras_of
from rtaction.realtime.watching.back_off import BackOff
from rtaction.realtime.watching.feed import Feed
from rtaction.realtime.watching.live import LiveWatch
from rtaction.realtime.watching.moment import StateChange
from rtaction.realtime.watching.options import WatchOptions
from rtaction.realtime.watching.stats import WatchStats
from rtaction.realtime.windows.engine import Scorer
from rtaction.realtime.windows.state import State
from tests.realtime.clock_picture import clock_picture, read_clock
from tests.realtime.conftest import WAIT_SECONDS
from tests.realtime.servers.fault_server import FaultServer
from tests.realtime.servers.steered_server import SteeredServer
from tests.realtime.servers.stream_client import until

LEAVING_SECONDS = 4.0
"""How long it may take to leave a watch, whatever its sources do."""
SLACK_SECONDS = 1.0
"""What a busy machine may add to any limit."""
QUICK = BackOff(first_seconds=0.05, longest_seconds=0.1, lasting_seconds=0.05)
_SIGNAL_PERIOD_SECONDS = 3.7


def brightness_at(seconds: float) -> float:
    """What `ClockScorer` takes for the brightness of a moment, 0 to 1."""
    return 0.5 + 0.5 * math.sin(2 * math.pi * seconds / _SIGNAL_PERIOD_SECONDS)


class ClockScorer:
    """Scores clips of `clock_picture` as if their brightness were that of `brightness_at`.

    Args:
        spec: its labels are "bright" and "dark".
        wait_seconds: how long each clip takes. Default 0.0.

    Attributes:
        rows: the stream times of the pictures of each clip, in the order of the predictions.
    """

    def __init__(self, spec: ModelSpec, wait_seconds: float = 0.0) -> None:
        self.spec = spec
        self.rows: list[list[float]] = []
        self._wait_seconds = wait_seconds

    def encode(self, images: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """The stream time of each picture."""
        return np.array([[read_clock(image)] for image in images], np.float32)

    def score(self, clip_features: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """The mean brightness of each clip, and one minus it."""
        time.sleep(self._wait_seconds)
        rows = [[round(float(seconds), 3) for seconds in clip[:, 0]] for clip in clip_features]
        self.rows += rows
        return np.array([scores_of(row) for row in rows], np.float32)


def scores_of(row: Sequence[float]) -> list[float]:
    """The scores of a clip of pictures of these stream times."""
    bright = sum(map(brightness_at, row)) / len(row)
    return [bright, 1 - bright]


class Watching:
    """Watches sources from its start to its `leave`, or to the end of its context.

    Args:
        model: the network.
        urls: of the sources.
        back_off: see `Feed`. Default `QUICK`.
        keep: how many predictions are kept. Default: as many as any short test gives.
        camera_options: for all cameras, such as `open_timeout_seconds`.

    Attributes:
        predictions: with the monotonic time at which each was given.
        changes: of states.
    """

    def __init__(
        self,
        model: Scorer,
        urls: Sequence[str],
        *,
        back_off: BackOff | None = QUICK,
        keep: int = 10_000,
        **camera_options: Any,
    ) -> None:
        self.predictions: list[tuple[float, Prediction]] = []
        self.changes: list[StateChange] = []
        self.stats = WatchStats()
        self.names = [camera.name for camera in cameras_of(urls)]
        self.leaving_seconds = 0.0
        self._keep = keep
        self._live = LiveWatch(
            model,
            [replace(camera, **camera_options) for camera in cameras_of(urls)],
            self.stats,
            WatchOptions(keep_frames=False, wait_for_sources=True),
            back_off=back_off,
        )
        self._errors: list[BaseException] = []
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self.started_seconds = time.monotonic()
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    @property
    def feeds(self) -> list[Feed[Any]]:
        """What reads the sources."""
        return self._live.feeds

    def leave(self) -> float:
        """Leave the watch, and raise what went wrong in it; returns how long it took."""
        if self._thread.is_alive():
            begun_seconds = time.monotonic()
            self._leaving.set()
            self._thread.join(WAIT_SECONDS)
            assert not self._thread.is_alive()
            self.leaving_seconds = time.monotonic() - begun_seconds
        if self._errors:
            raise self._errors[0]
        return self.leaving_seconds

    def until(self, happened: Callable[[], Any]) -> None:
        """Wait for something to happen, as long as the watch goes on."""
        until(lambda: bool(self._errors) or bool(happened()))
        if self._errors:
            raise self._errors[0]

    def until_labels(self, *sources: int, count: int = 1) -> None:
        """Wait until each of the sources, or the first one, has so many predictions."""
        self.until(lambda: all(len(self.of(source)) >= count for source in sources or (0,)))

    def until_frames(self, count: int) -> None:
        """Wait until so many pictures of the first source have come."""
        self.until(lambda: self.feeds[0].num_frames >= count)

    def flap(self, server: SteeredServer, count: int) -> None:
        """Break the first source so many times, each time once pictures have come again, and wait
        until it is well."""
        ends = (SteeredServer.reset, SteeredServer.hang_up, SteeredServer.refuse)
        for number in range(count):
            self.until_frames(self.feeds[0].num_frames + 3)
            ends[number % len(ends)](server)
            server.listen()
        self.fresh(time.monotonic())

    def of(self, source: int = 0, since_seconds: float = 0.0) -> list[Prediction]:
        """The predictions of one source that were given since a time."""
        name = self.names[source]
        # The thread adds to the list while it is looked at.
        listed = list(self.predictions)
        return [p for at, p in listed if p.source == name and at >= since_seconds]

    def fresh(self, since_seconds: float, source: int = 0) -> tuple[float, Prediction]:
        """Wait for the first prediction of pictures that were all taken since a time."""

        def found() -> list[tuple[float, Prediction]]:
            name = self.names[source]
            return [
                (at, p)
                for at, p in list(self.predictions)
                if p.source == name and p.start_seconds >= since_seconds
            ]

        self.until(found)
        return found()[0]

    def changed(self, state: State, since_seconds: float = 0.0, source: int = 0) -> StateChange:
        """Wait for the first change to a state since a time."""

        def found() -> list[StateChange]:
            return [
                change
                for change in list(self.changes)
                if change.source == self.names[source]
                and change.state == state
                and change.at_seconds >= since_seconds
            ]

        self.until(found)
        return found()[0]

    def drops(self, source: int = 0) -> Counter[str]:
        """What came to nothing."""
        return self.stats.of(self.names[source]).drops

    def _follow(self) -> None:
        moments = self._live.moments()
        try:
            for moment in moments:
                now = time.monotonic()
                self.predictions += zip(itertools.repeat(now), moment.predictions)
                self.changes += moment.changes
                if len(self.predictions) > 2 * self._keep:
                    self.predictions = self.predictions[-self._keep :]
                if self._leaving.is_set():
                    break
        except BaseException as error:
            self._errors.append(error)
        finally:
            moments.close()


@contextmanager
def serving(count: int, **options: Any) -> Iterator[list[FaultServer]]:
    """Several cameras that show the time, unless the options of `FaultServer` say otherwise."""
    with ExitStack() as stack:
        options = {"picture": clock_picture} | options
        yield [stack.enter_context(FaultServer(**options)) for _ in range(count)]


def tell(what: str, **measured: float) -> None:
    """Print what was measured, in seconds or in numbers, for `pytest -s`."""
    print(f"\n  {what}: " + ", ".join(f"{key} {value:.3f}" for key, value in measured.items()))
