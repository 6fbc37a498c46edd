"""Find where a third-party graph can be cut into a per-frame encoder and a head.

All data flows through a few bottleneck tensors. One of them can be a boundary if the part before
it gives the same result for each frame alone as for all frames together. So instead of matching
patterns in the graph, candidates are run: the last bottleneck that passes is the boundary.
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

# Operations expensive enough to make caching an encoder's results worthwhile.
_WORK = {"Conv", "ConvTranspose", "MatMul", "Gemm", "QLinearConv", "ConvInteger", "MatMulInteger"}
_TOLERANCE = 1e-3  # relative to the largest value; the scores are later compared more strictly


class NotCuttable(Exception):
    """The reason why a model runs whole."""


@dataclass(frozen=True, slots=True)
class Placement:
    """How the features of single frames, (batch, frames, *feature_shape), are laid out in a tensor.

    Args:
        feature_shape: of one frame.
        axes: permutation from (batch, frames, *feature_shape) to the tensor's axis order.
        shape: the tensor's shape to reshape to after that, with -1 for the batch.
    """

    feature_shape: tuple[int, ...]
    axes: tuple[int, ...]
    shape: tuple[int, ...]

    def place(self, features: Array) -> Array:
        """Arrange features of shape (batch, frames, *feature_shape) as the tensor."""
        return features.transpose(self.axes).reshape(self.shape)


@dataclass(frozen=True, slots=True)
class Cut:
    """A graph cut in two.

    Args:
        encoder: from a clip of one frame, in the network's layout, to `tensor`.
        tensor: name of the boundary tensor.
        placement: layout of the frame features in it.
        dtype: NumPy dtype of the boundary tensor.
    """

    encoder: ModelProto
    tensor: str
    placement: Placement
    dtype: npt.DTypeLike


def find_cut(model: ModelProto, clips: Array, layout: Layout) -> Cut:
    """Find the last valid boundary.

    Args:
        model: with shapes and copies folded, see `fold_shapes` and `fold_copies`.
        clips: two or more clips in the model's input format.
        layout: their axis order.

    Raises:
        NotCuttable: there is no boundary.
    """
    frame_axis = layout.index("f")
    dims = [UNUSUAL_BATCH, *clips.shape[1:]]
    shapes = inferred_shapes(model, dims)
    candidates = narrows(model.graph)[1:-1]
    run = _run_all(model, candidates)
    # Clips of one frame each, in the order (batch, frames).
    pictures = np.concatenate(
        [np.stack(np.split(clip, clips.shape[frame_axis], frame_axis - 1)) for clip in clips]
    )
    best: Cut | None = None
    low, high = 0, len(candidates)
    while low < high:  # candidates before a valid boundary are valid too
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
            f"{_mixer(model, best.tensor)}, and before it a frame has {num_features} features, "
            f"more than its {num_pixels} pixel values"
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
    """The cut at a tensor; None if frames are mixed before it."""
    encoder = _for_one_picture(model, tensor, clips.shape, frame_axis, shapes)
    try:
        (alone,) = runner(encoder.SerializeToString())(pictures)
        together = run(clips, tensor)
    except ExportError:
        return None
    for placement in _placements(alone.shape, together.shape, len(clips), clips.shape[frame_axis]):
        features = alone.reshape(len(clips), clips.shape[frame_axis], *placement.feature_shape)
        difference = np.abs(placement.place(features) - together).max()
        # False for nan, unlike "not >".
        if difference <= _TOLERANCE * max(float(np.abs(together).max()), 1e-6):
            return Cut(encoder, tensor, placement, alone.dtype)
    return None


def _placements(
    alone: tuple[int, ...], together: tuple[int, ...], batch: int, num_frames: int
) -> list[Placement]:
    """Possible layouts of the results for single frames within the result for clips, by shape."""
    # After an axis of size 1, the batch still comes first in memory.
    first = 1 if alone[:1] == (1,) else 0
    if len(alone) != len(together) or alone[first : first + 1] != (batch * num_frames,):
        return []
    rest = [axis for axis in range(len(alone)) if axis != first]
    orders: list[tuple[list[int], list[str | int]]] = []  # axes of size > 1, their order
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
    """The graph before a tensor, for clips of one frame.

    A Reshape with the number of frames in its shape, as Keras 2 writes between layers, gets 1.
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
    """Position of the frame axis in a shape, if it is separate from the batch axis."""
    for batch_axis, axis in ((0, 1), (1, 0), (0, 2)):
        if max(batch_axis, axis) < len(shape) and (shape[batch_axis], shape[axis]) == (
            UNUSUAL_BATCH,
            num_frames,
        ):
            return axis
    return None


def _mixer(model: ModelProto, after: str) -> str:
    """Describe the first operation that sees several frames at once."""
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
                return f"its {name} of {size} looks at several frames at once"
            return f"no part of it before its {name} processes frames separately"
    return "no part of it processes frames separately"
