"""Predictions, events and states as JSON lines, for other programs.

Each line is one object. Fields of all lines, `schema_version` 2:

    type             "prediction", "event", "state" or "summary"
    schema_version   2; a field may be added without notice, a change of meaning raises it
    source           name of the source, without its password (not in "summary")
    time             wall-clock time that the line refers to, ISO 8601 UTC; null for a file

With a model of people, "prediction" and "event" also have:

    person           id of the person, from 1, never given twice in a run of one source
    box              [top, left, bottom, right] of their seen joints, as shares of the picture
    zones            names of the camera's zones in which they stand at the end of the window; of an
                     event, in which they have stood so far

"prediction", once per window; with a model of people, once per person and window:

    start_seconds    first frame of the window, counted from the source's first frame
    end_seconds      last frame of the window, likewise; `time` is its time
    label, score     the best label, 0 to 1
    shown            whether it reaches its threshold and is not the background label
    top              the best labels: [{"label": ..., "score": ...}, ...]
    latency_seconds  from capture of the last frame to the label; for a file, the computing time
    frame_age_seconds  age of the last frame when computing began; 0 for a file

"event", twice per event:

    phase            "start" once it is certain, "end" once it is over
    number           count of the source's events, from 1; the same in both lines
    label            the action
    start_seconds, end_seconds   counted from the source's first frame; the end is null in "start"
    peak_score       highest smoothed score so far

"state", when a source starts or stops giving usable windows:

    state            connecting, warming_up, ok, degraded, overloaded, black, frozen, late, down,
                     refused, ended
    reason           for a person; may be ""

"summary", at the end and on demand: `elapsed_seconds`, `memory_bytes`, `threads` and `sources`, by
name: frames, predictions, events, reconnects, their rates, `drops` by reason, and p50, p95, p99 of
`latency_seconds` and `frame_age_seconds`. Its `lines_left_out` is the number of lines that the
reader of a pipe or terminal did not take in time; it is there only if there were any.
"""

from __future__ import annotations

import json
import logging
import os
import stat
import sys
import time
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from rtaction.errors import OutputError
from rtaction.model_spec import ModelSpec
from rtaction.prediction import Prediction
from rtaction.realtime.actions.detector import ActionEvent
from rtaction.realtime.outputs.drawn.overlay import shown_labels
from rtaction.realtime.outputs.line_writer import LineWriter
from rtaction.realtime.outputs.options import LINE_TYPES, LineKind
from rtaction.realtime.outputs.rotated_file import RotatedFile, Rotation
from rtaction.realtime.watching.moment import StateChange
from rtaction.realtime.watching.stats import WatchStats

SCHEMA_VERSION = 2
CLOSE_TIMEOUT_SECONDS = 2.0
_log = logging.getLogger(__name__)


