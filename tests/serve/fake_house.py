"""A house without cameras: pictures are drawn, events are made up. `python -m` shows its page."""

from __future__ import annotations

import math
import queue
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import numpy as np

from rtaction.errors import NoSuchThing, UsageError
from rtaction.opencv import cv2
from rtaction.serve.house.house import Image, News, Picture, Query, SinkView
from rtaction.serve.house.record import RIGHT, WRONG, EventRecord, Phase, new_event_id
from rtaction.serve.house.views import CameraState, CameraView, PersonView
from rtaction.video.writer import VideoWriter
from tests.serve.fake_cameras import LABELS, fake_view
from tests.serve.fake_pictures import drawn_picture

_PICTURES_PER_SECOND = 12.0


class FakeSubscription:
    """News that wait."""

    def __init__(self, house: FakeHouse) -> None:
        self._house = house
        self.waiting: queue.Queue[News] = queue.Queue()
        self.num_missed = 0

    def next(self, timeout_seconds: float) -> News | None:
        with suppress(queue.Empty):
            return self.waiting.get(timeout=max(timeout_seconds, 0.001))
        return None

    def close(self) -> None:
        self._house.subscriptions.discard(self)


class FakeHouse:
    """Implements `House`.

    Args:
        folder: for clips and snapshots.
        num_cameras: 1 to 8; the later ones have their troubles.
    """

    def __init__(self, folder: Path, num_cameras: int = 2) -> None:
        self.folder = folder
        self._num_cameras = num_cameras
        self.subscriptions: set[FakeSubscription] = set()
        self._started_at = datetime.now(UTC)
        self._clip: bytes | None = None
        self.reset()

    def reset(self) -> None:
        """Forget all that was done."""
        self.views = {
            view.id: view for view in (fake_view(number) for number in range(self._num_cameras))
        }
        self.records: dict[str, EventRecord] = {}
        self.num_pictures: Counter[str] = Counter()
        self.mistake = ""
        self.ready = True
        self.picture_seconds = 0.0

    def cameras(self) -> Sequence[CameraView]:
        return [self._moving(view) for view in self.views.values()]

    def camera(self, camera: str) -> CameraView:
        if camera not in self.views:
            raise NoSuchThing(f"there is no camera {camera}")
        return self._moving(self.views[camera])

    def enable(self, camera: str, *, is_enabled: bool) -> None:
        self.camera(camera)
        state: CameraState = "ok" if is_enabled else "disabled"
        self.change(camera, is_enabled=is_enabled, state=state, reason="")

    def set_threshold(self, camera: str, label: str | None, threshold: float | None) -> None:
        view = self.camera(camera)
        score = 0.6 if threshold is None else threshold
        labels = view.labels if label is None else (label,)
        self.change(camera, thresholds={**view.thresholds, **dict.fromkeys(labels, score)})

    def change(self, camera: str, **fields: Any) -> None:
        """Change a view and tell of it."""
        self.views[camera] = replace(self.views[camera], **fields)
        self.tell(News("camera", self.views[camera].to_dict()))

    def reload(self) -> str:
        if self.mistake:
            raise UsageError(self.mistake)
        return "nothing has changed"

    def picture(self, camera: str, *, width: int | None, is_drawn: bool) -> Picture | None:
        image = self.image(camera, width=width, is_drawn=is_drawn)
        if image is None:
            return None
        bgr = cv2.cvtColor(image.pixels, cv2.COLOR_RGB2BGR)
        jpeg = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 80])[1].tobytes()
        return Picture(jpeg, image.number, image.at)

    def image(self, camera: str, *, width: int | None, is_drawn: bool) -> Image | None:
        view = self.camera(camera)
        self.num_pictures[camera] += 1
        time.sleep(self.picture_seconds)
        if view.state == "connecting":
            return None
        is_moving = view.state in ("ok", "degraded", "warming_up")
        now = time.time()
        number = int(now * _PICTURES_PER_SECOND) if is_moving else 1
        bgr = drawn_picture(view, number / _PICTURES_PER_SECOND, is_drawn, (width or 1280))
        at = datetime.fromtimestamp(now if is_moving else now - 95, UTC)
        return Image(np.ascontiguousarray(bgr[..., ::-1]), number, at)

    def events(self, query: Query) -> Sequence[EventRecord]:
        if not 1 <= query.limit <= 1000:
            raise UsageError(f"limit: expected 1 to 1000, got {query.limit}")
        if query.before is not None:
            self.event(query.before)
        found = [one for one in self.records.values() if _fits(one, query)]
        found.sort(key=lambda one: one.id, reverse=True)
        return found[: query.limit]

    def event(self, event: str) -> EventRecord:
        if event not in self.records:
            raise NoSuchThing(f"there is no event {event}")
        return self.records[event]

    def events_csv(self, day: date) -> Iterator[str]:
        yield "id,camera,label,started_at\r\n"
        for one in sorted(self.records.values(), key=lambda one: one.id):
            if one.started_at.date() == day:
                yield f"{one.id},{one.camera},{one.label},{one.started_at:%Y-%m-%dT%H:%M:%SZ}\r\n"

    def judge(self, event: str, verdict: str | None) -> EventRecord:
        record = self.event(event)
        if verdict is not None and not all(one.isalnum() or one in " _-" for one in verdict):
            raise UsageError(f"verdict: expected {RIGHT}, {WRONG} or a label, got {verdict!r}")
        self.records[event] = replace(record, verdict=verdict)
        self.tell_event(event, "change")
        return self.records[event]

    def file(self, event: str, what: Literal["clip", "snapshot"]) -> Path:
        record = self.event(event)
        name = record.clip if what == "clip" else record.snapshot
        if name is None or not (self.folder / name).exists():
            raise NoSuchThing(f"there is no {what} of the event {event}")
        return self.folder / name

    def machine(self) -> Mapping[str, Any]:
        seconds = (datetime.now(UTC) - self._started_at).total_seconds()
        views = self.cameras()
        return {
            "version": "0.0.0",
            "started_at": self._started_at.isoformat(timespec="milliseconds")[:-6] + "Z",
            "uptime_seconds": round(seconds, 1),
            "providers": ["CPUExecutionProvider"],
            "frames_per_second": round(sum(one.frames_per_second for one in views), 1),
            "labels_per_second": round(sum(one.labels_per_second for one in views), 1),
            "latency_seconds": {"p50": 0.041, "p95": 0.083 + 0.01 * math.sin(seconds), "p99": 0.21},
            "picture_age_seconds": {"p50": 0.06, "p95": 0.11, "p99": 0.4},
            "drops": {"late": 12, "queue_full": 3 + int(seconds / 5)},
            "reconnects": 4,
            "memory_bytes": 612 * 2**20,
            "cores_in_use": 1.37,
            "clips_bytes": int(3.42 * 2**30),
            "viewers": 0,
            "sinks": [
                SinkView(name="mqtt", is_up=True, num_sent=1284).to_dict(),
                SinkView(
                    name="webhook https://example.org",
                    is_up=False,
                    reason="the server answers 503; next try in 40 s",
                    num_sent=211,
                    num_waiting=7,
                    num_missed=1,
                ).to_dict(),
            ],
        }

    def is_ready(self) -> bool:
        return self.ready

    def subscribe(self) -> FakeSubscription:
        one = FakeSubscription(self)
        self.subscriptions.add(one)
        return one

    def tell(self, news: News) -> None:
        """Tell all who look on."""
        for one in list(self.subscriptions):
            one.waiting.put(news)

    def tell_event(self, event: str, phase: Phase) -> None:
        """Tell of an event."""
        self.tell(News("event", {**self.records[event].to_dict(), "phase": phase}))

    def add_event(
        self,
        camera: str = "front-door",
        label: str = "wave",
        *,
        ago_seconds: float = 60.0,
        duration_seconds: float | None = 3.2,
        has_clip: bool = True,
        score: float = 0.87,
        person: int | None = 3,
    ) -> EventRecord:
        """Let something have happened."""
        started_at = datetime.now(UTC) - timedelta(seconds=ago_seconds)
        event = new_event_id(started_at)
        ended_at = None
        if duration_seconds is not None:
            ended_at = started_at + timedelta(seconds=duration_seconds)
        view = self.views[camera]
        clip = snapshot = None
        if has_clip:
            clip, snapshot = f"{event}.mp4", f"{event}.jpg"
            (self.folder / clip).write_bytes(self._made_clip())
            seen = replace(view, state="ok")
            image = drawn_picture(seen, started_at.timestamp(), True, 640, label)
            cv2.imwrite(str(self.folder / snapshot), image)
        self.records[event] = EventRecord(
            id=event,
            camera=camera,
            camera_name=view.name,
            label=label,
            started_at=started_at,
            ended_at=ended_at,
            peak_score=score,
            model="people.onnx",
            person=person,
            box=(0.3, 0.4, 0.9, 0.6),
            zones=("path",),
            clip=clip,
            snapshot=snapshot,
        )
        self.tell_event(event, "start" if ended_at is None else "end")
        return self.records[event]

    def _made_clip(self) -> bytes:
        if self._clip is None:
            path = self.folder / "made.mp4"
            writer = VideoWriter(path, frames_per_second=12)
            view = next(iter(self.views.values()))
            for number in range(30):
                writer.write(drawn_picture(view, number / 12, False, 320)[..., ::-1], number / 12)
            writer.close()
            self._clip = path.read_bytes()
        return self._clip

    def _moving(self, view: CameraView) -> CameraView:
        """A view whose figures change with time."""
        if view.state != "ok":
            return view
        now, phase = time.time(), sum(map(ord, view.id))
        scores = {
            label: 0.5 + 0.47 * math.sin(now / (3 + number) + phase + number)
            for number, label in enumerate(view.labels)
        }
        best = tuple(sorted(scores.items(), key=lambda one: -one[1])[:3])
        active = tuple(label for label, score in best if score > view.thresholds[label])
        people = tuple(
            PersonView(person=number + 1, label=best[0][0], score=best[0][1])
            for number in range(phase % 3)
        )
        return replace(
            view, scores=best, active=active, people=people, picture_age_seconds=now % 0.1
        )


