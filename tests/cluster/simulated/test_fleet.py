"""A simulated fleet whose machines fail: who watches what, how long not, and what is told."""

from __future__ import annotations

import pytest

from rtaction.cluster.fleet.dispatcher import DEADLINE_SECONDS
from rtaction.cluster.fleet.placement import MOST_UNEVEN, Need, Room
from rtaction.cluster.simulated.fleet import SimulatedFleet
from rtaction.cluster.simulated.log import Told
from rtaction.cluster.simulated.scene import Scene
from rtaction.cluster.simulated.worker import Pace

NUM_CAMERAS, NUM_NODES, SECONDS = 120, 6, 200.0
NEED, ROOM = Need(0.1, 0.4), Room(16.0)  # 32 on each machine
# To connect and to fill a window, at the longest.
OPENING_SECONDS = Pace().connecting[1] + Pace().window
SOON_SECONDS = 1.0  # a beat, and a step of each
# Of an action, without which it need not be told.
LEAST_SECONDS = Pace().noticing + 0.7


@pytest.fixture
def fleet() -> SimulatedFleet:
    """Twenty seconds after its start."""
    names = [f"c{one}" for one in range(NUM_CAMERAS)]
    scenes = {one: Scene(one, mean_rest_seconds=40.0, seconds=SECONDS) for one in names}
    fleet = SimulatedFleet(dict.fromkeys(names, NEED), NUM_NODES, ROOM, scenes=scenes)
    fleet.run(20.0)
    return fleet


def told(fleet: SimulatedFleet) -> Told:
    """What was told, up to what is told late."""
    until = fleet.queue.now_seconds - 15.0
    return fleet.log.told(fleet.scenes, least_seconds=LEAST_SECONDS, until=until)


def assert_each_once(fleet: SimulatedFleet, *, most_unseen: int) -> None:
    found = told(fleet)
    assert (found.missed, found.twice, found.unended, found.made_up) == (0, 0, 0, 0)
    assert found.once > 150
    assert found.unseen <= most_unseen


def test_cameras_are_spread_evenly_and_watched_soon(fleet: SimulatedFleet) -> None:
    assert len(fleet.log.first_seconds) == NUM_CAMERAS
    latest = Pace().starting + OPENING_SECONDS + SOON_SECONDS
    earliest = Pace().starting + Pace().connecting[0] + Pace().window
    assert earliest < min(fleet.log.first_seconds.values())
    assert max(fleet.log.first_seconds.values()) < latest
    assert fleet.loads() == pytest.approx([20 * 0.5 / 16.0] * NUM_NODES)


def test_in_quiet_times_nothing_moves_and_all_is_told_once(fleet: SimulatedFleet) -> None:
    fleet.run(150.0)

    assert (fleet.num_moves, fleet.log.gaps) == (0, [])
    # But what began before somebody watched.
    assert_each_once(fleet, most_unseen=told(fleet).unseen)
    assert told(fleet).unseen < NUM_CAMERAS * 13 / 40


def test_a_machine_that_dies_silently_is_replaced_within_the_deadline(
    fleet: SimulatedFleet,
) -> None:
    unseen = told(fleet).unseen
    fleet.lose_node(0)
    fleet.run(60.0)

    gaps = [gap.seconds for gap in fleet.log.gaps]
    assert len(gaps) == fleet.num_moves == 20
    assert max(gaps) < DEADLINE_SECONDS + OPENING_SECONDS + SOON_SECONDS
    assert min(gaps) > DEADLINE_SECONDS
    assert fleet.log.dark() == []
    assert fleet.log.double_seconds == 0.0
    assert sorted(fleet.loads()) == pytest.approx([24 * 0.5 / 16.0] * 5)
    fleet.run(60.0)
    assert_each_once(fleet, most_unseen=unseen + 40)


