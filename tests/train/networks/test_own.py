"""Networks of one's own: what fits becomes one of ours, and what does not is told at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from rtaction.errors import UsageError
from rtaction.keras_tensorflow import keras
from rtaction.model_spec import ModelSpec
from rtaction.train.networks.own import OwnNetwork
from rtaction.train.networks.own_checks import own_objects
from rtaction.train.settings.precision import computing_in, float32_copy, precision_of
from tests.train.own_networks import Attention, Forgetful, bent, build, network_of

layers = keras.layers


@pytest.fixture
def spec() -> ModelSpec:
    return ModelSpec(("down", "left", "right"), 4, 1.0, height=16, width=24)


@pytest.fixture
def clips(spec: ModelSpec) -> np.ndarray:
    shape = (3, *spec.clip_shape)
    return np.random.default_rng(1).integers(0, 256, shape).astype(np.uint8)


def _softmax(x: np.ndarray) -> np.ndarray:
    powers = np.exp(x - x.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def test_a_softmax_stays_as_it_is(spec: ModelSpec, clips: np.ndarray) -> None:
    model = network_of(spec.clip_shape, 3)
    own = OwnNetwork(model)
    network = own.build(spec)
    assert network.input.dtype == "uint8"
    assert network.input.shape == (None, 4, 16, 24, 3)
    expected = np.asarray(model(clips.astype(np.float32)))
    np.testing.assert_allclose(network(clips), expected, atol=1e-6)
    assert "gives a softmax" in own.about
    assert not own.needs_trust


def test_logits_get_a_softmax(spec: ModelSpec, clips: np.ndarray) -> None:
    model = network_of(spec.clip_shape, 3, ending=None)
    own = OwnNetwork(model)
    expected = _softmax(np.asarray(model(clips.astype(np.float32))))
    np.testing.assert_allclose(own.build(spec)(clips), expected, atol=1e-6)
    assert "gives logits, so a softmax is added" in own.about


@pytest.mark.parametrize(
    ("last", "kind"),
    [(lambda x: keras.ops.softmax(x), "a softmax"), (lambda x: x * 3.0, "logits")],
)
def test_an_unknown_ending_is_tried(spec: ModelSpec, last: Callable[[Any], Any], kind: str) -> None:
    inner = network_of(spec.clip_shape, 3, ending=None)
    own = OwnNetwork(keras.Model(inner.input, last(inner.output)))
    own.build(spec)
    assert f"gives {kind}" in own.about


def test_a_built_model_is_copied_with_its_weights(spec: ModelSpec, clips: np.ndarray) -> None:
    model = network_of(spec.clip_shape, 3)
    own = OwnNetwork(model)
    first = own.build(spec)
    first.set_weights([one * 0 for one in first.get_weights()])
    expected = np.asarray(model(clips.astype(np.float32)))
    assert np.ptp(expected) > 0
    np.testing.assert_allclose(own.build(spec)(clips), expected, atol=1e-6)


def test_a_function_builds_another_each_time(spec: ModelSpec) -> None:
    own = OwnNetwork(build)
    one, other = own.build(spec), own.build(spec)
    assert one is not other
    assert not np.array_equal(one.get_weights()[0], other.get_weights()[0])
    assert own.name == "tests.train.own_networks:build"
    assert own.needs_trust
    assert own.objects["Attention"] is Attention
    assert own.objects["bent"] is bent


def test_it_computes_in_either_precision(spec: ModelSpec, clips: np.ndarray) -> None:
    with computing_in("mixed_float16"):
        network = OwnNetwork(build).build(spec)
    assert keras.config.dtype_policy().name == "float32"
    assert network.output.dtype == "float32"
    assert {one.compute_dtype for one in network._flatten_layers()} >= {"float16"}
    assert precision_of(network) == "mixed_float16"
    copy = float32_copy(network)
    assert precision_of(copy) == "float32"
    np.testing.assert_allclose(copy(clips), network(clips), atol=5e-3)


def test_a_class_of_ones_own_is_a_model_as_well(spec: ModelSpec, clips: np.ndarray) -> None:
    own = OwnNetwork(lambda spec: Mine(len(spec.labels)), "mine")
    network = own.build(spec)
    np.testing.assert_allclose(np.asarray(network(clips)).sum(axis=1), 1, atol=1e-5)
    assert own.objects["Mine"] is Mine


class Mine(keras.Model):  # type: ignore[misc]
    """A subclass, whose shapes are known only once it is called."""

    def __init__(self, num_labels: int, **options: Any) -> None:
        super().__init__(**options)
        self.num_labels = num_labels
        self.dense = layers.Dense(num_labels, activation="softmax")

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_labels": self.num_labels}

    def build(self, shape: Any) -> None:
        self.dense.build((None, shape[-1]))

    def call(self, x: Any) -> Any:
        return self.dense(keras.ops.mean(x, axis=(1, 2, 3)) / 255)


def test_open_axes_take_the_settings(spec: ModelSpec) -> None:
    model = network_of((None, None, None, 3), 3)
    assert OwnNetwork(model).takes == (None, None, None, 3)
    assert OwnNetwork(model).build(spec).input.shape == (None, 4, 16, 24, 3)


def _raises(spec: ModelSpec) -> Any:
    raise RuntimeError("no memory of it")


def _two_inputs(spec: ModelSpec) -> Any:
    clips = keras.Input(spec.clip_shape), keras.Input(spec.clip_shape)
    x = layers.GlobalAveragePooling3D()(layers.Add()(clips))
    return keras.Model(clips, layers.Dense(3)(x))


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (lambda spec: 3, "returns one; it returned int"),
        (lambda: None, "expected a function of one argument, the contract"),
        (_raises, r"failed: RuntimeError: no memory of it"),
        (lambda spec: network_of((5, 16, 24, 3), 3), r"settings give \(None, 4, .*give --frames 5"),
        (lambda spec: network_of((4, 16, 24, 1), 3), "give a --modality of 1 channels"),
        (_two_inputs, r"takes clips of shape .* and .*, but the settings give"),
        (lambda spec: network_of(spec.clip_shape, 4), r'3 labels .*Dense\(3, activation="softmax'),
        (lambda spec: network_of(spec.clip_shape, 3, ending="sigmoid"), "ends with sigmoid"),
        (
            lambda spec: network_of(spec.clip_shape, 3, layers.Lambda(lambda x: x[:, 0])),
            "'lambda.*' .Lambda. needs Python code stored in the file",
        ),
        (
            lambda spec: network_of(
                spec.clip_shape, 3, Forgetful(5.0), layers.GlobalMaxPooling1D()
            ),
            "the loaded network gives other scores, by up to .*get_config with all arguments",
        ),
    ],
)
def test_what_does_not_fit_is_told(spec: ModelSpec, function: Any, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        OwnNetwork(function, "mine").build(spec)


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (3, "expected a Keras 3 model, or a function .*, got int"),
        (Attention, "got the class Attention"),
    ],
)
def test_what_is_no_network_is_told(source: Any, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        OwnNetwork(source)


def test_only_what_is_not_of_keras_is_own() -> None:
    assert own_objects(network_of((4, 16, 24, 3), 3)) == {}
