"""A worker that is made up: it opens cameras, gives labels and tells of events, as a real one does,
but decodes and computes nothing."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from rtaction.cluster.fleet.dispatcher import Order, Report
from rtaction.cluster.simulated.queue import Queue
from rtaction.cluster.simulated.scene import LABEL, Action, Scene
from rtaction.serve.house.record import EventRecord

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Pace:
    """How long things take, in seconds.

    Args:
        connecting: to reach a camera and have a key frame of it: from, to. A camera sends one each
            second or two. Default 0.5 to 2.5.
        window: from the first picture to the first label. Default 2, as of the bundled model.
        noticing: from a change in the scene to its event: half a window, smoothing and the least
            length. Default 1.5.
        leaving: to close a camera. Default 0.2.
        message: from the driver to a worker, and back. Default 0.005 each.
        starting: a worker's process, with its model. Default 8.
    """

    connecting: tuple[float, float] = (0.5, 2.5)
    window: float = 2.0
    noticing: float = 1.5
    leaving: float = 0.2
    message: float = 0.005
    starting: float = 8.0


@dataclass(frozen=True, slots=True)
class News:
    """An event has started or ended; see `rtaction.cluster.fleet.watcher.News`."""

    term: int
    record: EventRecord
    is_cut: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """What a worker says to an order; see `rtaction.cluster.fleet.watcher.Answer`."""

    report: Report
    at_seconds: float
    news: tuple[News, ...]
    labels_since: Mapping[str, tuple[int, float]]


@dataclass(slots=True, eq=False)
class _Held:
    term: int
    labels_since: float | None = None
    is_leaving: bool = False
    ongoing: EventRecord | None = None


@dataclass(slots=True)
class Worker:
    """A process that watches cameras.

    Args:
        name: of the worker.
        queue: of all that happens.
        scenes: of all cameras.
        pace: how long things take.
        lease_seconds: how long an order holds.
        on_labels: told when a camera begins to give labels, and with False when it ends to.

    Attributes:
        slow_seconds: by which it is late with all that it hears and says.
    """

    name: str
    queue: Queue
    scenes: Mapping[str, Scene]
    pace: Pace
    lease_seconds: float
    on_labels: Callable[[str, bool], object]
    slow_seconds: float = 0.0
    is_dead: bool = False
    _order: Order = field(default_factory=lambda: Order(-1, {}))
    _heard_seconds: float = 0.0
    _held: dict[str, _Held] = field(default_factory=dict)
    _news: list[News] = field(default_factory=list)
    _ids: itertools.count[int] = field(default_factory=itertools.count)
    _chance: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._chance = random.Random(self.name)
        self._heard_seconds = self.queue.now_seconds
        self._look()

    def take(self, order: Order) -> Answer:
        """Do as an order says, from now on."""
        self._heard_seconds = self.queue.now_seconds
        if order.number > self._order.number:
            self._order = order
            self._follow(order.cameras)
        news, self._news = tuple(self._news), []
        since = {
            camera: (held.term, held.labels_since)
            for camera, held in self._held.items()
            if held.labels_since is not None
        }
        watched = {camera: held.term for camera, held in self._held.items()}
        return Answer(Report(self._order.number, watched), self.queue.now_seconds, news, since)

    def die(self) -> None:
        """Nothing is watched any longer, and nobody is told."""
        self.is_dead = True
        for camera, held in self._held.items():
            if held.labels_since is not None and not held.is_leaving:
                self.on_labels(camera, False)
        self._held.clear()

    def _look(self) -> None:
        """Leave all cameras where no order has come for too long."""
        if self.is_dead:
            return
        if self.queue.now_seconds - self._heard_seconds >= self.lease_seconds:
            self._follow({})
        self.queue.after(0.1, self._look)

    def _follow(self, wanted: Mapping[str, int]) -> None:
        for camera, held in self._held.items():
            if wanted.get(camera) != held.term and not held.is_leaving:
                self._leave(camera, held)
        for camera, term in wanted.items():
            if camera not in self._held:
                held = self._held[camera] = _Held(term)
                seconds = self._chance.uniform(*self.pace.connecting) + self.pace.window
                self._later(seconds + self.slow_seconds, camera, held, self._give_labels)

    def _leave(self, camera: str, held: _Held) -> None:
        held.is_leaving = True
        if held.labels_since is not None:
            self.on_labels(camera, False)
        if held.ongoing is not None:
            self._end(held, self.queue.now_seconds, is_cut=True)
        self.queue.after(self.pace.leaving, lambda: self._left(camera, held))

    def _left(self, camera: str, held: _Held) -> None:
        if self._held.get(camera) is held:
            del self._held[camera]
            if not self.is_dead and camera in self._order.cameras:  # it is to come back
                self._follow(self._order.cameras)

    def _later(
        self, seconds: float, camera: str, held: _Held, then: Callable[[str, _Held], object]
    ) -> None:
        def call() -> None:
            if not self.is_dead and self._held.get(camera) is held and not held.is_leaving:
                then(camera, held)

        self.queue.after(seconds, call)

    def _give_labels(self, camera: str, held: _Held) -> None:
        held.labels_since = self.queue.now_seconds
        self.on_labels(camera, True)
        self._watch_after(self.queue.now_seconds, camera, held)

    def _watch_after(self, seconds: float, camera: str, held: _Held) -> None:
        """Notice the action that goes on at a time, since the first label, or the next one."""
        action = self.scenes[camera].next(seconds)
        if action is not None:
            begin_seconds = max(action.start_seconds, held.labels_since or 0.0)
            wait_seconds = begin_seconds + self.pace.noticing - self.queue.now_seconds

            def start(camera: str, held: _Held) -> None:
                self._start(camera, held, action, begin_seconds)

            self._later(wait_seconds, camera, held, start)

    def _start(self, camera: str, held: _Held, action: Action, begin_seconds: float) -> None:
        held.ongoing = EventRecord(
            id=f"{self.name}-{next(self._ids)}",
            camera=camera,
            camera_name=camera,
            label=LABEL,
            started_at=BEGIN + timedelta(seconds=begin_seconds),
            peak_score=0.9,
            model="made up",
        )
        self._news.append(News(held.term, held.ongoing, is_cut=False))
        seconds = action.end_seconds + self.pace.noticing - self.queue.now_seconds

        def end(camera: str, held: _Held) -> None:
            self._end(held, action.end_seconds, is_cut=False)
            self._watch_after(action.end_seconds, camera, held)

        self._later(seconds, camera, held, end)

    def _end(self, held: _Held, at_seconds: float, *, is_cut: bool) -> None:
        assert held.ongoing is not None
        ended_at = BEGIN + timedelta(seconds=at_seconds)
        self._news.append(News(held.term, replace(held.ongoing, ended_at=ended_at), is_cut))
        held.ongoing = None
