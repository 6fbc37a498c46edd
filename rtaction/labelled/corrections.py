"""The folder of corrections: short clips of moments in which a model was unsure or wrong.

`rtaction cam --save-uncertain` writes them to `FOLDER/unlabelled/`, `rtaction label` moves each to
`FOLDER/<label>/`, and training takes those in. Beside each clip lies a JSON file of its name.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from rtaction.errors import DatasetError, UsageError
from rtaction.installation import program
from rtaction.labelled.folders import UNLABELLED
from rtaction.labelled.videos import Video, labels_of
from rtaction.video.file import VIDEO_SUFFIXES
from rtaction.video.video_files import files_below


def find_corrections(folder: Path, *, labels: Collection[str] | None = None) -> list[Video]:
    """The labelled clips of a folder of corrections, each its own group.

    Args:
        folder: with a folder of clips for each label; `unlabelled` is passed over.
        labels: only these. Default None: all that are found.

    Raises:
        UsageError: there is no such folder.
        DatasetError: no clip in it has a label yet, or it cannot be read.
    """
    if not folder.is_dir():
        raise UsageError(
            f"--corrections {folder}: expected the folder of `{program()} cam --save-uncertain`"
        )
    clips = [
        (path, path.relative_to(folder).parts[0])
        for path in files_below(folder)
        if path.suffix.lower() in VIDEO_SUFFIXES and path.parent != folder
    ]
    videos = [
        Video(path, label, path.as_posix())
        for path, label in clips
        if label != UNLABELLED and (labels is None or label in labels)
    ]
    if not videos:
        of_these = f" of {', '.join(labels)}" if labels else ""
        raise DatasetError(
            f"--corrections {folder}: no clip{of_these} has a label yet ({len(clips)} clips in "
            f"all); label them with `{program()} label {folder}`"
        )
    return videos


def corrections_text(corrections: Collection[Video], others: Collection[Video]) -> str:
    """How many clips of what are taken in, and which of their labels are new."""
    counts = dict.fromkeys(labels_of(list(corrections)), 0)
    for video in corrections:
        counts[video.label] += 1
    listed = ", ".join(f"{label} {count}" for label, count in counts.items())
    new = sorted(set(counts) - {video.label for video in others})
    told = f"; new labels: {', '.join(new)}" if new else ""
    return f"corrections: {listed}{told}"
