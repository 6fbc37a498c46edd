"""The picture that goes along with an event."""

from __future__ import annotations

from rtaction.errors import NoSuchThing
from rtaction.serve.house.house import House
from rtaction.serve.house.record import EventRecord

_WIDTH = 1280


def snapshot_of(house: House, record: EventRecord) -> bytes | None:
    """A JPEG of an event: its snapshot, or what the camera shows right now.

    It takes some milliseconds. None if there is neither.
    """
    if record.snapshot is not None:
        try:
            return house.file(record.id, "snapshot").read_bytes()
        except (NoSuchThing, OSError):
            pass  # it was removed to make room; the camera may show it still
    try:
        picture = house.picture(record.camera, width=_WIDTH, is_drawn=True)
    except NoSuchThing:
        return None
    return None if picture is None else picture.jpeg
