"""What the page asks of the browser's own camera: what somebody does there, and to teach it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

LessonState = Literal["recording", "learning", "learned", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LessonView:
    """Labels that somebody teaches, with their takes.

    Args:
        id: letters, digits and hyphens.
        takes: number of takes by label, in the order in which the labels came.
        state: "recording" until it is learned.
        progress: of learning, 0 to 1.
        report: lines for a person: how good the model is, or why there is none.
        has_model: whether a model can be used and downloaded; it may be of earlier takes.
    """

    id: str
    takes: Mapping[str, int] = field(default_factory=dict)
    state: LessonState = "recording"
    progress: float = 0.0
    report: tuple[str, ...] = ()
    has_model: bool = False

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "id": self.id,
            "takes": [{"label": label, "count": count} for label, count in self.takes.items()],
            "state": self.state,
            "progress": round(self.progress, 3),
            "report": list(self.report),
            "has_model": self.has_model,
        }


class Eye(Protocol):
    """Looks at the pictures of one browser. Its methods take some milliseconds; not from two
    threads at once."""

    def see(self, jpeg: bytes, at_seconds: float) -> dict[str, Any]:
        """Take the next picture, at most 1920 pixels wide or high.

        Args:
            jpeg: the picture.
            at_seconds: when it was taken, on the browser's clock, which only increases.

        Returns:
            For JSON: "state"; "people", each with "person", "label" (None for nothing of note),
            "score", "box" (top, left, bottom, right) and "joints" (x, y and score of each of 17),
            in shares of the picture; "scores", the best labels as `CameraView.to_dict` has them;
            "events", labels of the events that go on; "recording", None or "label" and
            "seconds_left"; and "take", news of a take that has just ended: None, or "label",
            "kept" and "reason".

        Raises:
            UsageError: it is no picture, too large, or its time is not later than the last.
        """

    def record(self, label: str, seconds: float) -> None:
        """Record a take of a label from the next picture on, 1 to 10 seconds long.

        Raises:
            UsageError: it cannot be a label, the time is out of range, there is no lesson, or it
                has too many takes.
        """

    def stop(self) -> None:
        """Record no longer; the take is dropped."""

    def close(self) -> None:
        """The browser has gone."""


class School(Protocol):
    """Lessons, and the eyes that watch them."""

    def lessons(self) -> Sequence[LessonView]:
        """All lessons, newest first."""

    def begin(self) -> LessonView:
        """A new lesson.

        Raises:
            UsageError: there are too many.
        """

    def lesson(self, lesson: str) -> LessonView:
        """One lesson, by its id.

        Raises:
            NoSuchThing: there is none.
        """

    def remove(self, lesson: str) -> None:
        """Remove a lesson with its takes and its model.

        Raises:
            NoSuchThing: there is none.
            UsageError: it is being learned.
        """

    def remove_take(self, lesson: str, label: str) -> LessonView:
        """Remove the last take of a label.

        Raises:
            NoSuchThing: there is no such lesson or take.
        """

    def learn(self, lesson: str) -> LessonView:
        """Begin to learn from the takes, in the background.

        Raises:
            NoSuchThing: there is no such lesson.
            UsageError: there are fewer than two labels, or another lesson is being learned.
        """

    def model(self, lesson: str) -> Path:
        """The ONNX file that was learned.

        Raises:
            NoSuchThing: there is none.
        """

    def eye(self, lesson: str | None) -> Eye:
        """Somebody's browser.

        Args:
            lesson: its model is used, and takes are its; as long as it has no model, people are
                seen but not judged. None: only to watch, by the bundled model.

        Raises:
            NoSuchThing: there is no such lesson.
            UsageError: too many look at once.
        """

    def close(self) -> None:
        """End what is being learned."""
