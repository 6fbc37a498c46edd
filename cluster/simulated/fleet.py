"""A fleet on made-up machines: the real dispatcher, placement and joining of events drive workers
that only pretend, in a time that jumps ahead.

What the driver does in a step is what `rtaction fleet` does, without Ray and without a house.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from rtaction.cluster.fleet.continuity import Continuity
from rtaction.cluster.fleet.dispatcher import DEADLINE_SECONDS, Dispatcher, Order
from rtaction.cluster.fleet.placement import Need, Room
from rtaction.cluster.simulated.log import Log
from rtaction.cluster.simulated.queue import Queue
from rtaction.cluster.simulated.scene import Scene
from rtaction.cluster.simulated.worker import BEGIN, Answer, Pace, Worker

STEP_SECONDS = 0.1
_MOST_PENDING = 3


@dataclass(slots=True)
class Member:
    """A worker, as the driver knows it."""

    worker: Worker
    node: int
    num_pending: int = 0


@dataclass(slots=True)
class Costs:
    """What it takes the driver itself, in seconds of a core.

    Args:
        steps: of each step: what is decided, and the state of each camera passed on.
        answers: of each answer that was heard.
    """

    steps: list[float] = field(default_factory=list)
    answers: list[float] = field(default_factory=list)


class SimulatedFleet:
    """A driver, and machines with workers.

    Args:
        needs: of each camera.
        num_nodes: machines.
        room: of each worker.
        workers_per_node: on each machine. Default 1.
        pace: how long things take. Default: see `Pace`.
        scenes: what happens in front of each camera. Default: nothing.
        deadline_seconds: of a worker that does not answer. Default as of `rtaction fleet`.
    """

    def __init__(
        self,
        needs: Mapping[str, Need],
        num_nodes: int,
        room: Room,
        *,
        workers_per_node: int = 1,
        pace: Pace | None = None,
        scenes: Mapping[str, Scene] | None = None,
        deadline_seconds: float = DEADLINE_SECONDS,
    ) -> None:
        self.needs, self.room, self.pace = needs, room, pace or Pace()
        empty = {camera: Scene(camera, mean_rest_seconds=1e9, seconds=0.0) for camera in needs}
        self.scenes = empty if scenes is None else scenes
        self.queue, self.log, self.costs = Queue(), Log(), Costs()
        self.nodes: set[int] = set(range(num_nodes))
        self._workers_per_node = workers_per_node
        self._moves_before = 0
        self._slow_seconds: dict[int, float] = {}
        self._deadline_seconds = deadline_seconds
        self._num_hired = 0
        self.dispatcher: Dispatcher
        self.continuity: Continuity
        self._start_driver()
        self.queue.after(0.0, self._step)

    @property
    def num_moves(self) -> int:
        """Cameras that were given to another worker than before, so far."""
        return self._moves_before + self.dispatcher.num_moves

    def run(self, seconds: float) -> None:
        """Let so much time pass."""
        self.queue.run_until(self.queue.now_seconds + seconds)

    def lose_process(self, node: int) -> None:
        """The process of one of its workers dies, which the machine tells at once."""
        member = self._of(node)[0]
        member.worker.die()
        self.dispatcher.lose(member.worker.name)

    def lose_node(self, node: int) -> None:
        """A machine is without power, and nobody tells."""
        self.nodes.discard(node)
        for member in self._of(node):
            member.worker.die()

    def return_node(self, node: int) -> None:
        """A machine is there again, as a new one."""
        self.nodes.add(node)
        self._hire_all(node)

    def slow_node(self, node: int, seconds: float) -> None:
        """A machine hears so much later, and is heard so much later; with 0, no longer."""
        self._slow_seconds[node] = seconds
        for member in self._of(node):
            member.worker.slow_seconds = seconds

    def drain_node(self, node: int) -> None:
        """A machine is to go, and says so before."""
        self.nodes.discard(node)
        for member in self._of(node):
            self.dispatcher.drain(member.worker.name)

    def lose_driver(self, back_after_seconds: float) -> None:
        """The driver dies, and with it all workers; another one starts later, with its index."""
        ongoing = list(self.continuity.ongoing())
        lost_at = BEGIN + timedelta(seconds=self.queue.now_seconds)
        for member in self.members.values():
            member.worker.die()
        self.members.clear()
        self._is_up, self._moves_before = False, self.num_moves
        self.dispatcher = Dispatcher(self)  # nobody asks it anything

        def back() -> None:
            self._start_driver()
            for record in ongoing:
                self.continuity.resume(record, lost_at, self.queue.now_seconds)

        self.queue.after(back_after_seconds, back)

    def loads(self) -> list[float]:
        """How full each worker is: 1 is full."""
        shares = []
        for member in self.members.values():
            watched = self.dispatcher.placement.workers.items()
            mine = [self.needs[one] for one, worker in watched if worker == member.worker.name]
            taken = sum(need.on(self.room)[0] for need in mine)
            shares.append(taken / self.room.cores)
        return shares

    def order(self, worker: str, order: Order) -> None:
        """See `Machines`."""
        member = self.members.get(worker)
        if member is None or member.num_pending >= _MOST_PENDING:
            return
        member.num_pending += 1
        seconds = self.pace.message + member.worker.slow_seconds
        self.queue.after(seconds, partial(self._deliver, member, order))

    def dismiss(self, worker: str) -> None:
        """See `Machines`."""
        member = self.members.pop(worker, None)
        if member is not None:
            if not member.worker.is_dead:
                member.worker.die()
            if member.node in self.nodes:
                self._hire(member.node)  # as for any machine that has no worker

    def _start_driver(self) -> None:
        self.dispatcher = Dispatcher(self, deadline_seconds=self._deadline_seconds)
        self.continuity = Continuity(
            self.log.tell,
            settle_seconds=lambda camera: self.pace.window + self.pace.noticing + 1.0,
            cooldown_seconds=lambda camera, label: 2.0,
        )
        self.members: dict[str, Member] = {}
        self._is_up = True
        self.dispatcher.want(self.needs)
        for node in sorted(self.nodes):
            self._hire_all(node)

    def _hire_all(self, node: int) -> None:
        for _ in range(self._workers_per_node):
            self._hire(node)

    def _hire(self, node: int) -> None:
        self._num_hired += 1
        name, dispatcher = f"node{node}-{self._num_hired}", self.dispatcher

        def ready() -> None:
            if node not in self.nodes or dispatcher is not self.dispatcher or not self._is_up:
                return
            worker = Worker(
                name, self.queue, self.scenes, self.pace, self._deadline_seconds, self._on_labels
            )
            worker.slow_seconds = self._slow_seconds.get(node, 0.0)
            self.members[name] = Member(worker, node)
            self.dispatcher.join(name, self.room, self.queue.now_seconds)

        self.queue.after(self.pace.starting, ready)

    def _of(self, node: int) -> list[Member]:
        return [member for member in self.members.values() if member.node == node]

    def _deliver(self, member: Member, order: Order) -> None:
        if not member.worker.is_dead:
            answer = member.worker.take(order)
            seconds = self.pace.message + member.worker.slow_seconds
            self.queue.after(seconds, partial(self._hear, member, answer))

    def _hear(self, member: Member, answer: Answer) -> None:
        worker, now_seconds = member.worker.name, self.queue.now_seconds
        if self.members.get(worker) is not member:
            return
        member.num_pending -= 1
        started = time.process_time()
        at = BEGIN + timedelta(seconds=answer.at_seconds)
        for camera, (term, since_seconds) in answer.labels_since.items():
            if term == self.dispatcher.term(camera):
                since = BEGIN + timedelta(seconds=since_seconds)
                self.continuity.labelled(camera, term, since, at, now_seconds)
        for news in answer.news:
            self.continuity.see(news.record, news.term, now_seconds, is_cut=news.is_cut)
        self.dispatcher.hear(worker, answer.report, now_seconds)
        self.costs.answers.append(time.process_time() - started)

    def _step(self) -> None:
        if self._is_up:
            started, now_seconds = time.process_time(), self.queue.now_seconds
            self.dispatcher.want(self.needs)
            self.dispatcher.look(now_seconds)
            for camera in self.needs:
                _, worker = self.dispatcher.state(camera)
                self.continuity.term(camera, self.dispatcher.term(camera), now_seconds)
                if worker is None:
                    self.continuity.lose(camera, now_seconds)
            self.continuity.look(BEGIN + timedelta(seconds=now_seconds), now_seconds)
            self.costs.steps.append(time.process_time() - started)
        self.queue.after(STEP_SECONDS, self._step)

    def _on_labels(self, camera: str, is_given: bool) -> None:
        self.log.labels(camera, is_given=is_given, now_seconds=self.queue.now_seconds)
