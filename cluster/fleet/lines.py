"""The events and states of a fleet as JSON lines, in a file or on stdout.

Each line is one object, with `type` and `schema_version` 2 as in
`rtaction.realtime.outputs.json_log`:

    "event"   `phase` "start" or "end", and the fields of `rtaction.serve.house.record.EventRecord`;
              `id` is the same in both lines, whichever machines saw it
    "state"   a camera's state has changed: `camera` and `source`, its id and its name, `time`,
              `state` and `reason`
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, TextIO

from rtaction.errors import OutputError, ReaderLeft, RtactionError
from rtaction.realtime.outputs.json_log import SCHEMA_VERSION
from rtaction.serve.house.house import House, SinkView
from rtaction.serve.house.record import EventRecord, Phase, iso
from rtaction.serve.house.views import CameraState, CameraView
from rtaction.serve.sinks.worker import Counts, Worker

_MOST_WAITING = 100_000


class Lines:
    """A `Sink` that writes JSON lines.

    Args:
        target: a file, to which lines are appended, or "-" for stdout.

    Attributes:
        error: why no more can be written, None while it goes on.

    Raises:
        OutputError: the file cannot be written.
    """

    def __init__(self, target: str) -> None:
        self.error: RtactionError | None = None
        self._target = target
        self._counts = Counts("output", [])
        self._states: dict[str, tuple[CameraState, str]] = {}
        self._file = _opened(target)
        self._worker: Worker[str] = Worker(
            "rtaction-lines",
            self._write,
            max_waiting=_MOST_WAITING,
            on_left_out=lambda line: self._counts.missed(),
        )

    def open(self, house: House) -> None:
        """Begin."""
        self._worker.start()

    def event(self, record: EventRecord, phase: Phase) -> None:
        """Write the line of an event that has started or ended."""
        if phase != "change":
            self._put("event", {"phase": phase} | record.to_dict())

    def camera(self, view: CameraView) -> None:
        """Write the line of a camera whose state is another."""
        now = view.state, view.reason
        if self._states.get(view.id) == now:
            return
        self._states[view.id] = now
        line = {"camera": view.id, "source": view.name, "time": iso(view.since)}
        self._put("state", line | {"state": view.state, "reason": view.reason})

    def camera_gone(self, camera: str) -> None:
        """Nothing is written."""

    def view(self) -> SinkView:
        """How it is."""
        return self._counts.view(self._worker.num_waiting)

    def close(self, timeout_seconds: float) -> None:
        """Write what waits."""
        left = self._worker.close(timeout_seconds)
        self._counts.missed(len(left))
        if self._file is not sys.stdout and not self._worker.is_alive:
            self._file.close()

    def _put(self, kind: str, fields: dict[str, Any]) -> None:
        line = {"type": kind, "schema_version": SCHEMA_VERSION} | fields
        self._worker.put(json.dumps(line) + "\n")

    def _write(self, line: str) -> None:
        if self.error is not None:
            self._counts.missed()
            return
        try:
            self._file.write(line)
            self._file.flush()
        except BrokenPipeError:
            self.error = ReaderLeft(
                "the program that reads --output - has ended, and the cameras are no longer "
                "watched; start both again"
            )
        except OSError as error:
            self.error = OutputError(f"cannot write --output {self._target}: {error.strerror}")
        else:
            self._counts.sent()


def _opened(target: str) -> TextIO:
    if target == "-":
        return sys.stdout
    path = Path(target)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a", encoding="utf-8")
        if file.tell() and not path.read_bytes().endswith(b"\n"):
            file.write("\n")  # the last line was cut off
    except OSError as error:
        raise OutputError(f"cannot write --output {target}: {error.strerror}") from None
    return file
