"""Watches the cameras that orders name: what a worker does, without Ray.

Orders come and answers go from any thread, at once; a thread of its own begins and ends to watch.
Without an order for as long as the deadline, all cameras are left: another worker has them by then.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rtaction.cluster.fleet.dispatcher import DEADLINE_SECONDS, Order, Report
from rtaction.realtime.actions.detector import ActionEvent
from rtaction.realtime.cameras.camera import Camera
from rtaction.realtime.model.action_model import ActionModel
from rtaction.realtime.sources.opening import open_source
from rtaction.realtime.sources.source import Source
from rtaction.realtime.watching.camera_rules import SourceRules
from rtaction.serve.house.record import EventRecord
from rtaction.serve.house.views import CameraView
from rtaction.serve.watching.desk import Desk
from rtaction.serve.watching.model_watch import ModelWatch, Told
from rtaction.serve.watching.setups import Setup

_LOOK_SECONDS = 0.1
_SAMPLE_SECONDS = 1.0
_MOST_NEWS = 10_000  # of a driver that does not ask; some 5 MB


@dataclass(frozen=True, slots=True)
class Work:
    """A camera to be watched.

    Args:
        term: see `Order`.
        setup: the camera, with the file of its model on the machine that watches.
        rules: when its scores make an event.
    """

    term: int
    setup: Setup
    rules: SourceRules


@dataclass(frozen=True, slots=True)
class News:
    """An event has started or ended.

    Args:
        number: counts the news of a worker, from 1.
        term: of the camera, see `Order`.
        record: the event.
        is_cut: whether it ended only because the camera was left.
    """

    number: int
    term: int
    record: EventRecord
    is_cut: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """How a camera is.

    Args:
        term: of the camera, see `Order`.
        view: how it is.
        labels_since: when it gave the first label of this term; None before.
    """

    term: int
    view: CameraView
    labels_since: datetime | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a worker says to an order.

    Args:
        report: what it watches.
        at: when, by its clock, in UTC.
        news: those that the driver has not had.
        seen: its cameras, by id; None if they were told a moment ago.
    """

    report: Report
    at: datetime
    news: tuple[News, ...]
    seen: Mapping[str, Seen] | None


@dataclass(slots=True)
class _Held:
    work: Work
    desk: Desk
    watch: ModelWatch
    labels_since: datetime | None = None
    is_leaving: bool = False


