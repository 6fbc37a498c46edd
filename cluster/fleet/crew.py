"""The workers of a fleet as Ray actors: one for each GPU, or for each group of cores, of each node.

What they are to do is decided by the dispatcher. This module starts them, carries orders and
answers, and finds out which nodes come, are drained and go. An actor ends with the driver that
started it, however that ends.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from rtaction.cluster.fleet.actor import WorkerActor
from rtaction.cluster.fleet.cost import Cost, WorkerKind
from rtaction.cluster.fleet.dispatcher import BEAT_SECONDS, DEADLINE_SECONDS, Order
from rtaction.cluster.fleet.nodes import draining_nodes, places_of
from rtaction.cluster.fleet.placement import Room
from rtaction.cluster.fleet.sealing import sealed
from rtaction.cluster.fleet.watcher import Answer, Work
from rtaction.evaluation.text import counted
from rtaction.realtime.cameras.camera import Camera
from rtaction.realtime.sources.source import Source
from rtaction.realtime.watching.back_off import BackOff

FILLED = 0.8
"""The share of a worker's cores that cameras may take: the rest is for their peaks."""
_NODES_SECONDS = 0.5
_MOST_PENDING = round(DEADLINE_SECONDS / BEAT_SECONDS)
"""Orders that a worker may have to answer. With fewer, none could be answered late and in time."""
_PATIENCE_SECONDS = 30.0
_HEALTHY_SECONDS = 60.0
_log = logging.getLogger(__name__)


class Boss(Protocol):
    """Who is told of the workers."""

    def joined(self, worker: str, room: Room, kind: WorkerKind) -> None:
        """A worker is ready."""

    def answered(self, worker: str, answer: Answer) -> None:
        """A worker has answered an order."""

    def measured(self, key: str, kind: WorkerKind, cost: Cost | None) -> None:
        """What a camera costs with a model; None if it could not be measured."""

    def draining(self, worker: str) -> None:
        """A worker's machine is to go."""

    def lost(self, worker: str, reason: str) -> None:
        """A worker is gone."""

    def work_of(self, camera: str) -> tuple[str, Work]:
        """The key of a camera's model, and what there is to do in its present term."""


@dataclass(slots=True)
class _Member:
    """A worker.

    Args:
        known: terms of the cameras that it has been given, and has confirmed.
    """

    name: str
    node: str
    actor: Any
    cores: int
    kind: WorkerKind
    hired_seconds: float
    public_key: bytes | None = None
    news_had: int = 0
    num_pending: int = 0
    known: Mapping[str, int] = field(default_factory=dict)
    has_warned: bool = False


@dataclass(slots=True)
class _Node:
    address: str
    places: list[tuple[int, int]]
    members: dict[int, _Member] = field(default_factory=dict)
    is_draining: bool = False
    num_failures: int = 0
    not_before_seconds: float = 0.0


