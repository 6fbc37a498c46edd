"""What `rtaction inspect` says of a model can be counted by hand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rtaction.errors import ModelMissing, ModelUnreadable
from rtaction.realtime.model.inspect import inspect_model
from tests.realtime.conftest import assert_one_error, rtaction
from tests.realtime.servers.network import FEATURES, FILTERS, GATES, SPEC, UNITS, write_network

CONV_FLOPS = 2 * (FILTERS * 6 * 8) * (3 * 3 * 3)
PROJECTION_FLOPS = 2 * FEATURES * FILTERS
DENSE_FLOPS = 2 * UNITS * 3


@pytest.mark.parametrize("recurrent", ["GRU", "LSTM", "RNN"])
def test_operations_are_those_of_the_formula(tmp_path: Path, recurrent: str) -> None:
    found = inspect_model(write_network(tmp_path / "network.onnx", recurrent=recurrent))

    steps = SPEC.frames_per_clip * 2 * GATES[recurrent] * UNITS * (FEATURES + UNITS)
    assert found.flops_per_frame == CONV_FLOPS + PROJECTION_FLOPS == 15600
    assert found.flops_per_window == steps + DENSE_FLOPS


def test_what_is_in_the_file(tmp_path: Path) -> None:
    path = write_network(tmp_path / "network.onnx")

    found = inspect_model(path)

    assert (found.path, found.num_bytes, found.spec) == (path, path.stat().st_size, SPEC)
    assert found.inputs == ["clip: uint8 (batch, 5, 12, 16, 3)"]
    assert found.outputs == ["scores: float32 (batch, 3)"]
    assert found.num_nodes == 15
    assert sum(found.op_counts.values()) == 15
    assert {name: found.op_counts[name] for name in ("Conv", "GRU", "Gemm", "Transpose")} == {
        "Conv": 1,
        "GRU": 1,
        "Gemm": 1,
        "Transpose": 2,
    }
    weights = FILTERS * 27 + FILTERS * FEATURES + 3 * UNITS * (FEATURES + UNITS) + UNITS * 3 + 3
    shapes_and_scale = 4 + 1 + 3 + 1
    assert found.num_parameters == weights + shapes_and_scale


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = write_network(tmp_path / "network.onnx")

    inspect_model(path)

    assert list(tmp_path.iterdir()) == [path]


def test_a_model_that_onnxruntime_refuses(tiny_model: Path) -> None:
    tiny_model.write_bytes(tiny_model.read_bytes().replace(b"ReduceMean", b"ReduceNoop"))

    with pytest.raises(ModelUnreadable, match="onnxruntime cannot run") as caught:
        inspect_model(tiny_model)
    assert "\n" not in str(caught.value)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing):
        inspect_model(tmp_path / "nosuch.onnx")


def test_the_command(tmp_path: Path) -> None:
    finished = rtaction("inspect", write_network(tmp_path / "network.onnx"))

    assert finished.returncode == 0, finished.stderr
    rows = dict(re.split(r"\s{2,}", line, maxsplit=1) for line in finished.stdout.splitlines())
    assert rows["input"] == "clip: uint8 (batch, 5, 12, 16, 3)"
    assert rows["contract.labels"] == "['wave', 'clap', 'nothing']"
    assert rows["per frame"] == "0.02 MFLOP (encoder)"


def test_the_command_on_no_model(tmp_path: Path) -> None:
    (tmp_path / "broken.onnx").write_bytes(b"no model")

    finished = rtaction("inspect", tmp_path / "broken.onnx")

    assert_one_error(finished.returncode, finished.stderr, 4)