class JsonLog:
    """Writes one line per prediction, event and state change, unbuffered.

    A file gets each line at once. A pipe or a terminal has a reader that may stall: see `waits`.

    Args:
        target: a file, or "-" for stdout. Missing folders are created; to a file that exists, lines
            are appended.
        spec: thresholds and background label.
        stats: has the start time of each source.
        top_k: number of labels in `top`. Default 3.
        only: the kinds of lines to write. Default (): all.
        rotation: when a file is full, and begins anew. Default None: never.
        waits: wait for a reader that stalls; otherwise lines for which there is no room are left
            out, and counted. Default True.
        is_stopping: polled while waiting for a reader; True ends the wait. Default: never.

    Raises:
        OutputError: the file cannot be written.
    """

    def __init__(
        self,
        target: str,
        spec: ModelSpec,
        stats: WatchStats,
        *,
        top_k: int = 3,
        only: Collection[LineKind] = (),
        rotation: Rotation | None = None,
        waits: bool = True,
        is_stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        self._spec = spec
        self._stats = stats
        self._top_k = top_k
        self._types = {LINE_TYPES[kind] for kind in only or LINE_TYPES}
        self._target = target
        self._failed = False
        self._has_told = False
        if target == "-" and sys.stdout is None:
            raise OutputError("cannot write --output -: stdout is closed; name a file instead")
        try:
            self._file = _opened(target, rotation)
        except OSError as error:
            raise self._error(error) from None
        descriptor = _descriptor_of_a_reader(self._file)
        self._lines: LineWriter | None = None
        if descriptor is not None:
            self._lines = LineWriter(descriptor, waits=waits, is_stopping=is_stopping)

    def close(self, timeout_seconds: float = CLOSE_TIMEOUT_SECONDS) -> None:
        """Close the file; stdout stays open. What a reader has not taken in this time is left out.

        Raises:
            OutputError: the file cannot be written.
        """
        if self._lines is not None:
            is_all_written = self._lines.close(timeout_seconds)
            if self._lines.num_left_out:
                _log.warning(
                    "--output %s: %d lines were left out, because its reader did not keep up",
                    *(self._target, self._lines.num_left_out),
                )
            if not is_all_written:
                return  # its thread is still writing
        if self._file is sys.stdout:
            return
        try:
            self._file.close()
        except OSError as error:
            # A write error has been reported already; closing only repeats it.
            if not self._failed:
                raise self._error(error) from None

    def prediction(self, prediction: Prediction, *, is_live: bool) -> None:
        """Add the line of a window. Like all methods that write, it raises `OutputError` if the
        file cannot be written, and `BrokenPipeError` if the reader of stdout has gone."""
        source = prediction.source
        self._write(
            "prediction",
            source,
            wall_clock(prediction.end_seconds) if is_live else None,
            start_seconds=max(self._since_start(source, prediction.start_seconds) or 0.0, 0.0),
            end_seconds=self._since_start(source, prediction.end_seconds),
            label=prediction.label,
            score=round(prediction.score, 6),
            shown=bool(shown_labels(prediction, self._spec)),
            top=[
                {"label": label, "score": round(score, 6)}
                for label, score in prediction.top(self._top_k)
            ],
            latency_seconds=round(prediction.latency_seconds, 6),
            frame_age_seconds=round(prediction.frame_age_seconds, 6),
            **_person(prediction),
        )

    def event(self, event: ActionEvent, *, is_live: bool) -> None:
        """Add the line of an event that has started or ended."""
        at_seconds = event.start_seconds if event.end_seconds is None else event.end_seconds
        self._write(
            "event",
            event.source,
            wall_clock(at_seconds) if is_live else None,
            phase="start" if event.end_seconds is None else "end",
            number=event.number,
            label=event.label,
            start_seconds=self._since_start(event.source, event.start_seconds),
            end_seconds=self._since_start(event.source, event.end_seconds),
            peak_score=round(event.peak_score, 6),
            **_person(event),
        )

    def state(self, change: StateChange, *, is_live: bool) -> None:
        """Add the line of a source's new state."""
        at = wall_clock(change.at_seconds) if is_live else None
        self._write("state", change.source, at, state=change.state, reason=change.reason)

    def summary(self) -> None:
        """Add the line of the statistics so far."""
        figures = self._stats.to_dict()
        if self._lines is not None and self._lines.num_left_out:
            figures["lines_left_out"] = self._lines.num_left_out
        self._write("summary", None, wall_clock(time.monotonic()), **figures)

    def _since_start(self, source: str, seconds: float | None) -> float | None:
        first_seconds = self._stats.of(source).first_seconds or 0.0
        return None if seconds is None else round(seconds - first_seconds, 6)

    def _write(self, kind: str, source: str | None, at: str | None, **fields: Any) -> None:
        if kind not in self._types:
            return
        line: dict[str, Any] = {"type": kind, "schema_version": SCHEMA_VERSION}
        if source is not None:
            line["source"] = source
        line |= {"time": at} | fields
        text = json.dumps(line) + "\n"  # plain ASCII, for a console of any encoding
        try:
            if self._lines is None:
                self._file.write(text)
                if not isinstance(self._file, RotatedFile):
                    self._file.flush()
            else:
                self._lines.put(text.encode("ascii"))
        except BrokenPipeError:
            raise
        except OSError as error:
            self._failed = True
            raise self._error(error) from None
        if self._lines is not None and self._lines.num_left_out and not self._has_told:
            self._has_told = True
            _log.warning(
                "--output %s: its reader does not keep up; lines are left out until it does",
                self._target,
            )

    def _error(self, error: OSError) -> OutputError:
        return OutputError(f"cannot write --output {self._target}: {error}")


def _person(one: Prediction | ActionEvent) -> dict[str, Any]:
    """The fields of a model of people; none for a model that sees whole pictures."""
    if one.person is None:
        return {}
    box = None if one.box is None else [round(edge, 4) for edge in one.box]
    return {"person": one.person, "box": box, "zones": list(one.zones)}


def _opened(target: str, rotation: Rotation | None) -> TextIO | RotatedFile:
    """What lines are appended to."""
    if target == "-":
        sys.stdout.flush()
        return sys.stdout
    path = Path(target)
    path.parent.mkdir(parents=True, exist_ok=True)
    is_cut_off = _is_cut_off(path)
    file = path.open("a", encoding="utf-8") if rotation is None else RotatedFile(path, rotation)
    file.write("\n" * is_cut_off)
    return file


def _descriptor_of_a_reader(file: TextIO | RotatedFile) -> int | None:
    """The descriptor of a pipe, socket or terminal; None of a file, which takes lines at once."""
    if isinstance(file, RotatedFile):
        return None
    try:
        descriptor = file.fileno()
        mode = os.fstat(descriptor).st_mode
    except (OSError, ValueError, AttributeError):  # a file object of Python alone
        return None
    has_reader = stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or os.isatty(descriptor)
    return descriptor if has_reader else None


def _is_cut_off(path: Path) -> bool:
    """Whether the last line of a file was cut off, by a crash or a full disk."""
    if not path.is_file() or path.stat().st_size == 0:
        return False
    try:
        with path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) != b"\n"
    except OSError as error:
        _log.warning(
            "--output %s cannot be read (%s); its last line may have been cut off, so an empty one "
            "follows it",
            *(path, error.strerror),
        )
        return True


def wall_clock(monotonic_seconds: float) -> str:
    """A time of the monotonic clock as ISO 8601 in UTC, to the millisecond."""
    at_seconds = time.time() - (time.monotonic() - monotonic_seconds)
    return datetime.fromtimestamp(at_seconds, UTC).isoformat(timespec="milliseconds")
