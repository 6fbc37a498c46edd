"""A model cut into encoder and head says what it says uncut."""

from __future__ import annotations

import logging
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from rtaction.errors import ModelMissing, ModelSpecError, ModelUnreadable, ScoresInvalid
from rtaction.model_spec import ModelSpec
from rtaction.onnx_format.file import OnnxFile
from rtaction.realtime.model import action_model, devices
from rtaction.realtime.model.action_model import ActionModel
from rtaction.realtime.model.batch_runner import BatchRunner, padded_length
from rtaction.realtime.model.devices import CPU, CUDA
from rtaction.realtime.model.nvidia import num_gpus
from tests.realtime.servers.network import SPEC, write_network
from tests.tiny_model import write_tiny_model

# As the CPU runs batches, as CoreML and DirectML do, and as an NVIDIA GPU does.
KINDS = ("plain", "padded", "bound")


@pytest.mark.parametrize("seed", range(3))
def test_cut_equals_whole(tmp_path: Path, seed: int) -> None:
    model = ActionModel(write_network(tmp_path / "network.onnx", seed=seed), device="cpu")
    clips = np.random.default_rng(seed).integers(0, 256, (4, *model.spec.clip_shape), np.uint8)

    features = np.stack([model.encode(clip) for clip in clips])
    scores = model.score(features)

    whole = model.score_clips(clips)
    assert whole.shape == scores.shape == (4, 3)
    assert np.ptp(whole, axis=0).max() > 1e-3
    assert np.abs(scores - whole).max() < 1e-5


@pytest.mark.parametrize("num_images", [1, 3, 4, 7, 64, 70])
@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_gives_what_one_by_one_gives(tmp_path: Path, kind: str, num_images: int) -> None:
    model = ActionModel(write_network(tmp_path / "network.onnx"), device="cpu")
    images = _images(num_images, seed=0)
    runner = _runner(model, kind)

    together = runner.run(images)

    one_by_one = np.concatenate([model.encode(image[np.newaxis]) for image in images])
    assert together.shape == (num_images, 4)
    assert together.dtype == np.float32
    assert np.abs(together - one_by_one).max() < 1e-5


@pytest.mark.parametrize("num_clips", [1, 2, 5, 32])
def test_clips_of_many_cameras_may_be_scored_at_once(tmp_path: Path, num_clips: int) -> None:
    model = ActionModel(write_network(tmp_path / "network.onnx"), device="cpu")
    random = np.random.default_rng(0)
    clips = random.normal(size=(num_clips, 5, 4)).astype(np.float32)

    together = model.score(clips)

    one_by_one = np.concatenate([model.score(clip[np.newaxis]) for clip in clips])
    assert together.shape == (num_clips, 3)
    assert np.abs(together - one_by_one).max() < 1e-5


@pytest.mark.parametrize("kind", KINDS)
def test_a_result_outlives_the_next_run(tmp_path: Path, kind: str) -> None:
    model = ActionModel(write_network(tmp_path / "network.onnx"), device="cpu")
    runner = _runner(model, kind)
    first = runner.run(_images(4, seed=1))
    before = first.copy()

    second = runner.run(_images(4, seed=2))

    assert np.array_equal(first, before)
    assert np.abs(first - second).max() > 1e-3


@pytest.mark.parametrize("kind", KINDS)
def test_sizes_may_come_in_any_order(tmp_path: Path, kind: str) -> None:
    model = ActionModel(write_network(tmp_path / "network.onnx"), device="cpu")
    runner = _runner(model, kind)

    for seed, num_images in enumerate([5, 2, 8, 1, 6, 8, 3]):
        images = _images(num_images, seed)
        assert np.abs(runner.run(images) - model.encode(images)).max() < 1e-5


def test_a_bound_size_is_given_memory_once(tmp_path: Path) -> None:
    model = ActionModel(write_network(tmp_path / "network.onnx"), device="cpu")
    runner = _runner(model, "bound")
    places: set[tuple[int, int]] = set()

    for seed in range(4):
        runner.run(_images(5 + seed % 3, seed))
        (buffers,) = runner._buffers.values()
        assert buffers.on_device is not None
        assert buffers.output is not None
        places.add((buffers.on_device.data_ptr(), buffers.output.data_ptr()))

    assert len(places) == 1


class _Noting:
    """A session, and its binding, that note what is asked of them in which order."""

    def __init__(self, asked: Any, noted: list[str]) -> None:
        self._asked, self._noted = asked, noted

    def __getattr__(self, name: str) -> Any:
        self._noted.append(name)
        found = getattr(self._asked, name)
        return (lambda: _Noting(found(), self._noted)) if name == "io_binding" else found

    def run_with_iobinding(self, binding: Any) -> None:
        self._noted.append("run_with_iobinding")
        self._asked.run_with_iobinding(binding._asked)


