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
        layer: a Keras GRU or LSTM.
        source: name of its input, float32 (batch, time, features).
        target: name to give its output, (batch, units), or (batch, time, units) where the layer
            returns sequences.
        prefix: for the names of what lies between.

    Returns:
        The nodes, in order, and the weights.

    Raises:
        ExportError: an option that ONNX's operation does not have.
    """
    kind = type(layer).__name__
    _check_options(layer, kind)
    weights = _weight_tensors(layer, kind, prefix)
    attributes: dict[str, Any] = {"hidden_size": layer.units}
    if kind == "GRU":
        attributes["linear_before_reset"] = int(layer.reset_after)
    # ONNX wants time first and has an axis for the direction: Y is (time, 1, batch, units) and
    # Y_h is (1, batch, units).
    every, last = ("every", "") if layer.return_sequences else ("", "last")
    outputs = [f"{prefix}/{every}" if every else "", f"{prefix}/{last}" if last else ""]
    nodes = [
        helper.make_node(
            "Transpose", [source], [f"{prefix}/time_first"], f"{prefix}/Transpose", perm=[1, 0, 2]
        ),
        helper.make_node(
            kind,
            [f"{prefix}/time_first", *(f"{prefix}/{name}" for name in "WRB")],
            outputs if last else outputs[:1],
            f"{prefix}/{kind}",
            **attributes,
        ),
    ]
    squeezed = f"{prefix}/squeezed" if every else target
    nodes.append(
        helper.make_node(
            "Squeeze", [outputs[0] or outputs[1], f"{prefix}/axis"], [squeezed], f"{prefix}/Squeeze"
        )
    )
    if every:
        nodes.append(
            helper.make_node(
                "Transpose", [squeezed], [target], f"{prefix}/Transpose_back", perm=[1, 0, 2]
            )
        )
    return nodes, weights


def _weight_tensors(layer: Any, kind: str, prefix: str) -> list[TensorProto]:
    kernel, recurrent, bias, recurrent_bias = _weights(layer, kind)
    return [
        numpy_helper.from_array(_by_gate(kernel, kind).T[np.newaxis].copy(), f"{prefix}/W"),
        numpy_helper.from_array(_by_gate(recurrent, kind).T[np.newaxis].copy(), f"{prefix}/R"),
        numpy_helper.from_array(
            np.concatenate([_by_gate(bias, kind), _by_gate(recurrent_bias, kind)])[np.newaxis],
            f"{prefix}/B",
        ),
        numpy_helper.from_array(np.array([1 if layer.return_sequences else 0]), f"{prefix}/axis"),
    ]


def _check_options(layer: Any, kind: str) -> None:
    unsupported = {
        "stateful": layer.stateful,
        "go_backwards": layer.go_backwards,
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
