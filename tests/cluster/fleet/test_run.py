"""A fleet on a Ray cluster of several nodes: one is killed, one joins, one is drained."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from rtaction.cluster.fleet.dispatcher import Order
from rtaction.cluster.fleet.options import FleetOptions
from rtaction.cluster.fleet.plan import read_plan
from rtaction.cluster.fleet.watcher import Watcher, Work
from rtaction.realtime.model.action_model import ActionModel
from tests.cluster.fleet.local_cluster import LocalCluster, RunningFleet, lines_of, until
from tests.cluster.fleet.simulated import ACTIONS, SPEC, Scene, simulated_table
from tests.realtime.servers.fault_server import FaultServer
from tests.tiny_model import write_tiny_model

pytestmark = pytest.mark.slow

PASSWORD = "zq7secret"
LAMP = "zq7lamp"
NUM_SIMULATED, NUM_REAL = 6, 2


class OneMachine:
    """The same cameras, watched in this process, by no fleet."""

    def __init__(self, place: Place) -> None:
        self._plan = read_plan(place.cameras, place.model)
        self._watcher = Watcher(
            lambda path: ActionModel(path, device="cpu"),
            open_with=place.scene.open,
            lease_seconds=1e9,
        )
        self.events: dict[str, dict[str, Any]] = {}
        self.states: dict[str, str] = {}
        self.is_over = False
        self._number = 0

    def look(self) -> int:
        """Go on; returns how many cameras are watched."""
        cameras = self._plan.cameras
        works = {id: Work(1, one.setup, one.rules) for id, one in cameras.items()}
        self._number += 1
        order = Order(self._number, {} if self.is_over else dict.fromkeys(cameras, 1))
        answer = self._watcher.take(order, works, news_had=0)
        self.events = {news.record.id: news.record.to_dict() for news in answer.news}
        self.states |= {id: seen.view.state for id, seen in (answer.seen or {}).items()}
        return len(answer.report.cameras)

    def close(self) -> None:
        self.is_over = True
        until(lambda: self.look() == 0, "one machine leaves its cameras")
        self._watcher.close(5)


@dataclass
class Place:
    """Cameras, real ones with passwords, and a cluster of two nodes."""

    folder: Path
    cluster: LocalCluster
    servers: list[FaultServer]
    nodes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.scene = Scene(self.folder / LAMP)
        self.model = write_tiny_model(self.folder / "tiny.onnx", SPEC)
        self.cameras = self.write("cameras.toml", NUM_SIMULATED)

    def write(self, name: str, num_simulated: int) -> Path:
        path = self.folder / name
        tables = [simulated_table(number) for number in range(num_simulated)]
        tables += [
            f'[[camera]]\nname = "real {number}"\nurl = "{server.url("")}"\n'
            'username_env = "FLEET_USER"\npassword_env = "FLEET_PASSWORD"\n'
            for number, server in enumerate(self.servers)
        ]
        path.write_text("\n".join([ACTIONS, *tables]), encoding="utf-8")
        return path

    def options(self, cameras: Path, name: str) -> FleetOptions:
        return FleetOptions(
            cameras_file=cameras,
            ray=self.cluster.address,
            cores_per_worker=1,
            cores_per_camera=0.08,
            folder=self.folder / name,
            output=str(self.folder / f"{name}.jsonl"),
        )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("fleet")
    scene = Scene(folder / LAMP)
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        cluster = LocalCluster()
        stack.callback(cluster.close)
        nodes = [cluster.add(), cluster.add()]
        # Only now: what is started after that has them in its environment.
        patch.setenv("FLEET_USER", "admin")
        patch.setenv("FLEET_PASSWORD", PASSWORD)
        servers = [
            stack.enter_context(
                FaultServer(
                    frames_per_second=10.0, picture=scene.picture, user="admin", password=PASSWORD
                )
            )
            for _ in range(NUM_REAL)
        ]
        yield Place(folder, cluster, servers, nodes)


@dataclass
class Story:
    """What has happened.

    Args:
        killed_at, joined_at, drained_at: when a node was killed, when one joined, between both
            actions, and when one was told to go.
        moved_by_kill, moved_by_drain: cameras that it watched.
        events: the lines of the fleet.
        alone: the events of one machine that watched the same cameras undisturbed.
    """

    events: list[dict[str, Any]]
    alone: list[dict[str, Any]]
    killed_at: datetime
    joined_at: datetime
    drained_at: datetime
    moved_by_kill: list[str]
    moved_by_drain: list[str]


@pytest.fixture(scope="module")
def story(place: Place) -> Story:
    alone = OneMachine(place)
    running = RunningFleet(place.options(place.cameras, "kept"), place.model, place.scene.open)
    number = NUM_SIMULATED + NUM_REAL

    def all_are_ok() -> bool:
        alone.look()
        states = [*running.states().values(), *alone.states.values()]
        return states == ["ok"] * 2 * number and len(running.nodes()) == number

    def told(phase: str, times: int) -> bool:
        alone.look()
        events = [one for one in alone.events.values() if phase == "start" or one["ended_at"]]
        told_by_fleet = running.lines("event", phase=phase)
        return min(len(events), len(told_by_fleet)) >= times * number

    try:
        until(all_are_ok, "all cameras at first")
        assert set(running.nodes().values()) == {node[:6] for node in place.nodes}
        place.scene.switch(is_on=True)
        until(lambda: told("start", 1), "the first action")
        killed, stays = place.nodes
        moved_by_kill = [id for id, node in running.nodes().items() if node == killed[:6]]
        killed_at = datetime.now(UTC)
        place.cluster.kill(killed)
        until(lambda: all_are_ok() and set(running.nodes().values()) == {stays[:6]}, "the others")
        place.scene.switch(is_on=False)
        until(lambda: told("end", 1), "the end of the first action")

        joined_at = datetime.now(UTC)
        joined = place.cluster.add()
        until(lambda: len(running.loads()) == 2, "a worker on the node that joined")
        place.scene.switch(is_on=True)
        until(lambda: told("start", 2), "the second action")
        moved_by_drain = [id for id, node in running.nodes().items() if node == stays[:6]]
        drained_at = datetime.now(UTC)
        place.cluster.drain(stays)
        until(
            lambda: all_are_ok() and set(running.nodes().values()) == {joined[:6]}, "the third node"
        )
        until(lambda: len(running.loads()) == 1, "the end of the drained worker")
        place.nodes = [joined]  # the second action goes on when all is over
    finally:
        running.end()
        alone.close()
        place.scene.lamp.unlink(missing_ok=True)
    return Story(
        running.lines("event"),
        list(alone.events.values()),
        killed_at,
        joined_at,
        drained_at,
        moved_by_kill,
        moved_by_drain,
    )


def seconds_of(line: dict[str, Any], key: str) -> float:
    return datetime.fromisoformat(line[key]).timestamp()


def spans(lines: list[dict[str, Any]]) -> dict[str, list[tuple[float, float]]]:
    """Start and end of the events of each camera, in their order."""
    found: dict[str, list[tuple[float, float]]] = {}
    for line in lines:
        if line["ended_at"] is not None:
            span = seconds_of(line, "started_at"), seconds_of(line, "ended_at")
            found[line["camera"]] = sorted([*found.get(line["camera"], []), span])
    return found


def actions(lines: list[dict[str, Any]], between: datetime) -> set[tuple[str, bool]]:
    """The cameras, each with whether an event is of the second action, not of the first.

    An overloaded machine may see an action in two parts.
    """
    return {
        (camera, end > between.timestamp())
        for camera, events in spans(lines).items()
        for _, end in events
    }


def test_the_events_are_those_of_one_machine_that_nothing_happens_to(story: Story) -> None:
    alone = actions(story.alone, story.joined_at)
    assert len(alone) == 2 * (NUM_SIMULATED + NUM_REAL)
    assert actions(story.events, story.joined_at) == alone


def test_each_event_is_told_once(story: Story) -> None:
    starts, ends = (
        sorted(line["id"] for line in story.events if line["phase"] == phase)
        for phase in ("start", "end")
    )
    assert starts == ends
    assert len(set(starts)) == len(starts)
    for events in spans(story.events).values():
        assert all(end <= start for (_, end), (start, _) in pairwise(events))


def test_an_action_that_went_on_over_a_move_is_one_event(story: Story) -> None:
    moves = ((story.moved_by_kill, story.killed_at), (story.moved_by_drain, story.drained_at))
    for cameras, at in moves:
        assert cameras
        for camera in cameras:
            events = spans(story.events)[camera]
            assert sum(start < at.timestamp() < end for start, end in events) == 1


def test_no_password_is_anywhere_in_ray(place: Place, story: Story) -> None:
    secret = PASSWORD.encode()
    kept = {str(path): path.read_bytes() for path in place.folder.rglob("*") if path.is_file()}
    written = kept | dict(place.cluster.written())
    assert [name for name, content in written.items() if secret in content] == []
    remembered = place.cluster.remembered()
    assert secret not in remembered
    # They were really read: what was not sealed is there.
    assert any(b"WorkerActor" in content for content in written.values())
    assert any(name.startswith("object store") for name in written)
    assert LAMP.encode() in remembered


def command(place: Place, name: str, cameras: Path) -> subprocess.Popen[bytes]:
    options = place.options(cameras, name)
    arguments = {
        "--ray": options.ray,
        "--cores-per-worker": 1,
        "--cores-per-camera": options.cores_per_camera,
        "--folder": options.folder,
        "--output": options.output,
        "--model": place.model,
    }
    words = [str(word) for pair in arguments.items() for word in pair]
    return subprocess.Popen(
        [sys.executable, "-m", "rtaction", "fleet", str(cameras), *words],
        env=os.environ | {"FLEET_USER": "admin", "FLEET_PASSWORD": PASSWORD},
    )


def test_a_killed_driver_leaves_no_worker_and_one_that_is_started_again_goes_on(
    place: Place, story: Story
) -> None:
    cameras = place.write("real.toml", 0)
    output = place.folder / "killed.jsonl"
    place.scene.switch(is_on=True)
    driver = command(place, "killed", cameras)
    try:
        until(lambda: len(lines_of(output, "event")) == NUM_REAL, "the starts")
        assert place.cluster.workers() != []
        driver.kill()
        until(lambda: place.cluster.workers() == [], "the end of the workers")
        driver = command(place, "killed", cameras)
        until(lambda: "ok" in [one["state"] for one in lines_of(output, "state")[-2:]], "labels")
        place.scene.switch(is_on=False)
        until(lambda: len(lines_of(output, "event", phase="end")) == NUM_REAL, "the ends")
        driver.terminate()
        assert driver.wait(60) == 0
    finally:
        driver.kill()
    starts, ends = (lines_of(output, "event", phase=phase) for phase in ("start", "end"))
    assert sorted(one["id"] for one in starts) == sorted(one["id"] for one in ends)
    assert all(
        one["started_at"] == other["started_at"]
        for one in starts
        for other in ends
        if one["id"] == other["id"]
    )
    until(lambda: place.cluster.workers() == [], "the end of the workers")
