"""The true intervals of actions in untrimmed videos: a CSV file, read and checked.

Its header is `video,label,start_seconds,end_seconds`, plus `split` to tune thresholds:

    video,label,start_seconds,end_seconds,split
    kitchen/monday.mp4,wave,12.4,14.0,tune
    kitchen/tuesday.mp4,,,,test

Names are relative to a folder, times count from the video's first frame. The last line is a video
without actions. This module opens no video.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rtaction.errors import DatasetError, SourceMissing
from rtaction.labelled.csv_lines import CsvLine, read_lines
from rtaction.video.file import VIDEO_SUFFIXES

COLUMNS = ("video", "label", "start_seconds", "end_seconds")
SPLIT_COLUMN = "split"
_PARTS = {"tune": "tune", "test": "test"}


@dataclass(frozen=True, slots=True)
class Interval:
    """One true interval of an action.

    Args:
        label: the action.
        start_seconds: its start, from the video's first frame.
        end_seconds: its end, after the start.
        line: its line in the file, counted from 1.
    """

    label: str
    start_seconds: float
    end_seconds: float
    line: int


@dataclass(frozen=True, slots=True)
class LabelledTime:
    """The true intervals of one video.

    Args:
        path: the video.
        intervals: its actions, ordered by start; may be empty.
        part: "tune" or "test", or None if the file does not say.
    """

    path: Path
    intervals: tuple[Interval, ...]
    part: str | None


def read_intervals(csv_path: Path, folder: Path) -> list[LabelledTime]:
    """Read the true intervals of videos.

    Args:
        csv_path: the CSV, UTF-8.
        folder: the folder that the names of the videos are relative to.

    Returns:
        One per video, in the order of their first lines.

    Raises:
        UsageError: the file cannot be read.
        DatasetError: a column is missing or unknown, or a line is invalid; the message names it.
        SourceMissing: there is no such video.
    """
    lines = read_lines(csv_path, lambda columns, shown: _check_header(columns, shown, csv_path))
    return _times_of(lines, csv_path, folder)


def left_out_notes(times: Sequence[LabelledTime], folder: Path) -> list[str]:
    """A note about the videos of a folder that the file does not list: none or one line."""
    known = {one.path.resolve() for one in times}
    left_out = [
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in VIDEO_SUFFIXES and path.resolve() not in known
    ]
    if not left_out:
        return []
    first = left_out[0].relative_to(folder).as_posix()
    return [
        f"left out, because no line names them: {len(left_out)} of the folder's videos; if a video "
        f"has no action, add {first},,,"
    ]


def _check_header(columns: Sequence[str], shown: str, csv_path: Path) -> None:
    if not set(COLUMNS) <= set(columns) <= {*COLUMNS, SPLIT_COLUMN}:
        raise DatasetError(
            f"{csv_path}, line 1: expected the header {','.join(COLUMNS)}, and optionally "
            f"{SPLIT_COLUMN}; got {shown}"
        )


def _times_of(lines: Sequence[CsvLine], csv_path: Path, folder: Path) -> list[LabelledTime]:
    intervals: dict[Path, list[Interval]] = {}
    parts: dict[Path, str | None] = {}
    for line in lines:
        path = _video(line, folder)
        part = line.choice(SPLIT_COLUMN, _PARTS) if SPLIT_COLUMN in line.values else None
        if parts.setdefault(path, part) != part:
            raise DatasetError(
                f"{line.where}: {path} is in two parts; expected the same {SPLIT_COLUMN} in all of "
                "its lines"
            )
        of_video = intervals.setdefault(path, [])
        if any(line.text(name) for name in COLUMNS[1:]):
            of_video.append(_interval(line))
    if not intervals:
        raise DatasetError(f"{csv_path} has only a header; expected one line per action")
    return [
        LabelledTime(path, tuple(sorted(found, key=lambda one: one.start_seconds)), parts[path])
        for path, found in intervals.items()
    ]


def _video(line: CsvLine, folder: Path) -> Path:
    name = line.text("video")
    if not name:
        raise DatasetError(f"{line.where}: video: expected a file name, got nothing")
    path = folder / name
    if not path.is_file():
        raise SourceMissing(f"{line.where}: there is no video file {path}")
    return path


def _interval(line: CsvLine) -> Interval:
    label = line.text("label")
    if not label:
        raise DatasetError(
            f"{line.where}: label: expected an action; for a video without actions, leave the "
            "times empty as well"
        )
    span = line.span()
    return Interval(label, span.start_seconds, span.end_seconds, line.number)
