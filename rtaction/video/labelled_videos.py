"""Find videos, their labels and their groups.

This module knows nothing about pixels: it looks only at paths.
"""

from __future__ import annotations

import fnmatch
import glob
import logging
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rtaction.errors import DatasetError, UsageError
from rtaction.video.video_files import files_below, named, unreadable_folders, videos_among

CLASSNAME = "{classname}"
_log = logging.getLogger(__name__)

Group = str | Callable[[Path], str] | None
"""How to group videos: a regular expression for the path, whose first group (or whole match) is
used, a function of the path, or None: each video is its own group."""


@dataclass(frozen=True, slots=True)
class Video:
    """One labelled video.

    Args:
        path: the file.
        label: the action that it shows.
        group: videos with the same group are never split.
    """

    path: Path
    label: str
    group: str


def find_videos(
    pattern: str | Path,
    *,
    labels: Sequence[str] | None = None,
    group: Group = None,
    min_labels: int = 2,
) -> list[Video]:
    """Find labelled videos.

    Args:
        pattern: a folder with one folder per label, with videos at any depth, or a glob pattern in
            which "{classname}" stands for the label, such as "videos/{classname}/*.avi". A warning
            names what is passed over.
        labels: use only these. Default: all that are found.
        group: see `Group`. Default None.
        min_labels: minimum number of different labels. Default 2, as training needs them.

    Returns:
        The videos, in the order of their paths.

    Raises:
        UsageError: the pattern or the regular expression is invalid.
        DatasetError: no videos, too few labels, or no videos for one of `labels`.
    """
    text = str(pattern)
    if CLASSNAME in text:
        text = folders_escaped(text)
        labelled = _labelled_by_pattern(text)
    elif Path(text).is_dir():
        labelled = _labelled_by_folder(Path(text))
        text = f"{text.rstrip('/')}/{CLASSNAME}/**"
    else:
        raise UsageError(
            f"{text!r} is neither a folder nor a pattern with {CLASSNAME}; expected something like "
            f"videos/ or 'videos/{CLASSNAME}/*.mp4'"
        )
    group_of = grouping(group)
    videos = [
        Video(path, label, group_of(path))
        for path, label in labelled
        if labels is None or label in labels
    ]
    _check(videos, text, labels, min_labels)
    return videos


def labels_of(videos: Sequence[Video]) -> tuple[str, ...]:
    """All labels, sorted."""
    return tuple(sorted({video.label for video in videos}))


def grouping(group: Group) -> Callable[[Path], str]:
    """A function that returns the group of a path.

    Args:
        group: see `Group`.

    Returns:
        A function that raises `DatasetError` if the regular expression does not match a path.

    Raises:
        UsageError: the regular expression is invalid.
    """
    if group is None:
        return Path.as_posix
    if callable(group):
        return group
    try:
        regex = re.compile(group)
    except re.error as error:
        raise UsageError(f"--group {group!r} is not a regular expression: {error}") from None

    def of(path: Path) -> str:
        match = regex.search(path.as_posix())
        if match is None or (regex.groups and match.group(1) is None):
            raise DatasetError(
                f"--group {group!r} does not match {path}; expected a regular expression that "
                "finds the group (person, camera, take) in every path"
            )
        return str(match.group(1) if regex.groups else match.group(0))

    return of


def _labelled_by_pattern(pattern: str) -> list[tuple[Path, str]]:
    label_of = re.compile(_as_regex(pattern), re.DOTALL)
    labelled, broken = [], []
    if unreadable := unreadable_folders(_as_glob(pattern)):
        raise DatasetError(
            f"{pattern}: {named(unreadable)} cannot be read; check the permissions, or move it "
            "elsewhere"
        )
    for path in sorted(Path(name) for name in glob.glob(_as_glob(pattern), recursive=True)):
        if path.is_file():
            match = label_of.fullmatch(path.as_posix())
            labelled += [(path, match["classname"])] if match else []
        elif not path.exists():
            broken.append(path)
    if broken:
        _log.warning("%s: %d links to nothing (%s)", pattern, len(broken), named(broken))
    return labelled


def _labelled_by_folder(folder: Path) -> list[tuple[Path, str]]:
    """Videos below each folder in a folder, with its name; a warning names what is passed over."""
    files = files_below(folder)
    videos = videos_among(files, folder)
    inside = [path for path in videos if path.parent != folder]
    labelled = [(path, path.relative_to(folder).parts[0]) for path in inside]
    if len(inside) < len(videos):
        outside = named(path for path in videos if path.parent == folder)
        _log.warning("%s: passed over, because they are in no label's folder: %s", folder, outside)
    known = {label for _, label in labelled}
    empty = [
        path.name
        for path in sorted(folder.iterdir())
        if path.is_dir() and path.name not in known and not path.name.startswith(".")
    ]
    if empty:
        _log.warning("%s: no label, because there is no video inside: %s", folder, named(empty))
    return labelled


def _check(
    videos: Sequence[Video], pattern: str, labels: Sequence[str] | None, min_labels: int
) -> None:
    if not videos:
        raise DatasetError(
            f"no video matches {pattern}; expected files such as videos/wave/first.mp4, one folder "
            "per action"
        )
    found = labels_of(videos)
    missing = sorted(set(labels or ()) - set(found))
    if missing:
        raise DatasetError(f"no video has the label {missing}; found {list(found)} in {pattern}")
    if len(found) < min_labels:
        raise DatasetError(
            f"expected at least {min_labels} actions, one folder each, got only {list(found)} "
            f"in {pattern}; add a folder of something else, such as nothing/"
        )


def folders_escaped(pattern: str) -> str:
    """A glob pattern in which folders that exist are taken by their names, brackets and all."""
    parts = pattern.split("/")
    for count in range(len(parts) - 1, 0, -1):
        folder = "/".join(parts[:count])
        if CLASSNAME not in folder and os.path.isdir(folder):
            return "/".join([glob.escape(folder), *parts[count:]])
    return pattern


def _as_glob(pattern: str) -> str:
    return pattern.replace(CLASSNAME, "*")


def _as_regex(pattern: str) -> str:
    """A glob pattern as a regular expression whose group `classname` is the label."""
    # "./videos" and "videos" are the same to Path.as_posix.
    pattern = Path(pattern).as_posix()
    parts = re.split(r"(\{classname\}|\*\*/|\*\*|\*|\?|\[!?\]?[^\]]*\])", pattern)
    regex, seen = "", False
    for part in parts:
        if part == CLASSNAME:
            regex += "(?P=classname)" if seen else "(?P<classname>[^/]+?)"
            seen = True
        elif part == "**/":
            regex += "(?:.*/)?"
        elif part == "**":
            regex += ".*"
        elif part in ("*", "?"):
            regex += "[^/]" + ("*" if part == "*" else "")
        elif part.startswith("["):
            regex += fnmatch.translate(part).removesuffix(r"\Z")  # as glob reads it
        else:
            regex += re.escape(part)
    return regex
