"""Labels by folders: each folder in a folder is a label, with videos at any depth."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from rtaction.installation import program
from rtaction.labelled.patterns import CLASSNAME, GROUP
from rtaction.video.video_files import files_below, named, videos_among

_log = logging.getLogger(__name__)

UNLABELLED = "unlabelled"
"""The folder of the clips that wait for a label: no label itself."""


def labelled_by_folder(folder: Path) -> list[tuple[Path, str]]:
    """Videos below each folder in a folder, with its name; a warning names what is passed over."""
    files = files_below(folder)
    videos = videos_among(files, folder)
    inside = [path for path in videos if path.parent != folder]
    all_labelled = [(path, path.relative_to(folder).parts[0]) for path in inside]
    labelled = [(path, label) for path, label in all_labelled if label != UNLABELLED]
    if num_waiting := len(all_labelled) - len(labelled):
        _log.warning(
            "%s: passed over, because they have no label yet: %d clips in %s; label them with "
            "`%s label %s`",
            *(folder, num_waiting, UNLABELLED, program(), folder),
        )
    if len(inside) < len(videos):
        outside = named(path for path in videos if path.parent == folder)
        _log.warning("%s: passed over, because they are in no label's folder: %s", folder, outside)
    known = {label for _, label in all_labelled}
    empty = [
        path.name
        for path in sorted(folder.iterdir())
        if path.is_dir() and path.name not in known and not path.name.startswith(".")
    ]
    if empty:
        _log.warning("%s: no label, because there is no video inside: %s", folder, named(empty))
    if hint := _inner_labels(folder, labelled):
        _log.warning("%s: %s", folder, hint)
    return labelled


def _inner_labels(folder: Path, labelled: Sequence[tuple[Path, str]]) -> str:
    """A hint if labels may be the folders within the top ones, which have the same names."""
    inner: dict[str, set[str]] = {label: set() for _, label in labelled}
    for path, label in labelled:
        inner[label] |= {*path.relative_to(folder).parts[1:-1][:1]}
    names = next(iter(inner.values()), set())
    if len(names) < 2 or any(other != names for other in inner.values()):
        return ""
    pattern = f"{folder}/{GROUP}/{CLASSNAME}/**/*{labelled[0][0].suffix}"
    return (
        f"the labels are its folders ({named(sorted(inner))}), each of which has the same folders "
        f"({named(sorted(names))}); if those are the labels, and its folders are groups such as "
        f"people, give '{pattern}' instead of the folder"
    )
