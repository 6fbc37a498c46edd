"""One event for one real event, also where a camera moves to another worker in the middle of it.

When a camera loses its worker, its ongoing events are suspended: nobody is told that they end. If
its next worker reports the same action, that goes on as the event that it was, with its first id,
start and person. If it does not, the event has ended when it was last seen, and that is told; as
it is if the camera never comes back.

This module knows neither Ray nor a clock. Times of events are in UTC, by the clocks of the machines
that watch; `now_seconds` is the caller's clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from rtaction.prediction import Box
from rtaction.serve.house.record import EventRecord, Phase

GIVE_UP_SECONDS = 30.0
_NEVER = datetime.max.replace(tzinfo=UTC)

Tell = Callable[[EventRecord, Phase], Any]


@dataclass(slots=True)
class _Suspended:
    record: EventRecord
    seen_at: datetime
    since_seconds: float


@dataclass(slots=True)
class _Camera:
    """What is known of a camera.

    Args:
        term: of the worker that has it, see `rtaction.cluster.fleet.dispatcher.Order`.
        labelled_seconds: since when that worker gives labels; -inf before.
        labelled_at: the same, by that worker's clock.
        seen_at: when its ongoing events were last known to go on.
        first_person: what is added to the ids of people, which each worker counts from 1.
        people: the ids of those who were known before under another.
        ongoing: events as they were told, by the id that the worker gave.
        held: starts within the cooldown of an event at an earlier worker, and its end.
        ended: of each label, the term of its last event and when that ended.
    """

    term: int = 0
    labelled_seconds: float = float("-inf")
    labelled_at: datetime = _NEVER
    seen_at: datetime | None = None
    first_person: int = 0
    last_person: int = 0
    people: dict[int, int] = field(default_factory=dict)
    ongoing: dict[str, EventRecord] = field(default_factory=dict)
    suspended: list[_Suspended] = field(default_factory=list)
    held: dict[str, tuple[EventRecord, datetime]] = field(default_factory=dict)
    ended: dict[str, tuple[int, datetime]] = field(default_factory=dict)

    def is_back(self, one: _Suspended) -> bool:
        """Whether it gives labels since an event was suspended."""
        return self.labelled_seconds > one.since_seconds

    def may_be(self, record: EventRecord, one: _Suspended) -> bool:
        """Whether an event that has started is the suspended one, which goes on.

        What was not there when the first labels came is another one.
        """
        if record.label != one.record.label:
            return False
        return not self.is_back(one) or record.started_at <= self.labelled_at


class Continuity:
    """Joins the events of a camera at its several workers.

    Args:
        tell: called with each event that has started or ended, once each.
        settle_seconds: of a camera, how long after its first label an action that goes on has been
            reported at the latest.
        cooldown_seconds: of a camera and a label, the least time between two of its events.
        give_up_seconds: for how long a suspended event waits for its camera. Default 30.
    """

    def __init__(
        self,
        tell: Tell,
        *,
        settle_seconds: Callable[[str], float],
        cooldown_seconds: Callable[[str, str], float],
        give_up_seconds: float = GIVE_UP_SECONDS,
    ) -> None:
        self._tell = tell
        self._settle_seconds, self._cooldown_seconds = settle_seconds, cooldown_seconds
        self._give_up_seconds = give_up_seconds
        self._cameras: dict[str, _Camera] = {}

    def resume(self, record: EventRecord, seen_at: datetime, now_seconds: float) -> None:
        """An event went on when an earlier process ended: it is suspended."""
        known = self._of(record.camera)
        known.last_person = max(known.last_person, record.person or 0)
        known.suspended.append(_Suspended(replace(record, ended_at=None), seen_at, now_seconds))

    def term(self, camera: str, term: int, now_seconds: float) -> None:
        """A camera has, or is to have, this term; what goes on at an earlier one is suspended."""
        known = self._of(camera)
        if term == known.term:
            return
        self.lose(camera, now_seconds)
        known.term, known.labelled_seconds = term, float("-inf")
        known.first_person, known.people = known.last_person, {}

    def lose(self, camera: str, now_seconds: float) -> None:
        """A camera has no worker."""
        known = self._of(camera)
        for record in known.ongoing.values():
            known.suspended.append(
                _Suspended(record, known.seen_at or record.started_at, now_seconds)
            )
        known.ongoing.clear()
        known.held.clear()

    def labelled(
        self, camera: str, term: int, since_at: datetime, at: datetime, now_seconds: float
    ) -> None:
        """A worker gives labels of a camera, and what it has not ended goes on.

        Args:
            camera: id of the camera.
            term: of the camera there; old ones are ignored.
            since_at: when it gave the first one.
            at: the time there.
            now_seconds: the time here.
        """
        known = self._of(camera)
        if term != known.term:
            return
        known.seen_at = at
        if known.labelled_at != since_at:  # the first time, or after its worker lost it for a while
            known.labelled_seconds, known.labelled_at = now_seconds, since_at

    def see(self, record: EventRecord, term: int, now_seconds: float, *, is_cut: bool) -> None:
        """A worker says that an event has started or, with `ended_at`, ended.

        Args:
            record: as the worker knows it.
            term: of the camera there; old ones are ignored.
            now_seconds: the time.
            is_cut: whether it ended only because the worker was to leave the camera.
        """
        known = self._of(record.camera)
        if term != known.term:
            return
        if record.ended_at is None:
            self._start(known, record)
            return
        held = known.held.pop(record.id, None)
        told = known.ongoing.pop(record.id, None)
        if held is not None or told is None:
            return
        joined = _joined(told, record)
        if is_cut:
            open_again = replace(joined, ended_at=None)
            known.suspended.append(_Suspended(open_again, record.ended_at, now_seconds))
        else:
            self._end(known, joined, known.term)

    def look(self, now: datetime, now_seconds: float) -> None:
        """Time has passed: end what did not go on, and start what waited for a cooldown."""
        for camera, known in self._cameras.items():
            for id, (record, due) in list(known.held.items()):
                if now >= due:
                    del known.held[id]
                    known.ongoing[id] = replace(record, started_at=due)
                    self._tell(known.ongoing[id], "start")
            for one in tuple(known.suspended):
                is_settled = known.is_back(one) and (
                    now_seconds - known.labelled_seconds > self._settle_seconds(camera)
                )
                if is_settled or now_seconds - one.since_seconds > self._give_up_seconds:
                    known.suspended.remove(one)
                    self._end_as_seen(known, one.record, one.seen_at)

    def end(self, camera: str) -> None:
        """A camera is not to be watched any longer: what went on has ended when last seen."""
        known = self._of(camera)
        for one in known.suspended:
            self._end_as_seen(known, one.record, one.seen_at)
        for record in known.ongoing.values():
            self._end_as_seen(known, record, known.seen_at or record.started_at)
        known.suspended.clear()
        known.ongoing.clear()
        known.held.clear()

    def finish(self) -> None:
        """Nothing is to be watched any longer."""
        for camera in self._cameras:
            self.end(camera)

    def ongoing(self) -> Iterator[EventRecord]:
        """The events that were started and not ended so far."""
        for known in self._cameras.values():
            yield from known.ongoing.values()
            yield from (one.record for one in known.suspended)

    def _of(self, camera: str) -> _Camera:
        return self._cameras.setdefault(camera, _Camera())

    def _start(self, known: _Camera, record: EventRecord) -> None:
        before = _best([one for one in known.suspended if known.may_be(record, one)], record)
        if before is not None:
            known.suspended.remove(before)
            if record.person is not None and before.record.person is not None:
                known.people[record.person] = before.record.person
            known.ongoing[record.id] = _joined(before.record, record)
            return
        if record.person is not None:
            person = known.people.get(record.person, known.first_person + record.person)
            known.last_person = max(known.last_person, person)
            record = replace(record, person=person)
        term, ended_at = known.ended.get(record.label, (known.term, record.started_at))
        rested_at = ended_at + timedelta(
            seconds=self._cooldown_seconds(record.camera, record.label)
        )
        # Within a term, the worker sees to it.
        if term != known.term and record.started_at < rested_at:
            known.held[record.id] = record, rested_at
            return
        known.ongoing[record.id] = record
        self._tell(record, "start")

    def _end_as_seen(self, known: _Camera, record: EventRecord, seen_at: datetime) -> None:
        ended = replace(record, ended_at=max(record.started_at, seen_at))
        self._end(known, ended, term=known.term - 1)

    def _end(self, known: _Camera, record: EventRecord, term: int) -> None:
        assert record.ended_at is not None
        known.ended[record.label] = term, record.ended_at
        self._tell(record, "end")


def _joined(told: EventRecord, record: EventRecord) -> EventRecord:
    """An event as it was told, with what is known of it now."""
    return replace(
        told,
        ended_at=record.ended_at,
        peak_score=max(told.peak_score, record.peak_score),
        box=record.box or told.box,
        zones=tuple(dict.fromkeys((*told.zones, *record.zones))),
    )


def _best(suspended: list[_Suspended], record: EventRecord) -> _Suspended | None:
    """The suspended event that goes on: of the one who stands where the new one does."""
    return max(suspended, key=lambda one: _overlap(one.record.box, record.box), default=None)


def _overlap(one: Box | None, other: Box | None) -> float:
    """Intersection over union of two boxes: top, left, bottom, right."""
    if one is None or other is None:
        return 0.0
    top, left = max(one[0], other[0]), max(one[1], other[1])
    bottom, right = min(one[2], other[2]), min(one[3], other[3])
    shared = max(bottom - top, 0.0) * max(right - left, 0.0)
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return shared / max(areas - shared, 1e-9)
