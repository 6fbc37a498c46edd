"""Convert the parts of a Keras model to one ONNX graph that runs whole and can be cut.

Encoder and head are converted separately and joined here, so the graph contains the ConvNet once
for any number of frames; Keras itself would unroll `TimeDistributed` into one copy per frame.
A model that cannot be divided becomes a head without encoder, in a file without boundary.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
from onnx import AttributeProto, GraphProto, NodeProto, helper, numpy_helper

from rtaction.errors import ExportError
from rtaction.export.keras.graph import Program, Tensor, layers_called
from rtaction.export.keras.parts import Encoder, KerasParts, Recurrent
from rtaction.export.keras.recurrent import recurrent_nodes
from rtaction.export.keras.renaming import renamed
from rtaction.export.keras.saved_model import SavedModel
from rtaction.export.unforeseen import layer_of, reason_of, unforeseen_told
from rtaction.keras_tensorflow import keras, tensorflow
from rtaction.model_spec import ModelSpec
from rtaction.onnx_format.build import (
    BOUNDARY,
    CLIP,
    OPSET,
    SCORES,
    Pieces,
    described,
    model_of,
    model_with_contract,
    require_valid,
)

_LOOPS = {"Loop", "Scan", "If"}
_COSTLY = {"Conv", "ConvTranspose", "Gemm", "MatMul"}


def to_onnx(parts: KerasParts, spec: ModelSpec) -> onnx.ModelProto:
    """Convert the parts and join them.

    Args:
        parts: of the Keras model.
        spec: the contract to embed.

    Returns:
        A valid ONNX model: `clip` uint8 (batch, F, H, W, C) to `scores` float32
        (batch, num_labels), for any batch size; its metadata hold the contract, and the boundary
        if it has one.

    Raises:
        ExportError: a layer cannot be converted, or is duplicated in the graph.
    """
    pieces = Pieces()
    names = {id(parts.clip): CLIP}  # ONNX names of the model's tensors
    if parts.encoder is not None:
        names = _add_encoder(pieces, parts.encoder, spec)
    _add_head(pieces, parts, names)
    model = model_with_contract(
        [pieces],
        spec,
        feature_shape=None if parts.encoder is None else [parts.encoder.num_features],
        reason_for_whole=parts.reason_for_whole,
    )
    require_valid(model, "converted")
    check_structure(model, parts)
    return model


def head_to_onnx(parts: KerasParts, source: str) -> onnx.ModelProto:
    """Convert a model without encoder, whose input is made by other operations.

    Args:
        parts: of the Keras model, undivided.
        source: name of the input.

    Returns:
        A valid ONNX model: `source` float32 (batch, ...) to `scores` float32 (batch, num_labels).

    Raises:
        ExportError: a layer cannot be converted.
    """
    pieces = Pieces()
    _add_head(pieces, parts, {id(parts.clip): source})
    model = model_of(
        [pieces],
        inputs=[described(source, "float32", ["batch", *parts.clip.shape[1:]])],
        outputs=[described(SCORES, "float32", ["batch", parts.scores.shape[1]])],
    )
    require_valid(model, "converted")
    check_structure(model, parts)
    return model


def _add_head(pieces: Pieces, parts: KerasParts, names: dict[int, str]) -> None:
    """Add all but the encoder; `names` are those of the tensors made so far, by their ids."""
    for number, part in enumerate(parts.head):
        prefix = f"head{number}"
        target = SCORES if part.target is parts.scores else f"{prefix}/output"
        if isinstance(part, Recurrent):
            pieces.extend(recurrent_nodes(part.layer, names[id(part.source)], target, prefix))
        else:
            read = [names[id(one)] for one in part.sources]
            pieces.extend(_convert(part, part.sources, read, target, prefix))
        names[id(part.target)] = target


def check_structure(model: onnx.ModelProto, parts: KerasParts) -> None:
    """Reject a graph with loops, or with more than one copy of the per-frame network.

    A loop cannot be cut, and a ConvNet that is repeated for each frame is recomputed for every
    window. Both give correct scores, so comparing scores would not detect them. A SavedModel is
    not checked, as its layers are unknown.

    Args:
        model: the converted model.
        parts: what it was converted from.

    Raises:
        ExportError: it has a loop or a copy; the message names the operation.
    """
    if any(isinstance(one, SavedModel) for one in _layers(parts)):
        return
    loops = sorted({node.op_type for node in _all_nodes(model.graph.node)} & _LOOPS)
    if loops:
        raise ExportError(
            f"the converted graph contains {' and '.join(loops)}, which cannot be cut: a layer "
            "loops or branches on data; build the model without it"
        )
    if parts.encoder is None:
        return
    calls = Counter(id(layer) for layer in _layers(parts))
    most = max(calls.values())
    weights = {tensor.name for tensor in model.graph.initializer}
    costly = [node for node in model.graph.node if node.op_type in _COSTLY]
    reads = Counter(name for node in costly for name in node.input if name in weights)
    for name, uses in reads.items():
        if name.startswith("encoder/") and uses > most:
            raise ExportError(
                f"the weights {name} are used by {uses} operations of the converted graph, but a "
                f"layer is called {most} times at most; each frame would cost that much more"
            )


def _all_nodes(nodes: Any) -> Iterator[NodeProto]:
    for node in nodes:
        yield node
        for attribute in node.attribute:
            if attribute.type == AttributeProto.GRAPH:
                yield from _all_nodes(attribute.g.node)


def _layers(parts: KerasParts) -> Iterator[Any]:
    """The layer of each call, including those inside TimeDistributed and nested models."""
    nodes = list(parts.encoder.nodes) if parts.encoder else []
    for part in parts.head:
        nodes += getattr(part, "nodes", [])
    return layers_called({id(node): node for node in nodes}.values())


def _add_encoder(pieces: Pieces, encoder: Encoder, spec: ModelSpec) -> dict[int, str]:
    """Add the per-frame network; returns the names of its features by the id of their tensors."""
    pieces.reshape(CLIP, BOUNDARY.frames, [-1, *spec.frame_shape])
    frame = keras.KerasTensor((None, *spec.frame_shape), encoder.clip.dtype)
    features = BOUNDARY.frame_features
    pieces.extend(_convert(encoder, [frame], [BOUNDARY.frames], features, "encoder"))
    frames, whole = spec.frames_per_clip, BOUNDARY.clip_features
    pieces.reshape(features, whole, [-1, frames, encoder.num_features])
    sizes = [int(np.prod(t.shape[2:])) for t in encoder.features]
    parts = [whole]
    if len(sizes) > 1:
        parts = [f"features{number}" for number in range(len(sizes))]
        lengths = pieces.store("features/sizes", sizes)
        pieces.add("Split", [whole, lengths], parts, name="features/Split", axis=2)
    names = {}
    for number, (part, tensor) in enumerate(zip(parts, encoder.features, strict=True)):
        names[id(tensor)] = (
            part
            if len(tensor.shape) == 3
            else pieces.reshape(part, f"maps{number}", [-1, frames, *tensor.shape[2:]])
        )
    return names


def _convert(
    part: Program | Encoder,
    sources: list[Tensor],
    names: list[str],
    target: str,
    prefix: str,
) -> Pieces:
    """Nodes and weights of one part, renamed so that several parts fit into one graph."""
    with unforeseen_told(f"one of the layers {part.layer_names} cannot be converted"):
        return _converted(part, sources, names, target, prefix)


def _converted(
    part: Program | Encoder,
    sources: list[Tensor],
    names: list[str],
    target: str,
    prefix: str,
) -> Pieces:
    dtypes = ["uint8" if name in (CLIP, BOUNDARY.frames) else "float32" for name in names]
    specs = [
        tensorflow.TensorSpec([None, *one.shape[1:]], dtype, name=f"source{number}")
        for number, (one, dtype) in enumerate(zip(sources, dtypes, strict=True))
    ]

    # Keras trains without AutoGraph, too.
    @tensorflow.function(input_signature=specs, autograph=False)  # type: ignore[untyped-decorator]
    def compute(*values: Any) -> dict[str, Any]:
        cast = [tensorflow.cast(v, one.dtype) for v, one in zip(values, sources, strict=True)]
        return {"target": tensorflow.cast(part(*cast), "float32")}

    # It imports TensorFlow, which `keras_tensorflow` must import first to silence it.
    import tf2onnx

    # It reports each step, and operations such as Erfc as errors that are replaced here afterwards.
    logging.getLogger("tf2onnx").setLevel(logging.CRITICAL)
    try:
        converted, _ = tf2onnx.convert.from_function(compute, input_signature=specs, opset=OPSET)
    except Exception as error:
        # tf2onnx and Keras raise plain Exceptions of many kinds.
        at = layer_of(error) or f"one of the layers {part.layer_names}"
        raise ExportError(
            f"{at} cannot be converted: {reason_of(error)}; build the model without it"
        ) from error
    graph = converted.graph
    _store_captured(graph, compute.get_concrete_function().graph.captures)
    _write_out_erfc(graph)
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
    # Folded constants are left over as additional inputs.
    sources_by_name = {spec.name: name for spec, name in zip(specs, names, strict=True)}
    given = {one.name: sources_by_name.get(one.name.split(":")[0]) for one in graph.input}
    own = {name: source for name, source in given.items() if source is not None}
    return renamed(graph, own | {graph.output[0].name: target}, prefix)


def _store_captured(graph: GraphProto, captures: Any) -> None:
    """Store the tensors that layers hold outside of weights, such as `keras.ops.arange(128)`.

    TensorFlow makes an input of the graph of each.
    """
    held = {
        inner.name.split(":")[0]: outer
        for outer, inner in captures
        if outer.dtype not in (tensorflow.resource, tensorflow.variant)
    }
    for one in graph.input:
        if (value := held.get(one.name.split(":")[0])) is not None:
            graph.initializer.append(numpy_helper.from_array(np.asarray(value), one.name))


def _write_out_erfc(graph: GraphProto) -> None:
    """Replace Erfc, which exact GELUs use and ONNX lacks, by 1 - Erf, in place."""
    nodes = list(graph.node)
    del graph.node[:]
    for node in nodes:
        if node.op_type == "Erfc":
            one, erf = f"{node.name}/one", f"{node.name}/erf"
            graph.initializer.append(numpy_helper.from_array(np.array(1.0, np.float32), one))
            graph.node.append(helper.make_node("Erf", list(node.input), [erf], erf))
            node = helper.make_node("Sub", [one, erf], list(node.output), f"{node.name}/Sub")
        graph.node.append(node)