def test_a_run_waits_for_its_input(tmp_path: Path) -> None:
    """A copy to a GPU need not have arrived when it returns, and the run waits for no copy."""
    model = ActionModel(write_network(tmp_path / "network.onnx"), device="cpu")
    assert isinstance(model._encoder, BatchRunner)
    noted: list[str] = []
    runner = BatchRunner(_Noting(model._encoder._session, noted), bind=True)
    runner.run(_images(4, seed=1))
    (buffers,) = runner._buffers.values()
    buffers.on_device = _Noting(buffers.on_device, noted)
    noted.clear()

    found = runner.run(_images(4, seed=2))

    assert noted[:3] == ["update_inplace", "synchronize_inputs", "run_with_iobinding"]
    assert np.abs(found - model.encode(_images(4, seed=2))).max() < 1e-5


@pytest.mark.parametrize("kind", KINDS)
def test_threads_may_share_a_model(tmp_path: Path, kind: str) -> None:
    model = ActionModel(write_network(tmp_path / "network.onnx"), device="cpu")
    runner = _runner(model, kind)
    batches = [_images(1 + seed % 5, seed) for seed in range(40)]
    expected = [model.encode(batch) for batch in batches]

    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(runner.run, batches))

    for given, wanted in zip(found, expected, strict=True):
        assert np.abs(given - wanted).max() < 1e-5


@pytest.mark.parametrize(
    ("num_wanted", "expected"),
    [(1, 1), (2, 2), (3, 4), (4, 4), (5, 8), (33, 64), (63, 64), (64, 64)],
)
def test_padded_length(num_wanted: int, expected: int) -> None:
    assert padded_length(num_wanted) == expected


@pytest.mark.parametrize("num_threads", [None, 1, 3])
def test_the_encoder_has_the_threads_it_is_given(tiny_model: Path, num_threads: int | None) -> None:
    model = ActionModel(tiny_model, device="cpu", num_threads=num_threads)

    assert isinstance(model._encoder, BatchRunner)
    assert isinstance(model._head, BatchRunner)
    options = model._encoder._session.get_session_options()
    affinity = getattr(os, "sched_getaffinity", None)
    num_cores = len(affinity(0)) if affinity else os.cpu_count()
    assert options.intra_op_num_threads == (num_threads or num_cores)
    assert model._head._session.get_session_options().intra_op_num_threads == 1


def test_values(tiny_model: Path, tiny_spec: ModelSpec) -> None:
    model = ActionModel(tiny_model, device="cpu")
    images = np.full((2, 8, 8, 3), (51,), np.uint8)

    assert model.spec == tiny_spec
    assert model.device_in_use == "CPU"
    assert model.encode(images) == pytest.approx(np.full((2, 1), 0.2))
    assert model.score(np.full((1, 5, 1), 0.2, np.float32)) == pytest.approx(np.array([[0.2, 0.8]]))
    assert model.encode(images).dtype == model.score_clips(images[[[0] * 5]]).dtype == np.float32


def with_scores_of(path: Path, bias: list[float], target: Path) -> Path:
    """The tiny model with other scores, which are its biases where a clip is black."""
    model = onnx.load(path)
    (stored,) = (one for one in model.graph.initializer if one.name == "bias")
    stored.CopyFrom(numpy_helper.from_array(np.array(bias, np.float32), "bias"))
    target.write_bytes(model.SerializeToString())
    return target


@pytest.mark.parametrize(
    ("bias", "why"),
    [
        ([float("nan"), 0.5], "NaN or infinite"),
        ([float("inf"), 0.5], "NaN or infinite"),
        ([1e30, 0.5], r"from 0.5 to 1e\+30, not from 0 to 1"),
        ([-0.2, 0.5], "from -0.2 to 0.5"),
        ([0.5, 1.01], "from 0.5 to 1.01"),
    ],
)
def test_scores_that_are_none_are_refused(
    tiny_model: Path, tmp_path: Path, bias: list[float], why: str
) -> None:
    path = with_scores_of(tiny_model, bias, tmp_path / "odd.onnx")
    model = ActionModel(path, device="cpu")
    features = np.zeros((1, 5, 1), np.float32)
    clips = np.zeros((1, *model.spec.clip_shape), np.uint8)
    message = rf"odd\.onnx gave scores that are {why}"
    with pytest.raises(ScoresInvalid, match=message):
        model.score(features)
    with pytest.raises(ScoresInvalid, match=message):
        model.score_clips(clips)


def test_scores_within_rounding_pass(tiny_model: Path, tmp_path: Path) -> None:
    path = with_scores_of(tiny_model, [-5e-4, 1.0005], tmp_path / "rounded.onnx")
    scores = ActionModel(path, device="cpu").score(np.zeros((1, 5, 1), np.float32))
    assert scores == pytest.approx(np.array([[-5e-4, 1.0005]]))


