"""Large models of Keras 2, made on the spot by `tf_keras`, with what it says of the same clips."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rtaction.export.agreement.clips import make_clips
from rtaction.export.agreement.onnx_run import scores_of_onnx
from rtaction.export.exporter import export_model
from rtaction.export.keras.loading import load_keras_model
from rtaction.export.options import ContractOptions
from rtaction.keras_tensorflow import keras as keras_3
from rtaction.model_spec import ModelSpec
from rtaction.onnx_format.file import OnnxFile

keras = pytest.importorskip("tf_keras", reason="pip install tf_keras makes the files of Keras 2")
pytestmark = pytest.mark.slow

SPEC = ModelSpec(labels=("a", "b", "c"), frames_per_clip=2, clip_seconds=1.0, height=32, width=32)
CLIPS = make_clips(SPEC, num_clips=6)


@contextmanager
def _each_block_once() -> Iterator[None]:
    """Let an EfficientNet have each of its kinds of blocks, 7 instead of 16."""
    efficientnet = importlib.import_module("tf_keras.src.applications.efficientnet")
    once = [kind | {"repeats": 1} for kind in efficientnet.DEFAULT_BLOCKS_ARGS]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(efficientnet, "DEFAULT_BLOCKS_ARGS", once)
        yield


def _network(name: str) -> Any:
    options = {"alpha": 0.35} if name == "MobileNetV2" else {}
    options |= {"alpha": 0.25} if name == "MobileNet" else {}
    with _each_block_once():
        encoder = getattr(keras.applications, name)(
            input_shape=SPEC.frame_shape, include_top=False, weights=None, pooling="avg", **options
        )
    clip = keras.Input(SPEC.clip_shape)
    x = keras.layers.Rescaling(1 / 127.5, offset=-1.0)(clip)
    if name.startswith("EfficientNet"):
        x = clip  # it scales pixels itself
    x = keras.layers.TimeDistributed(encoder)(x)
    x = keras.layers.GRU(8)(x)
    return keras.Model(clip, keras.layers.Dense(3, activation="softmax")(x))


def _calibrated(network: Any) -> Any:
    """Random weights, statistics of real pictures, and scores that vary."""
    pixels = CLIPS.astype(np.float32)
    rng = np.random.default_rng(0)
    for weight in network.weights:
        if any(name in weight.name for name in ("gamma", "moving_variance")):
            weight.assign(rng.uniform(0.7, 1.4, weight.shape))
        elif any(name in weight.name for name in ("beta", "bias", "moving_mean")):
            weight.assign(rng.normal(scale=0.2, size=weight.shape))
    for layer in network._flatten_layers():
        if type(layer).__name__ == "BatchNormalization":
            layer.momentum = 0.0  # one step is to be enough
    network(pixels, training=True)
    (wrapped,) = (one for one in network.layers if isinstance(one, keras.layers.TimeDistributed))
    for layer in wrapped.layer.layers[: len(wrapped.layer.layers) // 2]:
        layer.trainable = False  # so that its weights are stored behind the others
    kernel, bias = network.layers[-1].get_weights()
    for factor in (1, 3, 10, 30, 100, 300):
        network.layers[-1].set_weights([kernel * factor, bias])
        if np.ptp(network.predict_on_batch(pixels), axis=0).max() > 0.1:
            return network
    raise AssertionError("the network is blind")


@pytest.mark.parametrize("name", ["MobileNetV2", "EfficientNetB0"])
def test_known_networks_within_time_distributed(name: str, tmp_path: Path) -> None:
    keras.utils.set_random_seed(0)
    keras_3.utils.set_random_seed(0)
    network = _calibrated(_network(name))
    expected = network.predict_on_batch(CLIPS.astype(np.float32))
    network.save(tmp_path / "model.h5", include_optimizer=False)
    loaded = load_keras_model(tmp_path / "model.h5")
    np.testing.assert_allclose(
        loaded.predict_on_batch(CLIPS.astype(np.float32)), expected, atol=1e-4
    )
    np.savez(tmp_path / "clips.npz", clips=CLIPS)
    given = ContractOptions(labels=SPEC.labels, clip_seconds=1.0)
    found = export_model(
        tmp_path / "model.h5",
        tmp_path / "model.onnx",
        clips_path=tmp_path / "clips.npz",
        options=given,
    )
    file = OnnxFile.load(found.path)
    assert file.is_cut
    np.testing.assert_allclose(scores_of_onnx(file)(CLIPS), expected, atol=1e-4)
