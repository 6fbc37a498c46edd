"""What the house that watches is built of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rtaction.realtime.model.action_model import ActionModel
from rtaction.serve.clips.corrections import Corrections
from rtaction.serve.clips.media import Media, OnDone
from rtaction.serve.house.house import Sink
from rtaction.serve.store.folder_lock import FolderLock
from rtaction.serve.store.index import EventIndex
from rtaction.serve.store.retention import Retention
from rtaction.serve.watching.station import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Rooms:
    """What a house is built of.

    Args:
        lock: holds the folder of all that is kept.
        index: keeps events and settings.
        clips_folder: where they lie.
        corrections: keeps the clips of judged events.
        sinks: who is told.
        read_plan: reads the file of cameras.
        open_model: loads a model.
        media_of: makes what keeps clips and snapshots, which tells of each; None if none are kept.
        retention_of: makes what removes files that are old or too much, but for those that are
            being written.
    """

    lock: FolderLock
    index: EventIndex
    clips_folder: Path
    corrections: Corrections
    sinks: Sequence[Sink]
    read_plan: Callable[[], Plan]
    open_model: Callable[[Path], ActionModel]
    media_of: Callable[[OnDone], Media] | None
    retention_of: Callable[[Callable[[str], bool]], Retention]
