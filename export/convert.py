"""Keras parts to one ONNX graph that runs whole and can be cut.

Encoder and head are converted apart and joined here, so the ConvNet stands once in the graph
whatever the number of frames; Keras itself would unroll `TimeDistributed` into one copy for each.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import AttributeProto, GraphProto, NodeProto, TensorProto, helper, numpy_helper

from rtaction.errors import ExportError
from rtaction.export.keras_parts import KerasParts
from rtaction.export.recurrent import is_recurrent, recurrent_nodes
from rtaction.keras_tensorflow import tensorflow
from rtaction.model_spec import METADATA_KEY, ModelSpec
from rtaction.onnx_file import BOUNDARY_KEY, Boundary

OPSET = 17
IR_VERSION = 8  # of the same age as the opset, for older runtimes

CLIP, SCORES = "clip", "scores"
BOUNDARY = Boundary("frames", "frame_features", "clip_features")


@dataclass(slots=True)
class _Graph:
    nodes: list[NodeProto] = field(default_factory=list)
    weights: list[TensorProto] = field(default_factory=list)

    def reshape(self, source: str, target: str, shape: list[int]) -> None:
        self.weights.append(numpy_helper.from_array(np.array(shape), f"{target}/shape"))
        self.nodes.append(
            helper.make_node("Reshape", [source, f"{target}/shape"], [target], f"{target}/Reshape")
        )

    def add(self, nodes: list[NodeProto], weights: list[TensorProto]) -> None:
        self.nodes += nodes
        self.weights += weights


def to_onnx(parts: KerasParts, spec: ModelSpec) -> onnx.ModelProto:
    """Convert and join.

    Args:
        parts: of the Keras model.
        spec: the contract to embed.

    Returns:
        A checked ONNX model: `clip` uint8 (batch, F, H, W, C) to `scores` float32
        (batch, num_labels), batch free, with contract and boundary in its metadata.

    Raises:
        ExportError: a layer cannot be converted.
    """
    num_features = int(parts.encoder.output.shape[-1])
    graph = _Graph()
    graph.reshape(CLIP, BOUNDARY.frames, [-1, *spec.frame_shape])
    graph.add(
        *_convert(parts.encoder, "uint8", BOUNDARY.frames, BOUNDARY.frame_features, "encoder")
    )
    graph.reshape(
        BOUNDARY.frame_features,
        BOUNDARY.clip_features,
        [-1, spec.frames_per_clip, num_features],
    )
    source = BOUNDARY.clip_features
    for number, part in enumerate(parts.head):
        prefix = f"head{number}"
        target = SCORES if number == len(parts.head) - 1 else f"{prefix}/output"
        if is_recurrent(part):
            graph.add(*recurrent_nodes(part, source, target, prefix))
        else:
            graph.add(*_convert(part, "float32", source, target, prefix))
        source = target
    return _finish(graph, spec, num_features)


def _finish(graph: _Graph, spec: ModelSpec, num_features: int) -> onnx.ModelProto:
    uint8, float32 = TensorProto.UINT8, TensorProto.FLOAT
    value = helper.make_tensor_value_info
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "rtaction",
            [value(CLIP, uint8, ["batch", *spec.clip_shape])],
            [value(SCORES, float32, ["batch", len(spec.labels)])],
            graph.weights,
            value_info=[
                value(BOUNDARY.frames, uint8, ["frames", *spec.frame_shape]),
                value(BOUNDARY.frame_features, float32, ["frames", num_features]),
                value(
                    BOUNDARY.clip_features, float32, ["batch", spec.frames_per_clip, num_features]
                ),
            ],
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        producer_name="rtaction",
        ir_version=IR_VERSION,
    )
    metadata = {METADATA_KEY: spec.to_json(), BOUNDARY_KEY: BOUNDARY.to_json()}
    helper.set_model_props(model, metadata)
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ExportError(f"the converted graph is not valid ONNX: {error}") from None
    return model


def _convert(
    part: Any, dtype: str, source: str, target: str, prefix: str
) -> tuple[list[NodeProto], list[TensorProto]]:
    """Nodes and weights of one Keras model, renamed so that several fit into one graph."""
    shape = [None, *part.inputs[0].shape[1:]]
    own_dtype = part.inputs[0].dtype

    @tensorflow.function(  # type: ignore[untyped-decorator]
        input_signature=[tensorflow.TensorSpec(shape, dtype, name="source")]
    )
    def compute(values: Any) -> dict[str, Any]:
        return {"target": part(tensorflow.cast(values, own_dtype), training=False)}

    # It loads TensorFlow, which `keras_tensorflow` must have done first, in silence.
    import tf2onnx

    # It reports each step of each conversion.
    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    try:
        converted, _ = tf2onnx.convert.from_function(
            compute, input_signature=compute.input_signature, opset=OPSET
        )
    except Exception as error:
        # tf2onnx raises plain Exceptions of many kinds.
        layers = ", ".join(type(layer).__name__ for layer in part.layers)
        raise ExportError(f"tf2onnx cannot convert one of the layers {layers}: {error}") from None
    foreign = sorted({node.domain for node in converted.graph.node} - {""})
    if foreign:
        raise ExportError(f"the conversion of {prefix} needs the operator sets {foreign}")
    graph = converted.graph
    names = {graph.input[0].name: source, graph.output[0].name: target, "": ""}
    return _renamed(graph, names, prefix)


def _renamed(
    graph: GraphProto, names: dict[str, str], prefix: str
) -> tuple[list[NodeProto], list[TensorProto]]:
    """Order and name everything by its way to the output.

    tf2onnx counts on from one conversion to the next, and orders by the names that this gives; two
    exports of one model would differ.
    """
    weights = {tensor.name: tensor for tensor in graph.initializer}
    nodes: list[NodeProto] = []
    used: list[TensorProto] = []
    for number, node in enumerate(_ordered(graph)):
        if any(attribute.type == AttributeProto.GRAPH for attribute in node.attribute):
            raise ExportError(
                f"the conversion of {prefix} gave a {node.op_type} with a graph inside, which "
                "cannot be joined; a layer loops or branches on data"
            )
        for name in node.input:
            if name in weights and name not in names:
                names[name] = f"{prefix}/weight{len(used)}"
                used.append(_copy(weights[name], name=names[name]))
        for position, name in enumerate(node.output):
            names.setdefault(name, f"{prefix}/{node.op_type}{number}/{position}")
        renamed = _copy(node, name=f"{prefix}/{node.op_type}{number}")
        renamed.input[:] = [names[name] for name in node.input]
        renamed.output[:] = [names[name] for name in node.output]
        nodes.append(renamed)
    return nodes, used


def _ordered(graph: GraphProto) -> list[NodeProto]:
    """The nodes that the output needs, each after those that it needs itself."""
    makers = {name: node for node in graph.node for name in node.output}
    ordered: list[NodeProto] = []
    seen: set[int] = set()
    waiting = [(makers[graph.output[0].name], False)]
    while waiting:
        node, inputs_done = waiting.pop()
        if inputs_done:
            ordered.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            waiting.append((node, True))
            waiting += [(makers[name], False) for name in reversed(node.input) if name in makers]
    return ordered


def _copy(message: Any, *, name: str) -> Any:
    copy = type(message)()
    copy.CopyFrom(message)
    copy.name = name
    return copy
