"""`rtaction label`: show the waiting clips one by one, and take their labels by key."""

from __future__ import annotations

import string
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from rtaction.errors import SourceError
from rtaction.evaluation.text import counted
from rtaction.frame import FrameDamaged
from rtaction.labelled.folders import UNLABELLED
from rtaction.model_spec import ModelSpec
from rtaction.opencv import cv2
from rtaction.realtime.outputs.drawn.overlay import ACCENT, MIN_HEIGHT, enlarged
from rtaction.realtime.outputs.screen import Screen
from rtaction.teach.guide import draw_result
from rtaction.teach.recording import open_window
from rtaction.teach.waiting_clips import Told, WaitingClips, check_new_label, told_of
from rtaction.video.file import read_video

Say = Callable[[str], None]

LABEL_KEYS = string.digits[1:] + "".join(sorted(set(string.ascii_lowercase) - set("qxz")))
"""The keys of the labels, in their order: 1 to 9, then the letters that mean nothing else."""

COMMANDS = "Enter first guess   x delete   space skip   z back   q quit"
_ENTER = "\r\n"
_LABELS_IN_A_LINE = 5
_KEY_SECONDS = 0.01
_PAUSE_SECONDS = 0.4  # between the end of a clip and its next beginning
_PERIOD_SECONDS = 1 / 30  # of the last frame

Action = Literal["labelled", "deleted", "skipped"]


@dataclass(frozen=True, slots=True)
class _Done:
    """One step, so that it can be undone."""

    action: Action
    clip: Path
    label: str = ""


def labels_to_offer(
    clips: WaitingClips, given: Sequence[str] = (), spec: ModelSpec | None = None
) -> list[str]:
    """Labels in the order of their keys: the model's, those given, those that have clips or were
    guessed.

    Raises:
        UsageError: one cannot be the name of a folder.
    """
    guessed = {label for clip in clips.waiting for label, _ in told_of(clip).guesses}
    known = [*(spec.labels if spec else ()), *given, *clips.labels, *sorted(guessed)]
    return [check_new_label(label) for label in dict.fromkeys(known)]


def label_clips(
    folder: Path, say: Say, *, labels: Sequence[str] = (), spec: ModelSpec | None = None
) -> None:
    """Label the waiting clips of a folder of corrections, in a window.

    Args:
        folder: of the corrections.
        say: told how many clips were given which label.
        labels: more to choose from. Default none.
        spec: contract of the model, for its labels. Default None.

    Raises:
        UsageError: there is no such folder, or a label cannot be one of a folder.
        DisplayUnavailable: there is no display.
        OutputError: a clip cannot be moved. What was labelled before stays so.
    """
    clips = WaitingClips(folder)
    offered = labels_to_offer(clips, labels, spec)
    if not clips.waiting:
        say(f"no clip waits for a label in {folder}")
        return
    if len(offered) > len(LABEL_KEYS):
        say(f"{len(LABEL_KEYS)} labels have a key; without: {' '.join(offered[len(LABEL_KEYS) :])}")
    advice = f"Or move each clip of {folder / UNLABELLED} to a folder named after its label"
    with open_window("labelling", advice) as screen:
        session = Labelling(clips, offered, screen, say)
        try:
            session.run()
        finally:
            say(session.summary())


