"""The true intervals of actions in untrimmed videos: a CSV file, read and checked.

Its header is `video,label,start_seconds,end_seconds`, plus `split` to tune thresholds:

    video,label,start_seconds,end_seconds,split
    kitchen/monday.mp4,wave,12.4,14.0,tune
    kitchen/tuesday.mp4,,,,test

Names are relative to a folder, times count from the video's first frame. The last line is a video
without actions. This module opens no video.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rtaction.errors import DatasetError, SourceMissing, UsageError
from rtaction.video.file import VIDEO_SUFFIXES

COLUMNS = ("video", "label", "start_seconds", "end_seconds")
SPLIT_COLUMN = "split"
PARTS = ("tune", "test")


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
    try:
        # Excel writes a byte order mark before the header.
        with csv_path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file, strict=True)
            _check_header(rows.fieldnames or (), csv_path)
            return _read_rows(rows, csv_path, folder)
    except OSError as error:
        raise UsageError(f"--intervals {csv_path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"--intervals {csv_path} is not UTF-8; save it as UTF-8") from None
    except csv.Error as error:
        raise DatasetError(f"{csv_path} is not valid CSV: {error}") from None


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


def _check_header(names: Sequence[str], csv_path: Path) -> None:
    missing = [name for name in COLUMNS if name not in names]
    unknown = [name for name in names if name not in (*COLUMNS, SPLIT_COLUMN)]
    if missing or unknown or len(set(names)) < len(names):
        raise DatasetError(
            f"{csv_path}, line 1: expected the header {','.join(COLUMNS)}, and optionally "
            f"{SPLIT_COLUMN}; got {','.join(names) or 'nothing'}"
        )


def _read_rows(rows: csv.DictReader[str], csv_path: Path, folder: Path) -> list[LabelledTime]:
    intervals: dict[Path, list[Interval]] = {}
    parts: dict[Path, str | None] = {}
    for row in rows:
        where = f"{csv_path}, line {rows.line_num}"
        path = _video(row, where, folder)
        part = _part(row, where)
        if parts.setdefault(path, part) != part:
            raise DatasetError(
                f"{where}: {path} is in two parts; expected the same {SPLIT_COLUMN} in all of its "
                "lines"
            )
        of_video = intervals.setdefault(path, [])
        if any(_text(row, name) for name in COLUMNS[1:]):
            of_video.append(_interval(row, where, rows.line_num))
    if not intervals:
        raise DatasetError(f"{csv_path} has only a header; expected one line per action")
    return [
        LabelledTime(path, tuple(sorted(found, key=lambda one: one.start_seconds)), parts[path])
        for path, found in intervals.items()
    ]


def _video(row: Mapping[str, str | None], where: str, folder: Path) -> Path:
    if None in row:  # where csv puts values beyond the header
        raise DatasetError(f"{where}: more values than the header has; is there a comma in a name?")
    name = _text(row, "video")
    if not name:
        raise DatasetError(f"{where}: video: expected a file name, got nothing")
    path = folder / name
    if not path.is_file():
        raise SourceMissing(f"{where}: there is no video file {path}")
    return path


def _part(row: Mapping[str, str | None], where: str) -> str | None:
    if SPLIT_COLUMN not in row:
        return None
    part = _text(row, SPLIT_COLUMN)
    if part not in PARTS:
        raise DatasetError(f'{where}: {SPLIT_COLUMN}: expected "tune" or "test", got {part!r}')
    return part


def _interval(row: Mapping[str, str | None], where: str, line: int) -> Interval:
    label = _text(row, "label")
    if not label:
        raise DatasetError(
            f"{where}: label: expected an action; for a video without actions, leave the times "
            "empty as well"
        )
    start_seconds = _seconds(row, "start_seconds", where)
    end_seconds = _seconds(row, "end_seconds", where)
    if end_seconds <= start_seconds:
        raise DatasetError(
            f"{where}: end_seconds must be above start_seconds {start_seconds:g}, got "
            f"{end_seconds:g}"
        )
    return Interval(label, start_seconds, end_seconds, line)


def _seconds(row: Mapping[str, str | None], key: str, where: str) -> float:
    text = _text(row, key)
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise DatasetError(f"{where}: {key}: expected seconds such as 12.4, got {text!r}")
    return seconds


def _text(row: Mapping[str, str | None], key: str) -> str:
    return (row.get(key) or "").strip()
