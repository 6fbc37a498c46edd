"""The folder of corrections while its clips are labelled: which clip goes where, and back.

Each step is a rename, of the clip first and then of the JSON beside it. Where a process was killed
between the two, the next one brings them together. This file knows nothing about pixels or screens.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rtaction.errors import OutputError, UsageError
from rtaction.installation import program
from rtaction.labelled.folders import UNLABELLED
from rtaction.teach.takes import check_label
from rtaction.video.file import VIDEO_SUFFIXES

_DELETED = ".deleted"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Told:
    """What is known of a clip, from the JSON file beside it.

    Args:
        why: "unsure", "wrong", or "" if nothing is known.
        source: name of the source. Default "".
        person: id of who is meant. Default None.
        box: where they were last seen: top, left, bottom and right, 0 to 1. Default None.
        guesses: the model's best labels with their scores, best first. Default none.
    """

    why: str
    source: str = ""
    person: int | None = None
    box: tuple[float, float, float, float] | None = None
    guesses: tuple[tuple[str, float], ...] = ()


class WaitingClips:
    """The clips that wait for a label in a folder of corrections.

    Args:
        folder: of the corrections.

    Raises:
        UsageError: there is no such folder.
        OutputError: files cannot be moved in it.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise UsageError(
                f"{folder} is no folder; expected that of `{program()} cam --save-uncertain`"
            )
        self.folder = folder
        self._reunite()

    @property
    def waiting(self) -> list[Path]:
        """The clips that wait, the oldest first."""
        return _videos_in(self.folder / UNLABELLED)

    @property
    def labels(self) -> list[str]:
        """Labels that have a folder, sorted."""
        names = sorted(path.name for path in self.folder.iterdir() if path.is_dir())
        return [name for name in names if name != UNLABELLED and not name.startswith(".")]

    def label(self, clip: Path, label: str) -> Path:
        """Move a clip to the folder of a label; returns where it is now.

        Raises:
            OutputError: it cannot be moved.
        """
        return self._move(clip, check_new_label(label))

    def delete(self, clip: Path) -> Path:
        """Move a clip out of sight, until `forget_deleted`; returns where it is now.

        Raises:
            OutputError: it cannot be moved.
        """
        return self._move(clip, _DELETED)

    def put_back(self, clip: Path) -> Path:
        """Let a clip wait again; returns where it is now.

        Raises:
            OutputError: it cannot be moved.
        """
        came_from = clip.parent
        back = self._move(clip, UNLABELLED)
        if not any(came_from.iterdir()):
            came_from.rmdir()
        return back

    def forget_deleted(self) -> None:
        """Delete for good what was deleted.

        Raises:
            OutputError: it cannot be deleted.
        """
        folder = self.folder / _DELETED
        if not folder.is_dir():
            return
        try:
            for path in folder.iterdir():
                path.unlink()
            folder.rmdir()
        except OSError as error:
            raise OutputError(f"{folder} cannot be deleted: {error.strerror or error}") from None

    def _move(self, clip: Path, name: str) -> Path:
        """Move a clip and its JSON; another clip of that name is never replaced."""
        to = self.folder / name
        moved, number = to / clip.name, 2
        while moved.exists():
            moved = to / f"{clip.stem}_{number}{clip.suffix}"
            number += 1
        try:
            to.mkdir(exist_ok=True)
            clip.rename(moved)
            if _json_of(clip).exists():
                _json_of(clip).replace(_json_of(moved))
        except OSError as error:
            raise OutputError(
                f"{clip} cannot be moved to {to}: {error.strerror or error}"
            ) from None
        return moved

    def _reunite(self) -> None:
        """Bring each JSON whose clip was moved without it to the clip."""
        folders = [path for path in self.folder.iterdir() if path.is_dir()]
        clips = {clip.stem: clip for folder in folders for clip in _videos_in(folder)}
        for folder in folders:
            names = {clip.stem for clip in _videos_in(folder)}
            for told in folder.glob("*.json"):
                clip = clips.get(told.stem)
                if told.stem not in names and clip is not None and not _json_of(clip).exists():
                    try:
                        told.rename(_json_of(clip))
                    except OSError as error:
                        raise OutputError(f"{told} cannot be moved: {error}") from None


def check_new_label(label: str) -> str:
    """Return a label that a clip can be given.

    Raises:
        UsageError: it cannot be the name of a folder, or is that of the waiting clips.
    """
    if check_label(label) == UNLABELLED:
        raise UsageError(f"{UNLABELLED!r} is the folder of the clips that wait; choose another")
    return label


def told_of(clip: Path) -> Told:
    """What is known of a clip; where its JSON is missing or damaged, nothing."""
    path = _json_of(clip)
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        box = record["box"]
        return Told(
            str(record["why"]),
            str(record["source"]),
            record["person"],
            None if box is None else _four(box),
            tuple((str(one["label"]), float(one["score"])) for one in record["top"]),
        )
    except FileNotFoundError:
        return Told("")
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        _log.warning("%s cannot be read: %r", path, error)
        return Told("")


def _four(box: Any) -> tuple[float, float, float, float]:
    top, left, bottom, right = map(float, box)
    return top, left, bottom, right


def _json_of(clip: Path) -> Path:
    return clip.with_suffix(".json")


def _videos_in(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in VIDEO_SUFFIXES and not path.name.startswith(".")
    )
