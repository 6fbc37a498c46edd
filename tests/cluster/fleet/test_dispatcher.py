from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtaction.cluster.fleet.dispatcher import Dispatcher, Order, Report
from rtaction.cluster.fleet.placement import Need, Room

BEAT, DEADLINE, STEP = 0.5, 4.0, 0.25
NEED = Need(0.05, 0.2)  # four on a core


@dataclass
class MadeUpWorker:
    """Does as it is told, a step later; leaves its cameras when it hears nothing."""

    heard_seconds: float
    number: int = -1
    wanted: Mapping[str, int] = field(default_factory=dict)
    cameras: dict[str, int] = field(default_factory=dict)
    is_dead: bool = False
    is_cut_off: bool = False
    is_stuck: bool = False

    def take(self, order: Order, now_seconds: float) -> None:
        self.heard_seconds = now_seconds
        if self.is_stuck:
            return
        if order.number > self.number:
            self.number, self.wanted = order.number, order.cameras

    def step(self, now_seconds: float) -> None:
        if now_seconds - self.heard_seconds > DEADLINE:
            self.wanted = {}
        self.cameras = dict(self.wanted)


class MadeUpMachines:
    """Workers without processes, and a clock that is moved by hand."""

    def __init__(self) -> None:
        self.now_seconds = 0.0
        self.workers: dict[str, MadeUpWorker] = {}
        self.dismissed: list[str] = []
        self.num_orders_with_changes = 0
        self.is_lossy = False
        self.dispatcher = Dispatcher(self, beat_seconds=BEAT, deadline_seconds=DEADLINE)
        self.together_seconds: dict[tuple[str, str, str], float] = {}

    def order(self, worker: str, order: Order) -> None:
        one = self.workers[worker]
        self.num_orders_with_changes += dict(order.cameras) != dict(one.wanted)
        if not (one.is_dead or one.is_cut_off or self.is_lossy):
            one.take(order, self.now_seconds)

    def dismiss(self, worker: str) -> None:
        self.dismissed.append(worker)
        if not self.workers[worker].is_cut_off:
            self.workers[worker].is_dead = True

    def join(self, cores: float = 1.0) -> str:
        name = f"w{len(self.workers)}"
        self.workers[name] = MadeUpWorker(self.now_seconds)
        self.dispatcher.join(name, Room(cores), self.now_seconds)
        return name

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / STEP)):
            self.now_seconds += STEP
            for name, one in self.workers.items():
                if one.is_dead:
                    continue
                one.step(self.now_seconds)
                if not (one.is_cut_off or self.is_lossy):
                    report = Report(one.number, one.cameras)
                    self.dispatcher.hear(name, report, self.now_seconds)
            self.dispatcher.look(self.now_seconds)
            self.count_together()

    def count_together(self) -> None:
        """For how long a camera has been at two workers at once."""
        live = {name: one for name, one in self.workers.items() if not one.is_dead}
        for one, other in combinations(live, 2):
            for camera in live[one].cameras.keys() & live[other].cameras.keys():
                key = camera, one, other
                self.together_seconds[key] = self.together_seconds.get(key, 0.0) + STEP

    def watched(self) -> dict[str, list[str]]:
        """The workers of each camera that can be heard."""
        found: dict[str, list[str]] = {}
        for name, one in self.workers.items():
            if not (one.is_dead or one.is_cut_off):
                for camera in one.cameras:
                    found.setdefault(camera, []).append(name)
        return found


@pytest.fixture
def machines() -> MadeUpMachines:
    return MadeUpMachines()


def cameras(number: int) -> dict[str, Need]:
    return {f"c{one}": NEED for one in range(number)}


def test_cameras_are_watched_once_there_is_a_worker(machines: MadeUpMachines) -> None:
    machines.dispatcher.want(cameras(4))
    machines.run(1)
    assert machines.dispatcher.state("c0") == ("left out", None)
    machines.join()
    machines.run(1)
    assert machines.watched() == {f"c{one}": ["w0"] for one in range(4)}
    assert machines.dispatcher.state("c0") == ("watched", "w0")
    assert machines.dispatcher.term("c0") == 1


def test_what_has_no_room_waits_for_a_worker_that_joins(machines: MadeUpMachines) -> None:
    machines.dispatcher.want(cameras(6))
    machines.join()
    machines.run(1)
    assert list(machines.dispatcher.placement.left_out) == ["c4", "c5"]
    machines.join()
    machines.run(1)
    assert list(machines.dispatcher.placement.left_out) == []
    assert machines.watched().keys() == cameras(6).keys()


def test_cameras_of_a_silent_worker_are_moved_after_the_deadline(machines: MadeUpMachines) -> None:
    machines.dispatcher.want(cameras(4))
    machines.join()
    machines.join()
    machines.run(1)
    assert dict(machines.dispatcher.loads()) == {"w0": 2, "w1": 2}
    machines.workers["w0"].is_dead = True
    machines.run(DEADLINE - BEAT)
    assert machines.dismissed == []
    machines.run(3 * BEAT)
    assert machines.dismissed == ["w0"]
    assert machines.watched() == {f"c{one}": ["w1"] for one in range(4)}
    assert machines.dispatcher.num_moves == 2


