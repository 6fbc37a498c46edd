"""What a process that was killed has left undone."""

from __future__ import annotations

from datetime import UTC, datetime

from rtaction.serve.clips.media import Media
from rtaction.serve.house.house import Query
from rtaction.serve.house.record import EventRecord
from rtaction.serve.store.index import EventIndex

# Clips are completed some seconds after their events, so only the last ones can lack theirs.
_MOST_WITHOUT_FILES = 200


def complete_what_was_cut(
    index: EventIndex, media: Media | None, last_alive: datetime | None
) -> list[EventRecord]:
    """End the events that went on when an earlier process was killed, and find the files of those
    whose clips were being written.

    Args:
        index: the events.
        media: knows the files; None if none are kept.
        last_alive: when that process was last alive, in UTC; None if that is not known.

    Returns:
        The events that were ended, oldest first.
    """
    now = datetime.now(UTC)
    ended = index.close_open(now if last_alive is None else min(last_alive, now))
    if media is None:
        return ended
    found: dict[str, EventRecord] = {}
    latest = index.find(Query(limit=_MOST_WITHOUT_FILES))
    for record in {one.id: one for one in (*latest, *ended)}.values():
        if record.clip is not None and record.snapshot is not None:
            continue
        clip, snapshot = media.left_of(record)
        if clip != record.clip or snapshot != record.snapshot:
            kept = index.add_files(record.id, clip=clip, snapshot=snapshot)
            found[record.id] = kept or record
    return [found.get(one.id, one) for one in ended]
