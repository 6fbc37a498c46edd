"""Networks as somebody would write them, with layers and functions of their own."""

from __future__ import annotations

from typing import Any

from rtaction.keras_tensorflow import keras
from rtaction.model_spec import ModelSpec

layers, ops = keras.layers, keras.ops


def bent(x: Any) -> Any:
    """An activation that Keras does not have."""
    return ops.tanh(x) * 1.5


class Attention(keras.layers.Layer):  # type: ignore[misc]
    """A weighted mean over time, of `keras.ops`."""

    def __init__(self, units: int = 4, **options: Any) -> None:
        super().__init__(**options)
        self.units = units
        self.dense = layers.Dense(units, use_bias=False)

    def build(self, shape: Any) -> None:
        self.dense.build(shape)
        self.query = self.add_weight(shape=(self.units, 1), name="query")

    def call(self, x: Any) -> Any:
        weight = ops.softmax(ops.matmul(ops.tanh(self.dense(x)), self.query), axis=1)
        return ops.sum(x * weight, axis=1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}


class Forgetful(keras.layers.Layer):  # type: ignore[misc]
    """Its configuration lacks its argument."""

    def __init__(self, factor: float = 1.0, **options: Any) -> None:
        super().__init__(**options)
        self.factor = factor

    def call(self, x: Any) -> Any:
        return x * self.factor

    def get_config(self) -> dict[str, Any]:
        return dict(super().get_config())


def network_of(
    shape: tuple[int | None, ...], num_labels: int, *own: Any, ending: Any = "softmax"
) -> Any:
    """One convolution for each frame, what is given, and a decision."""
    clip = keras.Input(shape)
    x = layers.Rescaling(1 / 255)(clip)
    x = layers.TimeDistributed(layers.Conv2D(4, 3, strides=4, activation="relu"))(x)
    x = layers.TimeDistributed(layers.GlobalMaxPooling2D())(x)
    for layer in own or [layers.GlobalAveragePooling1D()]:
        x = layer(x)
    return keras.Model(clip, layers.Dense(num_labels, activation=ending)(x))


def build(spec: ModelSpec) -> Any:
    """A network that ends in logits, with a layer and a function of its own."""
    own = layers.TimeDistributed(layers.Dense(6, activation=bent)), Attention(5)
    return network_of(spec.clip_shape, len(spec.labels), *own, ending=None)


model = network_of((2, 32, 32, 3), 2)
"""A built model, of layers of Keras."""
