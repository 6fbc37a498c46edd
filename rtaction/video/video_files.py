"""Video files in folders, and what in them is passed over.

This module knows nothing about pixels: it looks only at names.
"""

from __future__ import annotations

import glob
import logging
import os
from collections.abc import Iterable
from pathlib import Path

from rtaction.errors import DatasetError
from rtaction.video.file import VIDEO_SUFFIXES

_NAMED = 3
_log = logging.getLogger(__name__)


def files_below(folder: Path) -> list[Path]:
    """Files and broken links in a folder, at any depth, sorted; hidden ones are left out.

    Links to folders are followed, each folder once.

    Raises:
        DatasetError: a folder cannot be read.
    """
    found: list[Path] = []
    seen = set()
    for place, folders, names in os.walk(folder, onerror=_refuse, followlinks=True):
        here = os.path.realpath(place)
        if here in seen:
            folders.clear()
            continue
        seen.add(here)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [Path(place, name) for name in names if not name.startswith(".")]
    return sorted(found)


def _refuse(error: OSError) -> None:
    raise DatasetError(
        f"the folder {error.filename} cannot be read: {error.strerror}; check its permissions, or "
        "move it elsewhere"
    ) from None


def unreadable_folders(pattern: str) -> list[str]:
    """Folders on the way of a glob pattern that cannot be read, and that glob passes over."""
    parts = pattern.split("/")
    ways = ["/".join(parts[:count]) for count in range(1, len(parts))]
    return [
        place
        for way in ways
        for place in sorted(glob.glob(way, recursive=way.endswith("**")))
        if os.path.isdir(place) and not os.access(place, os.R_OK | os.X_OK)
    ]


def videos_among(paths: Iterable[Path], where: object) -> list[Path]:
    """The files with a video's extension; a warning names the others, and broken links.

    Args:
        paths: files and links.
        where: what was searched, for the warning.
    """
    videos: list[Path] = []
    others: dict[str, list[Path]] = {}
    for path in paths:
        if not path.exists():
            others.setdefault("links to nothing", []).append(path)
        elif path.suffix.lower() in VIDEO_SUFFIXES:
            videos.append(path)
        else:
            others.setdefault("not named like a video", []).append(path)
    if others:
        texts = [f"{len(some)} {what} ({named(some)})" for what, some in others.items()]
        _log.warning("%s: passed over: %s", where, "; ".join(texts))
    return videos


def named(things: Iterable[object]) -> str:
    """The first few by name, and how many more there are."""
    texts = [str(thing) for thing in things]
    more = f" and {len(texts) - _NAMED} more" if len(texts) > _NAMED else ""
    return ", ".join(texts[:_NAMED]) + more
