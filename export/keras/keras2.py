"""Translate the config of a Keras 2 model to Keras 3, as plain data.

Keras 3 cannot read configs of Keras 2 (tf.keras up to TensorFlow 2.15, `tf_keras` since): some
options have other names or forms, some were removed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rtaction.errors import ExportError
from rtaction.keras_files.config import HARD_SIGMOID, Config, harmless_classes

_RENAMED = {
    "Model": "Functional",
    "CuDNNGRU": "GRU",
    "CuDNNLSTM": "LSTM",
    "SyncBatchNormalization": "BatchNormalization",
    "BatchNormalizationV1": "BatchNormalization",
    "BatchNormalizationV2": "BatchNormalization",
}
# Options of Keras 2 that Keras 3 lacks, with the values that can be dropped; () means any.
_GONE: dict[str, tuple[Any, ...]] = {
    "batch_input_shape": (),
    "time_major": (False,),
    "implementation": (),
    "renorm": (False,),
    "renorm_clipping": (None, {}),
    "renorm_momentum": (),
    "fused": (),
    "virtual_batch_size": (None,),
    "adjustment": (None,),
    "synchronized": (),
    "ragged": (False, None),
    "build_input_shape": (),
    "input_dtype": (),
}
_SEPARABLE: dict[str, tuple[Any, ...]] = {
    "groups": (1, None),
    "kernel_initializer": (),
    "kernel_regularizer": (),
    "kernel_constraint": (),
}
_ONLY_IN = {
    "DepthwiseConv1D": _SEPARABLE,
    "DepthwiseConv2D": _SEPARABLE,
    "SeparableConv1D": _SEPARABLE,
    "SeparableConv2D": _SEPARABLE,
    "Conv2DTranspose": {"groups": (1, None)},
}
# Scale and offset equivalent to an arithmetic operation on pixels.
_ARITHMETIC: dict[str, Callable[[float], tuple[float, float]]] = {
    "math.truediv": lambda y: (1 / y, 0.0),
    "math.divide": lambda y: (1 / y, 0.0),
    "__operators__.truediv": lambda y: (1 / y, 0.0),
    "math.multiply": lambda y: (y, 0.0),
    "__operators__.mul": lambda y: (y, 0.0),
    "math.add": lambda y: (1.0, y),
    "__operators__.add": lambda y: (1.0, y),
    "math.subtract": lambda y: (1.0, -y),
    "__operators__.sub": lambda y: (1.0, -y),
}


def as_keras_3(config: Any) -> Any:
    """Translate a config to Keras 3.

    Args:
        config: of a model, or part of one, from Keras 2. One from Keras 3 is returned unchanged.

    Returns:
        The config for Keras 3. Unknown names are kept; `config.vetted` rejects them.

    Raises:
        ExportError: Keras 3 lacks an option.
    """
    if isinstance(config, list):
        return [as_keras_3(one) for one in config]
    if not isinstance(config, dict):
        return config
    if isinstance(config.get("class_name"), str) and "config" in config:
        return _translated(config)
    return {key: as_keras_3(one) for key, one in config.items()}


def _translated(stored: Config) -> Config:
    was = str(stored["class_name"])
    class_name = _RENAMED.get(was, was)
    inner = stored["config"]
    made = {k: as_keras_3(v) for k, v in stored.items() if k not in ("config", "build_config")}
    made["class_name"] = class_name
    if class_name == "Sequential":
        made["config"] = _sequential(inner)
    elif class_name == "Functional" and isinstance(inner, dict) and "layers" in inner:
        made["config"] = _functional(inner)
    elif class_name == "TFOpLambda":
        made |= _arithmetic(stored)
    elif isinstance(inner, dict) and not class_name.startswith("__"):
        made["config"] = _options(class_name, was, inner)
    else:
        made["config"] = as_keras_3(inner)
    if class_name in harmless_classes() and ">" not in str(stored.get("registered_name")):
        made["module"] = _module(class_name, made.get("module"))
        made["registered_name"] = None
    return made


def _module(class_name: str, module: Any) -> str:
    known = harmless_classes()[class_name]
    public = ("keras.layers", "keras.initializers", "keras.regularizers", "keras.constraints")
    if class_name == "Functional":
        return "keras.src.models.functional"
    if isinstance(module, str) and module in known:
        return module
    return next((name for name in public if name in known), "keras")


def _sequential(inner: Any) -> Config:
    """Keras before 2.2.3 stored a list of layers; the first may hold the input shape."""
    layers = inner if isinstance(inner, list) else list(inner.get("layers", []))
    made = {"layers": [as_keras_3(one) for one in layers]}
    first = layers[0] if layers and isinstance(layers[0], dict) else {}
    shape = first.get("config", {}).get("batch_input_shape")
    if shape and first.get("class_name") != "InputLayer":
        dtype = first["config"].get("dtype")
        config = {"batch_shape": shape, "dtype": dtype if isinstance(dtype, str) else "float32"}
        made["layers"].insert(
            0, {"module": "keras.layers", "class_name": "InputLayer", "config": config}
        )
    return made | ({"name": inner["name"]} if isinstance(inner, dict) and "name" in inner else {})


def _functional(inner: Config) -> Config:
    made: Config = as_keras_3(inner)
    # Keras 2 counts the model's own call; Keras 3 does so only for the outputs.
    kinds = {one["name"]: one["class_name"] for one in inner["layers"]}
    models = {name for name, kind in kinds.items() if kind in ("Model", "Functional", "Sequential")}
    sequential = {name for name, kind in kinds.items() if kind == "Sequential"}
    is_keras_2 = False
    for layer in made["layers"]:
        nodes = layer.get("inbound_nodes", [])
        is_keras_2 |= any(isinstance(node, list) for node in nodes)
        layer["inbound_nodes"] = [
            [_recounted(call, models) for call in node] if isinstance(node, list) else node
            for node in nodes
        ]
    for key in ("input_layers", "output_layers"):
        found = made[key]
        if is_keras_2 and found and isinstance(found[0], list):
            found = [_recounted(one, sequential) for one in found]
        made[key] = found[0] if len(found) == 1 and isinstance(found[0], list) else found
    return made


def _recounted(call: Any, models: set[str]) -> Any:
    if isinstance(call, list) and len(call) >= 3 and call[0] in models:
        return [call[0], call[1] - 1, *call[2:]]
    return call


def _options(class_name: str, was: str, inner: Config) -> Config:
    made = {}
    for key, value in inner.items():
        unchanged = _ONLY_IN.get(class_name, {}).get(key, _GONE.get(key))
        if unchanged is None:
            made[key] = as_keras_3(value)
        elif unchanged and value not in unchanged:
            raise ExportError(
                f"layer {inner.get('name')!r} ({class_name}) has {key}={value!r}, which Keras 3 "
                "does not support; train it with the default"
            )
    if class_name == "InputLayer" and "batch_input_shape" in inner:
        made["batch_shape"] = inner["batch_input_shape"]
    axis = inner.get("axis")
    if class_name == "BatchNormalization" and isinstance(axis, list) and len(axis) == 1:
        made["axis"] = axis[0]
    if class_name == "LeakyReLU" and "alpha" in inner:
        made["negative_slope"] = made.pop("alpha")
    if was.startswith("CuDNN"):
        made |= {"activation": "tanh", "recurrent_activation": "sigmoid"}
        made |= {"reset_after": True} if class_name == "GRU" else {}
    elif class_name == "GRU":
        made.setdefault("reset_after", False)  # default before this option existed
    for key in ("activation", "recurrent_activation"):
        if made.get(key) == "hard_sigmoid":
            made[key] = {"module": "builtins", "class_name": "function", "config": HARD_SIGMOID}
    return made


def _arithmetic(stored: Config) -> Config:
    """Translate an operation of a pixel and a number, as in keras.applications' preprocessing."""
    function = stored["config"].get("function")
    nodes = stored.get("inbound_nodes", [])
    kwargs = nodes[0][3] if len(nodes) == 1 and len(nodes[0]) == 4 else {}
    number = kwargs.get("y") if isinstance(kwargs, dict) else None
    known = _ARITHMETIC.get(function)
    if known is None or not isinstance(number, int | float):
        raise ExportError(
            f"layer {stored['config'].get('name')!r} computes {function!r} between layers, which "
            "cannot be converted from Keras 2; use a layer, such as Rescaling, and train again"
        )
    scale, offset = known(number)
    name = stored["config"]["name"]
    return {
        "module": "keras.layers",
        "class_name": "Rescaling",
        "config": {"name": name, "scale": scale, "offset": offset},
        "inbound_nodes": [[[*nodes[0][:3], {}]]],
    }