def test_another_number_of_scores_than_labels_is_refused(tiny_model: Path, tmp_path: Path) -> None:
    model = onnx.load(tiny_model)
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_param = "any"
    for stored in model.graph.initializer:
        if stored.name in ("weights", "bias"):
            other = np.zeros((1, 7) if stored.name == "weights" else (7,), np.float32)
            stored.CopyFrom(numpy_helper.from_array(other, stored.name))
    (tmp_path / "seven.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(ScoresInvalid, match=r"of shape \(1, 7\), not \(1, 2\)"):
        ActionModel(tmp_path / "seven.onnx", device="cpu").score(np.zeros((1, 5, 1), np.float32))


@pytest.mark.skipif(num_gpus() > 0, reason="here CUDA may be had")
def test_auto_that_falls_back_says_so_once_for_the_whole_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(devices, "_automatic", lambda: "cuda")
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CUDA, CPU])

    with caplog.at_level(logging.WARNING):
        model = ActionModel(write_network(tmp_path / "network.onnx"))
        model.score_clips(np.zeros((1, *SPEC.clip_shape), np.uint8))

    assert model.device_in_use == "CPU"
    assert caplog.messages == ["CUDA is present but onnxruntime cannot use it; running on the CPU"]


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="there is no model file"):
        ActionModel(tmp_path / "nosuch.onnx")


def test_a_name_too_long_for_a_file() -> None:
    with pytest.raises(ModelMissing):
        ActionModel(Path("x" * 5000))


@pytest.mark.parametrize("content", [b"", b"no model", b"\x08\x08"])
def test_no_model(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.onnx"
    path.write_bytes(content)

    with pytest.raises(ModelUnreadable, match=r"broken\.onnx"):
        ActionModel(path)


def test_a_model_cut_off(tiny_model: Path) -> None:
    content = tiny_model.read_bytes()
    tiny_model.write_bytes(content[: len(content) // 2])

    with pytest.raises(ModelUnreadable):
        ActionModel(tiny_model)


def test_a_model_that_onnxruntime_refuses(tiny_model: Path) -> None:
    tiny_model.write_bytes(tiny_model.read_bytes().replace(b"ReduceMean", b"ReduceNoop"))

    with pytest.raises(ModelUnreadable, match="onnxruntime cannot load") as caught:
        ActionModel(tiny_model, device="cpu")
    assert "\n" not in str(caught.value)


def test_a_model_of_someone_else(tiny_model: Path) -> None:
    tiny_model.write_bytes(tiny_model.read_bytes().replace(b"rtaction.model_spec", b"x" * 19))

    with pytest.raises(ModelSpecError, match="has no rtaction contract"):
        ActionModel(tiny_model)


def test_the_file_stays_as_it_is(tmp_path: Path, tiny_spec: ModelSpec) -> None:
    path = write_tiny_model(tmp_path / "tiny.onnx", tiny_spec)
    before = path.read_bytes()

    ActionModel(path, device="cpu")

    assert path.read_bytes() == before == OnnxFile.load(path).content


def _runner(model: ActionModel, kind: str) -> BatchRunner:
    """The model's encoder, run as another kind of processor runs it."""
    assert isinstance(model._encoder, BatchRunner)
    return BatchRunner(model._encoder._session, pad=kind != "plain", bind=kind == "bound")


def _images(num_images: int, seed: int) -> npt.NDArray[np.uint8]:
    shape = (num_images, *SPEC.frame_shape)
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def test_a_loop_without_an_end_is_ended(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    value, node = helper.make_tensor_value_info, helper.make_node
    body = helper.make_graph(
        [node("Identity", ["going"], ["goes"]), node("Identity", ["held"], ["holds"])],
        "body",
        [
            value("number", TensorProto.INT64, []),
            value("going", TensorProto.BOOL, []),
            value("held", TensorProto.FLOAT, None),
        ],
        [value("goes", TensorProto.BOOL, []), value("holds", TensorProto.FLOAT, None)],
    )
    model = onnx.load(tiny_model)
    model.graph.node[-1].output[0] = "before"
    model.graph.initializer.append(numpy_helper.from_array(np.array(True), "yes"))
    model.graph.node.append(node("Loop", ["", "yes", "before"], ["scores"], body=body))
    onnx.save(model, tmp_path / "endless.onnx")
    monkeypatch.setattr(action_model, "_LOOP_SECONDS", 0.3)
    endless = ActionModel(tmp_path / "endless.onnx", device="cpu")
    with pytest.raises(ModelUnreadable, match=r"the model did not finish within 0\.3 s"):
        endless.score(np.zeros((1, 5, 1), np.float32))
