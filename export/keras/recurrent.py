"""Convert Keras' recurrent layers to native ONNX operations.

By default tf2onnx converts a GRU to a `Loop`, which is slow and cannot be cut. The native
operations are equivalent: https://onnx.ai/onnx/operators/onnx__GRU.html,
https://onnx.ai/onnx/operators/onnx__LSTM.html, https://onnx.ai/onnx/operators/onnx__RNN.html.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rtaction.arrays import Float32Array
from rtaction.errors import ExportError
from rtaction.onnx_format.build import Pieces

_OPERATIONS = {"GRU": "GRU", "LSTM": "LSTM", "SimpleRNN": "RNN"}
# Keras orders the gates z, r, h (GRU) and i, f, c, o (LSTM); ONNX z, r, h and i, o, f, c.
_GATES = {"GRU": (0, 1, 2), "LSTM": (0, 3, 1, 2), "SimpleRNN": (0,)}
# Name and slope: a hard sigmoid has slope 1/6 in Keras 3 and 0.2 in Keras 2.
_ACTIVATIONS = {
    "tanh": ("Tanh", None),
    "sigmoid": ("Sigmoid", None),
    "relu": ("Relu", None),
    "hard_sigmoid": ("HardSigmoid", 1 / 6),
    "keras2_hard_sigmoid": ("HardSigmoid", 0.2),
}
_MERGES = {"concat": None, "sum": "ReduceSum", "ave": "ReduceMean", "mul": "ReduceProd"}
_INT64_MIN = -(2**63)


def is_recurrent(layer: Any) -> bool:
    """Whether `recurrent_nodes` can convert this layer."""
    kind = type(layer).__name__
    return (kind in _OPERATIONS or kind == "Bidirectional") and not _obstacles(layer)


def recurrent_nodes(layer: Any, source: str, target: str, prefix: str) -> Pieces:
    """Convert one recurrent layer.

    Args:
        layer: a Keras GRU, LSTM or SimpleRNN, or a Bidirectional of one.
        source: name of its input, float32 (batch, time, features).
        target: name for its output, (batch, units), or (batch, time, units) if the layer returns
            sequences; twice the units if it is bidirectional and concatenates.
        prefix: for the names in between.

    Returns:
        Its nodes, in order, and its weights.

    Raises:
        ExportError: ONNX's operation lacks an option.
    """
    obstacles = _obstacles(layer)
    if obstacles:
        raise ExportError(
            f"layer {layer.name!r} ({type(layer).__name__}) uses {', '.join(obstacles)}, which "
            "ONNX's operation does not support; train it with the default options"
        )
    writer = _Writer(prefix)
    ways = _ways(layer)
    kind, every = type(ways[0]).__name__, bool(ways[0].return_sequences)
    x = writer.node("Transpose", [source], perm=[1, 0, 2])
    if ways[0].go_backwards:
        one = [writer.constant(name, [value]) for name, value in (("start", -1), ("axis", 0))]
        end = writer.constant("end", [_INT64_MIN])
        x = writer.node("Slice", [x, one[0], end, one[1], one[0]])
    weights = [writer.constant(name, values) for name, values in _weights_of(ways, kind).items()]
    # ONNX adds a direction axis: Y is (time, ways, batch, units), Y_h (ways, batch, units).
    y, y_h = f"{prefix}/every", f"{prefix}/last"
    operation = _OPERATIONS[kind]
    outputs = [y] if every else ["", y_h]
    name = f"{prefix}/{operation}"
    writer.pieces.add(operation, [x, *weights], outputs, name=name, **_attributes(ways, kind))
    merge = getattr(layer, "merge_mode", None)
    _join(writer, y if every else y_h, target, every, merge)
    return writer.pieces


class _Writer:
    """Adds nodes and constants, prefixing their names."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.pieces = Pieces()

    def node(
        self, operation: str, inputs: list[str], target: str | None = None, **attributes: Any
    ) -> str:
        name = f"{self.prefix}/{operation}{len(self.pieces.nodes)}"
        made = target or f"{name}/output"
        return self.pieces.add(operation, inputs, made, name=name, **attributes)

    def constant(self, name: str, values: Any) -> str:
        return self.pieces.store(f"{self.prefix}/{name}", values)


