"""The precision of a network in training and afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rtaction.keras_tensorflow import keras
from rtaction.train.choices import PrecisionName
from rtaction.train.networks.own_checks import own_objects


@contextmanager
def computing_in(precision: PrecisionName) -> Iterator[None]:
    """Layers made inside compute in a precision, "float32" or "mixed_float16"."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def precision_of(network: Any) -> PrecisionName:
    """The precision of a network's layers: "mixed_float16" if any of them has it."""
    mixed = any(layer.dtype_policy.name == "mixed_float16" for layer in network.layers)
    return "mixed_float16" if mixed else "float32"


def float32_copy(network: Any) -> Any:
    """The same network with every layer in float32, for any machine and for the export.

    It is not compiled: no optimizer, no training state. Weights are float32 in either precision,
    so they are unchanged.
    """
    with keras.saving.custom_object_scope(own_objects(network)):
        copy = type(network).from_config(_in_float32(network.get_config()))
    copy.set_weights(network.get_weights())
    return copy


def _in_float32(config: Any) -> Any:
    if isinstance(config, dict):
        if config.get("class_name") == "DTypePolicy":
            return config | {"config": {"name": "float32"}}
        return {key: _in_float32(value) for key, value in config.items()}
    if isinstance(config, (list, tuple)):
        return type(config)(_in_float32(value) for value in config)
    return config
