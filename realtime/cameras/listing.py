"""Files by name: those of a folder, a glob or a numbered pattern; which are videos or pictures.

This module reads none of them.
"""

from __future__ import annotations

import glob
import logging
import os
import re
from collections.abc import Sequence
from pathlib import Path

from rtaction.errors import SourceUnreadable
from rtaction.labelled.patterns import folders_escaped
from rtaction.video.file import VIDEO_SUFFIXES
from rtaction.video.video_files import named, unreadable_folders

PICTURE_SUFFIXES = frozenset(
    [
        ".png",
        ".jpg",
        ".jpeg",
        ".bmp",
        ".webp",
        ".tif",
        ".tiff",
        ".ppm",
        ".pgm",
        ".jp2",
        ".avif",
    ]
)

_NUMBER = re.compile(r"%(?:0(\d{1,2}))?d", re.ASCII)
_log = logging.getLogger(__name__)


def is_pattern(text: str) -> bool:
    """Whether a name may match many files: a glob, or a number such as %05d in the last part.

    A file that actually has this name takes precedence; see `os.path.exists`.
    """
    return glob.has_magic(text) or _NUMBER.search(os.path.basename(text)) is not None


def list_files(text: str) -> list[Path]:
    """The files of a folder or a pattern, without hidden ones.

    Args:
        text: a folder (its own files, not those of subfolders); a glob, in which "**" matches any
            number of folders; or a name with a number such as `shots/%05d.png`.

    Returns:
        The files in natural order: clip2 before clip10.

    Raises:
        SourceUnreadable: the folder cannot be read.
    """
    if "\0" in text:
        return []
    if os.path.isdir(text):
        if not os.access(text, os.R_OK | os.X_OK):
            raise SourceUnreadable(f"the folder {text} cannot be read; check its permissions")
        names = glob.glob(os.path.join(glob.escape(text), "*"))
    elif _NUMBER.search(os.path.basename(text)):
        names = _numbered(text)
    else:
        text = folders_escaped(text)
        names = glob.glob(text, recursive=True)
        if unreadable := unreadable_folders(text):
            _log.warning("%s: passed over, because it cannot be read: %s", text, named(unreadable))
    if broken := [name for name in names if not os.path.exists(name)]:
        _log.warning("%s: %d links to nothing (%s)", text, len(broken), named(broken))
    return sorted((Path(name) for name in names if os.path.isfile(name)), key=_natural)


def videos_among(paths: Sequence[Path]) -> list[Path]:
    """The files with a video's extension."""
    return [path for path in paths if path.suffix.lower() in VIDEO_SUFFIXES]


def pictures_among(paths: Sequence[Path]) -> list[Path]:
    """The files with an image's extension."""
    return [path for path in paths if path.suffix.lower() in PICTURE_SUFFIXES]


def _numbered(text: str) -> list[str]:
    folder, pattern = os.path.split(text)
    regex, end = "", 0
    for number in _NUMBER.finditer(pattern):
        regex += re.escape(pattern[end : number.start()])
        regex += rf"\d{{{int(number[1] or 1)},}}"
        end = number.end()
    named = re.compile(regex + re.escape(pattern[end:]))
    names = glob.glob(os.path.join(glob.escape(folder), "*"))
    return [name for name in names if named.fullmatch(os.path.basename(name))]


def _natural(path: Path) -> tuple[list[list[str | int]], str]:
    """A sort key in which numbers in names count as numbers, with the name to break ties."""
    parts = []
    for part in path.parts:
        # Text and numbers alternate, so text is never compared with a number.
        pieces = re.split(r"(\d+)", part.casefold())
        parts.append([int(piece) if at % 2 else piece for at, piece in enumerate(pieces)])
    return parts, str(path)
