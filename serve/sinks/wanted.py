"""Which events a sink is told of."""

from __future__ import annotations

from dataclasses import dataclass

from rtaction.serve.house.record import EventRecord


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events a sink is told of.

    Args:
        cameras: their names or ids. Default: all.
        labels: Default: all.
    """

    cameras: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()

    def has(self, record: EventRecord) -> bool:
        """Whether an event is one of them."""
        is_there = not self.cameras or bool({record.camera, record.camera_name} & {*self.cameras})
        return is_there and (not self.labels or record.label in self.labels)