def test_actions_that_go_on_while_their_cameras_move_are_told_once() -> None:
    names = [f"c{one}" for one in range(60)]
    long = {
        one: Scene(one, mean_rest_seconds=30.0, seconds=SECONDS, lasting_seconds=(30.0, 60.0))
        for one in names
    }
    fleet = SimulatedFleet(dict.fromkeys(names, NEED), NUM_NODES, ROOM, scenes=long)
    fleet.run(60.0)
    before = {record.id: record for record in fleet.continuity.ongoing()}
    fleet.lose_node(0)
    fleet.run(DEADLINE_SECONDS + OPENING_SECONDS + SOON_SECONDS + Pace().noticing)

    moved = {gap.camera for gap in fleet.log.gaps}
    went_on = {one.id for one in fleet.continuity.ongoing() if one.camera in moved} & set(before)
    assert len(moved) == 10
    assert len(went_on) > 3
    fleet.run(70.0)
    ended = [one for ends in fleet.log._ends.values() for one in ends if one.id in went_on]
    assert {one.started_at for one in ended} == {before[id].started_at for id in went_on}
    assert (told(fleet).twice, told(fleet).unended, told(fleet).made_up) == (0, 0, 0)


def test_a_process_that_dies_is_replaced_sooner(fleet: SimulatedFleet) -> None:
    fleet.lose_process(0)
    fleet.run(6.0)

    gaps = [gap.seconds for gap in fleet.log.gaps]
    assert len(gaps) == 20
    assert max(gaps) < OPENING_SECONDS + SOON_SECONDS
    fleet.run(30.0)  # it is there again, and has its share
    assert max(fleet.loads()) - min(fleet.loads()) < MOST_UNEVEN + 1e-6
    assert len(fleet.members) == NUM_NODES


def test_what_has_no_room_waits_for_a_machine(fleet: SimulatedFleet) -> None:
    for node in range(3):
        fleet.lose_node(node)
    fleet.run(30.0)
    assert len(fleet.log.dark()) == NUM_CAMERAS - 3 * 32
    assert fleet.loads() == pytest.approx([1.0] * 3)

    fleet.return_node(0)
    fleet.run(Pace().starting + OPENING_SECONDS + SOON_SECONDS)

    assert fleet.log.dark() == []
    assert len(fleet.dispatcher.placement.workers) == NUM_CAMERAS


def test_a_machine_that_is_drained_leaves_when_others_can_have_its_cameras(
    fleet: SimulatedFleet,
) -> None:
    fleet.drain_node(0)
    fleet.run(40.0)

    assert len(fleet.members) == NUM_NODES - 1
    assert len(fleet.log.gaps) == 20
    assert max(gap.seconds for gap in fleet.log.gaps) < OPENING_SECONDS + 2 * SOON_SECONDS
    assert fleet.log.double_seconds == 0.0


@pytest.mark.parametrize(("late_seconds", "is_lost"), [(1.0, False), (3.0, True)])
def test_a_machine_that_is_late(fleet: SimulatedFleet, late_seconds: float, is_lost: bool) -> None:
    fleet.slow_node(0, late_seconds)
    fleet.run(10.0)

    assert (fleet.num_moves > 0) == is_lost
    assert bool(fleet.log.gaps) == is_lost


def test_a_driver_that_dies_goes_on_with_the_events_that_it_had(fleet: SimulatedFleet) -> None:
    fleet.run(30.0)
    ongoing = {record.id for record in fleet.continuity.ongoing()}
    fleet.lose_driver(back_after_seconds=2.0)
    fleet.run(60.0)

    assert len(ongoing) > 5
    assert len(fleet.log.gaps) == NUM_CAMERAS
    longest = 2.0 + Pace().starting + OPENING_SECONDS + SOON_SECONDS
    assert max(gap.seconds for gap in fleet.log.gaps) < longest
    assert fleet.log.dark() == []
    fleet.run(60.0)
    found = told(fleet)
    assert (found.twice, found.unended, found.made_up) == (0, 0, 0)


def test_the_same_happens_each_time() -> None:
    def story() -> tuple[list[float], int]:
        fleet = SimulatedFleet({f"c{one}": NEED for one in range(40)}, 3, ROOM)
        fleet.run(20.0)
        fleet.lose_node(1)
        fleet.run(20.0)
        return [gap.seconds for gap in fleet.log.gaps], fleet.num_moves

    assert story() == story()
