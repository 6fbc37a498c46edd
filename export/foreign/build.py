"""Build an rtaction file from a third-party graph: whole, or with a boundary to cut it at.

The graph is placed between a front and a tail. The front converts uint8 RGB frames to the pixel
range and layout that the network was trained on; the tail converts its output to scores of shape
(batch, num_labels).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import ModelProto, helper

from rtaction.export.contract.scales import Scale
from rtaction.export.foreign.boundary import Cut, NotCuttable
from rtaction.export.foreign.graph import replaced_inputs
from rtaction.export.foreign.read import Foreign
from rtaction.export.foreign.shapes import Affine, affine_nodes
from rtaction.model_spec import ModelSpec
from rtaction.onnx_format.build import (
    BOUNDARY,
    CLIP,
    SCORES,
    Pieces,
    element_type,
    model_with_contract,
)
from rtaction.onnx_format.graph import missing_names, names_used, part
from rtaction.onnx_format.layout import Layout, axes_between

OUR_LAYOUT: Layout = "nfhwc"
_MIN_IR_VERSION = 4  # earlier versions require initializers to be inputs as well
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
    """Build a file that runs whole.

    Args:
        foreign: the third-party model.
        model: its graph, possibly rewritten; the first output is the scores.
        spec: the contract to embed.
        scale: its pixel scaling.
        softmax: whether to apply a Softmax to its scores.
        reason: why it is not cut.
        batch: 1, or a name for any batch size.
    """
    inner = _prefixed(model, "model/")
    front, tail = Pieces(), Pieces()
    _add_front(front, CLIP, inner.graph.input[0].name, scale, foreign)
    _add_tail(tail, inner.graph.output[0].name, SCORES, len(spec.labels), softmax=softmax)
    return model_with_contract(
        [front, Pieces.of(inner.graph), tail],
        spec,
        feature_shape=None,
        reason_for_whole=reason,
        batch=batch,
        **_versions_of(model),
    )


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
    """Build a file that can be cut into encoder and head.

    Args:
        foreign: the third-party model.
        model: the graph in which `cut` was found.
        cut: where to cut it.
        sizes: shape tensors in the model that grow with the batch.
        spec: the contract to embed.
        scale: its pixel scaling.
        softmax: whether to apply a Softmax to its scores.
        batch: 1, or a name for any batch size.

    Raises:
        NotCuttable: the head needs more than the features.
    """
    encoder, head = _prefixed(cut.encoder, "encoder/"), _prefixed(_head(model, cut, sizes), "head/")
    placement, feature_shape = cut.placement, cut.placement.feature_shape
    front, middle, tail = Pieces(), Pieces(), Pieces()
    front.reshape(CLIP, BOUNDARY.frames, [-1, *spec.frame_shape])
    front.reshape(BOUNDARY.frames, "one picture each", [-1, 1, *spec.frame_shape])
    _add_front(front, "one picture each", encoder.graph.input[0].name, scale, foreign)
    middle.reshape(encoder.graph.output[0].name, "features", [-1, *feature_shape])
    middle.cast("features", BOUNDARY.frame_features, np.float32)
    middle.reshape(
        BOUNDARY.frame_features,
        BOUNDARY.clip_features,
        [-1, spec.frames_per_clip, *feature_shape],
    )
    middle.cast(BOUNDARY.clip_features, "own type", cut.dtype)
    middle.add("Transpose", ["own type"], "own order", perm=list(placement.axes))
    middle.reshape("own order", f"head/{cut.tensor}", placement.shape)
    for node in head.graph.node:
        replaced_inputs(node, {f"head/{_CLIP_FEATURES}": BOUNDARY.clip_features})
    _add_tail(tail, head.graph.output[0].name, SCORES, len(spec.labels), softmax=softmax)
    return model_with_contract(
        [front, Pieces.of(encoder.graph), middle, Pieces.of(head.graph), tail],
        spec,
        feature_shape=feature_shape,
        batch=batch,
        **_versions_of(model),
    )


def prepared(
    clips: npt.NDArray[np.uint8], scale: Scale, layout: Layout, dtype: npt.DTypeLike
) -> npt.NDArray[Any]:
    """The front computed with NumPy: the input for the network alone."""
    values = scale.applied(clips, dtype)
    return np.ascontiguousarray(values.transpose(axes_between(OUR_LAYOUT, layout)))


def softmaxed(values: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """The tail's Softmax, computed with NumPy."""
    grown = np.exp(values.astype(np.float64) - values.max(axis=-1, keepdims=True))
    return np.asarray(grown / grown.sum(axis=-1, keepdims=True), np.float32)


def _add_front(pieces: Pieces, source: str, output: str, scale: Scale, foreign: Foreign) -> None:
    """Add the steps from uint8 frames (batch, frames, H, W, C) to the network's input."""
    layout = foreign.layout
    name = source
    if scale.is_bgr:
        turned = pieces.store(f"{output}/blue_first", [2, 1, 0], np.int64)
        name = pieces.add("Gather", [name, turned], f"{output}/bgr", axis=4)
    # Transpose as uint8, a quarter of the bytes of float32.
    if layout != OUR_LAYOUT:
        axes = axes_between(OUR_LAYOUT, layout)
        name = pieces.add("Transpose", [name], f"{output}/turned", perm=axes)
    steps = [("Sub", scale.mean, 0.0), ("Div", scale.std, 1.0)]
    steps = [step for step in steps if set(step[1]) != {step[2]}]
    if steps:
        name = pieces.cast(name, f"{output}/float", np.float32)
    for op_type, values, _ in steps:
        shape = [len(values) if axis == "c" else 1 for axis in layout]
        stored = pieces.store(f"{output}/{op_type.lower()}", np.reshape(values, shape), np.float32)
        name = pieces.add(op_type, [name, stored], f"{output}/{op_type.lower()}ed")
    pieces.cast(name, output, foreign.dtype)


def _add_tail(pieces: Pieces, source: str, output: str, num_labels: int, *, softmax: bool) -> None:
    """Add the steps from the network's output to float32 scores (batch, num_labels)."""
    name = pieces.cast(source, f"{output}/float", np.float32)
    if softmax:
        name = pieces.reshape(name, f"{output}/logits", [-1, num_labels])
        pieces.add("Softmax", [name], output, axis=-1)
    else:
        pieces.reshape(name, output, [-1, num_labels])


def _head(model: ModelProto, cut: Cut, sizes: dict[str, Affine]) -> ModelProto:
    """The graph after the boundary, with batch-dependent sizes recomputed."""
    boundary = helper.make_tensor_value_info(cut.tensor, element_type(cut.dtype), None)
    head = part(model, [boundary], model.graph.output[:1])
    graph = head.graph
    # Compute shape tensors from the batch of the features, not of the clip.
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
    missing = missing_names(head.graph)
    if missing:
        raise NotCuttable(f"the part after the frame features also reads {missing[0]!r}")
    return head


def _prefixed(model: ModelProto, prefix: str) -> ModelProto:
    return onnx.compose.add_prefix(model, prefix, rename_functions=False)


def _versions_of(model: ModelProto) -> dict[str, Any]:
    """Version fields to keep from the original file."""
    return {
        "opset_imports": model.opset_import,
        "functions": model.functions,
        "ir_version": max(model.ir_version, _MIN_IR_VERSION),
    }
