"""A house without cameras, for sinks, and what happens in it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal

import cv2  # noqa: TID251
import numpy as np

from rtaction.errors import NoSuchThing
from rtaction.serve.house.house import House, Image, Picture, Query, Sink, Subscription
from rtaction.serve.house.record import EventRecord, new_event_id
from rtaction.serve.house.views import CameraView

LABELS = ("fall", "wave", "jumping_jack")


def view(camera: str = "front-door", **changes: Any) -> CameraView:
    """A camera that is watched."""
    given: dict[str, Any] = {
        "id": camera,
        "name": camera.replace("-", " ").capitalize(),
        "is_enabled": True,
        "state": "ok",
        "reason": "",
        "since": datetime(2026, 11, 30, 9, 0, tzinfo=UTC),
        "model": "people.onnx",
        "labels": LABELS,
    }
    return CameraView(**(given | changes))


def record(label: str = "fall", camera: str = "front-door", **changes: Any) -> EventRecord:
    """An event that has started."""
    started_at = datetime.now(UTC)
    given: dict[str, Any] = {
        "id": new_event_id(started_at),
        "camera": camera,
        "camera_name": camera.replace("-", " ").capitalize(),
        "label": label,
        "started_at": started_at,
        "peak_score": 0.93,
        "model": "people.onnx",
    }
    return EventRecord(**(given | changes))


def ended(one: EventRecord) -> EventRecord:
    """The same event when it is over."""
    return replace(one, ended_at=datetime.now(UTC))


def jpeg(shade: int = 128) -> bytes:
    """A small grey picture."""
    _, encoded = cv2.imencode(".jpg", np.full((24, 32, 3), shade, np.uint8))
    return encoded.tobytes()


class Room:
    """A `House` with some cameras, whose picture is always the same."""

    def __init__(self, *views: CameraView) -> None:
        self.views = {one.id: one for one in views}
        self.sinks: list[Sink] = []
        self.shown = jpeg()
        self.files: dict[str, Path] = {}
        self.told: dict[str, Any] = {}
        self.ready = True

    def open(self, sink: Sink) -> None:
        """Add a sink as `rtaction serve` does."""
        self.sinks.append(sink)
        sink.open(self)
        for one in self.views.values():
            sink.camera(one)

    def change(self, changed: CameraView) -> None:
        """A camera comes or changes."""
        self.views[changed.id] = changed
        for sink in self.sinks:
            sink.camera(changed)

    def remove(self, camera: str) -> None:
        """A camera goes."""
        del self.views[camera]
        for sink in self.sinks:
            sink.camera_gone(camera)

    def cameras(self) -> Sequence[CameraView]:
        return list(self.views.values())

    def camera(self, camera: str) -> CameraView:
        if camera not in self.views:
            raise NoSuchThing(f"there is no camera {camera!r}")
        return self.views[camera]

    def enable(self, camera: str, *, is_enabled: bool) -> None:
        state: Any = "ok" if is_enabled else "disabled"
        self.change(replace(self.camera(camera), is_enabled=is_enabled, state=state))

    def picture(self, camera: str, *, width: int | None, is_drawn: bool) -> Picture | None:
        self.camera(camera)
        return Picture(self.shown, 1, datetime.now(UTC))

    def image(self, camera: str, *, width: int | None, is_drawn: bool) -> Image | None:
        raise NotImplementedError

    def file(self, event: str, what: Literal["clip", "snapshot"]) -> Path:
        if event not in self.files:
            raise NoSuchThing(f"there is no {what} of event {event!r}")
        return self.files[event]

    def machine(self) -> Mapping[str, Any]:
        return self.told

    def is_ready(self) -> bool:
        return self.ready

    def set_threshold(self, camera: str, label: str | None, threshold: float | None) -> None:
        raise NotImplementedError

    def reload(self) -> str:
        raise NotImplementedError

    def events(self, query: Query) -> Sequence[EventRecord]:
        raise NotImplementedError

    def event(self, event: str) -> EventRecord:
        raise NotImplementedError

    def events_csv(self, day: date) -> Iterator[str]:
        raise NotImplementedError

    def judge(self, event: str, verdict: str | None) -> EventRecord:
        raise NotImplementedError

    def subscribe(self) -> Subscription:
        raise NotImplementedError


_: House = Room()


def wait_until(is_so: Callable[[], object], *, seconds: float = 15.0) -> None:
    """Wait for another thread or process; how long it takes says how busy the machine is."""
    ends_at = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < ends_at, "it never came"
        time.sleep(0.01)
