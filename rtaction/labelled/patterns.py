"""Patterns of paths in which "{classname}" stands for a label, and "{group}" for a group."""

from __future__ import annotations

import fnmatch
import glob
import logging
import os
import re
from pathlib import Path

from rtaction.errors import DatasetError
from rtaction.video.video_files import named, unreadable_folders

CLASSNAME, GROUP = "{classname}", "{group}"
_NAMES = {CLASSNAME: "classname", GROUP: "group"}
_log = logging.getLogger(__name__)


def labelled_by_pattern(pattern: str) -> list[tuple[Path, str, str | None]]:
    """Videos that match a pattern, with their labels, and their groups if it names these.

    Args:
        pattern: a glob pattern with "{classname}", and perhaps "{group}".

    Raises:
        DatasetError: a folder cannot be read.
    """
    label_of = re.compile(_as_regex(pattern), re.DOTALL)
    labelled, broken = [], []
    if unreadable := unreadable_folders(_as_glob(pattern)):
        raise DatasetError(
            f"{pattern}: {named(unreadable)} cannot be read; check the permissions, or move it "
            "elsewhere"
        )
    # With two "**", glob names a file as often as there are ways to it.
    for path in sorted({Path(name) for name in glob.glob(_as_glob(pattern), recursive=True)}):
        if path.is_file():
            if match := label_of.fullmatch(path.as_posix()):
                labelled.append((path, match["classname"], match.groupdict().get("group")))
        elif not path.exists():
            broken.append(path)
    if broken:
        _log.warning("%s: %d links to nothing (%s)", pattern, len(broken), named(broken))
    return labelled


def folders_escaped(pattern: str) -> str:
    """A glob pattern in which folders that exist are taken by their names, brackets and all."""
    parts = pattern.split("/")
    for count in range(len(parts) - 1, 0, -1):
        folder = "/".join(parts[:count])
        if not any(name in folder for name in _NAMES) and os.path.isdir(folder):
            return "/".join([glob.escape(folder), *parts[count:]])
    return pattern


def _as_glob(pattern: str) -> str:
    return pattern.replace(CLASSNAME, "*").replace(GROUP, "*")


def _as_regex(pattern: str) -> str:
    """A glob pattern as a regular expression whose groups `classname` and `group` are these."""
    # "./videos" and "videos" are the same to Path.as_posix.
    pattern = Path(pattern).as_posix()
    parts = re.split(r"(\{classname\}|\{group\}|\*\*/|\*\*|\*|\?|\[!?\]?[^\]]*\])", pattern)
    regex, seen = "", set[str]()
    for part in parts:
        if name := _NAMES.get(part):
            regex += f"(?P={name})" if name in seen else f"(?P<{name}>[^/]+?)"
            seen.add(name)
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
