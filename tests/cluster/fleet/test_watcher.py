from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from rtaction.cluster.fleet.dispatcher import Order
from rtaction.cluster.fleet.plan import FleetPlan, read_plan
from rtaction.cluster.fleet.watcher import Answer, News, Watcher, Work
from rtaction.errors import SourceMissing
from rtaction.realtime.cameras.camera import Camera
from rtaction.realtime.model.action_model import ActionModel
from rtaction.realtime.sources.source import Source
from tests.cluster.fleet.simulated import SPEC, Scene, simulated_table
from tests.serve.place import until
from tests.tiny_model import write_tiny_model


class Bench:
    """A watcher that is given orders by hand."""

    def __init__(self, folder: Path, lease_seconds: float) -> None:
        self.scene = Scene(folder / "lamp")
        cameras = folder / "cameras.toml"
        cameras.write_text("".join(simulated_table(one) for one in range(2)), encoding="utf-8")
        self.plan: FleetPlan = read_plan(cameras, write_tiny_model(folder / "tiny.onnx", SPEC))
        self.watcher = Watcher(
            lambda path: ActionModel(path, device="cpu"),
            open_with=self.scene.open,
            lease_seconds=lease_seconds,
        )
        self.number = 0
        self.states: dict[str, tuple[int, str]] = {}
        self.news: dict[int, News] = {}

    def order(self, cameras: dict[str, int], *, number: int | None = None) -> Answer:
        self.number += 1
        planned = self.plan.cameras
        works = {
            id: Work(term, planned[id].setup, planned[id].rules) for id, term in cameras.items()
        }
        order = Order(self.number if number is None else number, cameras)
        answer = self.watcher.take(order, works, news_had=0)
        self.news |= {one.number: one for one in answer.news}
        if answer.seen is not None:
            self.states = {id: (seen.term, seen.view.state) for id, seen in answer.seen.items()}
        return answer


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path, lease_seconds=60)
    yield bench
    bench.watcher.close(5)


def test_it_watches_what_it_is_ordered_and_says_when_it_has_left(bench: Bench) -> None:
    both = {"camera-0": 1, "camera-1": 4}
    until(lambda: bench.order(both).report.cameras == both)
    until(lambda: bench.order(both) and set(bench.states.values()) == {(1, "ok"), (4, "ok")})
    bench.scene.switch(is_on=True)
    until(lambda: bench.order(both) and len(bench.news) == 2)
    until(lambda: bench.order({"camera-0": 1}).report.cameras == {"camera-0": 1})
    starts, cut = list(bench.news.values())[:2], list(bench.news.values())[2]
    assert [(one.term, one.is_cut, one.record.ended_at) for one in starts].count(
        (1, False, None)
    ) == 1
    assert (cut.term, cut.is_cut, cut.record.camera) == (4, True, "camera-1")
    bench.scene.switch(is_on=False)
    until(lambda: bench.order({"camera-0": 1}) and len(bench.news) == 4)
    assert (bench.news[4].record.camera, bench.news[4].is_cut) == ("camera-0", False)


def test_a_camera_that_comes_back_has_another_turn(bench: Bench) -> None:
    def is_watched(term: int) -> bool:
        order = {"camera-0": term}
        return bench.order(order).report.cameras == order

    until(lambda: is_watched(1))
    until(lambda: is_watched(2))
    assert bench.order({"camera-0": 1}, number=1).report.cameras == {"camera-0": 2}  # an old order


def test_without_orders_it_leaves_its_cameras_and_begins_anew_with_the_next(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path, lease_seconds=0.5)
    order = {"camera-0": 1}
    until(lambda: bench.order(order).report.cameras == order)
    held = bench.watcher._held
    until(lambda: not held)
    until(lambda: bench.order(order).report.cameras == order)
    bench.watcher.close(5)


def test_a_model_that_cannot_be_loaded_is_told_with_the_next_answer(bench: Bench) -> None:
    def fails(path: Path) -> ActionModel:
        raise SourceMissing("no such model here")

    bench.watcher._open_model = fails
    with pytest.raises(SourceMissing, match="no such model"):
        until(lambda: bench.order({"camera-0": 1}) is None)


def test_a_camera_that_cannot_be_opened_is_down_and_the_others_go_on(bench: Bench) -> None:
    scene = bench.scene

    def open_with(camera: Camera) -> Source:
        if camera.name == "camera 0":
            raise SourceMissing("nobody answers")
        return scene.open(camera)

    bench.watcher._open_with = open_with
    both = {"camera-0": 1, "camera-1": 1}
    wanted = {"camera-0": (1, "down"), "camera-1": (1, "ok")}
    until(lambda: bench.order(both) and bench.states == wanted)


def test_a_file_of_one_machine_is_refused(bench: Bench, tmp_path: Path) -> None:
    from rtaction.errors import UsageError

    cameras = tmp_path / "own.toml"
    cameras.write_text('[[camera]]\nname = "desk"\nsource = "0"\n', encoding="utf-8")
    (model,) = {one.path for one in bench.plan.models.values()}
    with pytest.raises(UsageError, match="'desk' is a webcam of one machine; expected"):
        read_plan(cameras, model)


def test_a_model_has_another_key_for_other_content(tmp_path: Path) -> None:
    cameras = tmp_path / "cameras.toml"
    cameras.write_text(simulated_table(0), encoding="utf-8")
    keys = set()
    for spec in (SPEC, replace(SPEC, threshold=0.7)):
        model = write_tiny_model(tmp_path / "tiny.onnx", spec)
        keys |= set(read_plan(cameras, model).models)
    assert len(keys) == 2
