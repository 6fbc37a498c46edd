"""What was seen of a simulated fleet: when cameras gave labels, and what was told of events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rtaction.cluster.simulated.scene import Scene
from rtaction.cluster.simulated.worker import BEGIN
from rtaction.serve.house.record import EventRecord, Phase

_ROUNDING = 1e-3  # dates have microseconds


@dataclass(frozen=True, slots=True)
class Gap:
    """A camera gave no labels, from a time to a time."""

    camera: str
    start_seconds: float
    end_seconds: float

    @property
    def seconds(self) -> float:
        """For how long."""
        return self.end_seconds - self.start_seconds


@dataclass(frozen=True, slots=True)
class Told:
    """What was told of real actions.

    Args:
        once: actions of which one start and one end were told.
        unseen: actions during which their camera never gave labels for long enough.
        missed: others of which nothing was told.
        twice: actions of which more than one start was told.
        unended: events whose end was not told, or more than once.
        made_up: events without an action.
    """

    once: int
    unseen: int
    missed: int
    twice: int
    unended: int
    made_up: int


@dataclass(slots=True)
class Log:
    """Notes who watches what.

    Attributes:
        first_seconds: when each camera gave its first label.
        gaps: those that have ended.
        double_seconds: for how long cameras had two workers that gave labels, in sum.
    """

    first_seconds: dict[str, float] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)
    double_seconds: float = 0.0
    _watching: dict[str, int] = field(default_factory=dict)
    _changed: dict[str, float] = field(default_factory=dict)
    _starts: dict[str, list[EventRecord]] = field(default_factory=dict)
    _ends: dict[str, list[EventRecord]] = field(default_factory=dict)

    def labels(self, camera: str, *, is_given: bool, now_seconds: float) -> None:
        """A worker begins, or ends, to give labels of a camera."""
        before = self._watching.get(camera, 0)
        since = self._changed.get(camera, now_seconds)
        if before == 0 and is_given and camera in self.first_seconds:
            self.gaps.append(Gap(camera, since, now_seconds))
        if before > 1:
            self.double_seconds += now_seconds - since
        self.first_seconds.setdefault(camera, now_seconds)
        self._watching[camera] = before + (1 if is_given else -1)
        self._changed[camera] = now_seconds

    def tell(self, record: EventRecord, phase: Phase) -> None:
        """An event has started or ended, as users are told."""
        known = self._starts if phase == "start" else self._ends
        known.setdefault(record.camera, []).append(record)

    def dark(self) -> list[str]:
        """Cameras that give no labels now."""
        return [camera for camera, number in self._watching.items() if number == 0]

    def told(self, scenes: Mapping[str, Scene], *, least_seconds: float, until: float) -> Told:
        """Compare what was told with what happened up to a time.

        Args:
            scenes: of all cameras.
            least_seconds: that a camera has to give labels to notice an action.
            until: actions that go on after it are left out.
        """
        counts = dict.fromkeys(("once", "unseen", "missed", "twice", "unended", "made_up"), 0)
        for camera, scene in scenes.items():
            starts = list(self._starts.get(camera, ()))
            ends = [record.id for record in self._ends.get(camera, ())]
            for action in scene.actions:
                if action.end_seconds > until:
                    early_seconds = action.start_seconds - _ROUNDING
                    starts = [one for one in starts if _seconds_of(one) < early_seconds]
                    break
                mine = [
                    one
                    for one in starts
                    if _seconds_of(one) - action.start_seconds >= -_ROUNDING
                    and _seconds_of(one) <= action.end_seconds + _ROUNDING
                ]
                starts = [one for one in starts if one not in mine]
                counts["unended"] += sum(ends.count(one.id) != 1 for one in mine)
                if len(mine) > 1:
                    counts["twice"] += 1
                elif mine:
                    counts["once"] += 1
                else:
                    lit = self._lit_seconds(camera, action.start_seconds, action.end_seconds)
                    counts["missed" if lit > least_seconds else "unseen"] += 1
            counts["made_up"] += len(starts)
        return Told(**counts)

    def _lit_seconds(self, camera: str, start_seconds: float, end_seconds: float) -> float:
        """The longest time within a span for which a camera gave labels."""
        longest, at_seconds = 0.0, max(start_seconds, self.first_seconds.get(camera, end_seconds))
        for gap in self.gaps:
            if gap.camera == camera and gap.end_seconds > at_seconds:
                longest = max(longest, min(gap.start_seconds, end_seconds) - at_seconds)
                at_seconds = gap.end_seconds
        return max(longest, end_seconds - at_seconds)


def _seconds_of(record: EventRecord) -> float:
    return (record.started_at - BEGIN).total_seconds()