class Watcher:
    """Watches cameras as it is ordered.

    Args:
        open_model: loads a model, which takes some time the first time.
        open_with: opens a camera. Default `open_source`.
        lease_seconds: how long an order holds. Default `DEADLINE_SECONDS`.
    """

    def __init__(
        self,
        open_model: Callable[[Path], ActionModel],
        *,
        open_with: Callable[[Camera], Source] = open_source,
        lease_seconds: float = DEADLINE_SECONDS,
    ) -> None:
        self._open_model, self._open_with = open_model, open_with
        self._lease_seconds = lease_seconds
        self._lock = threading.RLock()
        self._order = Order(-1, {})
        self._heard_seconds = time.monotonic()
        self._works: dict[str, Work] = {}
        self._held: dict[str, _Held] = {}
        self._watches: dict[Path, ModelWatch] = {}
        self._news: deque[News] = deque(maxlen=_MOST_NEWS)
        self._num_news = 0
        self._sampled_seconds = 0.0
        self._seen_due = True
        self._told = Told(
            on_frame=lambda desk, frame: desk.take_frame(frame),
            on_packet=lambda desk, packet: None,
            on_event=self._on_event,
            on_state=self._on_state,
            on_labels=self._on_labels,
        )
        self._wake, self._ended = threading.Event(), threading.Event()
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="rtaction-fleet", daemon=True)
        self._thread.start()

    def take(self, order: Order, works: Mapping[str, Work], *, news_had: int) -> Answer:
        """Do as an order says, from now on.

        Args:
            order: all that is to be watched.
            works: cameras of it that were not given before.
            news_had: number of the newest news that has been had.

        Raises:
            Exception: what ended the watching of cameras: this worker is of no more use.
        """
        with self._lock:
            self._heard_seconds = time.monotonic()
            if order.number > self._order.number:
                self._order = order
            self._works |= works
            self._wake.set()
            while self._news and self._news[0].number <= news_had:
                self._news.popleft()
            error = self._error or next((one.error for one in self._watches.values()), None)
            if error is not None:
                raise error
            terms = {camera: held.work.term for camera, held in self._held.items()}
            seen = self._seen() if self._seen_due else None
            self._seen_due = False
            report = Report(self._order.number, terms)
            return Answer(report, datetime.now(UTC), tuple(self._news), seen)

    def close(self, timeout_seconds: float) -> None:
        """End all watching, in about this time."""
        self._ended.set()
        self._wake.set()
        self._thread.join(timeout_seconds)
        for watch in self._watches.values():
            watch.end()
        for watch in self._watches.values():
            watch.close(timeout_seconds)

    def _run(self) -> None:
        while not self._ended.is_set():
            self._wake.wait(_LOOK_SECONDS)
            self._wake.clear()
            try:
                self._follow()
            except Exception as error:  # told with the next answer
                self._error = error
                return

    def _follow(self) -> None:
        """Begin and end to watch as the newest order says."""
        now = time.monotonic()
        with self._lock:
            is_heard = now - self._heard_seconds < self._lease_seconds
            wanted = self._order.cameras if is_heard else {}
            for camera, held in self._held.items():
                if wanted.get(camera) != held.work.term and not held.is_leaving:
                    held.is_leaving = True
                    held.watch.remove(held.desk)
            due = [
                work
                for camera, term in wanted.items()
                if camera not in self._held
                and (work := self._works.get(camera)) is not None
                and work.term == term
            ]
            if now - self._sampled_seconds > _SAMPLE_SECONDS:
                self._sampled_seconds, self._seen_due = now, True
                for held in self._held.values():
                    held.desk.sample()
        for work in due:
            self._begin(work)

    def _begin(self, work: Work) -> None:
        watch = self._watch_of(work.setup.model)
        spec = watch.model.spec
        thresholds = {label: work.rules.rules.of(label).enter for label in spec.labels}
        thresholds.pop(spec.background_label or "", None)
        desk = Desk(work.setup, spec, is_enabled=True, thresholds=thresholds)
        with self._lock:
            self._held[work.setup.id] = _Held(work, desk, watch)
            watch.add(desk, work.rules)

    def _watch_of(self, path: Path) -> ModelWatch:
        """Outside of the lock: loading takes a second, and orders come meanwhile."""
        if path not in self._watches:
            watch = ModelWatch(self._open_model(path), self._told, open_with=self._open_with)
            watch.start()
            with self._lock:
                self._watches[path] = watch
        return self._watches[path]

    def _seen(self) -> dict[str, Seen]:
        return {
            camera: Seen(held.work.term, held.desk.view(), held.labels_since)
            for camera, held in self._held.items()
        }

    def _on_event(
        self, record: EventRecord, event: ActionEvent, seen_seconds: float | None
    ) -> None:
        with self._lock:
            held = self._held.get(record.camera)
            if held is None:
                return
            self._num_news += 1
            is_cut = held.is_leaving and record.ended_at is not None
            self._news.append(News(self._num_news, held.work.term, record, is_cut))

    def _on_state(self, desk: Desk) -> None:
        with self._lock:
            held = self._held.get(desk.setup.id)
            self._seen_due = True
            # Its events were told before.
            if held is not None and held.desk is desk and held.is_leaving and desk.state == "ended":
                desk.rest("disabled")
                del self._held[desk.setup.id]
                self._wake.set()

    def _on_labels(self, desk: Desk) -> None:
        with self._lock:
            held = self._held.get(desk.setup.id)
            if held is not None and held.labels_since is None:
                held.labels_since = datetime.now(UTC)
                self._seen_due = True