class Crew:
    """The workers.

    Args:
        ray: connected.
        boss: who is told of them.
        models: the files of the models, by a key each.
        cores_per_worker: of nodes without a GPU, the cores of each worker.
        device: of workers with a GPU, see `ActionModel`.
        open_with: opens a camera there.
        lease_seconds: see `Watcher`.
    """

    def __init__(
        self,
        ray: Any,
        boss: Boss,
        models: Mapping[str, Path],
        *,
        cores_per_worker: int,
        device: str,
        open_with: Callable[[Camera], Source],
        lease_seconds: float,
    ) -> None:
        self._ray, self._boss = ray, boss
        self._cores_per_worker, self._device = cores_per_worker, device
        self._open_with, self._lease_seconds = open_with, lease_seconds
        self._models = [
            (key, path.name, ray.put(path.read_bytes())) for key, path in models.items()
        ]
        self._class = ray.remote(WorkerActor)
        self._nodes: dict[str, _Node] = {}
        self._members: dict[str, _Member] = {}
        self._pending: dict[Any, tuple[str, _Member, str]] = {}
        self._numbers = itertools.count(1)
        self._looked_seconds = float("-inf")
        self._back_off = BackOff(longest_seconds=60.0)

    @property
    def num_nodes(self) -> int:
        """The machines that have workers."""
        return sum(bool(node.members) for node in self._nodes.values())

    def look(self, now_seconds: float) -> None:
        """See which nodes there are, now and then, and start workers on those that are new."""
        if now_seconds - self._looked_seconds < _NODES_SECONDS:
            return
        self._looked_seconds = now_seconds
        alive = {one["NodeID"]: one for one in self._ray.nodes() if one["Alive"]}
        for id in [id for id in self._nodes if id not in alive]:
            for member in list(self._nodes.pop(id).members.values()):
                self._lose(member, "its machine is gone")
        draining = draining_nodes(self._ray)
        for id, found in alive.items():
            node = self._nodes.get(id)
            if node is None:
                having = found["Resources"]
                places = places_of(
                    int(having.get("CPU", 0)), int(having.get("GPU", 0)), self._cores_per_worker
                )
                node = self._nodes[id] = _Node(found["NodeManagerAddress"], places)
            if id in draining:
                self._drain(node)
            elif now_seconds >= node.not_before_seconds:
                for place in range(len(node.places)):
                    if place not in node.members:
                        self._hire(id, node, place, now_seconds)
        self._warn_of_those_waiting(now_seconds)

    def poll(self, timeout_seconds: float) -> None:
        """Hear the answers that are there, or the first one within this time."""
        waiting = list(self._pending)
        if not waiting:
            return
        done, _ = self._ray.wait(waiting, num_returns=1, timeout=timeout_seconds)
        if done and len(waiting) > 1:
            done, _ = self._ray.wait(waiting, num_returns=len(waiting), timeout=0)
        for reference in done:
            what, member, key = self._pending.pop(reference)
            if self._members.get(member.name) is not member:
                continue  # taken for dead meanwhile
            try:
                result = self._ray.get(reference)
            except Exception as error:  # of Ray, or whatever has happened there
                self._failed(what, member, key, error)
            else:
                self._heard(what, member, key, result)

    def measure(self, worker: str, key: str) -> None:
        """Have a worker measure what a camera costs with a model."""
        member = self._members[worker]
        self._pending[member.actor.measure.remote(key)] = "measure", member, key

    def order(self, worker: str, order: Order) -> None:
        """See `Machines`."""
        member = self._members.get(worker)
        if member is None or member.public_key is None or member.num_pending >= _MOST_PENDING:
            return  # it has enough to answer; this order is as good as lost
        works = {}
        for camera, term in order.cameras.items():
            if member.known.get(camera) != term:
                key, work = self._boss.work_of(camera)
                works[camera] = key, sealed(work, member.public_key)
        member.num_pending += 1
        reference = member.actor.follow.remote(order, works, member.news_had)
        self._pending[reference] = "follow", member, ""

    def dismiss(self, worker: str) -> None:
        """See `Machines`."""
        member = self._members.pop(worker, None)
        if member is None:
            return
        node = self._nodes.get(member.node)
        if node is not None:
            node.members = {place: one for place, one in node.members.items() if one is not member}
            self._count_failure(node, member)
        self._ray.kill(member.actor)

    def close(self) -> None:
        """End all workers."""
        for worker in list(self._members):
            self.dismiss(worker)

    def _hire(self, id: str, node: _Node, place: int, now_seconds: float) -> None:
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        cores, gpus = node.places[place]
        name = f"{node.address}/{id[:6]}-{next(self._numbers)}"
        actor = self._class.options(
            num_cpus=cores,
            num_gpus=gpus,
            max_restarts=0,  # another one starts with other keys
            max_concurrency=4,  # orders are answered while something is measured
            scheduling_strategy=NodeAffinitySchedulingStrategy(id, soft=False),
        ).remote(
            self._device if gpus else "cpu",
            cores,
            open_with=self._open_with,
            lease_seconds=self._lease_seconds,
        )
        kind: WorkerKind = "gpu" if gpus else "cpu"
        member = _Member(name, id, actor, cores, kind, now_seconds)
        node.members[place] = self._members[name] = member
        self._pending[actor.prepare.remote(self._models)] = "prepare", member, ""

    def _drain(self, node: _Node) -> None:
        if node.is_draining:
            return
        node.is_draining = True
        for member in list(node.members.values()):
            if member.public_key is None:
                self.dismiss(member.name)
            else:
                self._boss.draining(member.name)

    def _heard(self, what: str, member: _Member, key: str, result: Any) -> None:
        if what == "prepare":
            member.public_key, device = result
            room = Room(member.cores * FILLED, gpus=float(member.kind == "gpu"))
            _log.info("%s watches on %s", member.name, device)
            self._boss.joined(member.name, room, member.kind)
        elif what == "measure":
            self._boss.measured(key, member.kind, result)
        else:
            member.num_pending -= 1
            member.known = result.report.cameras
            new = tuple(one for one in result.news if one.number > member.news_had)
            member.news_had = max((one.number for one in new), default=member.news_had)
            self._boss.answered(member.name, Answer(result.report, result.at, new, result.seen))

    def _failed(self, what: str, member: _Member, key: str, error: Exception) -> None:
        if what == "measure":
            self._boss.measured(key, member.kind, None)
        is_dead = isinstance(error, self._ray.exceptions.RayActorError)
        reason = _reason(error, is_dead=is_dead)
        if what != "measure" or is_dead:
            self._lose(member, reason)

    def _lose(self, member: _Member, reason: str) -> None:
        if self._members.get(member.name) is not member:
            return
        self._boss.lost(member.name, reason)
        self.dismiss(member.name)

    def _count_failure(self, node: _Node, member: _Member) -> None:
        """Wait longer before the next worker of a node that loses one after another.

        Who does not die but answers too late, again and again, is one of them.
        """
        if self._looked_seconds - member.hired_seconds > _HEALTHY_SECONDS:
            node.num_failures = 0
        node.num_failures += 1
        wait_seconds = self._back_off.wait_seconds(node.num_failures)
        node.not_before_seconds = self._looked_seconds + wait_seconds

    def _warn_of_those_waiting(self, now_seconds: float) -> None:
        for member in self._members.values():
            is_waiting = member.public_key is None and not member.has_warned
            if is_waiting and now_seconds - member.hired_seconds > _PATIENCE_SECONDS:
                member.has_warned = True
                _log.warning(
                    "%s waits for %s of its machine that others use, or for its models to load",
                    *(member.name, counted(member.cores, "core")),
                )


def _reason(error: Exception, *, is_dead: bool) -> str:
    """What has happened at a worker, for a person."""
    if is_dead:
        text = str(error).strip()
        # Such as another version of rtaction there: the last line says it.
        return text.splitlines()[-1] if "creation task" in text else "it has died"
    cause = getattr(error, "cause", None) or error
    return f"{type(cause).__name__}: {(str(cause).splitlines() or [''])[0]}"
