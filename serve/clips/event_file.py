"""Files of events: their names, what a clip says of its event, and who is told of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from rtaction.realtime.outputs.clips.clip_names import clip_stem
from rtaction.realtime.outputs.clips.clip_writer import Written
from rtaction.serve.house.record import EventRecord

_COMMENT = re.compile(r"the event starts at (-?\d+\.\d+) s")


class NamedFile(Written[Any], Protocol):
    """A file that knows where it is."""

    @property
    def path(self) -> Path | None:
        """Where it is; None if there is none."""


class EventFile:
    """A file of which somebody is told when it is complete, or given up.

    Args:
        file: the file.
        on_end: called once with its name; None if there is none.
    """

    def __init__(self, file: NamedFile, on_end: Callable[[str | None], None]) -> None:
        self._file = file
        self._on_end = on_end

    @property
    def failed(self) -> bool:
        """See `Written`."""
        return self._file.failed

    def write(self, piece: Any) -> None:
        """See `Written`."""
        self._file.write(piece)

    def close(self) -> None:
        """See `Written`."""
        self._file.close()
        self._tell()

    def abandon(self) -> None:
        """See `Written`."""
        self._file.abandon()
        self._tell()

    def _tell(self) -> None:
        path = self._file.path
        if path is None or not path.is_file():
            self._on_end(None)
        elif path.stat().st_size:
            self._on_end(path.name)
        else:  # nothing of it could be decoded
            path.unlink(missing_ok=True)
            self._on_end(None)


def stem_of(record: EventRecord) -> str:
    """The name of the files of an event, without suffix."""
    ending = record.id.rpartition("-")[2]
    return clip_stem(record.started_at, record.camera, record.label, ending)


def comment_for(start_seconds: float) -> Callable[[float], str]:
    """What a clip says of its event, once it is known when it begins itself.

    Args:
        start_seconds: when the event starts, on the clock of what the clip is made of.

    Returns:
        The comment, from the time of the clip's first frame.
    """
    return lambda first_seconds: f"the event starts at {start_seconds - first_seconds:.3f} s"


def start_in(comment: str) -> float | None:
    """When an event starts in its clip, in seconds, from the clip's comment; None if it is not
    said."""
    match = _COMMENT.search(comment)
    return None if match is None else float(match[1])
