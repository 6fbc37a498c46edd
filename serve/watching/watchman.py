"""The house: watches the cameras of a file, and answers who asks about them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Literal

from rtaction.errors import NoSuchThing
from rtaction.frame import FrameLike
from rtaction.realtime.actions.detector import ActionEvent
from rtaction.realtime.cameras.view import View
from rtaction.realtime.sources.stream_packets import StreamPacket
from rtaction.serve.clips.corrections import check_verdict
from rtaction.serve.house.house import Image, Picture, Query, Subscription
from rtaction.serve.house.record import EventRecord, Phase
from rtaction.serve.house.views import CameraView
from rtaction.serve.watching.clerk import Clerk
from rtaction.serve.watching.desk import Desk
from rtaction.serve.watching.journal import Journal
from rtaction.serve.watching.machine import Machine
from rtaction.serve.watching.model_watch import Told
from rtaction.serve.watching.newsroom import Newsroom
from rtaction.serve.watching.pictures import image_of, picture_of
from rtaction.serve.watching.restart import complete_what_was_cut
from rtaction.serve.watching.rooms import Rooms
from rtaction.serve.watching.sinks import close_sinks, tell_sinks
from rtaction.serve.watching.station import Station

_TICK_SECONDS = 1.0
_MACHINE_EVERY = 5  # ticks
_HANGS_SECONDS = 30.0
_GIVES_NO_PICTURES = ("down", "refused", "ended", "disabled", "resting")
_log = logging.getLogger(__name__)


class Watchman:
    """Watches cameras; see `rtaction.serve.house.house.House` for what it answers.

    Args:
        rooms: what it is built of.
    """

    def __init__(self, rooms: Rooms) -> None:
        self._lock, self._index, self._sinks = rooms.lock, rooms.index, rooms.sinks
        self._media = None if rooms.media_of is None else rooms.media_of(self._filed)
        self._clips_folder = rooms.clips_folder
        self._corrections = rooms.corrections
        is_writing = (lambda name: False) if self._media is None else self._media.is_writing
        self._retention = rooms.retention_of(is_writing)
        self._read_plan = rooms.read_plan
        self._news = Newsroom()
        self._journal = Journal()
        self._machine = Machine()
        told = Told(
            on_frame=self._on_frame,
            on_packet=self._on_packet,
            on_event=self._on_event,
            on_state=self._on_state,
            on_labels=self._on_labels,
        )
        self._station = Station(
            told,
            rooms.index,
            open_model=rooms.open_model,
            on_new=self._on_new,
            on_gone=self._on_gone,
        )
        self._ended = threading.Event()
        self._ticker = threading.Thread(target=self._tick, name="rtaction-serve", daemon=True)
        self._reloading = threading.Lock()
        self._clerk = Clerk()
        self._is_open = False
        self._ticked_seconds = time.monotonic()

    def open(self) -> None:
        """Begin to watch.

        Raises:
            RtactionError: the file of cameras or a model has a mistake.
        """
        cut = complete_what_was_cut(self._index, self._media, self._lock.last_alive)
        for sink in self._sinks:
            sink.open(self)
        self._clerk.start()
        self._retention.start()
        self._station.apply(self._read_plan())
        self._is_open = True
        self._ticker.start()
        for record in cut:  # only now: sinks know the cameras
            self._tell(record, "end")

    @property
    def error(self) -> Exception | None:
        """What ended the watching of a model's cameras, None while it goes on."""
        return next((one.error for one in self._station.watches if one.error), None)

    def close(self, timeout_seconds: float) -> None:
        """End: events end, clips are completed, sinks are told; in about this time at most."""
        self._is_open = False
        self._ended.set()
        if self._ticker.is_alive():
            self._ticker.join(timeout_seconds / 4)
        self._station.close(timeout_seconds / 4)
        if self._media is not None:
            self._media.close(timeout_seconds / 4)
        self._clerk.close(timeout_seconds / 4)  # last: it keeps the names of the clips
        close_sinks(self._sinks, timeout_seconds / 4)
        self._corrections.close()
        self._retention.close()
        self._index.close()
        self._lock.close()

    def cameras(self) -> Sequence[CameraView]:
        """See `House`."""
        return [desk.view() for desk in self._station.desks]

    def camera(self, camera: str) -> CameraView:
        """See `House`."""
        return self._station.desk(camera).view()

    def enable(self, camera: str, *, is_enabled: bool) -> None:
        """See `House`."""
        self._station.enable(camera, is_enabled=is_enabled)

    def set_threshold(self, camera: str, label: str | None, threshold: float | None) -> None:
        """See `House`."""
        self._station.set_threshold(camera, label, threshold)

    def reload(self) -> str:
        """See `House`."""
        with self._reloading:
            told = self._station.apply(self._read_plan())
        _log.warning("cameras read anew: %s", told)
        return told

    def picture(self, camera: str, *, width: int | None, is_drawn: bool) -> Picture | None:
        """See `House`."""
        return picture_of(self._station.desk(camera), width=width, is_drawn=is_drawn)

    def image(self, camera: str, *, width: int | None, is_drawn: bool) -> Image | None:
        """See `House`."""
        return image_of(self._station.desk(camera), width=width, is_drawn=is_drawn)

    def events(self, query: Query) -> Sequence[EventRecord]:
        """See `House`."""
        return self._index.find(query)

    def event(self, event: str) -> EventRecord:
        """See `House`."""
        return self._index.get(event)

    def events_csv(self, day: date) -> Iterator[str]:
        """See `House`."""
        return self._index.csv(day)

    def judge(self, event: str, verdict: str | None) -> EventRecord:
        """See `House`."""
        if verdict is not None:
            verdict = check_verdict(verdict)
        record = self._index.judge(event, verdict)
        self._corrections.put(record)
        self._tell(record, "change")
        return record

    def file(self, event: str, what: Literal["clip", "snapshot"]) -> Path:
        """See `House`."""
        record = self.event(event)
        name = record.clip if what == "clip" else record.snapshot
        path = None if name is None else self._clips_folder / name
        if path is None or not path.is_file():
            raise NoSuchThing(f"there is no {what} of this event, or no longer")
        return path

    def machine(self) -> Mapping[str, Any]:
        """See `House`."""
        watches = self._station.watches
        return self._machine.to_dict(
            self.cameras(),
            [one.stats for one in watches],
            [one.model.device_in_use for one in watches],
            [sink.view() for sink in self._sinks],
            clips_bytes=self._retention.num_bytes,
            num_viewers=self._news.num_readers,
        )

    def is_ready(self) -> bool:
        """See `House`."""
        return self._is_open and self.error is None

    def is_alive(self) -> bool:
        """Whether all cameras were looked at lately, so that nothing hangs."""
        watches = self._station.watches
        now = time.monotonic()
        looked = [self._ticked_seconds, *(one.looked_seconds for one in watches)]
        return all(now - seconds < _HANGS_SECONDS for seconds in looked)

    def subscribe(self) -> Subscription:
        """See `House`."""
        return self._news.subscribe()

    def _filed(self, event: str, clip: str | None, snapshot: str | None) -> None:
        """A clip or a snapshot of an event is there."""
        self._clerk.ask(lambda: self._file(event, clip, snapshot))

    def _file(self, event: str, clip: str | None, snapshot: str | None) -> None:
        record = self._index.add_files(event, clip=clip, snapshot=snapshot)
        if record is None:
            return
        if clip is not None and record.verdict is not None:
            self._corrections.put(record)
        self._retention.look_soon()
        self._tell(record, "change")

    def _tell(self, record: EventRecord, phase: Phase) -> None:
        tell_sinks(self._sinks, lambda sink: sink.event(record, phase))
        self._news.tell("event", record.to_dict() | {"phase": phase})

    def _on_frame(self, desk: Desk, frame: FrameLike) -> None:
        if self._media is not None:
            self._media.frame(desk.setup.id, frame)

    def _on_packet(self, desk: Desk, packet: StreamPacket) -> None:
        if self._media is not None and desk.setup.keeps_packets:
            self._media.packet(desk.setup.id, packet)

    def _on_new(self, desk: Desk) -> None:
        camera = desk.setup.camera
        if self._media is not None:
            self._media.add_camera(
                desk.setup.id,
                record=None if camera.record is None else camera.recorded,
                gives_packets=desk.setup.keeps_packets,
                look=None if camera.view == View() else camera.view.apply,
            )
        self._on_state(desk)

    def _on_event(
        self, record: EventRecord, event: ActionEvent, seen_seconds: float | None
    ) -> None:
        self._clerk.ask(lambda: self._keep(record))  # before its snapshot is there
        if self._media is not None:
            self._media.event(
                record,
                start_seconds=event.start_seconds,
                end_seconds=event.end_seconds,
                seen_seconds=seen_seconds,
            )

    def _keep(self, record: EventRecord) -> None:
        if record.ended_at is None:
            self._index.add(record)
            self._tell(record, "start")
        else:
            self._tell(self._index.update(record), "end")

    def _on_state(self, desk: Desk) -> None:
        view = desk.view()
        self._journal.see(view)
        if self._media is not None and view.state in _GIVES_NO_PICTURES:
            self._media.interrupt(view.id)
        tell_sinks(self._sinks, lambda sink: sink.camera(view))
        self._news.tell("camera", view.to_dict())

    def _on_labels(self, desk: Desk) -> None:
        if self._news.has_readers and desk.is_news_due():
            self._news.tell("camera", desk.view().to_dict())

    def _on_gone(self, desk: Desk) -> None:
        self._journal.forget(desk.setup.id)
        if self._media is not None:
            self._media.remove_camera(desk.setup.id)
        tell_sinks(self._sinks, lambda sink: sink.camera_gone(desk.setup.id))
        self._news.tell("gone", {"id": desk.setup.id})

    def _tick(self) -> None:
        """Once a second: rates, schedules, and news of cameras without labels."""
        num_ticks = 0
        while not self._ended.wait(_TICK_SECONDS):
            num_ticks += 1
            self._ticked_seconds = time.monotonic()
            self._lock.beat()
            try:
                self._look_round(is_machine_due=num_ticks % _MACHINE_EVERY == 0)
            except Exception as error:  # the next round may be better
                _log.warning("the cameras could not be looked at: %s", type(error).__name__)
                _log.debug("its traceback", exc_info=True)

    def _look_round(self, *, is_machine_due: bool) -> None:
        self._station.keep_schedules()
        for desk in self._station.desks:
            desk.sample()
            if self._news.has_readers and desk.is_news_due():
                self._news.tell("camera", desk.view().to_dict())
        if is_machine_due:
            self._machine.sample()
            if self._news.has_readers:
                self._news.tell("machine", self.machine())
