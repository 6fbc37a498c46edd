"""The driver of a fleet: what the dispatcher decides, the crew does, and the house tells."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from rtaction.cluster.fleet.continuity import Continuity
from rtaction.cluster.fleet.cost import Cost, Costs, WorkerKind, need_of
from rtaction.cluster.fleet.crew import Crew
from rtaction.cluster.fleet.dispatcher import Dispatcher, Order
from rtaction.cluster.fleet.house import FleetHouse
from rtaction.cluster.fleet.placement import Need, Room
from rtaction.cluster.fleet.plan import FleetPlan
from rtaction.cluster.fleet.watcher import Answer, Work
from rtaction.evaluation.text import counted
from rtaction.realtime.cameras.camera import Camera
from rtaction.realtime.sources.source import Source
from rtaction.serve.house.record import EventRecord
from rtaction.serve.house.views import CameraState

_POLL_SECONDS = 0.1
_MOST_NAMED = 10
_log = logging.getLogger(__name__)


class Fleet:
    """Watches cameras by many workers.

    Args:
        plan: what to watch.
        costs: what cameras cost, as far as it was measured.
        house_of: makes what tells of them.
        need: of each camera; None: as measured.
        deadline_seconds: see `Dispatcher`.
    """

    def __init__(
        self,
        plan: FleetPlan,
        costs: Costs,
        house_of: Callable[[Fleet], FleetHouse],
        *,
        need: Need | None,
        deadline_seconds: float,
    ) -> None:
        self._plan, self._costs, self._need = plan, costs, need
        self.house = house_of(self)
        self.dispatcher = Dispatcher(self, deadline_seconds=deadline_seconds)
        self._continuity = Continuity(
            self.house.keep,
            settle_seconds=lambda camera: plan.cameras[camera].settle_seconds,
            cooldown_seconds=self._cooldown_seconds,
        )
        self._crew: Crew | None = None
        self._kinds: dict[str, WorkerKind] = {}
        self._measuring: set[tuple[str, WorkerKind]] = set()
        self._left_out: tuple[str, ...] = ()
        self._is_ending = False
        self._deadline_seconds = deadline_seconds
        self._reasons: dict[str, str] = {}  # of workers that go

    def hire(
        self,
        ray: Any,
        *,
        cores_per_worker: int,
        device: str,
        open_with: Callable[[Camera], Source],
        deadline_seconds: float,
    ) -> None:
        """Have workers, from now on; see `Crew`."""
        self._crew = Crew(
            ray,
            self,
            {key: model.path for key, model in self._plan.models.items()},
            cores_per_worker=cores_per_worker,
            device=device,
            open_with=open_with,
            lease_seconds=deadline_seconds,
        )

    @property
    def crew(self) -> Crew:
        """The workers."""
        assert self._crew is not None
        return self._crew

    def figures(self) -> dict[str, Any]:
        """For `House.machine`."""
        return {
            "workers": len(self._kinds),
            "nodes": 0 if self._crew is None else self._crew.num_nodes,
            "moves": self.dispatcher.num_moves,
            "left_out": len(self.dispatcher.placement.left_out),
        }

    def resume(self, records: Sequence[EventRecord]) -> None:
        """What went on when an earlier driver ended, and ended then as far as it knew."""
        now_seconds = time.monotonic()
        for record in records:
            if record.camera in self._plan.cameras and record.ended_at is not None:
                self._continuity.resume(record, record.ended_at, now_seconds)
            else:
                self.house.keep(record, "end")

    def step(self) -> None:
        """Look at all once, for a tenth of a second."""
        self.crew.look(time.monotonic())
        self.crew.poll(_POLL_SECONDS)
        now_seconds = time.monotonic()
        self._want()
        self.dispatcher.look(now_seconds)
        self._tell_what_is_left_out()
        self._tell_where_cameras_are(now_seconds)
        self._continuity.look(datetime.now(UTC), now_seconds)

    def close(self, timeout_seconds: float) -> None:
        """Leave all cameras, tell all ends, and end the workers, in about this time."""
        self._is_ending = True
        deadline_seconds = time.monotonic() + timeout_seconds
        self.dispatcher.want({})
        while time.monotonic() < deadline_seconds and any(
            number for _, number in self.dispatcher.loads()
        ):
            self.crew.poll(_POLL_SECONDS)
            self.dispatcher.look(time.monotonic())
        self._continuity.finish()
        self.crew.close()

    def order(self, worker: str, order: Order) -> None:
        """See `Machines`."""
        self.crew.order(worker, order)

    def dismiss(self, worker: str) -> None:
        """See `Machines`."""
        self.crew.dismiss(worker)
        is_known = self._kinds.pop(worker, None) is not None
        reason = self._reasons.pop(worker, f"it has not answered for {self._deadline_seconds:g} s")
        if is_known and not self._is_ending:
            _log.warning("%s is gone: %s", worker, reason)

    def joined(self, worker: str, room: Room, kind: WorkerKind) -> None:
        """See `Boss`."""
        self._kinds[worker] = kind
        self.dispatcher.join(worker, room, time.monotonic())
        _log.info("%s joins, with room for %.1f cores of cameras", worker, room.cores)

    def answered(self, worker: str, answer: Answer) -> None:
        """See `Boss`."""
        now_seconds = time.monotonic()
        for camera, seen in (answer.seen or {}).items():
            if seen.term != self.dispatcher.term(camera):
                continue
            if self.dispatcher.state(camera) == ("watched", worker):
                self.house.see(camera, seen.term, seen.view)
            if seen.labels_since is not None:
                self._continuity.labelled(
                    camera, seen.term, seen.labels_since, answer.at, now_seconds
                )
        for news in answer.news:
            self._continuity.see(news.record, news.term, now_seconds, is_cut=news.is_cut)
        self.dispatcher.hear(worker, answer.report, now_seconds)

    def measured(self, key: str, kind: WorkerKind, cost: Cost | None) -> None:
        """See `Boss`."""
        self._measuring.discard((key, kind))
        if cost is not None:
            self._costs.set(key, kind, cost)
            _log.info("a camera takes %s", cost)

    def draining(self, worker: str) -> None:
        """See `Boss`."""
        _log.warning("%s is to go; its cameras move", worker)
        self._reasons[worker] = "its cameras have moved"
        self.dispatcher.drain(worker)

    def lost(self, worker: str, reason: str) -> None:
        """See `Boss`."""
        if worker not in self._kinds and not self._is_ending:
            _log.warning("%s could not begin: %s", worker, reason)
        self._reasons[worker] = reason
        self.dispatcher.lose(worker)
        self._reasons.pop(worker, None)

    def work_of(self, camera: str) -> tuple[str, Work]:
        """See `Boss`."""
        planned = self._plan.cameras[camera]
        term = self.dispatcher.term(camera)
        return planned.model.key, Work(term, planned.setup, planned.rules)

    def _cooldown_seconds(self, camera: str, label: str) -> float:
        return self._plan.cameras[camera].rules.rules.of(label).cooldown_seconds

    def _want(self) -> None:
        """Say which cameras are due, once it is known what they cost."""
        needs = {key: self._need_of(key) for key in self._plan.models}
        now = datetime.now(UTC)
        self.dispatcher.want(
            {
                camera: need
                for camera, planned in self._plan.cameras.items()
                if (need := needs[planned.model.key]) is not None
                and self.house.is_enabled(camera)
                and planned.setup.camera.schedule.is_active(now)
            }
        )

    def _need_of(self, key: str) -> Need | None:
        if self._need is not None:
            return self._need
        known = self._costs.of(key)
        for worker, kind in self._kinds.items():
            if kind not in known and (key, kind) not in self._measuring:
                self._measuring.add((key, kind))
                self.crew.measure(worker, key)
        return need_of(known)

    def _tell_what_is_left_out(self) -> None:
        left_out = self.dispatcher.placement.left_out if self._kinds else ()
        if left_out == self._left_out:
            return
        self._left_out = left_out
        if not left_out:
            _log.warning("all cameras have room again")
            return
        named = [self._plan.cameras[one].setup.camera.name for one in left_out[:_MOST_NAMED]]
        _log.warning(
            "no machine has room for %s: %s%s; those that stand last in the file are left out "
            "first, and are watched as soon as there is room",
            counted(len(left_out), "camera"),
            ", ".join(named),
            " ..." if len(left_out) > _MOST_NAMED else "",
        )

    def _tell_where_cameras_are(self, now_seconds: float) -> None:
        now = datetime.now(UTC)
        for camera, planned in self._plan.cameras.items():
            state, worker = self.dispatcher.state(camera)
            self._continuity.term(camera, self.dispatcher.term(camera), now_seconds)
            if worker is None:
                is_due = planned.setup.camera.schedule.is_active(now)
                if is_due and self.house.is_enabled(camera):
                    self._continuity.lose(camera, now_seconds)
                else:
                    self._continuity.end(camera)
                self.house.show(camera, *self._why_not(camera, is_due=is_due))
            elif state != "watched":
                self.house.show(camera, "connecting", f"goes to {worker}")

    def _why_not(self, camera: str, *, is_due: bool) -> tuple[CameraState, str]:
        """State and reason of a camera that nobody is to watch."""
        if not self.house.is_enabled(camera):
            return "disabled", ""
        if not is_due:
            return "resting", ""
        if camera in self._left_out:
            return "down", "no machine has room for it"
        return "connecting", "no machine is ready yet"
