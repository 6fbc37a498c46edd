"""Who watches what from moment to moment, while workers join, are drained and die.

All decisions of a fleet are made here, and nothing is done: this module knows neither Ray nor a
clock. It is told what happens and when, and gives orders through `Machines`. An order is complete:
it names all that a worker is to watch, so that one that is lost is made good by the next. A report
answers an order with what the worker watches.

A camera has one post at a time. It is given to another worker only once the one before has reported
that it has left it, or is dead. A worker is dead when it has answered no order that was given
within the deadline; so a worker that gets no order for as long as that has to leave its cameras by
itself, and a camera has never two workers for longer than the deadline.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from rtaction.cluster.fleet.placement import Need, Placement, Room, place

BEAT_SECONDS = 0.5
DEADLINE_SECONDS = 4.0

PostState = Literal["left out", "waiting", "ordered", "watched", "leaving"]


@dataclass(frozen=True, slots=True)
class Order:
    """All that a worker is to watch from now on.

    Args:
        number: counts the orders of one dispatcher; a worker ignores one that is older than its
            last.
        cameras: the term of each camera. A term is another for each post that a camera has: what
            comes from an earlier one is old.
    """

    number: int
    cameras: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Report:
    """What a worker does, in answer to an order.

    Args:
        number: of the newest order that it has had.
        cameras: the term of each camera that it watches, also while it is only leaving it.
    """

    number: int
    cameras: Mapping[str, int]


class Machines(Protocol):
    """The workers. No method waits or fails; a report comes later, by `Dispatcher.hear`."""

    def order(self, worker: str, order: Order) -> None:
        """Give a worker an order, which may be lost."""

    def dismiss(self, worker: str) -> None:
        """End a worker: it watches nothing any longer, or is taken for dead."""


@dataclass(slots=True)
class _Post:
    """A camera at a worker.

    Args:
        left_with: the first order in which it was missing; None while it is to be watched.
        is_confirmed: whether the worker has reported it.
    """

    worker: str
    term: int
    left_with: int | None = None
    is_confirmed: bool = False


@dataclass(slots=True)
class _Worker:
    room: Room
    alive_seconds: float
    ordered_seconds: float = float("-inf")
    number: int = -1
    asked: dict[int, float] = field(default_factory=dict)  # when each order was given
    cameras: set[str] = field(default_factory=set)  # that have their post here
    is_draining: bool = False
    has_changes: bool = True


class Dispatcher:
    """Gives cameras to workers.

    Args:
        machines: the workers.
        beat_seconds: time between two orders of a worker, changed or not. Default 0.5.
        deadline_seconds: a worker that has not answered an order since is dead. Default 4.

    Attributes:
        placement: where each camera is to be.
        num_moves: cameras that were given to another worker than before, so far.
    """

    def __init__(
        self,
        machines: Machines,
        *,
        beat_seconds: float = BEAT_SECONDS,
        deadline_seconds: float = DEADLINE_SECONDS,
    ) -> None:
        self.placement = Placement()
        self.num_moves = 0
        self._machines = machines
        self._beat_seconds, self._deadline_seconds = beat_seconds, deadline_seconds
        self._needs: dict[str, Need] = {}
        self._workers: dict[str, _Worker] = {}
        self._posts: dict[str, _Post] = {}
        self._last_worker: dict[str, str] = {}
        self._terms: dict[str, int] = {}
        self._num_orders = 0
        self._looked_seconds: float | None = None
        self._is_to_place = False
        self._is_to_post = False

    def want(self, needs: Mapping[str, Need]) -> None:
        """Say which cameras are to be watched from now on, the most important first."""
        if list(needs.items()) != list(self._needs.items()):
            self._needs = dict(needs)
            self._is_to_place = True

    def join(self, worker: str, room: Room, now_seconds: float) -> None:
        """There is a new worker, under a name that none has had before."""
        self._workers[worker] = _Worker(room, now_seconds)
        self._is_to_place = True

    def drain(self, worker: str) -> None:
        """A worker is to go: it is dismissed once others may have its cameras."""
        known = self._workers.get(worker)
        if known is not None and not known.is_draining:
            known.is_draining = True
            self._is_to_place = True

    def lose(self, worker: str) -> None:
        """A worker is dead, and its cameras are free at once."""
        known = self._workers.pop(worker, None)
        if known is None:
            return
        self._machines.dismiss(worker)
        for camera in known.cameras:
            del self._posts[camera]
        self._is_to_place = True

    def hear(self, worker: str, report: Report, now_seconds: float) -> None:
        """A worker has answered."""
        known = self._workers.get(worker)
        if known is None or report.number < known.number:
            return  # taken for dead, or overtaken by a newer one
        known.number = report.number
        # What it said it may have said at once: only that it has lived until then is certain.
        known.alive_seconds = max(
            known.alive_seconds, known.asked.get(report.number, known.alive_seconds)
        )
        known.asked = {one: at for one, at in known.asked.items() if one >= report.number}
        for camera in tuple(known.cameras):
            post = self._posts[camera]
            post.is_confirmed |= report.cameras.get(camera) == post.term
            has_heard = post.left_with is not None and report.number >= post.left_with
            if has_heard and camera not in report.cameras:
                del self._posts[camera]
                known.cameras.remove(camera)
                self._is_to_post = True
        self._give(now_seconds)

    def look(self, now_seconds: float) -> None:
        """Time has passed; call it at least twice in `beat_seconds`."""
        away_seconds = now_seconds - (self._looked_seconds or now_seconds)
        self._looked_seconds = now_seconds
        if away_seconds > self._deadline_seconds / 2:  # nobody was heard while nobody looked
            for known in self._workers.values():
                known.alive_seconds += away_seconds
        for worker, known in list(self._workers.items()):
            if now_seconds - known.alive_seconds > self._deadline_seconds:
                self.lose(worker)
        self._give(now_seconds)

    def state(self, camera: str) -> tuple[PostState, str | None]:
        """What becomes of a camera, and the worker that has it or is to have it."""
        post, wanted = self._posts.get(camera), self.placement.workers.get(camera)
        if post is None:
            return ("left out", None) if wanted is None else ("waiting", wanted)
        if post.left_with is not None:
            return "leaving", post.worker
        return ("watched" if post.is_confirmed else "ordered"), post.worker

    def term(self, camera: str) -> int:
        """The term of a camera's post, or of its last one; 0 before the first."""
        return self._terms.get(camera, 0)

    def loads(self) -> Iterator[tuple[str, int]]:
        """The workers, each with the number of its cameras."""
        for worker, known in self._workers.items():
            yield worker, len(known.cameras)

    def _give(self, now_seconds: float) -> None:
        """Place, post and give the orders that are due."""
        if self._is_to_place:
            self._place()
        if self._is_to_post:
            self._post()
        for worker, known in list(self._workers.items()):
            if known.has_changes or now_seconds - known.ordered_seconds >= self._beat_seconds:
                self._order(worker, known, now_seconds)
            if known.is_draining and not known.cameras:
                del self._workers[worker]
                self._machines.dismiss(worker)

    def _place(self) -> None:
        rooms = {one: known.room for one, known in self._workers.items() if not known.is_draining}
        self.placement = place(self._needs, rooms, self.placement.workers)
        self._is_to_place, self._is_to_post = False, True
        for camera, post in self._posts.items():
            if post.left_with is None and self.placement.workers.get(camera) != post.worker:
                post.left_with = self._num_orders + 1  # or a later one, which is as good
                self._workers[post.worker].has_changes = True

    def _post(self) -> None:
        self._is_to_post = False
        for camera, worker in self.placement.workers.items():
            if camera in self._posts:
                continue
            term = self._terms[camera] = self.term(camera) + 1
            self._posts[camera] = _Post(worker, term)
            self.num_moves += self._last_worker.get(camera, worker) != worker
            self._last_worker[camera] = worker
            self._workers[worker].cameras.add(camera)
            self._workers[worker].has_changes = True

    def _order(self, worker: str, known: _Worker, now_seconds: float) -> None:
        self._num_orders += 1
        known.has_changes = False
        known.ordered_seconds = known.asked[self._num_orders] = now_seconds
        posts = {camera: self._posts[camera] for camera in sorted(known.cameras)}
        cameras = {one: post.term for one, post in posts.items() if post.left_with is None}
        self._machines.order(worker, Order(self._num_orders, cameras))
