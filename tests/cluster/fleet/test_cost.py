from __future__ import annotations

from pathlib import Path

import pytest

from rtaction.cluster.fleet.cost import Cost, Costs, measure_cost, need_of
from rtaction.cluster.fleet.nodes import places_of
from rtaction.cluster.fleet.placement import Need, Room
from rtaction.realtime.model.action_model import ActionModel
from tests.cluster.fleet.simulated import SPEC
from tests.tiny_model import write_tiny_model


@pytest.mark.parametrize(
    ("num_cores", "num_gpus", "places"),
    [
        (0, 0, []),
        (1, 0, [(1, 0)]),
        (4, 0, [(4, 0)]),
        (10, 0, [(5, 0), (5, 0)]),
        (11, 0, [(6, 0), (5, 0)]),
        (16, 2, [(8, 1), (8, 1)]),
        (3, 2, [(2, 1), (1, 1)]),
        (2, 4, [(1, 1), (1, 1)]),  # a worker needs a core
    ],
)
def test_a_node_has_a_worker_for_each_gpu_or_for_some_cores(
    num_cores: int, num_gpus: int, places: list[tuple[int, int]]
) -> None:
    assert places_of(num_cores, num_gpus, cores_per_worker=4) == places


def test_decoding_costs_cores_and_so_does_the_model(tmp_path: Path) -> None:
    model = ActionModel(write_tiny_model(tmp_path / "tiny.onnx", SPEC), device="cpu", num_threads=1)
    cost = measure_cost(model)
    assert 0 < cost.model_cores < 1
    assert 0 < cost.decoding_cores < 1
    assert cost.gpu_share is None


def test_costs_outlast_a_restart_and_a_damaged_file_is_none(tmp_path: Path) -> None:
    path = tmp_path / "costs.json"
    cost = Cost(0.04, 0.24, None)
    Costs(path).set("model", "cpu", cost)
    assert Costs(path).of("model") == {"cpu": cost}
    assert Costs(path).of("other") == {}
    path.write_text('{"model": {"cpu": 3}}', encoding="utf-8")
    assert Costs(path).of("model") == {}


def test_a_camera_goes_only_where_it_was_measured() -> None:
    cores, gpu = Cost(0.04, 0.24, None), Cost(0.05, 0.01, 0.02)
    assert need_of({}) is None
    assert need_of({"cpu": cores, "gpu": gpu}) == Need(0.04, 0.24, 0.02)
    need = need_of({"gpu": gpu})
    assert need is not None
    assert need.on(Room(4, gpus=1)) == pytest.approx((0.06, 0.02))
    assert need.on(Room(4))[0] == float("inf")
