"""The cameras that one model judges, watched by a thread of its own."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from rtaction.frame import FrameLike
from rtaction.realtime.actions.detector import ActionEvent
from rtaction.realtime.cameras.camera import Camera
from rtaction.realtime.model.action_model import ActionModel
from rtaction.realtime.sources.opening import open_source
from rtaction.realtime.sources.source import Source
from rtaction.realtime.sources.stream_packets import StreamPacket
from rtaction.realtime.watching.actions import Actions
from rtaction.realtime.watching.camera_rules import SourceRules
from rtaction.realtime.watching.live import LiveWatch
from rtaction.realtime.watching.moment import Moment
from rtaction.realtime.watching.options import WatchOptions
from rtaction.realtime.watching.stats import WatchStats
from rtaction.serve.house.record import EventRecord
from rtaction.serve.watching.desk import Desk
from rtaction.serve.watching.records import Records

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Told:
    """Who is told of what happens.

    Args:
        on_frame: a camera's frame, on the thread that reads it; it must be fast.
        on_packet: a packet of a camera on the network, likewise.
        on_event: an event has started or ended: its record, what it is on the clock of the frames,
            and when they were seen who are in its box, if that is known.
        on_state: a camera has changed its state.
        on_labels: scores of a camera have come.
    """

    on_frame: Callable[[Desk, FrameLike], Any]
    on_packet: Callable[[Desk, StreamPacket], Any]
    on_event: Callable[[EventRecord, ActionEvent, float | None], Any]
    on_state: Callable[[Desk], Any]
    on_labels: Callable[[Desk], Any]


class ModelWatch:
    """Watches cameras that come and go with one model.

    Args:
        model: the loaded model.
        told: who is told.
        open_with: opens a camera. Default `open_source`.

    Attributes:
        stats: of the cameras, by name.
        error: what ended the watching, None while it goes on.
        looked_seconds: when it last looked at its cameras, on the monotonic clock.
    """

    def __init__(
        self,
        model: ActionModel,
        told: Told,
        *,
        open_with: Callable[[Camera], Source] = open_source,
    ) -> None:
        self.model = model
        self.stats = WatchStats()
        self.error: Exception | None = None
        self.looked_seconds = time.monotonic()
        self._told = told
        self._actions = Actions(model, None)
        self._records = Records()  # of its own: each model counts its events from 1
        self._desks: dict[str, Desk] = {}
        self._lock = threading.Lock()  # of the actions, whose rules any thread may change
        self._options = WatchOptions(keep_frames=False, wait_for_sources=True)
        self._live = LiveWatch(
            model, [], self.stats, self._options, stays=True, open_with=open_with
        )
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="rtaction-serve-model", daemon=True)

    @property
    def longest_delay_seconds(self) -> float:
        """Longest time from the start of an event to its report, without computing."""
        return self._actions.longest_delay_seconds

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def add(self, desk: Desk, rules: SourceRules) -> None:
        """Watch a camera."""
        name = desk.setup.camera.name
        self.set_rules(desk, rules)
        self._desks[name] = desk
        desk.begin(self.stats.restart(name))
        # Bound to the desk: what an earlier one's thread has read has no masks of this one.
        options = replace(
            self._options,
            on_frame=partial(self._take_frame, desk),
            on_packet=partial(self._take_packet, desk),
        )
        self._live.add(desk.setup.camera, options)

    def remove(self, desk: Desk) -> None:
        """Watch a camera no longer; its events end."""
        self._live.remove(desk.setup.camera.name)

    def set_rules(self, desk: Desk, rules: SourceRules) -> None:
        """When scores of a camera make an event, from now on."""
        with self._lock:
            self._actions.add_source(desk.setup.camera.name, rules)

    def end(self) -> None:
        """Begin to end; nobody waits."""
        self._ended.set()

    def close(self, timeout_seconds: float) -> None:
        """End; the ongoing events end as well."""
        self.end()
        if self._thread.is_alive():
            self._thread.join(timeout_seconds)

    def _run(self) -> None:
        moments = self._live.moments()
        try:
            with closing(moments):
                for moment in moments:
                    self._take(moment)
                    if self._ended.is_set():
                        break
        except Exception as error:  # the house is told, and ends the run with it
            _log.debug("watching ended", exc_info=True)
            self.error = error
        for event in self._actions.finish():
            self._take_event(event)

    def _take(self, moment: Moment) -> None:
        self.looked_seconds = time.monotonic()
        with self._lock:
            events = self._actions.see(moment)
        for prediction in moment.predictions:
            desk = self._desks.get(prediction.source)
            if desk is not None:
                desk.predict(prediction, self._actions.of(prediction.source, prediction.person))
        for one in moment.left:
            if (desk := self._desks.get(one.source)) is not None:
                desk.leave(one.person)
        for picture in moment.people:
            if (desk := self._desks.get(picture.source)) is not None:
                desk.seen = picture.people
        seen = {(one.source, one.person): one.end_seconds for one in moment.predictions}
        for event in events:
            self._take_event(event, seen.get((event.source, event.person)))
        for change in moment.changes:
            if (desk := self._desks.get(change.source)) is not None:
                desk.change(change)
                self._told.on_state(desk)
        for name in {one.source for one in moment.predictions}:
            if (desk := self._desks.get(name)) is not None:
                self._told.on_labels(desk)

    def _take_event(self, event: ActionEvent, seen_seconds: float | None = None) -> None:
        desk = self._desks.get(event.source)
        if desk is not None:
            desk.event(event.number, event.label, is_over=event.end_seconds is not None)
            self._told.on_event(self._records.take(desk, event), event, seen_seconds)

    def _take_frame(self, desk: Desk, frame: FrameLike) -> None:
        with desk.watched() as is_watched:
            if is_watched:
                desk.take_frame(frame)
                self._told.on_frame(desk, frame)

    def _take_packet(self, desk: Desk, packet: StreamPacket) -> None:
        with desk.watched() as is_watched:
            if is_watched:
                self._told.on_packet(desk, packet)
