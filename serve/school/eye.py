"""Looks at the pictures of one browser: what people do there, and takes of what they teach."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from rtaction.errors import OutputError, UsageError
from rtaction.opencv import cv2
from rtaction.pose.keypoints import Pose
from rtaction.pose.tracker import Person
from rtaction.prediction import Prediction
from rtaction.realtime.actions.detector import ActionEvent
from rtaction.realtime.model.action_model import ActionModel
from rtaction.realtime.watching.recognizer import Recognizer
from rtaction.serve.school.jpeg import jpeg_size
from rtaction.teach.onlooker import Onlooker
from rtaction.teach.recording import NOBODY_SEEN
from rtaction.teach.takes import Take, TakesFolder, check_label

MOST_PIXELS = 1920
NOT_WRITTEN = "it could not be written; the log of rtaction serve says why"
SHORTEST_SECONDS, LONGEST_SECONDS = 1.0, 10.0
_MOST_CHARACTERS = 60
_MOST_TAKES = 300
_TOP = 5
# Somebody who is not seen for so long is no longer drawn.
_GONE_SECONDS = 1.0
_log = logging.getLogger(__name__)


class SharedModel:
    """A loaded model that several look with, one at a time.

    Args:
        model: the model.
    """

    def __init__(self, model: ActionModel) -> None:
        self.model = model
        self.lock = threading.Lock()


class BrowserEye:
    """See `rtaction.serve.house.school.Eye`.

    Args:
        shared: what to look with.
        takes: of the lesson; None: only to watch.
        judges: whether what people do is named; otherwise they are only seen.
        on_close: called once the browser has gone.
    """

    def __init__(
        self,
        shared: SharedModel,
        takes: TakesFolder | None,
        *,
        judges: bool,
        on_close: Callable[[], Any],
    ) -> None:
        self._shared = shared
        self._takes = takes
        self._judges = judges
        self._on_close: Callable[[], Any] | None = on_close
        self._ongoing: dict[tuple[int | None, str], ActionEvent] = {}
        self._recognizer = Recognizer(shared.model, on_event=self._take_event)
        self._onlooker = Onlooker(shared.model.pose_networks)
        self._wanted: tuple[str, float] | None = None
        self._take: Take | None = None
        self._label, self._until_seconds = "", 0.0
        self._last_seconds = float("-inf")
        self._seen: dict[int | None, Prediction] = {}

    def see(self, jpeg: bytes, at_seconds: float) -> dict[str, Any]:
        """See `Eye`."""
        if not self._last_seconds < at_seconds < float("inf"):
            raise UsageError(
                f"the time of a picture must be above {self._last_seconds:.3f} s, the last one's; "
                f"got {at_seconds}"
            )
        image = _decoded(jpeg)
        self._last_seconds = at_seconds
        try:
            if self._wanted is not None:
                self._begin_take(at_seconds)
            if self._take is not None:
                return self._record(image, at_seconds)
        except OutputError as error:  # such as a disk that is full
            self._take = None
            _log.warning("%s", error)
            ended = {"label": self._label, "kept": False, "reason": NOT_WRITTEN}
            return self._answer(self._look(image, at_seconds), take=ended)
        if not self._judges:
            return self._answer(self._look(image, at_seconds))
        with self._shared.lock:
            predictions = self._recognizer.push(image, at_seconds)
        for one in predictions:
            self._seen[one.person] = one
        self._seen = {
            person: one
            for person, one in self._seen.items()
            if at_seconds - one.end_seconds <= _GONE_SECONDS
        }
        return self._answer([_person_of(one, self._label_of(one)) for one in self._seen.values()])

    def record(self, label: str, seconds: float) -> None:
        """See `Eye`."""
        if self._takes is None:
            raise UsageError("there is no lesson to record takes for; begin one first")
        if not SHORTEST_SECONDS <= seconds <= LONGEST_SECONDS:
            raise UsageError(
                f"a take lasts {SHORTEST_SECONDS:g} to {LONGEST_SECONDS:g} seconds, got {seconds}"
            )
        if not self._takes.folder.is_dir():
            raise UsageError("this lesson was removed; begin another one")
        if len(label) > _MOST_CHARACTERS:
            raise UsageError(f"a label has at most {_MOST_CHARACTERS} characters")
        if sum(len(self._takes.takes_of(one)) for one in self._takes.labels) >= _MOST_TAKES:
            raise UsageError(f"a lesson has at most {_MOST_TAKES} takes; remove some first")
        self.stop()
        self._wanted = check_label(label), seconds

    def stop(self) -> None:
        """See `Eye`."""
        self._wanted = None
        if self._take is not None:
            self._take.drop()
            self._take = None

    def close(self) -> None:
        """See `Eye`."""
        self.stop()
        if self._on_close is not None:
            self._on_close()
            self._on_close = None

    def _begin_take(self, at_seconds: float) -> None:
        assert self._wanted is not None
        assert self._takes is not None
        (self._label, seconds), self._wanted = self._wanted, None
        self._take = self._takes.begin(self._label)
        self._until_seconds = at_seconds + seconds
        self._onlooker.begin()
        with self._shared.lock:
            self._recognizer.finish()  # what is recorded is not judged
        self._seen.clear()
        self._ongoing.clear()

    def _record(self, image: npt.NDArray[np.uint8], at_seconds: float) -> dict[str, Any]:
        assert self._take is not None
        people = self._look(image, at_seconds)
        if at_seconds < self._until_seconds:
            self._take.add(image, at_seconds)
            left_seconds = round(self._until_seconds - at_seconds, 2)
            recording = {"label": self._label, "seconds_left": left_seconds}
            return self._answer(people, recording=recording)
        take, self._take = self._take, None
        is_kept = self._onlooker.has_seen_enough
        if is_kept:
            take.finish()
        else:
            take.drop()
        ended = {
            "label": self._label,
            "kept": is_kept,
            "reason": "" if is_kept else NOBODY_SEEN,
        }
        return self._answer(people, take=ended)

    def _look(self, image: npt.NDArray[np.uint8], at_seconds: float) -> list[dict[str, Any]]:
        """Who is seen, without what they do."""
        with self._shared.lock:
            self._onlooker.look_at(image, at_seconds)
        return [_seen_person(one, image) for one in self._onlooker.people]

    def _answer(
        self,
        people: list[dict[str, Any]],
        *,
        recording: dict[str, Any] | None = None,
        take: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        best: dict[str, float] = {}
        for one in self._seen.values():
            for label, score in one.top(_TOP):
                best[label] = max(score, best.get(label, 0.0))
        top = sorted(best.items(), key=lambda pair: -pair[1])[:_TOP]
        return {
            "state": self._recognizer.state if self._judges else "ok",
            "people": people,
            "scores": [{"label": label, "score": round(score, 4)} for label, score in top],
            "events": list(dict.fromkeys(label for _, label in self._ongoing)),
            "recording": recording,
            "take": take,
        }

    def _label_of(self, prediction: Prediction) -> str | None:
        return next((label for person, label in self._ongoing if person == prediction.person), None)

    def _take_event(self, event: ActionEvent) -> None:
        if event.end_seconds is None:
            self._ongoing[event.person, event.label] = event
        else:
            self._ongoing.pop((event.person, event.label), None)


def _decoded(jpeg: bytes) -> npt.NDArray[np.uint8]:
    size_hw = jpeg_size(jpeg)
    if size_hw is not None and max(size_hw) > MOST_PIXELS:
        raise UsageError(
            f"expected a picture at most {MOST_PIXELS} pixels wide and high, "
            f"got {size_hw[1]}x{size_hw[0]}"
        )
    image_bgr = None
    if size_hw is not None:
        # No mark of a turned camera is heeded: the page has turned the picture already.
        flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
        image_bgr = cv2.imdecode(np.frombuffer(jpeg, np.uint8), flags)
    if image_bgr is None:
        raise UsageError("expected a JPEG picture")
    return np.asarray(cv2.cvtColor(image_bgr, cv2.COLOR_BGR2RGB), np.uint8)


def _person_of(prediction: Prediction, label: str | None) -> dict[str, Any]:
    """Of a model of whole pictures, the whole picture is the one person, 0."""
    joints = prediction.joints
    score = prediction.score if label is None else prediction.score_of(label)
    return {
        "person": prediction.person or 0,
        "label": label,
        "score": round(score, 4),
        "box": None if prediction.box is None else [round(edge, 4) for edge in prediction.box],
        "joints": None if joints is None else _points(joints, (1, 1)),
    }


def _seen_person(person: Person, image: npt.NDArray[np.uint8]) -> dict[str, Any]:
    height, width = image.shape[:2]
    pose: Pose = person.pose
    top, left, bottom, right = pose.box
    box = [top / height, left / width, bottom / height, right / width]
    return {
        "person": person.number,
        "label": None,
        "score": 0.0,
        "box": [round(float(edge), 4) for edge in box],
        "joints": _points(pose.points, (height, width)),
    }


def _points(joints: npt.NDArray[Any], size_hw: tuple[int, int]) -> list[list[float]]:
    """x, y and score of each joint, in shares of the picture."""
    height, width = size_hw
    return [
        [round(float(x) / width, 4), round(float(y) / height, 4), round(float(score), 3)]
        for y, x, score in joints
    ]
