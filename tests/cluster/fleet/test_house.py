from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rtaction.cluster.fleet.house import FleetHouse
from rtaction.cluster.fleet.lines import Lines
from rtaction.cluster.fleet.plan import read_plan
from rtaction.errors import NoSuchThing, OutputError, ReaderLeft
from rtaction.serve.house.record import EventRecord
from rtaction.serve.sinks.metrics import Metrics
from rtaction.serve.store.index import EventIndex
from tests.cluster.fleet.simulated import SPEC, simulated_table
from tests.serve.place import until
from tests.tiny_model import write_tiny_model

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
EVENT = EventRecord(
    id="20260501T120000000Z-01",
    camera="camera-0",
    camera_name="camera 0",
    label="bright",
    started_at=NOON,
    peak_score=0.8,
    model="tiny.onnx",
)


class Fleet:
    """A house of two cameras, with a file of lines and metrics."""

    def __init__(self, folder: Path) -> None:
        cameras = folder / "cameras.toml"
        cameras.write_text("".join(simulated_table(one) for one in range(2)), encoding="utf-8")
        self.plan = read_plan(cameras, write_tiny_model(folder / "tiny.onnx", SPEC))
        self.output = folder / "out" / "lines.jsonl"
        self.metrics = Metrics()
        self.house = FleetHouse(
            self.plan,
            [Lines(str(self.output)), self.metrics],
            EventIndex(folder / "events.db"),
            lambda: {"workers": 3, "nodes": 2, "moves": 5, "left_out": 1},
        )
        self.house.open()

    def lines(self, kind: str) -> list[dict[str, object]]:
        lines = [json.loads(line) for line in self.output.read_text(encoding="utf-8").splitlines()]
        return [line for line in lines if line["type"] == kind]

    def figure(self, name: str) -> float:
        text = self.metrics.metrics_text()[0].decode()
        return float(next(line for line in text.splitlines() if line.startswith(name)).split()[-1])


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    fleet = Fleet(tmp_path)
    yield fleet
    fleet.house.close(5)


def test_events_are_kept_and_told_once_for_their_start_and_end(fleet: Fleet) -> None:
    fleet.house.keep(EVENT, "start")
    fleet.house.keep(replace(EVENT, ended_at=NOON.replace(second=4)), "end")
    until(lambda: len(fleet.lines("event")) == 2)
    start, end = fleet.lines("event")
    assert (start["phase"], start["id"], start["ended_at"]) == ("start", EVENT.id, None)
    assert (end["phase"], end["id"], end["duration_seconds"]) == ("end", EVENT.id, 4.0)
    assert fleet.house.event(EVENT.id).ended_at == NOON.replace(second=4)
    assert fleet.figure('rtaction_events_total{camera="camera-0",label="bright"}') == 1


def test_states_are_told_when_they_change(fleet: Fleet) -> None:
    for _ in range(2):
        fleet.house.show("camera-0", "down", "no machine has room for it")
    fleet.house.see("camera-0", 1, replace(fleet.house.camera("camera-0"), state="ok", reason=""))
    until(lambda: len(fleet.lines("state")) == 4)
    told = [(one["camera"], one["state"], one["reason"]) for one in fleet.lines("state")]
    assert told == [
        ("camera-0", "connecting", "no machine is ready yet"),
        ("camera-1", "connecting", "no machine is ready yet"),
        ("camera-0", "down", "no machine has room for it"),
        ("camera-0", "ok", ""),
    ]


def test_what_earlier_workers_counted_counts(fleet: Fleet) -> None:
    view = fleet.house.camera("camera-0")
    for term, frames, late in ((1, 70, 2), (1, 100, 3), (2, 10, 1), (2, 20, 1)):
        fleet.house.see("camera-0", term, replace(view, num_frames=frames, drops={"late": late}))
    now = fleet.house.camera("camera-0")
    assert (now.num_frames, now.drops) == (120, {"late": 4})


def test_metrics_have_the_figures_of_the_fleet(fleet: Fleet) -> None:
    figures = {name: fleet.figure(f"rtaction_{name}") for name in ("workers", "nodes", "moves")}
    assert figures == {"workers": 3, "nodes": 2, "moves": 5}
    assert fleet.figure("rtaction_left_out") == 1


def test_who_is_switched_off_stays_off_over_a_restart(tmp_path: Path) -> None:
    first = Fleet(tmp_path)
    first.house.enable("camera-1", is_enabled=False)
    with pytest.raises(NoSuchThing):
        first.house.enable("camera-9", is_enabled=False)
    first.house.close(5)
    second = Fleet(tmp_path)
    assert [second.house.is_enabled(id) for id in second.plan.cameras] == [True, False]
    second.house.close(5)


def test_a_line_that_was_cut_off_is_not_continued(tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    path.write_text('{"type": "ev', encoding="utf-8")
    lines = Lines(str(path))
    lines._worker.start()
    lines.event(EVENT, "start")
    lines.close(5)
    assert json.loads(path.read_text(encoding="utf-8").splitlines()[1])["id"] == EVENT.id


def test_an_output_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"cannot write --output .*: Is a directory"):
        Lines(str(tmp_path))


def test_a_reader_that_leaves_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stdout:
        monkeypatch.setattr("sys.stdout", stdout)
        lines = Lines("-")
        lines._worker.start()
        lines.event(EVENT, "start")
        until(lambda: lines.error is not None)
        lines.close(5)
        os.dup2(os.open(os.devnull, os.O_WRONLY), writing)  # what is buffered goes nowhere
    assert isinstance(lines.error, ReaderLeft)