def _fits(one: EventRecord, query: Query) -> bool:
    return (
        (query.since is None or one.ended_at is None or one.ended_at >= query.since)
        and (query.until is None or one.started_at < query.until)
        and query.camera in (None, one.camera)
        and query.label in (None, one.label)
        and query.person in (None, one.person)
        and query.verdict in (None, one.verdict or "none")
        and (query.before is None or one.id < query.before)
    )


def filled(folder: Path, num_cameras: int = 8, num_events: int = 40) -> FakeHouse:
    """A house with a day behind it."""
    house = FakeHouse(folder, num_cameras)
    dice = random.Random(7)
    for _ in range(num_events):
        event = house.add_event(
            dice.choice(list(house.views)),
            dice.choice(LABELS),
            ago_seconds=dice.uniform(30, 60_000),
            duration_seconds=dice.uniform(0.8, 40),
            score=dice.uniform(0.6, 0.99),
            person=dice.choice([None, 1, 2, 3]),
        )
        if dice.random() < 0.4:
            house.judge(event.id, dice.choice([RIGHT, RIGHT, WRONG, "walk"]))
    return house


def main() -> None:
    """Show the page of a house until Ctrl+C, with an event now and then."""
    from rtaction.serve.web.options import WebOptions
    from rtaction.serve.web.server import WebServer

    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8090
    with tempfile.TemporaryDirectory() as folder:
        house = filled(Path(folder))
        server = WebServer(house, WebOptions(port=port))
        server.start()
        print(f"{server.url}  (Ctrl+C ends it)", flush=True)
        with suppress(KeyboardInterrupt):
            while not threading.Event().wait(12):
                house.add_event(random.choice(list(house.views)), random.choice(LABELS))
        server.stop()


if __name__ == "__main__":
    main()