def _join(writer: _Writer, source: str, target: str, every: bool, merge: str | None) -> None:
    """From (time, ways, batch, units) or (ways, batch, units) to batch first, merging the ways."""
    if merge == "concat":
        perm, shape = ([2, 0, 1, 3], [0, 0, -1]) if every else ([1, 0, 2], [0, -1])
        x = writer.node("Transpose", [source], perm=perm)
        writer.node("Reshape", [x, writer.constant("shape", shape)], target)
        return
    axis, reduce = int(every), _MERGES[merge] if merge else None
    attributes: dict[str, Any]
    if reduce is None:
        inputs, attributes = [source, writer.constant("ways", [axis])], {}
        reduce = "Squeeze"
    elif reduce == "ReduceSum":  # in this opset the only reduction with its axes as an input
        inputs, attributes = [source, writer.constant("ways", [axis])], {"keepdims": 0}
    else:
        inputs, attributes = [source], {"keepdims": 0, "axes": [axis]}
    x = writer.node(reduce, inputs, None if every else target, **attributes)
    if every:
        writer.node("Transpose", [x], target, perm=[1, 0, 2])


def _ways(layer: Any) -> list[Any]:
    """The layer itself, or the forward and backward layers of a bidirectional one."""
    if type(layer).__name__ == "Bidirectional":
        return [layer.forward_layer, layer.backward_layer]
    return [layer]


def _activations(way: Any, kind: str) -> list[str]:
    own = way.activation.__name__
    if kind == "SimpleRNN":
        return [own]
    gates = way.recurrent_activation.__name__
    return [gates, own] if kind == "GRU" else [gates, own, own]


def _attributes(ways: list[Any], kind: str) -> dict[str, Any]:
    attributes: dict[str, Any] = {"hidden_size": ways[0].units}
    if len(ways) == 2:
        attributes["direction"] = "bidirectional"
    if kind == "GRU":
        attributes["linear_before_reset"] = int(ways[0].reset_after)
    named = [_ACTIVATIONS[name] for way in ways for name in _activations(way, kind)]
    if any(name not in ("Tanh", "Sigmoid") for name, _ in named) or kind == "SimpleRNN":
        attributes["activations"] = [name for name, _ in named]
    slopes = [slope for _, slope in named if slope is not None]
    if slopes:
        attributes |= {"activation_alpha": slopes, "activation_beta": [0.5] * len(slopes)}
    return attributes


def _obstacles(layer: Any) -> list[str]:
    ways = _ways(layer)
    kinds = {type(way).__name__ for way in ways}
    found = []
    if len(kinds) > 1 or not kinds <= set(_OPERATIONS):
        return [f"layers of types {' and '.join(sorted(kinds))} in two directions"]
    if len(ways) == 2:
        if layer.merge_mode not in _MERGES:
            found.append(f"merge_mode {layer.merge_mode!r}")
        same = ("units", "use_bias", "return_sequences", "reset_after")
        if any(getattr(ways[0], k, None) != getattr(ways[1], k, None) for k in same):
            found.append("two directions with different options")
    for way in ways:
        for role in ("activation", "recurrent_activation"):
            function = getattr(way, role, None)
            name = getattr(function, "__name__", repr(function))
            if function is not None and name not in _ACTIVATIONS:
                found.append(f"{role} {name}")
        if way.stateful:
            found.append("stateful")
        if way.return_state:
            found.append("return_state")
    if len(ways) == 2 and [way.go_backwards for way in ways] != [False, True]:
        found.append("go_backwards")
    return found


def _weights_of(ways: list[Any], kind: str) -> dict[str, Float32Array]:
    """W (ways, gates*units, features), R (ways, gates*units, units), B (ways, 2*gates*units)."""
    found: dict[str, list[Float32Array]] = {"W": [], "R": [], "B": []}
    for way in ways:
        kernel, recurrent, bias, recurrent_bias = _weights(way, kind)
        found["W"].append(_by_gate(kernel, kind).T)
        found["R"].append(_by_gate(recurrent, kind).T)
        found["B"].append(np.concatenate([_by_gate(bias, kind), _by_gate(recurrent_bias, kind)]))
    return {name: np.stack(values) for name, values in found.items()}


def _weights(
    layer: Any, kind: str
) -> tuple[Float32Array, Float32Array, Float32Array, Float32Array]:
    """Kernel (features, gates*units), recurrent kernel (units, gates*units), and two biases."""
    values = [np.asarray(weight, dtype=np.float32) for weight in layer.get_weights()]
    kernel, recurrent = values[0], values[1]
    none = np.zeros(kernel.shape[1], np.float32)
    if not layer.use_bias:
        return kernel, recurrent, none, none
    if kind == "GRU" and layer.reset_after:
        return kernel, recurrent, values[2][0], values[2][1]
    return kernel, recurrent, values[2], none


def _by_gate(values: Float32Array, kind: str) -> Float32Array:
    """Reorder the gates, concatenated along the last axis, to ONNX's order."""
    gates = np.split(values, len(_GATES[kind]), axis=-1)
    return np.concatenate([gates[gate] for gate in _GATES[kind]], axis=-1)
