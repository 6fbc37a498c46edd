"""A fleet of 16 simulated and 4 RTSP cameras over two Ray nodes of this machine; one is killed.

    python -m benchmarks.fleet

The same actions are shown twice, once without the kill. What is printed: how long each camera gave
no labels, and how the events of both runs compare.
"""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from rtaction.cluster.fleet.options import FleetOptions
from tests.cluster.fleet.local_cluster import LocalCluster, RunningFleet, until
from tests.cluster.fleet.simulated import SPEC, Scene, simulated_table
from tests.realtime.servers.fault_server import FaultServer
from tests.tiny_model import write_tiny_model

NUM_SIMULATED, NUM_REAL = 16, 4
NUMBER = NUM_SIMULATED + NUM_REAL
# The lamp is on for three actions; a node is killed in the middle of the second.
NUM_ACTIONS = 3
STEPS = (
    *((2.0, "on"), (8.0, "off"), (14.0, "on"), (18.0, "kill"), (32.0, "off")),
    *((38.0, "on"), (44.0, "off"), (50.0, "end")),
)


@dataclass(frozen=True)
class Run:
    """One run.

    Args:
        began: when its clock was 0, as a time of the wall.
        killed: when a node was killed, likewise; None if none was.
        moved: the cameras of that node.
        events: the lines of events.
        states: the lines of states.
    """

    began: float
    killed: float | None
    moved: list[str]
    events: list[dict[str, Any]]
    states: list[dict[str, Any]]

    def ended(self) -> dict[tuple[str, int], tuple[float, float]]:
        """Start and end of each event on the clock of the run, by camera and number."""
        found: dict[str, list[tuple[float, float]]] = {}
        for line in self.events:
            if line["phase"] == "end":
                span = _time(line, "started_at") - self.began, _time(line, "ended_at") - self.began
                found.setdefault(line["camera"], []).append(span)
        return {
            (camera, number): span
            for camera, spans in found.items()
            for number, span in enumerate(sorted(spans))
        }

    def gaps(self) -> dict[str, float]:
        """From the kill to the first label after it, of each camera that was moved."""
        assert self.killed is not None
        return {
            camera: min(
                _time(line, "time") - self.killed
                for line in self.states
                if line["camera"] == camera
                and line["state"] == "ok"
                and _time(line, "time") > self.killed
            )
            for camera in self.moved
        }


def run(cluster: LocalCluster, folder: Path, options: FleetOptions, scene: Scene, kill: str) -> Run:
    """Show all actions; `kill` is a node to be killed, "" for none."""
    running = RunningFleet(options, folder / "tiny.onnx", scene.open)
    killed, moved = None, list[str]()
    try:
        until(lambda: list(running.states().values()) == ["ok"] * NUMBER, "all cameras")
        until(lambda: len(set(running.nodes().values())) == 2, "both nodes")
        began = time.time()
        for at_seconds, what in STEPS:
            time.sleep(max(began + at_seconds - time.time(), 0.0))
            if what in ("on", "off"):
                scene.switch(is_on=what == "on")
            elif what == "kill" and kill:
                moved = [id for id, node in running.nodes().items() if node == kill[:6]]
                killed = time.time()
                cluster.kill(kill)
    finally:
        running.end()
        scene.lamp.unlink(missing_ok=True)
    return Run(began, killed, moved, running.lines("event"), running.lines("state"))


def main() -> None:
    """Run both, and print."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        scene = Scene(folder / "lamp")
        write_tiny_model(folder / "tiny.onnx", SPEC)
        servers = [
            stack.enter_context(FaultServer(frames_per_second=10.0, picture=scene.picture))
            for _ in range(NUM_REAL)
        ]
        tables = [simulated_table(number) for number in range(NUM_SIMULATED)]
        tables += [
            f'[[camera]]\nname = "real {number}"\nurl = "{server.url()}"\n'
            for number, server in enumerate(servers)
        ]
        (folder / "cameras.toml").write_text("\n".join(tables), encoding="utf-8")
        cluster = LocalCluster()
        stack.callback(cluster.close)
        nodes = [cluster.add(), cluster.add()]
        runs = []
        for name, kill in (("undisturbed", ""), ("killed", nodes[0])):
            options = FleetOptions(
                cameras_file=folder / "cameras.toml",
                ray=cluster.address,
                cores_per_worker=1,
                cores_per_camera=0.035,
                folder=folder / name,
                output=str(folder / f"{name}.jsonl"),
            )
            runs.append(run(cluster, folder, options, scene, kill))
            print(f"{name}: load {psutil.getloadavg()[0]:.1f} on {psutil.cpu_count()} cores")
    report(*runs)


def report(undisturbed: Run, killed: Run) -> None:
    """Print gaps and events."""
    gaps = killed.gaps()
    print(f"{len(killed.moved)} of {NUMBER} cameras were on the node that was killed")
    print(
        f"no labels for {median(gaps.values()):.1f} s (median), {max(gaps.values()):.1f} s (most)"
    )
    for camera, gap_seconds in gaps.items():
        print(f"  {camera:<10} {gap_seconds:5.1f} s")
    first, second = undisturbed.ended(), killed.ended()
    print(
        f"events: {len(first)} without the kill, {len(second)} with it; "
        f"{NUMBER * NUM_ACTIONS} were shown"
    )
    print(f"in one run only: {sorted(first.keys() ^ second.keys()) or 'none'}")
    both = first.keys() & second.keys()
    for what, place in (("starts", 0), ("ends", 1)):
        apart = [abs(first[key][place] - second[key][place]) for key in both]
        print(f"{what} differ by {median(apart):.2f} s (median), {max(apart):.2f} s (most)")
    for name, one in (("without", undisturbed), ("with", killed)):
        phases = [len([x for x in one.events if x["phase"] == phase]) for phase in ("start", "end")]
        ids = len({line["id"] for line in one.events})
        print(f"{name} the kill: {phases[0]} starts, {phases[1]} ends, {ids} different events")


def _time(line: dict[str, Any], key: str) -> float:
    return datetime.fromisoformat(line[key]).timestamp()


if __name__ == "__main__":
    main()
