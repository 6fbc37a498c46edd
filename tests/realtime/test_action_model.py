"""A model cut into encoder and head says what it says uncut."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rtaction.errors import ModelMissing, ModelSpecError, ModelUnreadable
from rtaction.model_spec import ModelSpec
from rtaction.onnx_file import OnnxFile
from rtaction.realtime.action_model import ActionModel
from tests.realtime.network import write_network
from tests.tiny_model import write_tiny_model


@pytest.mark.parametrize("seed", range(3))
def test_cut_equals_whole(tmp_path: Path, seed: int) -> None:
    model = ActionModel(write_network(tmp_path / "network.onnx", seed=seed), device="cpu")
    clips = np.random.default_rng(seed).integers(0, 256, (4, *model.spec.clip_shape), np.uint8)

    features = np.stack([model.encode(clip) for clip in clips])
    scores = model.score(features)

    whole = model.score_clips(clips)
    assert whole.shape == scores.shape == (4, 3)
    assert np.ptp(whole, axis=0).max() > 1e-3
    assert np.abs(scores - whole).max() < 1e-6


def test_pictures_may_be_encoded_one_by_one(tmp_path: Path) -> None:
    model = ActionModel(write_network(tmp_path / "network.onnx"), device="cpu")
    images = np.random.default_rng(0).integers(0, 256, (6, *model.spec.frame_shape), np.uint8)

    together = model.encode(images)
    one_by_one = np.concatenate([model.encode(image[np.newaxis]) for image in images])

    assert together.shape == (6, 4)
    assert np.abs(together - one_by_one).max() < 1e-6


def test_values(tiny_model: Path, tiny_spec: ModelSpec) -> None:
    model = ActionModel(tiny_model, device="cpu")
    images = np.full((2, 8, 8, 3), (51,), np.uint8)

    assert model.spec == tiny_spec
    assert model.device_in_use == "CPU"
    assert model.encode(images) == pytest.approx(np.full((2, 1), 0.2))
    assert model.score(np.full((1, 5, 1), 0.2, np.float32)) == pytest.approx(np.array([[0.2, 0.8]]))
    assert model.encode(images).dtype == model.score_clips(images[[[0] * 5]]).dtype == np.float32


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

    with pytest.raises(ModelSpecError, match="carries no rtaction contract"):
        ActionModel(tiny_model)


def test_the_file_stays_as_it_is(tmp_path: Path, tiny_spec: ModelSpec) -> None:
    path = write_tiny_model(tmp_path / "tiny.onnx", tiny_spec)
    before = path.read_bytes()

    ActionModel(path, device="cpu")

    assert path.read_bytes() == before == OnnxFile.load(path).content
