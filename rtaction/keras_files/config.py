"""Vet a stored Keras config before Keras sees it.

A config is data, but it names classes and modules, which Keras instantiates. Some of Keras' own
classes run stored code (`Lambda`) or read other files (`StringLookup`, `TFSMLayer`). So a config is
checked against an allowlist rather than a list of known attacks: CVE-2024-3660, CVE-2025-1550,
CVE-2025-9905 and CVE-2025-9906 all bypassed a blocklist.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import FunctionType
from typing import Any

from rtaction.errors import ExportError, ModelUnreadable, ModelUnsafe
from rtaction.keras_tensorflow import keras

MAX_CONFIG_BYTES = 32_000_000
# Keras takes minutes for more; the largest networks have a thousand.
_MAX_LAYERS = 5_000

# Keras' own classes that run code stored in the file, or read other files that it names.
_UNSAFE = {
    "Lambda": "Python code stored in the file",
    "TorchModuleWrapper": "a pickled PyTorch module",
    "FlaxLayer": "a function of another library",
    "JaxLayer": "a function of another library",
    "TFSMLayer": "a SavedModel somewhere else on the disk",
    "StringLookup": "a vocabulary that may be read from any file",
    "IntegerLookup": "a vocabulary that may be read from any file",
    "TextVectorization": "a vocabulary that may be read from any file",
    "__lambda__": "Python code stored in the file",
    "__typespec__": "any class that can be imported",
}
HARD_SIGMOID = "keras2_hard_sigmoid"
"""Keras 2's hard sigmoid, with slope 0.2 (Keras 3: 1/6); the only function defined by rtaction."""

_DATA = {"__keras_tensor__", "__tensor__", "__numpy__", "__ellipsis__", "__slice__"}
_NUMBERS = {
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float16", "bfloat16", "float32", "float64"),
}
_MIXED = ("mixed_float16", "mixed_bfloat16")
_POLICIES = {"DTypePolicy", "FloatDTypePolicy", "Policy"}
# Needed only for training; Keras would instantiate the losses and metrics named there.
_OF_TRAINING = {"compile_config", "training_config"}

Config = dict[str, Any]


def parse(text: str | bytes, where: str) -> Config:
    """Parse the JSON of a config.

    Raises:
        ModelUnreadable: it is not a JSON object, or is too large.
    """
    if len(text) > MAX_CONFIG_BYTES:
        raise ModelUnreadable(
            f"{where}: the config has {len(text):,} bytes; at most {MAX_CONFIG_BYTES:,} are allowed"
        )
    try:
        config = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelUnreadable(
            f"{where}: the config is not valid JSON: {str(error).splitlines()[0]}"
        ) from None
    if not isinstance(config, dict):
        raise ModelUnreadable(
            f"{where}: the config must be a JSON object, got {type(config).__name__}"
        )
    return config


def vetted(
    config: Config,
    where: str,
    *,
    keep_precision: bool = False,
    own: Mapping[str, Any] | None = None,
) -> Config:
    """A copy that names only harmless classes, without the parts needed only for training.

    Args:
        config: a model's config in Keras 3 format.
        where: name of the model in error messages.
        keep_precision: keep mixed precision. Default False: it becomes float32, the dtype of the
            stored weights.
        own: classes and functions that are allowed although they are not part of Keras, by name,
            because the user has given them. Default none.

    Raises:
        ModelUnsafe: it names something that runs code, reads other files, or is not part of Keras.
        ModelUnreadable: it is not a model config, or has too many layers.
    """
    try:
        if _num_layers(config) > _MAX_LAYERS:
            raise ModelUnreadable(f"{where} has more than {_MAX_LAYERS:,} layers")
        clean = _Vetting(where, keep_precision, own or {}).of(config)
    except RecursionError:
        raise ModelUnreadable(f"{where}: the config is nested too deeply") from None
    if not isinstance(clean, dict) or "class_name" not in clean:
        raise ModelUnreadable(f"{where}: the config does not contain a model")
    return clean


def _num_layers(value: Any) -> int:
    """Number of layers, including those of models in a model."""
    if isinstance(value, list):
        return sum(map(_num_layers, value))
    if not isinstance(value, dict):
        return 0
    layers = value.get("layers")
    own = len(layers) if isinstance(layers, list) else 0
    return own + sum(map(_num_layers, value.values()))


@cache
def harmless_classes() -> dict[str, frozenset[str]]:
    """Names of Keras' own layers, operations, initializers and the like, with their modules."""
    found: dict[str, set[str]] = {}
    families = [
        (keras.layers, keras.layers.Layer),
        (keras.initializers, keras.initializers.Initializer),
        (keras.regularizers, keras.regularizers.Regularizer),
        (keras.constraints, keras.constraints.Constraint),
    ]
    ops = keras.src.ops  # the classes of `keras.ops` have no public name
    families += [
        (getattr(ops, name), keras.Operation) for name in ("core", "math", "nn", "numpy", "image")
    ]
    for module, base in families:
        for name, one in vars(module).items():
            if isinstance(one, type) and issubclass(one, base):
                found.setdefault(name, set()).update({module.__name__, one.__module__})
    for model in (keras.Sequential, keras.Model, type(_smallest_functional())):
        found.setdefault(model.__name__, set()).update(
            {"keras", "keras.models", model.__module__, "keras.src.engine.functional"}
        )
    public = {name: {m.replace("keras.api", "keras") for m in of} for name, of in found.items()}
    return {name: frozenset(of | {"keras"}) for name, of in public.items() if name not in _UNSAFE}


