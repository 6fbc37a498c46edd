"""Checks of a network that is not rtaction's: what it gives, and whether it can be loaded again."""

from __future__ import annotations

import json
from types import FunctionType
from typing import Any

import numpy as np

from rtaction.errors import ModelError, UsageError
from rtaction.keras_files.archive import deserialized
from rtaction.keras_files.config import vetted
from rtaction.keras_tensorflow import keras
from rtaction.own_code import place_of

SOFTMAX, LOGITS = "a softmax", "logits"
_TOLERANCE = 1e-4


def own_objects(network: Any) -> dict[str, Any]:
    """Classes and functions of a network's layers that are not part of Keras, by their names."""
    found: dict[str, Any] = {}
    for layer in network._flatten_layers():
        values = [type(layer), *vars(layer).values()]
        for one in values:
            is_code = isinstance(one, FunctionType) or one is type(layer)
            if is_code and one.__module__.split(".")[0] != "keras":
                registered = keras.saving.get_registered_name(one)
                found |= {one.__name__: one, registered: one}
    return found


def ending_of(model: Any, clip: Any, scores: Any, name: str) -> str:
    """A softmax or logits, by the last layer if that can be told, else by what comes."""
    last = _last_operation(model)
    ending = getattr(getattr(last, "activation", None), "__name__", type(last).__name__.lower())
    if ending in ("softmax", "linear"):
        return SOFTMAX if ending == "softmax" else LOGITS
    if ending == "dense":
        return LOGITS
    found = np.asarray(keras.Model(clip, scores)(_noise(clip), training=False), np.float64)
    if (found >= 0).all() and np.allclose(found.sum(axis=1), 1, atol=1e-3):
        return SOFTMAX
    if ending in ("sigmoid", "log_softmax", "logsoftmax", "relu"):
        raise UsageError(
            f"{name} ends with {ending}, whose scores do not add up to 1; end it with a "
            "softmax, or with a layer without activation (logits)"
        )
    return LOGITS


def require_loadable(network: Any, own: dict[str, Any], name: str) -> None:
    """Check now that what will be saved can be loaded, and computes the same."""
    advice = (
        "give each layer of your own a get_config with all arguments of its __init__, and use "
        "keras.ops in place of Lambda layers"
    )
    what = f"{name} cannot be saved and loaded again"
    try:
        config = json.loads(json.dumps(keras.saving.serialize_keras_object(network)))
        config = vetted(config, name, keep_precision=True, own=own)
        copy = deserialized(config, own)
        copy.set_weights(network.get_weights())
        clips = _noise(network.input)
        found, wanted = (np.asarray(one(clips, training=False)) for one in (copy, network))
    except ModelError as error:
        raise UsageError(f"{what}: {error}") from None
    except Exception as error:
        raise UsageError(f"{what}: {place_of(error)}; {advice}") from error
    if not np.allclose(found, wanted, atol=_TOLERANCE, equal_nan=True):
        raise UsageError(
            f"{what}: the loaded network gives other scores, by up to "
            f"{np.abs(found - wanted).max():.2g}; {advice}"
        )


def is_built(model: Any) -> bool:
    """Whether a model knows its inputs and outputs."""
    return bool(getattr(model, "built", False)) and hasattr(model, "inputs")


def _last_operation(model: Any) -> Any:
    """The layer that gives the scores, inside of models in models."""
    while True:
        outputs = model.outputs if is_built(model) else None
        if not outputs:
            return model
        last = outputs[0]._keras_history.operation
        if not isinstance(last, keras.Model):
            return last
        model = last


def _noise(clip: Any) -> Any:
    """Random clips, uint8, from dark to bright: a softmax of large numbers hides differences."""
    random, shape = np.random.default_rng(0), tuple(clip.shape[1:])
    levels = [random.integers(0, 1 << bits, shape) for bits in (1, 3, 5, 8)]
    return np.stack(levels).astype(np.uint8)
