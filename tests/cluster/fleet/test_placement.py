from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rtaction.cluster.fleet.placement import MOST_UNEVEN, Need, Placement, Room, place

NEEDS = st.builds(
    Need,
    st.floats(0.01, 0.5),
    st.floats(0.01, 1.5),
    st.one_of(st.none(), st.floats(0.01, 0.6)),
)
ROOMS = st.builds(Room, st.floats(0.5, 4), st.sampled_from([0.0, 0.0, 1.0]))
FLEETS = st.lists(NEEDS, max_size=12).map(
    lambda needs: {f"c{number}": need for number, need in enumerate(needs)}
)
WORKERS = st.lists(ROOMS, max_size=5).map(
    lambda rooms: {f"w{number}": room for number, room in enumerate(rooms)}
)
BEFORE = st.dictionaries(
    st.sampled_from([f"c{number}" for number in range(12)]),
    st.sampled_from([f"w{number}" for number in range(5)]),
)


def of(cores: float) -> Need:
    return Need(cores / 4, cores * 3 / 4)


def share(names: list[str], needs: dict[str, Need], room: Room) -> float:
    cores = sum(needs[name].on(room)[0] for name in names)
    gpus = sum(needs[name].on(room)[1] for name in names)
    return max(cores / room.cores, gpus / room.gpus if gpus else 0.0)


def on(placement: Placement, worker: str) -> list[str]:
    return [name for name, one in placement.workers.items() if one == worker]


def test_cameras_are_spread_evenly_by_what_they_take() -> None:
    needs = {"a": of(1), "b": of(0.5), "c": of(0.5), "d": of(1), "e": of(0.5), "f": of(0.5)}
    placed = place(needs, {"w0": Room(2), "w1": Room(2)})
    assert placed.left_out == ()
    assert sum(needs[name].on(Room(2))[0] for name in on(placed, "w0")) == 2


def test_those_of_a_worker_that_goes_move_and_the_others_stay() -> None:
    needs = {f"c{number}": of(0.25) for number in range(8)}
    rooms = {name: Room(2) for name in ("w0", "w1", "w2")}
    before = place(needs, rooms)
    del rooms["w1"]
    after = place(needs, rooms, before.workers)
    moved = [one for one in needs if after.workers[one] != before.workers[one]]
    assert moved == on(before, "w1")
    assert sorted(len(on(after, worker)) for worker in rooms) == [4, 4]


def test_a_worker_that_joins_relieves_full_ones_but_not_for_little() -> None:
    needs = {f"c{number}": of(0.25) for number in range(8)}
    before = place(needs, {"w0": Room(2)})
    after = place(needs, {"w0": Room(2), "w1": Room(2)}, before.workers)
    assert sorted([len(on(after, "w0")), len(on(after, "w1"))]) == [3, 5]
    few = {"c0": of(0.25), "c1": of(0.25)}
    held = {"c0": "w0", "c1": "w0"}
    assert place(few, {"w0": Room(2), "w1": Room(2)}, held).workers == held


def test_the_least_important_are_left_out_even_where_they_were_first() -> None:
    needs = {"door": of(1), "yard": of(1), "attic": of(1)}
    placed = place(needs, {"w0": Room(2)}, {"attic": "w0"})
    assert placed == Placement({"door": "w0", "yard": "w0"}, ("attic",))


def test_a_small_one_stays_beside_a_more_important_one_that_displaces_a_large_one() -> None:
    needs = {"door": of(1), "large": of(1), "small": of(0.5)}
    placed = place(needs, {"w0": Room(1.5)}, {"large": "w0", "small": "w0"})
    assert placed.workers == {"door": "w0", "small": "w0"}


def test_all_are_packed_anew_if_more_find_room_so() -> None:
    needs = {"a": of(0.5), "b": of(0.5), "large": of(1)}
    rooms = {"w0": Room(1), "w1": Room(1)}
    placed = place(needs, rooms, {"a": "w0", "b": "w1"})
    assert placed.left_out == ()
    assert placed.workers["a"] == placed.workers["b"] != placed.workers["large"]


def test_a_gpu_takes_the_model_and_leaves_decoding_to_the_cores() -> None:
    need = Need(0.1, 0.9, gpu_share=0.02)
    needs = {f"c{number}": need for number in range(60)}
    assert len(place(needs, {"gpu": Room(4, gpus=1)}).workers) == 40  # the cores are full first
    assert len(place(needs, {"gpu": Room(100, gpus=1)}).workers) == 50
    assert len(place(needs, {"cpu": Room(4)}).workers) == 4
    unmeasured = {"c0": Need(0.1, 0.9)}
    assert unmeasured["c0"].on(Room(4, gpus=1)) == (1.0, 0.0)


@given(FLEETS, WORKERS, BEFORE)
def test_nothing_is_overfull_nothing_is_left_out_that_fits_and_nothing_flaps(
    needs: dict[str, Need], rooms: dict[str, Room], before: dict[str, str]
) -> None:
    placed = place(needs, rooms, before)
    assert sorted([*placed.workers, *placed.left_out]) == sorted(needs)
    for worker, room in rooms.items():
        assert share(on(placed, worker), needs, room) <= 1 + 1e-6
    rank = {name: number for number, name in enumerate(needs)}
    for name in placed.left_out:
        for worker, room in rooms.items():
            beside = [one for one in on(placed, worker) if rank[one] < rank[name]]
            assert share([*beside, name], needs, room) > 1 - 1e-6
    assert place(needs, rooms, placed.workers) == placed


@given(st.integers(1, 40), st.integers(1, 6))
def test_equal_cameras_are_never_unevenly_spread(num_cameras: int, num_workers: int) -> None:
    needs = {f"c{number}": of(0.1) for number in range(num_cameras)}
    rooms = {f"w{number}": Room(4) for number in range(num_workers)}
    placed = place(needs, rooms, dict.fromkeys(needs, "w0"))
    loads = [share(on(placed, worker), needs, Room(4)) for worker in rooms]
    assert max(loads) - min(loads) <= MOST_UNEVEN + 0.1 / 4
