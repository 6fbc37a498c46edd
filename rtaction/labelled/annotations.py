"""Annotation files: a CSV that says what videos, or parts of them, show.

Its own kind: `video,label`, and optionally `start,end` (seconds from the first frame; both empty
for a whole video), `group` and `split` (train, validation or test):

    video,label,start,end,group,split
    kitchen/monday.mp4,wave,12.4,14.0,ann,train
    kitchen/monday.mp4,clap,20,23.5,ann,train

That of Kinetics, https://github.com/cvdfoundation/kinetics-dataset, whose videos are looked for in
all folders below the given one, trimmed (ID_000012_000022.mp4) or else whole (ID.mp4):

    label,youtube_id,time_start,time_end,split
    waving hand,dQw4w9WgXcQ,12,22,train

This module opens no video.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rtaction.errors import DatasetError, UsageError
from rtaction.labelled.csv_lines import CsvLine, read_lines
from rtaction.video.file import VIDEO_SUFFIXES
from rtaction.video.span import Span
from rtaction.video.video_files import files_below, named

_log = logging.getLogger(__name__)

SUFFIX = ".csv"
PARTS = {
    "train": "train",
    "validation": "validation",
    "validate": "validation",
    "val": "validation",
    "test": "test",
}
"""The sides of a split, by the names that files have for them."""

_OWN = ("video", "label")
_KINETICS = ("label", "youtube_id", "start_seconds", "end_seconds")
_TIMES = ("start_seconds", "end_seconds")
_IGNORED = ("is_cc",)  # in some files of Kinetics: whether the licence is Creative Commons


@dataclass(frozen=True, slots=True)
class Annotation:
    """What a video, or a part of it, shows.

    Args:
        path: the video.
        label: the action.
        span: the part. None: the whole video.
        group: None if the file does not say.
        part: "train", "validation" or "test"; None if the file does not say.
        line: of the file, counted from 1.
    """

    path: Path
    label: str
    span: Span | None
    group: str | None
    part: str | None
    line: int


def is_annotation_file(place: str | Path) -> bool:
    """Whether videos are to be found by an annotation file, by its name."""
    return Path(place).suffix.lower() == SUFFIX and not Path(place).is_dir()


def read_annotations(
    csv_path: Path, root: Path | None = None, *, may_be_none: bool = False
) -> list[Annotation]:
    """Read an annotation file. Videos that are missing are left out, with a warning.

    Args:
        csv_path: the file, UTF-8.
        root: the folder that the names of videos are relative to. Default: that of the file.
        may_be_none: whether a line may have no label, which means none of them. Default False.

    Returns:
        One per line, in the order of the file.

    Raises:
        UsageError: the file or the folder cannot be read.
        DatasetError: a column is missing or unknown, a line is invalid, or no video is there; the
            message names the line.
    """
    root = csv_path.parent if root is None else root
    if not root.is_dir():
        raise UsageError(f"--videos-root {root}: there is no such folder")
    lines = read_lines(csv_path, lambda columns, shown: _check_header(columns, shown, csv_path))
    if not lines:
        raise DatasetError(f"{csv_path} has only a header; expected one line per action")
    find = _finder(root) if "youtube_id" in lines[0].values else _own_finder(root)
    found: list[Annotation] = []
    missing: list[tuple[int, str]] = []
    for line in lines:
        name, path, span = find(line)
        annotation = Annotation(
            path or root,
            line.text("label") if may_be_none else _label(line),
            span,
            line.text("group") or line.text("youtube_id") or None,
            line.choice("split", PARTS) if "split" in line.values else None,
            line.number,
        )
        if path is None:
            missing.append((line.number, name))
        else:
            found.append(annotation)
    _tell_missing(missing, len(found), csv_path, root)
    return found


def _check_header(columns: Sequence[str], shown: str, csv_path: Path) -> None:
    needed = _KINETICS if "youtube_id" in columns else _OWN
    allowed = {*needed, *_TIMES, "group", "split", *_IGNORED}
    unknown = [name for name in columns if name not in allowed]
    half = len([name for name in _TIMES if name in columns]) == 1
    if unknown or half or any(name not in columns for name in needed):
        what = f"; unknown: {', '.join(unknown)}" if unknown and shown != "nothing" else ""
        raise DatasetError(
            f"{csv_path}, line 1: expected the header video,label or video,label,start,end, and "
            "optionally group and split; or that of Kinetics, "
            f"label,youtube_id,time_start,time_end,split; got {shown}{what}"
        )


_Found = tuple[str, Path | None, Span | None]
"""The name that was looked for, the file if it is there, and the part of it."""


def _own_finder(root: Path) -> Callable[[CsvLine], _Found]:
    def find(line: CsvLine) -> _Found:
        name = line.text("video")
        if not name:
            raise DatasetError(f"{line.where}: video: expected a file name, got nothing")
        has_times = any(line.text(column) for column in _TIMES)
        path = root / name
        return name, path if path.is_file() else None, line.span() if has_times else None

    return find


def _finder(root: Path) -> Callable[[CsvLine], _Found]:
    """Finds videos as downloaders of Kinetics name them, in whatever folders they put them."""
    by_name = {
        path.stem: path
        for path in reversed(files_below(root))
        if path.suffix.lower() in VIDEO_SUFFIXES and path.exists()
    }

    def find(line: CsvLine) -> _Found:
        name = line.text("youtube_id")
        if not name:
            raise DatasetError(f"{line.where}: youtube_id: expected a name, got nothing")
        span = line.span()
        trimmed = f"{name}_{span.start_seconds:06.0f}_{span.end_seconds:06.0f}"
        if trimmed in by_name:
            return trimmed, by_name[trimmed], None
        return f"{trimmed}.mp4", by_name.get(name), span

    return find


def _label(line: CsvLine) -> str:
    label = line.text("label")
    if not label:
        raise DatasetError(
            f"{line.where}: label: expected an action, got nothing; parts without any action need "
            "a label of their own, such as nothing"
        )
    return label


def _tell_missing(
    missing: Sequence[tuple[int, str]], num_found: int, csv_path: Path, root: Path
) -> None:
    if not missing:
        return
    texts = named(f"line {line}: {name}" for line, name in missing)
    if not num_found:
        raise DatasetError(
            f"{csv_path}: none of its videos is there ({texts}); expected names relative to {root} "
            "- give their folder with --videos-root"
        )
    _log.warning(
        "%s: skipped %d of %d lines, because their videos are missing (%s)",
        *(csv_path, len(missing), len(missing) + num_found, texts),
    )
