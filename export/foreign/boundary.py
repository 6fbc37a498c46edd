"""Where a graph from elsewhere can be cut into a network of single pictures and a head.

All data runs through some narrow tensors. One of them can be a boundary if what lies before it,
given one picture at a time, makes the same of each as it makes of all together. So the graph is not
searched for a pattern, it is tried: the last narrow tensor that passes is the boundary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import ModelProto

from rtaction.errors import ExportError
from rtaction.export.agreement.onnx_run import runner
from rtaction.export.foreign.graph import (
    add_constant,
    array_of,
    constants_of,
    data_names,
    narrows,
)
from rtaction.export.foreign.shapes import UNUSUAL_BATCH, inferred_shapes, with_clip_dims
from rtaction.onnx_format.graph import part
from rtaction.onnx_format.layout import Layout

Array = npt.NDArray[Any]

# What makes an encoder worth keeping its results.
_WORK = {"Conv", "ConvTranspose", "MatMul", "Gemm", "QLinearConv", "ConvInteger", "MatMulInteger"}
_TOLERANCE = 1e-3  # of the largest value; the scores of what is cut are compared more sharply


class NotCuttable(Exception):
    """Why a model runs whole, in words."""


@dataclass(frozen=True, slots=True)
class Placement:
    """How features of single pictures, (batch, frames, *feature_shape), lie in a tensor.

    Args:
        feature_shape: of one picture.
        axes: the transposition that brings (batch, frames, *feature_shape) into the tensor's order.
        shape: the tensor's own after that, its batch -1.
    """

    feature_shape: tuple[int, ...]
    axes: tuple[int, ...]
    shape: tuple[int, ...]

    def place(self, features: Array) -> Array:
        """The tensor for features of shape (batch, frames, *feature_shape)."""
        return features.transpose(self.axes).reshape(self.shape)


@dataclass(frozen=True, slots=True)
class Cut:
    """A graph in two.

    Args:
        encoder: from a clip of one picture, in the network's layout, to `tensor`.
        tensor: name of the boundary.
        placement: how single pictures' features lie in it.
        dtype: NumPy's type of the boundary.
    """

    encoder: ModelProto
    tensor: str
    placement: Placement
    dtype: npt.DTypeLike


def find_cut(model: ModelProto, clips: Array, layout: Layout) -> Cut:
    """The last boundary that holds.

    Args:
        model: sizes in it are stored and copies folded, see `fold_shapes` and `fold_copies`.
        clips: two or more, as the model takes them.
        layout: of their axes.

    Raises:
        NotCuttable: there is none.
    """
    frame_axis = layout.index("f")
    dims = [UNUSUAL_BATCH, *clips.shape[1:]]
    shapes = inferred_shapes(model, dims)
    candidates = narrows(model.graph)[1:-1]
    run = _run_all(model, candidates)
    # One picture each, in the order (batch, frames).
    pictures = np.concatenate(
        [np.stack(np.split(clip, clips.shape[frame_axis], frame_axis - 1)) for clip in clips]
    )
    best: Cut | None = None
    low, high = 0, len(candidates)
    while low < high:  # what is before a boundary could be one too
        middle = (low + high) // 2
        cut = _cut_at(model, candidates[middle], run, clips, pictures, frame_axis, shapes)
        if cut is None:
            high = middle
        else:
            best, low = cut, middle + 1
    if best is None or not any(node.op_type in _WORK for node in best.encoder.graph.node):
        raise NotCuttable(_mixer(model, best.tensor if best else model.graph.input[0].name))
    num_features, num_pixels = prod(best.placement.feature_shape), pictures[0].size
    if num_features > num_pixels:
        raise NotCuttable(
            f"{_mixer(model, best.tensor)}, and before it a picture is made into "
            f"{num_features} numbers, more than its {num_pixels}"
        )
    return best


def _run_all(model: ModelProto, names: Sequence[str]) -> Any:
    exposed = part(model, model.graph.input[:1], names).SerializeToString()
    cache: dict[str, Array] = {}

    def run(clips: Array, name: str) -> Array:
        if name not in cache:
            (cache[name],) = runner(exposed, outputs=[name])(clips)
        return cache[name]

    return run


def _cut_at(
    model: ModelProto,
    tensor: str,
    run: Any,
    clips: Array,
    pictures: Array,
    frame_axis: int,
    shapes: dict[str, list[int]],
) -> Cut | None:
    """The cut at a tensor; None where pictures are mixed before it."""
    encoder = _for_one_picture(model, tensor, clips.shape, frame_axis, shapes)
    try:
        (alone,) = runner(encoder.SerializeToString())(pictures)
        together = run(clips, tensor)
    except ExportError:
        return None
    for placement in _placements(alone.shape, together.shape, len(clips), clips.shape[frame_axis]):
        features = alone.reshape(len(clips), clips.shape[frame_axis], *placement.feature_shape)
        difference = np.abs(placement.place(features) - together).max()
        # "not <=" would also accept nan.
        if difference <= _TOLERANCE * max(float(np.abs(together).max()), 1e-6):
            return Cut(encoder, tensor, placement, alone.dtype)
    return None


def _placements(
    alone: tuple[int, ...], together: tuple[int, ...], batch: int, num_frames: int
) -> list[Placement]:
    """Ways in which results for single pictures may lie in the result for clips, by its shape."""
    # Behind an axis of 1, the batch still comes first in memory.
    first = 1 if alone[:1] == (1,) else 0
    if len(alone) != len(together) or alone[first : first + 1] != (batch * num_frames,):
        return []
    rest = [axis for axis in range(len(alone)) if axis != first]
    orders: list[tuple[list[int], list[str | int]]] = []  # axes of 1 left out, order of the others
    if together == alone:
        orders = [(rest, _put(rest, first, pair)) for pair in (["n", "f"], ["f", "n"])]
    for axis in rest:
        if alone[axis] == 1 and (together[first], together[axis]) == (batch, num_frames):
            inner = [other for other in rest if other != axis]
            order = _put(inner, first, ["n"])
            order.insert(axis, "f")
            orders.append((inner, order))
    found = []
    for inner, order in orders:
        axes = ["n", "f", *inner]
        shape = list(together)
        shape[first] = -1
        found.append(
            Placement(
                tuple(alone[axis] for axis in inner),
                tuple(axes.index(axis) for axis in order),
                tuple(shape),
            )
        )
    return found


def _put(axes: list[int], position: int, names: list[str]) -> list[str | int]:
    before = [axis for axis in axes if axis < position]
    return [*before, *names, *axes[len(before) :]]


def _for_one_picture(
    model: ModelProto,
    tensor: str,
    clip_shape: tuple[int, ...],
    frame_axis: int,
    shapes: dict[str, list[int]],
) -> ModelProto:
    """What lies before a tensor, for clips of one picture.

    Where a Reshape names the number of frames, as Keras 2 writes between two layers, it says 1.
    """
    dims: list[int | str] = ["batch", *clip_shape[1:]]
    num_frames, dims[frame_axis] = clip_shape[frame_axis], 1
    encoder = with_clip_dims(part(model, model.graph.input[:1], [tensor]), dims)
    constants = constants_of(encoder.graph)
    for number, node in enumerate(encoder.graph.node):
        if node.op_type != "Reshape" or node.input[1] not in constants:
            continue
        sizes = array_of(constants[node.input[1]]).copy()
        axis = _frame_axis(shapes.get(node.output[0], []), num_frames)
        if axis is not None and axis < sizes.size and sizes[axis] == num_frames:
            sizes[axis] = 1
            node.input[1] = add_constant(encoder.graph, f"one picture/{number}", sizes)
    return encoder


def _frame_axis(shape: list[int], num_frames: int) -> int | None:
    """Where a shape has an axis of frames of its own, beside one of the batch."""
    for batch_axis, axis in ((0, 1), (1, 0), (0, 2)):
        if max(batch_axis, axis) < len(shape) and (shape[batch_axis], shape[axis]) == (
            UNUSUAL_BATCH,
            num_frames,
        ):
            return axis
    return None


def _mixer(model: ModelProto, after: str) -> str:
    """Words for the first operation that sees several pictures at once."""
    graph = model.graph
    data, constants = data_names(graph), constants_of(graph)
    is_after = False
    for node in graph.node:
        is_after = is_after or after in node.input
        if is_after and not data.isdisjoint(node.output) and node.op_type in _WORK:
            name = f"{node.op_type} {node.name!r}" if node.name else node.op_type
            weights = constants.get(node.input[1]) if len(node.input) > 1 else None
            if node.op_type == "Conv" and weights is not None and len(weights.dims) == 5:
                size = "x".join(str(dim) for dim in weights.dims[2:])
                return f"its {name} of {size} looks at several pictures at once"
            return f"no part of it before its {name} sees one picture at a time"
    return "no part of it sees one picture at a time"