def _smallest_functional() -> Any:
    x = keras.Input((1,))
    return keras.Model(x, x)


@dataclass(frozen=True, slots=True)
class _Vetting:
    """How one config is vetted."""

    where: str
    keep_precision: bool
    own: Mapping[str, Any]

    def of(self, value: Any) -> Any:
        """A clean copy of a part of the config."""
        if isinstance(value, list):
            return [self.of(one) for one in value]
        if not isinstance(value, dict):
            return value
        if "class_name" in value:
            return self._object(value)
        clean = {k: self.of(one) for k, one in value.items() if k not in _OF_TRAINING}
        if "dtype" in clean and not (self.keep_precision and clean["dtype"] in _MIXED):
            clean["dtype"] = _full_precision(clean["dtype"], self.where)
        return clean

    def _object(self, value: Config) -> Any:
        where = self.where
        class_name, inner = value["class_name"], value.get("config")
        called = f"{class_name!r}"
        if isinstance(inner, dict) and isinstance(inner.get("name"), str):
            called = f"{inner['name']!r} ({class_name})"
        if not isinstance(class_name, str):
            raise ModelUnreadable(f"{where}: a class must have a name, got {called}")
        if class_name in _UNSAFE:
            raise ModelUnsafe(
                f"{where}: {called} needs {_UNSAFE[class_name]}, which is blocked by default; use "
                "other Keras layers"
            )
        if class_name == "function":
            name = value.get("config")
            is_own = isinstance(name, str) and isinstance(self.own.get(name), FunctionType)
            return value if is_own else _function_name(value, where)
        if class_name in _POLICIES:
            return inner["name"] if isinstance(inner, dict) else "float32"
        if class_name not in _DATA:
            if not self._is_given(value):
                _require_own(value, called, where)
        elif class_name in ("__tensor__", "__numpy__") and isinstance(inner, dict):
            # NumPy pads texts: "<U25000000" takes 100 MB for each value of two bytes.
            if inner.get("dtype") not in _NUMBERS:
                raise ModelUnreadable(
                    f"{where}: a constant has the type {str(inner.get('dtype'))[:40]!r}; expected "
                    "numbers, such as float32"
                )
            return value
        for node in value.get("inbound_nodes") or []:
            if "__keras_tensor__" not in json.dumps(node) and isinstance(node, dict):
                # Keras would compute it eagerly, at any size.
                raise ModelUnreadable(f"{where}: {called} is called without the output of a layer")
        rest = {k: one for k, one in value.items() if k not in _OF_TRAINING}
        return {k: self.of(one) for k, one in rest.items()}

    def _is_given(self, value: Config) -> bool:
        """Whether it is one of the classes that the user has given."""
        registered = value.get("registered_name")
        found = self.own.get(value["class_name"])
        return (
            isinstance(found, type)
            and isinstance(registered, str)
            and self.own.get(registered) is found
        )


def _require_own(value: Config, called: str, where: str) -> None:
    """Check that an object's class is part of Keras, registered under its own name."""
    class_name, module = value["class_name"], value.get("module")
    registered = value.get("registered_name")
    modules = harmless_classes().get(class_name)
    if (
        modules is None
        or not (module is None or module in modules)
        or registered not in (None, class_name)
    ):
        origin = registered if isinstance(registered, str) and ">" in registered else module
        raise ModelUnsafe(
            f"{where}: {called} is not a Keras layer (it comes from {origin!r}), so its code would "
            "run; use Keras layers"
        )


def _function_name(value: Config, where: str) -> Any:
    """The name of an activation; other functions are not allowed."""
    name = value.get("config")
    if name == HARD_SIGMOID:
        return {"module": "builtins", "class_name": "function", "config": name}
    public = getattr(keras.activations, name, None) if isinstance(name, str) else None
    if not callable(public) or value.get("module") not in (None, "builtins", "keras.activations"):
        raise ModelUnsafe(
            f"{where}: the function {name!r} of {value.get('module')!r} is not a Keras activation, "
            "so its code would run; use one"
        )
    return str(name)


def _full_precision(dtype: Any, where: str) -> Any:
    if dtype in (*_MIXED, "float16", "bfloat16", "float64"):
        return "float32"
    if isinstance(dtype, dict) or (isinstance(dtype, str) and "_from_" in dtype):
        raise ExportError(
            f"{where}: a layer computes in {dtype!r}; export the model from before quantization, "
            "and make the ONNX file smaller afterwards"
        )
    return dtype
