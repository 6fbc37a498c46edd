"""What the page, the API and the sinks may ask of `rtaction serve`, and what they are told.

`rtaction.serve.watching` has the house that watches real cameras. Those who ask
know this protocol only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from rtaction.serve.house.record import EventRecord, Phase
from rtaction.serve.house.views import CameraView


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Which events are asked for; newest first.

    Args:
        since: those that end at or after it, or go on. Default None: from the first.
        until: those that start before it. Default None: up to now.
        camera: id of the camera. Default None: of all.
        label: Default None: all.
        person: Default None: everybody.
        verdict: "none" for those that nobody has judged. Default None: all.
        before: id of an event: only those that come after it in the list, for pages. Default None.
        limit: at most as many, 1 to 1000. Default 100.
    """

    since: datetime | None = None
    until: datetime | None = None
    camera: str | None = None
    label: str | None = None
    person: int | None = None
    verdict: str | None = None
    before: str | None = None
    limit: int = 100


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of a camera.

    Args:
        jpeg: the picture.
        number: of its frame; another picture has another number.
        at: when it was taken, in UTC.
    """

    jpeg: bytes
    number: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Image:
    """One picture of a camera, as pixels.

    Args:
        pixels: uint8, (height, width, 3), RGB; not to be changed.
        number: of its frame; another picture has another number.
        at: when it was taken, in UTC.
    """

    pixels: npt.NDArray[np.uint8]
    number: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkView:
    """How a sink is right now.

    Args:
        name: such as "mqtt" or "webhook https://example.org"; it never contains a password.
        is_up: whether the last attempt worked; None before the first.
        reason: why it is not up, for a person.
        num_sent: what it took.
        num_waiting: what is kept to be sent later.
        num_missed: what it will never get.
    """

    name: str
    is_up: bool | None
    reason: str = ""
    num_sent: int = 0
    num_waiting: int = 0
    num_missed: int = 0

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "name": self.name,
            "up": self.is_up,
            "reason": self.reason,
            "sent": self.num_sent,
            "waiting": self.num_waiting,
            "missed": self.num_missed,
        }


class Sink(Protocol):
    """Somebody who is told. No method waits: what takes time is done by the sink's own thread."""

    def open(self, house: House) -> None:
        """Begin; called once, before anything else. It may not wait for a server either."""

    def event(self, record: EventRecord, phase: Phase) -> None:
        """An event has started, ended or changed."""

    def camera(self, view: CameraView) -> None:
        """A camera came, or has changed its state or settings."""

    def camera_gone(self, camera: str) -> None:
        """A camera is no longer watched, as the file of cameras says."""

    def view(self) -> SinkView:
        """How it is."""

    def close(self, timeout_seconds: float) -> None:
        """End, and complete what can be completed in this time."""


NewsKind = Literal["camera", "gone", "event", "machine"]


@dataclass(frozen=True, slots=True)
class News:
    """Something new, for those who look on.

    Args:
        kind: what `data` is: `CameraView.to_dict`, {"id": ...} of a camera that is gone,
            `EventRecord.to_dict` with "phase", or `House.machine`.
        data: for JSON.
    """

    kind: NewsKind
    data: Mapping[str, Any] = field(default_factory=dict)


class Subscription(Protocol):
    """News in order, for one who looks on. One who is too slow misses some, and is told how many:
    nobody waits for them."""

    def next(self, timeout_seconds: float) -> News | None:
        """The next, or None if there is none in this time. It may be called from any thread."""

    @property
    def num_missed(self) -> int:
        """News that were left out because too many waited."""

    def close(self) -> None:
        """No more."""


class House(Protocol):
    """What may be asked. All methods may be called from any thread; those of pictures and events
    take some milliseconds, the others none."""

    def cameras(self) -> Sequence[CameraView]:
        """All cameras, in the order of their file."""

    def camera(self, camera: str) -> CameraView:
        """One camera, by its id.

        Raises:
            NoSuchThing: there is none.
        """

    def enable(self, camera: str, *, is_enabled: bool) -> None:
        """Watch a camera, or do not; it lasts over restarts.

        Raises:
            NoSuchThing: there is no such camera.
        """

    def set_threshold(self, camera: str, label: str | None, threshold: float | None) -> None:
        """Set the score, 0 to 1, at which an event of a label starts; it lasts over restarts.

        Args:
            camera: id of the camera.
            label: Default None: for all labels of it.
            threshold: None takes back what was set.

        Raises:
            NoSuchThing: there is no such camera.
            UsageError: there is no such label, or the threshold is out of range.
        """

    def reload(self) -> str:
        """Read the file of cameras anew; those that are as before go on undisturbed.

        Returns:
            What has changed, for a person.

        Raises:
            UsageError: the file has a mistake; all goes on as before.
        """

    def picture(self, camera: str, *, width: int | None, is_drawn: bool) -> Picture | None:
        """The newest picture, or None if there is none. It costs nothing until it is asked for.

        Args:
            camera: id of the camera.
            width: in pixels, 16 to 4096; never more than the camera has. None: as it is.
            is_drawn: with boxes, skeletons and labels.

        Raises:
            NoSuchThing: there is no such camera.
        """

    def image(self, camera: str, *, width: int | None, is_drawn: bool) -> Image | None:
        """As `picture`, for those who encode it in their own way."""

    def events(self, query: Query) -> Sequence[EventRecord]:
        """Events, newest first.

        Raises:
            UsageError: the query is out of range.
        """

    def event(self, event: str) -> EventRecord:
        """One event, by its id.

        Raises:
            NoSuchThing: there is none.
        """

    def events_csv(self, day: date) -> Iterator[str]:
        """The events that started on a day (UTC) as lines of CSV with a header, oldest first."""

    def judge(self, event: str, verdict: str | None) -> EventRecord:
        """Say that an event was "right", "wrong" or another label; None takes it back.

        Its clip goes to the folder of corrections, for `teach` and `train`.

        Raises:
            NoSuchThing: there is no such event.
            UsageError: the verdict is neither of these nor a label of letters, digits, spaces, _
                and -, at most 64 of them.
        """

    def file(self, event: str, what: Literal["clip", "snapshot"]) -> Path:
        """Where the file of an event lies.

        Raises:
            NoSuchThing: there is no such event, or it has no such file, or no longer.
        """

    def machine(self) -> Mapping[str, Any]:
        """For JSON: version, started_at, uptime_seconds, providers, frames_per_second,
        labels_per_second, latency_seconds and picture_age_seconds (p50, p95, p99), drops by
        reason, reconnects, memory_bytes, cores_in_use, clips_bytes, viewers and sinks."""

    def is_ready(self) -> bool:
        """Whether all models are loaded and the watching goes on."""

    def subscribe(self) -> Subscription:
        """News from now on."""
