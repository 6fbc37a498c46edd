"""A school without cameras and models."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

from rtaction.errors import NoSuchThing, UsageError
from rtaction.serve.house.school import LessonView


class FakeEye:
    """Says how long each picture is; it is slow if it has to."""

    def __init__(self, school: FakeSchool, lesson: str | None) -> None:
        self.school = school
        self.lesson = lesson
        self.seen: list[tuple[float, bytes]] = []
        self._recording: dict[str, Any] | None = None

    def see(self, jpeg: bytes, at_seconds: float) -> dict[str, Any]:
        """See `Eye`."""
        assert threading.current_thread().name != "web", "it would hold up everybody else"
        if jpeg == b"broken":
            raise RuntimeError("rtsp://admin:hunter2@192.168.1.20/ is broken")
        if self.seen and at_seconds <= self.seen[-1][0]:
            raise UsageError("the time of a picture must be above the last one's")
        self.seen.append((at_seconds, jpeg))
        return {
            "state": "ok",
            "people": [
                {
                    "person": 1,
                    "label": None,
                    "score": 0.5,
                    "box": [0.1, 0.2, 0.9, 0.8],
                    "joints": [[0.5, 0.5, 0.9]] * 17,
                }
            ],
            "scores": [{"label": "wave", "score": 0.5}],
            "events": [],
            "recording": self._recording,
            "take": None,
        }

    def record(self, label: str, seconds: float) -> None:
        """See `Eye`."""
        if self.lesson is None:
            raise UsageError("there is no lesson to record takes for; begin one first")
        self._recording = {"label": label, "seconds_left": seconds}

    def stop(self) -> None:
        """See `Eye`."""
        self._recording = None

    def close(self) -> None:
        """See `Eye`."""
        self.school.eyes.remove(self)


class FakeSchool:
    """Implements `School`.

    Args:
        folder: for models.
        most_eyes: that look at once.
    """

    def __init__(self, folder: Path, most_eyes: int = 2) -> None:
        self.views: dict[str, LessonView] = {}
        self.eyes: list[FakeEye] = []
        self.num_opened = 0
        self._folder = folder
        self._most_eyes = most_eyes

    def lessons(self) -> list[LessonView]:
        """See `School`."""
        return list(reversed(self.views.values()))

    def begin(self) -> LessonView:
        """See `School`."""
        view = LessonView(id=f"20261130-10000{len(self.views)}-ab12")
        self.views[view.id] = view
        return view

    def lesson(self, lesson: str) -> LessonView:
        """See `School`."""
        if lesson not in self.views:
            raise NoSuchThing(f"there is no lesson {lesson!r}")
        return self.views[lesson]

    def remove(self, lesson: str) -> None:
        """See `School`."""
        del self.views[self.lesson(lesson).id]

    def remove_take(self, lesson: str, label: str) -> LessonView:
        """See `School`."""
        takes = dict(self.lesson(lesson).takes)
        if not takes.get(label):
            raise NoSuchThing(f"there is no take of {label!r}")
        takes[label] -= 1
        self.views[lesson] = replace(self.views[lesson], takes=takes)
        return self.views[lesson]

    def learn(self, lesson: str) -> LessonView:
        """See `School`."""
        if len(self.lesson(lesson).takes) < 2:
            raise UsageError("there is nothing to tell apart yet; expected takes of two labels")
        self.views[lesson] = replace(
            self.views[lesson], state="learned", progress=1.0, report=("fine",), has_model=True
        )
        return self.views[lesson]

    def model(self, lesson: str) -> Path:
        """See `School`."""
        if not self.lesson(lesson).has_model:
            raise NoSuchThing("nothing has been learned yet")
        path = self._folder / "model.onnx"
        path.write_bytes(b"a model")
        return path

    def eye(self, lesson: str | None) -> FakeEye:
        """See `School`."""
        if lesson is not None:
            self.lesson(lesson)
        if len(self.eyes) >= self._most_eyes:
            raise UsageError("too many send their cameras already; close one")
        self.num_opened += 1
        self.eyes.append(FakeEye(self, lesson))
        return self.eyes[-1]

    def close(self) -> None:
        """See `School`."""
