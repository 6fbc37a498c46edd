"""Keras' recurrent layers as ONNX's own operations.

Left to itself tf2onnx turns a GRU into a `Loop`, which is slow and cannot be cut. The native
operations compute the same: https://onnx.ai/onnx/operators/onnx__GRU.html,
https://onnx.ai/onnx/operators/onnx__LSTM.html.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import NodeProto, TensorProto, helper, numpy_helper

from rtaction.errors import ExportError

FloatArray = npt.NDArray[np.float32]
RECURRENT_LAYERS = ("GRU", "LSTM")

# Keras orders the gates z, r, h (GRU) and i, f, c, o (LSTM); ONNX z, r, h and i, o, f, c.
_GATES = {"GRU": (0, 1, 2), "LSTM": (0, 3, 1, 2)}


def recurrent_nodes(
    layer: Any, source: str, target: str, prefix: str
) -> tuple[list[NodeProto], list[TensorProto]]:
    """Write one recurrent layer.

    Args:
        layer: a Keras GRU or LSTM, or a Bidirectional of one.
        source: name of its input, float32 (batch, time, features).
        target: name to give its output, (batch, units), or (batch, time, units) where the layer
            returns sequences; twice the units where it is bidirectional.
        prefix: for the names of what lies between.

    Returns:
        The nodes, in order, and the weights.

    Raises:
        ExportError: an option that ONNX's operation does not have.
    """
    ways = _ways(layer)
    kind = type(ways[0]).__name__
    attributes: dict[str, Any] = {"hidden_size": ways[0].units}
    if len(ways) == 2:
        attributes["direction"] = "bidirectional"
    if kind == "GRU":
        attributes["linear_before_reset"] = int(ways[0].reset_after)
    # ONNX wants time first and has an axis for the direction: Y is (time, ways, batch, units) and
    # Y_h is (ways, batch, units).
    every = bool(ways[0].return_sequences)
    name = f"{prefix}/{'every' if every else 'last'}"
    nodes = [
        helper.make_node(
            "Transpose", [source], [f"{prefix}/time_first"], f"{prefix}/Transpose", perm=[1, 0, 2]
        ),
        helper.make_node(
            kind,
            [f"{prefix}/time_first", *(f"{prefix}/{name}" for name in "WRB")],
            [name] if every else ["", name],
            f"{prefix}/{kind}",
            **attributes,
        ),
    ]
    weights = _weight_tensors(ways, kind, prefix)
    join = _join_two if len(ways) == 2 else _drop_direction
    join(nodes, weights, name, target, prefix, every)
    return nodes, weights


def _drop_direction(
    nodes: list[NodeProto],
    weights: list[TensorProto],
    source: str,
    target: str,
    prefix: str,
    every: bool,
) -> None:
    """(time, 1, batch, units) or (1, batch, units) to (batch, time, units) or (batch, units)."""
    weights.append(numpy_helper.from_array(np.array([int(every)]), f"{prefix}/axis"))
    squeezed = f"{prefix}/squeezed" if every else target
    nodes.append(
        helper.make_node("Squeeze", [source, f"{prefix}/axis"], [squeezed], f"{prefix}/Squeeze")
    )
    if every:
        nodes.append(
            helper.make_node(
                "Transpose", [squeezed], [target], f"{prefix}/Transpose_back", perm=[1, 0, 2]
            )
        )


def _join_two(
    nodes: list[NodeProto],
    weights: list[TensorProto],
    source: str,
    target: str,
    prefix: str,
    every: bool,
) -> None:
    """(time, 2, batch, units) or (2, batch, units), both ways side by side on the last axis."""
    perm, shape = ([2, 0, 1, 3], [0, 0, -1]) if every else ([1, 0, 2], [0, -1])
    weights.append(numpy_helper.from_array(np.array(shape), f"{prefix}/shape"))
    nodes += [
        helper.make_node(
            "Transpose", [source], [f"{prefix}/batch_first"], f"{prefix}/Transpose_back", perm=perm
        ),
        helper.make_node(
            "Reshape",
            [f"{prefix}/batch_first", f"{prefix}/shape"],
            [target],
            f"{prefix}/Reshape",
        ),
    ]


def is_recurrent(layer: Any) -> bool:
    """Whether `recurrent_nodes` is for this layer, or may say why it cannot write it."""
    kind = type(layer).__name__
    return kind in RECURRENT_LAYERS or kind == "Bidirectional"


def _ways(layer: Any) -> list[Any]:
    """The layer, or the two of a bidirectional one: forwards, then backwards."""
    if type(layer).__name__ != "Bidirectional":
        _check_options(layer, type(layer).__name__)
        return [layer]
    ways = [layer.forward_layer, layer.backward_layer]
    kinds = [type(way).__name__ for way in ways]
    if kinds[0] not in RECURRENT_LAYERS or kinds[0] != kinds[1]:
        raise ExportError(
            f"layer {layer.name!r} (Bidirectional) must hold two {' or '.join(RECURRENT_LAYERS)} "
            f"layers, got {' and '.join(kinds)}"
        )
    if layer.merge_mode != "concat":
        raise ExportError(
            f"layer {layer.name!r} (Bidirectional) merges by {layer.merge_mode!r}; only 'concat', "
            "the default, can be exported"
        )
    for way in ways:
        _check_options(way, kinds[0], backwards=way is ways[1])
    return ways


def _weight_tensors(ways: list[Any], kind: str, prefix: str) -> list[TensorProto]:
    found: dict[str, list[FloatArray]] = {"W": [], "R": [], "B": []}
    for way in ways:
        kernel, recurrent, bias, recurrent_bias = _weights(way, kind)
        found["W"].append(_by_gate(kernel, kind).T)
        found["R"].append(_by_gate(recurrent, kind).T)
        found["B"].append(np.concatenate([_by_gate(bias, kind), _by_gate(recurrent_bias, kind)]))
    return [numpy_helper.from_array(np.stack(one), f"{prefix}/{k}") for k, one in found.items()]


def _check_options(layer: Any, kind: str, *, backwards: bool = False) -> None:
    unsupported = {
        "stateful": layer.stateful,
        "go_backwards": layer.go_backwards != backwards,
        "return_state": layer.return_state,
        f"activation {layer.activation.__name__}": layer.activation.__name__ != "tanh",
        f"recurrent_activation {layer.recurrent_activation.__name__}": (
            layer.recurrent_activation.__name__ != "sigmoid"
        ),
    }
    found = [option for option, is_set in unsupported.items() if is_set]
    if found:
        raise ExportError(
            f"layer {layer.name!r} ({kind}) uses {', '.join(found)}, which ONNX's {kind} cannot "
            "express here; train it with the default options"
        )


def _weights(layer: Any, kind: str) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Kernel (features, gates*units), recurrent kernel (units, gates*units), and two biases."""
    values = [np.asarray(weight, dtype=np.float32) for weight in layer.get_weights()]
    kernel, recurrent = values[0], values[1]
    none = np.zeros(kernel.shape[1], np.float32)
    if not layer.use_bias:
        return kernel, recurrent, none, none
    if kind == "GRU" and layer.reset_after:
        return kernel, recurrent, values[2][0], values[2][1]
    return kernel, recurrent, values[2], none


def _by_gate(values: FloatArray, kind: str) -> FloatArray:
    """Put the gates, side by side on the last axis, into ONNX's order."""
    gates = np.split(values, len(_GATES[kind]), axis=-1)
    return np.concatenate([gates[gate] for gate in _GATES[kind]], axis=-1)
