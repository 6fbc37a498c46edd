"""Read a TensorFlow.js graph model (`model.json` and its weights) as a TensorFlow graph.

TensorFlow.js fuses a convolution or product with its bias and activation into one node of a kind
that other converters do not know; these nodes are taken apart again. This file knows nothing of
ONNX or of what a network is for.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from google.protobuf import json_format

Array = npt.NDArray[Any]

_PLAIN = {
    "_FusedConv2D": "Conv2D",
    "FusedDepthwiseConv2dNative": "DepthwiseConv2dNative",
    "_FusedMatMul": "MatMul",
}
_ATTRIBUTES = {  # what the plain operations take, of what the fused ones have
    "Conv2D": ("T", "strides", "padding", "data_format", "dilations", "explicit_paddings"),
    "DepthwiseConv2dNative": ("T", "strides", "padding", "data_format", "dilations"),
    "MatMul": ("T", "transpose_a", "transpose_b"),
}
_ACTIVATIONS = {b"Relu", b"Relu6", b"Elu"}


def read_graph_model(topology: bytes, weights: bytes) -> Any:
    """Read a graph model.

    Args:
        topology: the JSON file.
        weights: the content of its weight files, one after another.

    Returns:
        A `tensorflow.GraphDef` without fused operations.

    Raises:
        ValueError: the weights are not those of the topology, or an operation is fused in a way
            that this file does not know.
    """
    from rtaction.keras_tensorflow import tensorflow as tf

    described = json.loads(topology)
    values = dict(_weights(described["weightsManifest"], weights))
    whole = json_format.ParseDict(
        described["modelTopology"], tf.compat.v1.GraphDef(), ignore_unknown_fields=True
    )
    graph = tf.compat.v1.GraphDef()
    for node in whole.node:
        if node.op in _PLAIN:
            graph.node.extend(_apart(node))
            continue
        copy = graph.node.add()
        copy.CopyFrom(node)
        if node.op == "Const":
            value = values.pop(node.name)
            copy.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(value))
    if values:
        raise ValueError(f"the graph has no constants named {sorted(values)}")
    return graph


def _weights(manifest: list[dict[str, Any]], content: bytes) -> Iterator[tuple[str, Array]]:
    """Names and values, in the order in which they are stored."""
    position = 0
    for one in (one for group in manifest for one in group["weights"]):
        stored = one.get("quantization", {}).get("dtype", one["dtype"])
        if stored not in ("float16", "float32", "int32"):
            raise ValueError(
                f"{one['name']} is stored as {stored}; expected float16, float32, int32"
            )
        count = math.prod(one["shape"])
        values = np.frombuffer(content, np.dtype(stored).newbyteorder("<"), count, position)
        position += values.nbytes
        yield one["name"], values.astype(one["dtype"]).reshape(one["shape"])
    if position != len(content):
        raise ValueError(f"the manifest describes {position} bytes of weights, got {len(content)}")


def _apart(node: Any) -> Iterator[Any]:
    """The operation, its bias and its activation as separate nodes; the last has the old name."""
    steps = [step for step in node.attr["fused_ops"].list.s if step != b"NoOp"]
    if not steps or steps[0] != b"BiasAdd" or not set(steps[1:]) <= _ACTIVATIONS:
        raise ValueError(f"{node.name} fuses {steps}; expected BiasAdd and an activation")
    kind = _PLAIN[node.op]
    before = ""
    for number, step in enumerate([kind.encode(), *steps]):
        made = type(node)(op=step.decode())
        is_last = number == len(steps)
        made.name = node.name if is_last else f"{node.name}/{made.op}"
        made.input.extend([before] if before else node.input[:2])
        if step == b"BiasAdd":
            made.input.append(node.input[2])
        taken = _ATTRIBUTES[kind] if number == 0 else ("T",)
        for name in taken:
            if name in node.attr:
                made.attr[name].CopyFrom(node.attr[name])
        before = made.name
        yield made