def test_cameras_of_a_worker_known_to_be_dead_are_moved_at_once(machines: MadeUpMachines) -> None:
    machines.dispatcher.want(cameras(4))
    machines.join()
    machines.join()
    machines.run(1)
    machines.workers["w0"].is_dead = True
    machines.dispatcher.lose("w0")
    machines.run(2 * STEP)
    assert machines.watched() == {f"c{one}": ["w1"] for one in range(4)}


def test_a_drained_worker_is_dismissed_once_others_have_its_cameras(
    machines: MadeUpMachines,
) -> None:
    machines.dispatcher.want(cameras(4))
    machines.join()
    machines.join()
    machines.run(1)
    machines.dispatcher.drain("w0")
    machines.run(STEP)
    assert machines.dismissed == []
    machines.run(1)
    assert machines.dismissed == ["w0"]
    assert machines.watched() == {f"c{one}": ["w1"] for one in range(4)}
    assert machines.together_seconds == {}
    assert dict(machines.dispatcher.loads()) == {"w1": 4}


def test_a_camera_that_is_not_wanted_any_longer_is_left(machines: MadeUpMachines) -> None:
    machines.dispatcher.want(cameras(4))
    machines.join()
    machines.run(1)
    machines.dispatcher.want(cameras(2))
    machines.run(1)
    assert machines.watched().keys() == {"c0", "c1"}


def test_a_camera_that_moves_is_at_its_old_worker_until_that_has_left_it(
    machines: MadeUpMachines,
) -> None:
    machines.dispatcher.want(cameras(2))
    machines.join()
    machines.run(1)
    machines.join()
    machines.workers["w0"].is_stuck = True
    machines.dispatcher.drain("w0")
    machines.run(1)
    assert machines.dispatcher.state("c0") == ("leaving", "w0")
    assert machines.watched() == {"c0": ["w0"], "c1": ["w0"]}


def test_a_dispatcher_that_slept_takes_nobody_for_dead(machines: MadeUpMachines) -> None:
    machines.dispatcher.want(cameras(2))
    machines.join()
    machines.run(1)
    machines.now_seconds += 60
    machines.dispatcher.look(machines.now_seconds)
    assert machines.dismissed == []
    machines.run(1)
    assert machines.dispatcher.term("c0") == 1
    machines.workers["w0"].is_dead = True
    machines.run(DEADLINE + 2 * BEAT)
    assert machines.dismissed == ["w0"]


def test_a_worker_that_is_cut_off_leaves_its_cameras_by_itself(machines: MadeUpMachines) -> None:
    machines.dispatcher.want(cameras(2))
    machines.join()
    machines.join()
    machines.run(1)
    machines.workers["w0"].is_cut_off = True
    machines.run(3 * DEADLINE)
    assert machines.watched() == {"c0": ["w1"], "c1": ["w1"]}
    assert machines.workers["w0"].cameras == {}
    assert all(seconds <= DEADLINE for seconds in machines.together_seconds.values())
    machines.workers["w0"].is_cut_off = False
    machines.run(1)
    assert machines.watched() == {"c0": ["w1"], "c1": ["w1"]}


HAPPENINGS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                *("join", "join", "join", "die", "told dead", "drain"),
                *("cut off", "cut off", "back", "lose all", "hear all", "want"),
            ]
        ),
        st.integers(0, 12),
        st.sampled_from([STEP, BEAT, 2.0, DEADLINE + 1]),
    ),
    max_size=25,
)


def happen(machines: MadeUpMachines, what: str, which: int) -> None:
    if what == "want":
        machines.dispatcher.want(cameras(which))
    if what in ("lose all", "hear all"):
        machines.is_lossy = what == "lose all"
    if what == "join":
        machines.join(0.5 + which / 4)
    if not machines.workers or what not in ("die", "told dead", "drain", "cut off", "back"):
        return
    name = f"w{which % len(machines.workers)}"
    one = machines.workers[name]
    if what == "drain":
        machines.dispatcher.drain(name)
    if what == "cut off":
        one.is_cut_off = True
    if what == "back":
        one.is_cut_off = False
    if what in ("die", "told dead"):
        one.is_dead = True
    if what == "told dead":
        machines.dispatcher.lose(name)


@settings(max_examples=150)
@given(HAPPENINGS)
def test_whatever_happens_nothing_is_watched_twice_and_what_fits_is_watched_in_the_end(
    happenings: list[tuple[str, int, float]],
) -> None:
    machines = MadeUpMachines()
    machines.dispatcher.want(cameras(8))
    for what, which, then_seconds in happenings:
        happen(machines, what, which)
        machines.run(then_seconds)
    assert all(seconds <= DEADLINE for seconds in machines.together_seconds.values())

    machines.is_lossy = False
    machines.run(2 * DEADLINE)
    placed = machines.dispatcher.placement
    assert machines.watched() == {one: [worker] for one, worker in placed.workers.items()}
    changed = machines.num_orders_with_changes
    machines.run(5)
    assert machines.num_orders_with_changes == changed  # nothing flaps
