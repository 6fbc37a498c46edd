"""Lessons on disk: a folder of takes each, and the model that was learned from them."""

from __future__ import annotations

import re
import secrets
import shutil
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from rtaction.errors import NoSuchThing, UsageError
from rtaction.models import ACTIONS_MODEL
from rtaction.realtime.model.action_model import ActionModel
from rtaction.serve.house.school import LessonState, LessonView
from rtaction.serve.school.eye import BrowserEye, SharedModel
from rtaction.serve.school.learning import Learning
from rtaction.teach.takes import TakesFolder, check_label

_MOST_LESSONS = 50
_MOST_EYES = 4
_ID = re.compile(r"[0-9A-Za-z-]{1,40}")


class Lessons:
    """See `rtaction.serve.house.school.School`.

    Args:
        folder: with a folder for each lesson; created with the first.
        open_model: loads a model.
    """

    def __init__(self, folder: Path, open_model: Callable[[Path], ActionModel]) -> None:
        self._folder = folder
        self._open_model = open_model
        self._lock = threading.Lock()
        self._learning: dict[str, Learning] = {}
        self._models: dict[Path, tuple[int, SharedModel]] = {}
        self._num_eyes = 0

    def lessons(self) -> list[LessonView]:
        """See `School`."""
        if not self._folder.is_dir():
            return []
        names = sorted((one.name for one in self._folder.iterdir() if one.is_dir()), reverse=True)
        return [self._view(name) for name in names if _ID.fullmatch(name)]

    def begin(self) -> LessonView:
        """See `School`."""
        if len(self.lessons()) >= _MOST_LESSONS:
            raise UsageError(f"there are {_MOST_LESSONS} lessons already; remove one first")
        lesson = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
        (self._folder / lesson).mkdir(parents=True)
        return self._view(lesson)

    def lesson(self, lesson: str) -> LessonView:
        """See `School`."""
        self._takes(lesson)
        return self._view(lesson)

    def remove(self, lesson: str) -> None:
        """See `School`."""
        takes = self._takes(lesson)
        with self._lock:
            learning = self._learning.get(lesson)
            if learning is not None and not learning.is_over:
                raise UsageError("this lesson is being learned; remove it afterwards")
            self._learning.pop(lesson, None)
            self._models.pop(takes.model, None)
        shutil.rmtree(takes.folder)

    def remove_take(self, lesson: str, label: str) -> LessonView:
        """See `School`."""
        takes = self._takes(lesson)
        found = takes.takes_of(check_label(label))
        if not found:
            raise NoSuchThing(f"there is no take of {label!r}")
        found[-1].unlink()
        return self._view(lesson)

    def learn(self, lesson: str) -> LessonView:
        """See `School`."""
        takes = self._takes(lesson)
        if len(takes.labels) < 2:
            raise UsageError("there is nothing to tell apart yet; expected takes of two labels")
        with self._lock:
            if any(not one.is_over for one in self._learning.values()):
                raise UsageError("a lesson is being learned already; wait for its end")
            self._learning[lesson] = Learning(takes.folder)
        return self._view(lesson)

    def model(self, lesson: str) -> Path:
        """See `School`."""
        path = self._takes(lesson).model
        if not path.is_file():
            raise NoSuchThing("nothing has been learned yet")
        return path

    def eye(self, lesson: str | None) -> BrowserEye:
        """See `School`."""
        takes = None if lesson is None else self._takes(lesson)
        has_model = takes is not None and takes.model.is_file()
        path = takes.model if takes is not None and has_model else ACTIONS_MODEL
        with self._lock:
            if self._num_eyes >= _MOST_EYES:
                raise UsageError(f"{_MOST_EYES} browsers send their cameras already; close one")
            self._num_eyes += 1
        try:
            judges = takes is None or has_model
            return BrowserEye(self._shared(path), takes, judges=judges, on_close=self._leave)
        except BaseException:
            self._leave()
            raise

    def close(self) -> None:
        """See `School`."""
        for one in tuple(self._learning.values()):
            if not one.is_over:
                one.end()

    def _leave(self) -> None:
        with self._lock:
            self._num_eyes -= 1

    def _shared(self, path: Path) -> SharedModel:
        changed = path.stat().st_mtime_ns
        with self._lock:
            kept = self._models.get(path)
            if kept is None or kept[0] != changed:
                kept = changed, SharedModel(self._open_model(path))
                self._models[path] = kept
            return kept[1]

    def _takes(self, lesson: str) -> TakesFolder:
        if _ID.fullmatch(lesson) is None or not (self._folder / lesson).is_dir():
            raise NoSuchThing(f"there is no lesson {lesson!r}")
        return TakesFolder(self._folder / lesson)

    def _view(self, lesson: str) -> LessonView:
        takes = TakesFolder(self._folder / lesson)
        learning = self._learning.get(lesson)
        state: LessonState = "learned" if takes.model.is_file() else "recording"
        progress, report = float(state == "learned"), tuple[str, ...]()
        if learning is not None:
            progress = 1.0 if learning.is_over else learning.progress
            report = learning.lines
            state = "learning" if not learning.is_over else state
            if learning.is_over and not learning.has_succeeded:
                state = "failed"
        return LessonView(
            id=lesson,
            takes={label: len(takes.takes_of(label)) for label in takes.labels},
            state=state,
            progress=progress,
            report=report,
            has_model=takes.model.is_file(),
        )
