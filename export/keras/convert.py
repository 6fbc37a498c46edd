"""Keras parts to one ONNX graph that runs whole and can be cut.

Encoder and head are converted apart and joined here, so the ConvNet stands once in the graph
whatever the number of frames; Keras itself would unroll `TimeDistributed` into one copy for each.
A model that cannot be divided is a head without encoder, and its file says nothing of a boundary.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

from rtaction.errors import ExportError
from rtaction.export.keras.graph import Program, Tensor
from rtaction.export.keras.names import renamed, write_out_erfc
from rtaction.export.keras.parts import Encoder, KerasParts, Recurrent
from rtaction.export.keras.recurrent import recurrent_nodes
from rtaction.export.keras.structure import check_structure
from rtaction.keras_tensorflow import tensorflow
from rtaction.model_spec import METADATA_KEY, ModelSpec
from rtaction.onnx_format.file import BOUNDARY_KEY, WHOLE_KEY, Boundary

OPSET = 17
IR_VERSION = 8  # of the same age as the opset, for older runtimes

CLIP, SCORES = "clip", "scores"
BOUNDARY = Boundary("frames", "frame_features", "clip_features")


@dataclass(slots=True)
class _Graph:
    nodes: list[NodeProto] = field(default_factory=list)
    weights: list[TensorProto] = field(default_factory=list)
    names: dict[int, str] = field(default_factory=dict)
    """Of the model's tensors that stand in the graph, by the identity of Keras' tensor."""

    def constant(self, name: str, values: Any) -> str:
        self.weights.append(numpy_helper.from_array(np.array(values), name))
        return name

    def reshape(self, source: str, target: str, shape: list[int]) -> None:
        self.constant(f"{target}/shape", shape)
        self.nodes.append(
            helper.make_node("Reshape", [source, f"{target}/shape"], [target], f"{target}/Reshape")
        )

    def add(self, made: tuple[list[NodeProto], list[TensorProto]]) -> None:
        self.nodes += made[0]
        self.weights += made[1]


def to_onnx(parts: KerasParts, spec: ModelSpec) -> onnx.ModelProto:
    """Convert and join.

    Args:
        parts: of the Keras model.
        spec: the contract to embed.

    Returns:
        A checked ONNX model: `clip` uint8 (batch, F, H, W, C) to `scores` float32
        (batch, num_labels), batch free, with its contract, and its boundary if it has one, in the
        metadata.

    Raises:
        ExportError: a layer cannot be converted, or stands more often in the graph than it must.
    """
    graph = _Graph()
    if parts.encoder is None:
        graph.names[id(parts.clip)] = CLIP
    else:
        _add_encoder(graph, parts.encoder, spec)
    for number, part in enumerate(parts.head):
        prefix = f"head{number}"
        target = SCORES if part.target is parts.scores else f"{prefix}/output"
        if isinstance(part, Recurrent):
            source = graph.names[id(part.source)]
            graph.add(recurrent_nodes(part.layer, source, target, prefix))
        else:
            names = [graph.names[id(one)] for one in part.sources]
            graph.add(_convert(part, part.sources, names, target, prefix))
        graph.names[id(part.target)] = target
    model = _finished(graph, parts, spec)
    check_structure(model, parts)
    return model


def _add_encoder(graph: _Graph, encoder: Encoder, spec: ModelSpec) -> None:
    graph.reshape(CLIP, BOUNDARY.frames, [-1, *spec.frame_shape])
    frame = _Frame((None, *spec.frame_shape), encoder.clip.dtype)
    graph.add(_convert(encoder, [frame], [BOUNDARY.frames], BOUNDARY.frame_features, "encoder"))
    frames, size = spec.frames_per_clip, encoder.num_features
    graph.reshape(BOUNDARY.frame_features, BOUNDARY.clip_features, [-1, frames, size])
    whole, sizes = BOUNDARY.clip_features, [int(np.prod(t.shape[2:])) for t in encoder.features]
    pieces = [whole]
    if len(sizes) > 1:
        pieces = [f"features{number}" for number in range(len(sizes))]
        lengths = graph.constant("features/sizes", sizes)
        graph.nodes.append(
            helper.make_node("Split", [whole, lengths], pieces, "features/Split", axis=2)
        )
    for number, (piece, tensor) in enumerate(zip(pieces, encoder.features, strict=True)):
        name = piece
        if len(tensor.shape) != 3:
            name = f"maps{number}"
            graph.reshape(piece, name, [-1, frames, *tensor.shape[2:]])
        graph.names[id(tensor)] = name


@dataclass(frozen=True, slots=True)
class _Frame:
    """What `_convert` needs to know of a tensor."""

    shape: tuple[int | None, ...]
    dtype: str


def _finished(graph: _Graph, parts: KerasParts, spec: ModelSpec) -> onnx.ModelProto:
    encoder = parts.encoder
    uint8, float32 = TensorProto.UINT8, TensorProto.FLOAT
    value = helper.make_tensor_value_info
    metadata, values = {METADATA_KEY: spec.to_json()}, []
    if encoder is None:
        metadata[WHOLE_KEY] = parts.reason_for_whole
    else:
        size, frames = encoder.num_features, spec.frames_per_clip
        metadata[BOUNDARY_KEY] = BOUNDARY.to_json()
        values = [
            value(BOUNDARY.frames, uint8, ["frames", *spec.frame_shape]),
            value(BOUNDARY.frame_features, float32, ["frames", size]),
            value(BOUNDARY.clip_features, float32, ["batch", frames, size]),
        ]
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "rtaction",
            [value(CLIP, uint8, ["batch", *spec.clip_shape])],
            [value(SCORES, float32, ["batch", len(spec.labels)])],
            graph.weights,
            value_info=values,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        producer_name="rtaction",
        ir_version=IR_VERSION,
    )
    helper.set_model_props(model, metadata)
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ExportError(f"the converted graph is not valid ONNX: {error}") from None
    return model


def _convert(
    part: Program | Encoder,
    sources: list[Tensor] | list[_Frame],
    names: list[str],
    target: str,
    prefix: str,
) -> tuple[list[NodeProto], list[TensorProto]]:
    """Nodes and weights of one part, renamed so that several fit into one graph."""
    dtypes = ["uint8" if name in (CLIP, BOUNDARY.frames) else "float32" for name in names]
    specs = [
        tensorflow.TensorSpec([None, *one.shape[1:]], dtype, name=f"source{number}")
        for number, (one, dtype) in enumerate(zip(sources, dtypes, strict=True))
    ]

    @tensorflow.function(input_signature=specs)  # type: ignore[untyped-decorator]
    def compute(*values: Any) -> dict[str, Any]:
        cast = [tensorflow.cast(v, one.dtype) for v, one in zip(values, sources, strict=True)]
        return {"target": tensorflow.cast(part(*cast), "float32")}

    # It loads TensorFlow, which `keras_tensorflow` must have done first, in silence.
    import tf2onnx

    # It reports each step of each conversion.
    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    try:
        converted, _ = tf2onnx.convert.from_function(compute, input_signature=specs, opset=OPSET)
    except Exception as error:
        # tf2onnx and Keras raise plain Exceptions of many kinds.
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ExportError(
            f"one of the layers {part.layer_names} cannot be converted: {reason}; build the model "
            "without it"
        ) from None
    graph = converted.graph
    write_out_erfc(graph)
    foreign = sorted({node.domain for node in graph.node} - {"", "ai.onnx"})
    if foreign:
        raise ExportError(
            f"one of the layers {part.layer_names} needs the operator sets {foreign}, which other "
            "runtimes lack; build the model without it"
        )
    unknown = sorted({n.op_type for n in graph.node if not onnx.defs.has(n.op_type, OPSET)})
    if unknown:
        raise ExportError(
            f"one of the layers {part.layer_names} computes {unknown}, which ONNX does not have; "
            "build the model without it"
        )
    # Constants that were folded away are left behind as further inputs.
    sources_by_name = {spec.name: name for spec, name in zip(specs, names, strict=True)}
    given = {one.name: sources_by_name.get(one.name.split(":")[0]) for one in graph.input}
    own = {name: source for name, source in given.items() if source is not None}
    return renamed(graph, own | {graph.output[0].name: target}, prefix)
