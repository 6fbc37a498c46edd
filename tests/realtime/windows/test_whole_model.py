"""A model that cannot be cut runs whole, and nothing else changes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest

from rtaction.errors import ModelUnreadable
from rtaction.onnx_format.file import BOUNDARY_KEY, WHOLE_KEY
from rtaction.realtime.bench.model import bench_model
from rtaction.realtime.model.action_model import ActionModel
from rtaction.realtime.model.inspect import inspect_model
from rtaction.realtime.windows.engine import Engine
from tests.realtime.conftest import gray_frame, json_lines, rtaction
from tests.realtime.servers.network import SPEC, write_network
from tests.realtime.windows.following import Follower
from tests.realtime.windows.test_engine import taken_of

REASON = "its Conv looks at several pictures at once"


def write_whole(path: Path, *, batch: int | None = None) -> Path:
    """`write_network` without its boundary; with a fixed batch if one is given."""
    model = onnx.load(write_network(path))
    kept = {one.key: one.value for one in model.metadata_props if one.key != BOUNDARY_KEY}
    onnx.helper.set_model_props(model, kept | {WHOLE_KEY: REASON})
    if batch is not None:
        model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = batch
        model.graph.output[0].type.tensor_type.shape.dim[0].dim_value = batch
        del model.graph.value_info[:]
    path.write_bytes(model.SerializeToString())
    return path


@pytest.fixture
def whole(tmp_path: Path) -> ActionModel:
    return ActionModel(write_whole(tmp_path / "whole.onnx"), device="cpu")


@pytest.fixture
def cut(tmp_path: Path) -> ActionModel:
    return ActionModel(write_network(tmp_path / "cut.onnx"), device="cpu")


@pytest.mark.parametrize("batch", [None, 1])
def test_pictures_are_their_own_features(
    tmp_path: Path, cut: ActionModel, batch: int | None
) -> None:
    whole = ActionModel(write_whole(tmp_path / "whole.onnx", batch=batch), device="cpu")
    clips = np.random.default_rng(0).integers(0, 256, (11, *SPEC.clip_shape), np.uint8)

    features = whole.encode(clips[0])

    assert (cut.is_cut, whole.is_cut) == (True, False)
    assert whole.device_in_use == "CPU"
    assert features.dtype == np.uint8
    assert np.array_equal(features, clips[0])
    scores = whole.score(clips)
    assert scores.shape == (11, 3)
    assert scores.dtype == np.float32
    assert np.abs(scores - cut.score_clips(clips)).max() < 1e-6
    assert np.array_equal(scores, whole.score_clips(clips))


def test_windows_of_many_cameras_get_the_same_scores(whole: ActionModel, cut: ActionModel) -> None:
    values = [(number * 40) % 250 for number in range(9)]
    found = {}
    for name, model in (("whole", whole), ("cut", cut)):
        taken = [one for camera in range(4) for one in taken_of(SPEC, str(camera), values)]
        engine = Engine(model)
        found[name] = np.stack([one.scores for one in engine.predict(taken, is_live=False)])
        assert engine.num_encoded == 4 * len(values)

    assert found["whole"].shape == (4 * 5, 3)
    assert np.ptp(found["cut"], axis=0).max() > 1e-3
    assert np.abs(found["whole"] - found["cut"]).max() < 1e-6


def test_what_a_window_keeps_is_bytes(whole: ActionModel) -> None:
    follower = Follower(whole)
    predictions = [
        one for number in range(40) for one in follower.see(gray_frame(number / 8, number, number))
    ]

    kept = [
        picture.features
        for seen in follower.tracker._ring._values
        if seen is not None
        for picture in seen.pictures.values()
        if picture.features is not None
    ]
    assert len(predictions) > 10
    assert len(kept) > 1
    assert {(features.dtype.name, features.shape) for features in kept} == {
        ("uint8", SPEC.frame_shape)
    }


def test_a_network_that_fails_on_its_own_is_told(tmp_path: Path) -> None:
    model = onnx.load(write_whole(tmp_path / "whole.onnx"))
    for tensor in model.graph.initializer:
        if tensor.name == "clip_shape":
            tensor.CopyFrom(onnx.numpy_helper.from_array(np.array([-1, 7, 4]), "clip_shape"))
    del model.graph.value_info[:]
    (tmp_path / "whole.onnx").write_bytes(model.SerializeToString())
    broken = ActionModel(tmp_path / "whole.onnx", device="cpu")

    with pytest.raises(ModelUnreadable, match="failed while it ran"):
        broken.score(np.zeros((1, *SPEC.clip_shape), np.uint8))


def test_its_work_is_that_of_both_parts(tmp_path: Path) -> None:
    whole = inspect_model(write_whole(tmp_path / "whole.onnx"))
    cut = inspect_model(write_network(tmp_path / "cut.onnx"))

    assert (whole.is_cut, whole.reason_for_whole) == (False, REASON)
    assert (cut.is_cut, cut.reason_for_whole) == (True, "")
    assert whole.flops_per_frame == 0
    frames = SPEC.frames_per_clip
    assert whole.flops_per_window == frames * cut.flops_per_frame + cut.flops_per_window


def test_a_bench_counts_all_of_it(tmp_path: Path) -> None:
    path = write_whole(tmp_path / "whole.onnx")

    (row,) = bench_model(path, threads=[1], batches=[2], peaks={1: 1e9})

    flops = inspect_model(path).flops_per_window
    assert row.encoder_flops_per_second == pytest.approx(flops / row.head_seconds)
    assert row.encoder_seconds < row.head_seconds


def test_the_commands(tmp_path: Path, halves_video: Path) -> None:
    path = write_whole(tmp_path / "whole.onnx")
    cut = write_network(tmp_path / "cut.onnx")

    inspected = rtaction("inspect", path)
    bench = rtaction("bench", path, "--cameras", "none")
    told = {}
    for model in (path, cut):
        log = model.with_suffix(".jsonl")
        ran = rtaction("cam", "-m", model, "-s", halves_video, "--headless", "--output", log)
        assert ran.returncode == 0, ran.stderr
        lines = json_lines(log.read_text(encoding="utf-8"))
        told[model.stem] = [one for one in lines if one["type"] == "prediction"]

    assert f"whole for each window: {REASON}" in inspected.stdout, inspected.stderr
    assert f"runs whole for each window: {REASON}" in bench.stdout, bench.stderr
    assert len(told["whole"]) == len(told["cut"]) > 5
    for one, other in zip(told["whole"], told["cut"], strict=True):
        assert one["label"] == other["label"]
        assert one["score"] == pytest.approx(other["score"], abs=1e-5)


def test_evaluation(tmp_path: Path, halves_video: Path) -> None:
    path = write_whole(tmp_path / "whole.onnx")
    for label in SPEC.labels:
        (tmp_path / "videos" / label).mkdir(parents=True)
        (tmp_path / "videos" / label / "a.mp4").write_bytes(halves_video.read_bytes())
    reports = {}
    for model in (path, write_network(tmp_path / "cut.onnx")):
        report = model.with_suffix(".json")
        ran = rtaction("eval", model, tmp_path / "videos", "--output", report)
        assert ran.returncode == 0, ran.stderr
        reports[model.stem] = json.loads(report.read_text(encoding="utf-8"))

    assert reports["whole"].keys() == reports["cut"].keys()
    same = [key for key in reports["cut"] if "accuracy" in key]
    assert {key: reports["whole"][key] for key in same} == {
        key: reports["cut"][key] for key in same
    }