class Labelling:
    """Labels clips until none waits, or the user quits.

    Args:
        clips: the clips.
        labels: to choose from, see `labels_to_offer`.
        screen: where they are shown.
        say: told of clips that cannot be shown.
    """

    def __init__(
        self, clips: WaitingClips, labels: Sequence[str], screen: Screen, say: Say
    ) -> None:
        self._clips = clips
        self._label_of = dict(zip(LABEL_KEYS, labels, strict=False))
        self._screen = screen
        self._say = say
        self._queue = clips.waiting
        self._done: list[_Done] = []

    def run(self) -> None:
        """Show clip after clip; what was deleted is gone at the end.

        Raises:
            OutputError: a clip cannot be moved. What was labelled before stays so.
        """
        pictures: _Pictures | None = None
        while self._queue or (pictures is not None and self._takes_back(pictures)):
            clip = self._queue[0]
            try:
                pictures = _pictures_of(clip)
            except SourceError as error:
                self._say(f"left where it is: {error}")
                self._queue.pop(0)
                continue
            key = self._key_at(clip, pictures)
            if self._screen.wants_to_quit(key):
                break
            self._obey(key, clip)
        self._clips.forget_deleted()

    def summary(self) -> str:
        """How many clips were given which label, and how many still wait."""
        labels = Counter(one.label for one in self._done if one.action == "labelled")
        num_deleted = sum(one.action == "deleted" for one in self._done)
        parts = [f"{label} {count}" for label, count in sorted(labels.items())]
        told = f"labelled {counted(labels.total(), 'clip')}" + (": " if parts else "")
        told += ", ".join(parts)
        return f"{told}; deleted {num_deleted}; {len(self._clips.waiting)} still wait"

    def _key_at(self, clip: Path, pictures: _Pictures) -> str:
        """Play a clip in a loop, until a key that means something is pressed."""
        told = told_of(clip)
        num = len(self._done) + 1
        title = f"{num} of {num + len(self._queue) - 1}: what is this?"
        lines = [_guess_text(told), *self._label_lines()]
        for image in pictures.loop():
            marked = _marked(image, told)
            self._screen.show(draw_result(marked, title, lines, COMMANDS, mirror=False))
            key = self._screen.key()
            if self._means_something(key, told) or self._screen.wants_to_quit(key):
                return key
        raise AssertionError("a loop has no end")

    def _takes_back(self, pictures: _Pictures) -> bool:
        """After the last clip: wait for a key; whether the last step is to be undone."""
        for image in pictures.loop():
            self._screen.show(
                draw_result(image, "that was the last clip", [], "z back   q done", mirror=False)
            )
            key = self._screen.key()
            if self._screen.wants_to_quit(key) or key in ("\r", "\n", " "):
                return False
            if key == "z" and self._done:
                self._undo()
                return True
        raise AssertionError("a loop has no end")

    def _means_something(self, key: str, told: Told) -> bool:
        if key == "":
            return False
        if key in _ENTER:
            return bool(told.guesses)
        return key in self._label_of or key in ("x", " ") or (key == "z" and bool(self._done))

    def _obey(self, key: str, clip: Path) -> None:
        if key == "z":
            self._undo()
            return
        self._queue.pop(0)
        if key == " ":
            self._done.append(_Done("skipped", clip))
        elif key == "x":
            self._done.append(_Done("deleted", self._clips.delete(clip)))
        else:
            label = told_of(clip).guesses[0][0] if key in _ENTER else self._label_of[key]
            self._done.append(_Done("labelled", self._clips.label(clip, label), label))

    def _undo(self) -> None:
        last = self._done.pop()
        waits = last.clip if last.action == "skipped" else self._clips.put_back(last.clip)
        self._queue.insert(0, waits)

    def _label_lines(self) -> list[str]:
        texts = [f"{key} {label}" for key, label in self._label_of.items()]
        return [
            "     ".join(texts[start : start + _LABELS_IN_A_LINE])
            for start in range(0, len(texts), _LABELS_IN_A_LINE)
        ]


@dataclass(frozen=True, slots=True, eq=False)
class _Pictures:
    """The frames of a clip, small enough to be kept.

    Args:
        images: uint8 RGB, shape (height, width, 3) each.
        times_seconds: their times from the first.
    """

    images: list[npt.NDArray[np.uint8]]
    times_seconds: list[float]

    def loop(self) -> Iterator[npt.NDArray[np.uint8]]:
        """The frame that is to be seen now, for ever, some hundred times a second at most."""
        length_seconds = self.times_seconds[-1] + _PERIOD_SECONDS + _PAUSE_SECONDS
        begun_seconds = time.monotonic()
        while True:
            at_seconds = (time.monotonic() - begun_seconds) % length_seconds
            index = int(np.searchsorted(self.times_seconds, at_seconds, side="right")) - 1
            yield self.images[max(index, 0)]
            time.sleep(_KEY_SECONDS)


def _pictures_of(clip: Path) -> _Pictures:
    """Decode a clip.

    Raises:
        SourceError: none of it can be read.
    """
    images, times = [], []
    for frame in read_video(clip):
        try:
            image = frame.image
        except FrameDamaged:
            continue
        scale = MIN_HEIGHT / image.shape[0]
        if scale < 1:
            size_wh = max(round(image.shape[1] * scale), 1), MIN_HEIGHT
            image = cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA)
        images.append(np.array(image, np.uint8))
        times.append(frame.captured_at_seconds)
    if not images:
        raise SourceError(f"{clip}: no frame can be decoded")
    return _Pictures(images, times)


def _guess_text(told: Told) -> str:
    guesses = " or ".join(f"{label} {score:.2f}" for label, score in told.guesses)
    who = f"person {told.person} in " if told.person is not None else ""
    where = f"   ({who}{told.source})" if told.source else ""
    means = {"unsure": "the model was unsure: ", "wrong": "said to be wrong: "}.get(told.why, "")
    return f"{means}{guesses or 'nothing is known of this clip'}{where}"


def _marked(image: npt.NDArray[Any], told: Told) -> npt.NDArray[np.uint8]:
    """A copy, at least `MIN_HEIGHT` high, with a box around who is meant."""
    marked = enlarged(image)
    if told.box is not None:
        height, width = marked.shape[:2]
        top, left, bottom, right = told.box
        corners = [(round(x * width), round(y * height)) for x, y in ((left, top), (right, bottom))]
        cv2.rectangle(marked, corners[0], corners[1], ACCENT, 3)
    return marked
