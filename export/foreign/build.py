"""One of rtaction's files from a graph from elsewhere: whole, or with a boundary to cut it at."""

from __future__ import annotations

import onnx
from onnx import ModelProto, NodeProto, TensorProto, helper

from rtaction.export.contract.scales import Scale
from rtaction.export.foreign.boundary import Cut, NotCuttable
from rtaction.export.foreign.front import Pieces, add_front, add_tail
from rtaction.export.foreign.graph import part, replaced_inputs
from rtaction.export.foreign.read import Foreign
from rtaction.export.foreign.shapes import Affine, affine_nodes
from rtaction.model_spec import METADATA_KEY, ModelSpec
from rtaction.onnx_format.file import BOUNDARY_KEY, WHOLE_KEY, Boundary, names_used

CLIP, SCORES = "clip", "scores"
BOUNDARY = Boundary("frames", "frame_features", "clip_features")
_MIN_IR_VERSION = 4  # before, stored tensors had to be inputs as well
_CLIP_FEATURES = "clip features"


def build_whole(
    foreign: Foreign,
    model: ModelProto,
    spec: ModelSpec,
    scale: Scale,
    *,
    softmax: bool,
    reason: str,
    batch: int | str,
) -> ModelProto:
    """A file that runs whole.

    Args:
        foreign: what is known of the model.
        model: it, or what was made of it; its first output is the scores.
        spec: the contract to put in.
        scale: of its pixels.
        softmax: whether to make probabilities of its scores.
        reason: why it is not cut.
        batch: 1, or a name where any will do.
    """
    inner = _prefixed(model, "model/")
    front, tail = Pieces(), Pieces()
    add_front(front, CLIP, inner.graph.input[0].name, scale, foreign.layout, foreign.elem_type)
    add_tail(tail, inner.graph.output[0].name, SCORES, len(spec.labels), softmax=softmax)
    metadata = {METADATA_KEY: spec.to_json(), WHOLE_KEY: reason}
    return _finished(model, [front, inner, tail], [], spec, batch, metadata)


def build_cut(
    foreign: Foreign,
    model: ModelProto,
    cut: Cut,
    sizes: dict[str, Affine],
    spec: ModelSpec,
    scale: Scale,
    *,
    softmax: bool,
    batch: int | str,
) -> ModelProto:
    """A file that can be cut into encoder and head.

    Args:
        foreign: what is known of the model.
        model: what `cut` was found in.
        cut: where.
        sizes: what in the model grows with the batch.
        spec: the contract to put in.
        scale: of its pixels.
        softmax: whether to make probabilities of its scores.
        batch: 1, or a name where any will do.

    Raises:
        NotCuttable: the head needs more than the features.
    """
    encoder, head = _prefixed(cut.encoder, "encoder/"), _prefixed(_head(model, cut, sizes), "head/")
    placement, feature_shape = cut.placement, cut.placement.feature_shape
    front, middle, tail = Pieces(), Pieces(), Pieces()
    front.reshape(CLIP, BOUNDARY.frames, [-1, *spec.frame_shape])
    front.reshape(BOUNDARY.frames, "one picture each", [-1, 1, *spec.frame_shape])
    add_front(
        front,
        "one picture each",
        encoder.graph.input[0].name,
        scale,
        foreign.layout,
        foreign.elem_type,
    )
    middle.reshape(encoder.graph.output[0].name, "features", [-1, *feature_shape])
    middle.add("Cast", ["features"], BOUNDARY.frame_features, to=TensorProto.FLOAT)
    middle.reshape(
        BOUNDARY.frame_features,
        BOUNDARY.clip_features,
        [-1, spec.frames_per_clip, *feature_shape],
    )
    middle.add("Cast", [BOUNDARY.clip_features], "own type", to=cut.elem_type)
    middle.add("Transpose", ["own type"], "own order", perm=list(placement.axes))
    middle.reshape("own order", f"head/{cut.tensor}", placement.shape)
    for node in head.graph.node:
        replaced_inputs(node, {f"head/{_CLIP_FEATURES}": BOUNDARY.clip_features})
    add_tail(tail, head.graph.output[0].name, SCORES, len(spec.labels), softmax=softmax)
    value, float32 = helper.make_tensor_value_info, TensorProto.FLOAT
    inner = [
        value(BOUNDARY.frames, TensorProto.UINT8, ["frames", *spec.frame_shape]),
        value(BOUNDARY.frame_features, float32, ["frames", *feature_shape]),
        value(BOUNDARY.clip_features, float32, [batch, spec.frames_per_clip, *feature_shape]),
    ]
    metadata = {METADATA_KEY: spec.to_json(), BOUNDARY_KEY: BOUNDARY.to_json()}
    return _finished(model, [front, encoder, middle, head, tail], inner, spec, batch, metadata)


def _head(model: ModelProto, cut: Cut, sizes: dict[str, Affine]) -> ModelProto:
    """What lies behind the boundary, sizes of the batch computed anew."""
    boundary = helper.make_tensor_value_info(cut.tensor, cut.elem_type, None)
    head = part(model, [boundary], model.graph.output[:1])
    graph = head.graph
    made = {name for node in graph.node for name in node.output}
    known = made | {tensor.name for tensor in model.graph.initializer} | {cut.tensor}
    # What is made of sizes alone is made from the features' batch, not from the clip's.
    wanted = {
        name: size
        for name, size in sizes.items()
        if any(name in names_used(node) for node in graph.node)
    }
    nodes = [node for node in graph.node if wanted.keys().isdisjoint(node.output)]
    graph.ClearField("node")
    graph.node.extend(affine_nodes(head, wanted, _CLIP_FEATURES, "sizes"))
    graph.node.extend(nodes)
    head = part(
        head, [boundary, helper.make_tensor_value_info(_CLIP_FEATURES, 1, None)], graph.output[:1]
    )
    made = {name for node in head.graph.node for name in node.output}
    known = made | {tensor.name for tensor in head.graph.initializer}
    known |= {cut.tensor, _CLIP_FEATURES}
    used = {name for node in head.graph.node for name in names_used(node)}
    if used - known:
        raise NotCuttable(f"what follows the pictures' features also reads {min(used - known)!r}")
    return head


def _prefixed(model: ModelProto, prefix: str) -> ModelProto:
    return onnx.compose.add_prefix(model, prefix, rename_functions=False)


def _finished(
    model: ModelProto,
    parts: list[Pieces | ModelProto],
    inner: list[onnx.ValueInfoProto],
    spec: ModelSpec,
    batch: int | str,
    metadata: dict[str, str],
) -> ModelProto:
    nodes: list[NodeProto] = []
    weights: list[TensorProto] = []
    for one in parts:
        nodes += one.nodes if isinstance(one, Pieces) else one.graph.node
        weights += one.weights if isinstance(one, Pieces) else one.graph.initializer
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "rtaction",
        [value(CLIP, TensorProto.UINT8, [batch, *spec.clip_shape])],
        [value(SCORES, TensorProto.FLOAT, [batch, len(spec.labels)])],
        weights,
        value_info=inner,
    )
    finished = helper.make_model(
        graph,
        opset_imports=model.opset_import,
        functions=model.functions,
        producer_name="rtaction",
        ir_version=max(model.ir_version, _MIN_IR_VERSION),
    )
    helper.set_model_props(finished, metadata)
    return finished
