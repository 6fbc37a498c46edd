"""A thousand cameras on a simulated cluster whose machines fail, in a time that jumps ahead.

    python -m benchmarks.thousand_cameras                    # some minutes
    python -m benchmarks.thousand_cameras --sizes 1000       # without 10,000

The dispatcher, the placement and the joining of events are those of `rtaction fleet`; machines,
cameras and people are made up (`rtaction.cluster.simulated`). One incident follows the other, a
minute apart: a process dies, a machine, a whole rack, one is slow for a while, one is drained, the
driver dies. What is lost comes back half a minute later.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from statistics import median

import numpy as np
import psutil

from rtaction.cluster.fleet.crew import FILLED
from rtaction.cluster.fleet.placement import Need, Room, place
from rtaction.cluster.simulated.fleet import SimulatedFleet
from rtaction.cluster.simulated.scene import Scene

# Of the bundled model, with somebody in the picture all the time; see docs/scale.md.
NEED = Need(decoding_cores=0.04, model_cores=0.27)
WORKERS, CORES_EACH = 4, 4  # of each machine
ROOM = Room(CORES_EACH * FILLED)
RACK = 4  # machines
EVERY_SECONDS, BACK_SECONDS = 60.0, 30.0
MEAN_REST_SECONDS = 120.0
HEAD = f"{'':32}cameras  gap s p50/p95/max   moves   watched again after s"

Incident = Callable[[SimulatedFleet], list[int]]


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000])
    parser.add_argument("--cameras", type=int, default=1_000, help="of the incidents")
    given = parser.parse_args(words)
    tell_of_incidents(given.cameras)
    print("\nWhat decisions take of a core of this machine:")
    for size in given.sizes:
        print(decision_line(size), flush=True)
    print(f"load in the end: {psutil.getloadavg()[0]:.1f}")


def num_nodes_for(num_cameras: int) -> int:
    """Machines for so many cameras, and a rack more."""
    cameras_each = int(ROOM.cores / (NEED.decoding_cores + NEED.model_cores))
    return -(-num_cameras // (cameras_each * WORKERS)) + RACK


def cameras(number: int) -> dict[str, Need]:
    return {f"camera{one}": NEED for one in range(number)}


def tell_of_incidents(num_cameras: int) -> None:
    incidents = incidents_of()
    seconds = EVERY_SECONDS * (len(incidents) + 2)
    scenes = {
        camera: Scene(camera, mean_rest_seconds=MEAN_REST_SECONDS, seconds=seconds)
        for camera in cameras(num_cameras)
    }
    fleet = SimulatedFleet(
        cameras(num_cameras),
        num_nodes_for(num_cameras),
        ROOM,
        workers_per_node=WORKERS,
        scenes=scenes,
    )
    started = time.process_time()
    fleet.run(EVERY_SECONDS)
    first = sorted(fleet.log.first_seconds.values())
    loads = fleet.loads()
    print(f"{num_cameras} cameras on {len(fleet.nodes)} machines of {WORKERS * CORES_EACH} cores")
    print(f"load of a worker: {min(loads):.2f} to {max(loads):.2f}")
    print(
        f"first label of the first camera after {first[0]:.1f} s, of half after "
        f"{median(first):.1f} s, of the last after {first[-1]:.1f} s"
    )
    print(HEAD)
    for name, happen in incidents.items():
        print(after(fleet, name, happen), flush=True)
    fleet.run(EVERY_SECONDS)
    loads = fleet.loads()
    told = fleet.log.told(
        scenes,
        least_seconds=fleet.pace.noticing + 0.7,
        until=fleet.queue.now_seconds - EVERY_SECONDS / 2,
    )
    print(f"load of a worker in the end: {min(loads):.2f} to {max(loads):.2f}")
    print(f"cameras with two workers at once: {fleet.log.double_seconds:.1f} s in sum")
    print(f"actions: {told}")
    virtual_seconds = fleet.queue.now_seconds
    print(f"{virtual_seconds:.0f} s simulated in {time.process_time() - started:.0f} s of a core")


def incidents_of() -> dict[str, Incident]:
    """What happens, by name; each returns the machines that come back."""

    def process(fleet: SimulatedFleet) -> list[int]:
        fleet.lose_process(0)
        return []

    def machine(fleet: SimulatedFleet) -> list[int]:
        fleet.lose_node(1)
        return [1]

    def rack(fleet: SimulatedFleet) -> list[int]:
        nodes = list(range(4, 4 + RACK))
        for node in nodes:
            fleet.lose_node(node)
        return nodes

    def slow(fleet: SimulatedFleet) -> list[int]:
        fleet.slow_node(2, 1.0)
        fleet.queue.after(BACK_SECONDS, lambda: fleet.slow_node(2, 0.0))
        return []

    def stuck(fleet: SimulatedFleet) -> list[int]:
        fleet.slow_node(3, 3.0)
        fleet.queue.after(BACK_SECONDS, lambda: fleet.slow_node(3, 0.0))
        return []

    def drained(fleet: SimulatedFleet) -> list[int]:
        fleet.drain_node(8)
        return [8]

    def driver(fleet: SimulatedFleet) -> list[int]:
        fleet.lose_driver(back_after_seconds=2.0)
        return []

    return {
        "a process dies": process,
        "a machine loses power": machine,
        f"a rack of {RACK} loses power": rack,
        "a machine answers 2 s late": slow,
        "a machine answers 6 s late": stuck,
        "a machine is drained": drained,
        "the driver dies": driver,
    }


def after(fleet: SimulatedFleet, name: str, happen: Incident) -> str:
    """What comes of an incident within a minute."""
    num_gaps, num_moves, at_seconds = len(fleet.log.gaps), fleet.num_moves, fleet.queue.now_seconds
    for node in happen(fleet):
        fleet.queue.after(BACK_SECONDS, lambda node=node: fleet.return_node(node))  # type: ignore[misc]
    fleet.run(EVERY_SECONDS)
    gaps = fleet.log.gaps[num_gaps:]
    lengths = [gap.seconds for gap in gaps] or [0.0]
    p50, p95, longest = np.percentile(lengths, [50, 95, 100])
    recovered = max((gap.end_seconds for gap in gaps), default=at_seconds) - at_seconds
    dark = len(fleet.log.dark())
    return (
        f"{name:32}{len(gaps):>7}  {p50:6.1f} {p95:6.1f} {longest:6.1f}  "
        f"{fleet.num_moves - num_moves:>6}   {recovered:6.1f}"
        f"{f'; {dark} are dark' if dark else ''}"
    )


def decision_line(size: int) -> str:
    """Time of placing all anew, one machine's again, and of the driver's steps in a quiet time."""
    needs = cameras(size)
    num_nodes = num_nodes_for(size)
    rooms = {f"worker{one}": ROOM for one in range(num_nodes * WORKERS)}
    started = time.process_time()
    before = place(needs, rooms).workers
    all_seconds = time.process_time() - started
    for one in range(WORKERS):
        del rooms[f"worker{one}"]
    started = time.process_time()
    place(needs, rooms, before)
    again_seconds = time.process_time() - started
    fleet = SimulatedFleet(needs, num_nodes, ROOM, workers_per_node=WORKERS)
    fleet.run(20.0)
    fleet.costs.steps.clear()
    fleet.costs.answers.clear()
    fleet.run(5.0)
    fleet.lose_node(1)
    fleet.run(10.0)
    steps, answers = np.array(fleet.costs.steps), np.array(fleet.costs.answers)
    share = (steps.sum() + answers.sum()) / 15.0
    return (
        f"{size:>6} cameras, {num_nodes} machines: place all {all_seconds * 1000:.0f} ms, "
        f"after a machine's death {again_seconds * 1000:.0f} ms; a step p50 "
        f"{np.median(steps) * 1000:.1f}, longest {steps.max() * 1000:.0f} ms; an answer p50 "
        f"{np.median(answers) * 1000:.2f} ms; {share:.2f} of a core, "
        f"{share / size * 1e6:.0f} us a second for each camera"
    )


if __name__ == "__main__":
    main()
