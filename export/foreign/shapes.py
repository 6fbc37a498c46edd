"""Constant folding of shapes that follow from the clip's shape.

PyTorch computes the shape of a Reshape within the graph, from the clip's shape, although only the
batch can change. Stored as [-1, 3, 112, 112] instead, it no longer ties a per-frame network to the
shape of the whole clip.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import GraphProto, ModelProto, NodeProto, helper

from rtaction.export.agreement.onnx_run import runner
from rtaction.export.foreign.graph import (
    add_constant,
    constants_of,
    data_names,
)
from rtaction.onnx_format.graph import ancestors, copied, names_used, part

UNUSUAL_BATCH = 7
"""Batch size for shape inference; other sizes in a network are rarely 7."""


@dataclass(frozen=True, slots=True)
class Affine:
    """A shape tensor that grows with the batch: `slope * batch + base`."""

    slope: npt.NDArray[Any]
    base: npt.NDArray[Any]


def with_clip_dims(model: ModelProto, dims: Sequence[int | str]) -> ModelProto:
    """A copy with another clip shape, and without other shape annotations."""
    model = copied(model)
    shape = model.graph.input[0].type.tensor_type.shape
    shape.ClearField("dim")
    for dim in dims:
        entry = shape.dim.add()
        if isinstance(dim, int):
            entry.dim_value = dim
        else:
            entry.dim_param = dim
    model.graph.ClearField("value_info")
    for output in model.graph.output:
        if output.HasField("type"):
            output.type.tensor_type.ClearField("shape")
    return model


def inferred_shapes(model: ModelProto, dims: Sequence[int]) -> dict[str, list[int]]:
    """Shapes of the tensors for which they can be inferred, for a clip of this shape."""
    try:
        found = onnx.shape_inference.infer_shapes(with_clip_dims(model, dims), data_prop=True)
    except Exception:  # several kinds; callers work without shapes
        return {}
    shapes = {}
    for value in [*found.graph.input, *found.graph.value_info, *found.graph.output]:
        entries = value.type.tensor_type.shape.dim
        if all(entry.HasField("dim_value") for entry in entries):
            shapes[value.name] = [entry.dim_value for entry in entries]
    return shapes


def with_free_batch(model: ModelProto, dims: Sequence[int], num_frames: int) -> ModelProto:
    """A copy for any batch size, made from a fixed-batch model; a guess that must be verified.

    Args:
        model: with a fixed batch size.
        dims: its clip shape.
        num_frames: frames per clip.
    """
    shapes = inferred_shapes(model, dims)
    freed = with_clip_dims(model, ["batch", *dims[1:]])
    constants = constants_of(freed.graph)
    batches = (dims[0], dims[0] * num_frames)
    for number, node in enumerate(freed.graph.node):
        is_reshape = node.op_type == "Reshape" and node.input[1] in constants
        shape = shapes.get(node.output[0], [])
        if is_reshape and shape[:1] and shape[0] in batches:
            node.input[1] = add_constant(
                freed.graph, f"freed/{number}", np.array([-1, *shape[1:]], np.int64)
            )
    return freed


def fold_shapes(
    model: ModelProto, clips_of: Callable[[int], npt.NDArray[Any]]
) -> tuple[ModelProto, dict[str, Affine]]:
    """Compute shape tensors once and store them as constants.

    Args:
        model: with a free batch size.
        clips_of: returns the given number of clips in the model's input format.

    Returns:
        A copy, and the shape tensors that grow with the batch, so that it still computes them.
    """
    model = copied(model)
    graph = model.graph
    names = _sizes_in_use(model)
    if not names:
        return model, {}
    reshapes = [n for n in graph.node if n.op_type == "Reshape" and n.input[1] in names]
    given = {node.output[0]: f"{node.output[0]}/size" for node in reshapes}
    watched = copied(model)
    for output, size in given.items():
        watched.graph.node.append(helper.make_node("Shape", [output], [size]))
    names += given.values()
    run = runner(part(watched, graph.input[:1], names).SerializeToString(), outputs=names)
    two, three = (dict(zip(names, run(clips_of(n)), strict=True)) for n in (2, 3))
    for node in reshapes:
        _store_reshape(graph, node, *(sizes.pop(given[node.output[0]]) for sizes in (two, three)))
    affine: dict[str, Affine] = {}
    stored: dict[str, str] = {}
    for name, low in two.items():
        high = three[name]
        if low.shape != high.shape:
            continue
        if np.array_equal(low, high):
            stored[name] = add_constant(graph, f"{name}/stored", low)
        elif low.dtype != bool:
            slope = high - low
            affine[name] = Affine(slope, low - 2 * slope)
    for node in graph.node:
        node.input[:] = [stored.get(name, name) for name in node.input]
    return part(model, graph.input[:1], graph.output[:1]), affine


def _store_reshape(
    graph: GraphProto, node: NodeProto, low: npt.NDArray[Any], high: npt.NDArray[Any]
) -> None:
    """Store the shape of a Reshape with results `low` and `high`, if at most one size varies."""
    varies = low != high
    if varies.sum() <= 1:
        shape = np.where(varies, -1, low)
        node.input[1] = add_constant(graph, f"{node.output[0]}/stored", shape)


def _sizes_in_use(model: ModelProto) -> list[str]:
    """Computed tensors that depend only on the clip's shape, and all shapes of a Reshape."""
    graph = model.graph
    data, stored = data_names(graph), {tensor.name for tensor in graph.initializer}
    found: dict[str, None] = {}
    for node in ancestors(graph, [graph.output[0].name]):
        reads = set(names_used(node))
        looks_at_data = node.op_type in ("Shape", "Size") and not reads.isdisjoint(data)
        if looks_at_data or (data.isdisjoint(node.output) and not reads.isdisjoint(found)):
            found |= dict.fromkeys(name for name in node.output if name)
        if node.op_type == "Reshape" and node.input[1] not in data | stored:
            found[node.input[1]] = None
    return list(found)


def affine_nodes(
    model: ModelProto, sizes: dict[str, Affine], source: str, prefix: str
) -> list[NodeProto]:
    """Nodes that recompute shape tensors from the batch of `source`, under the same names."""
    if not sizes:
        return []
    graph = model.graph
    zero = add_constant(graph, f"{prefix}/zero", np.array(0, np.int64))
    nodes = [
        helper.make_node("Shape", [source], [f"{prefix}/shape"]),
        helper.make_node("Gather", [f"{prefix}/shape", zero], [f"{prefix}/batch"], axis=0),
    ]
    for number, (name, size) in enumerate(sizes.items()):
        own = f"{prefix}/{number}"
        kind = helper.np_dtype_to_tensor_dtype(size.slope.dtype)
        slope = add_constant(graph, f"{own}/slope", size.slope)
        base = add_constant(graph, f"{own}/base", size.base)
        nodes += [
            helper.make_node("Cast", [f"{prefix}/batch"], [f"{own}/cast"], to=kind),
            helper.make_node("Mul", [f"{own}/cast", slope], [f"{own}/grown"]),
            helper.make_node("Add", [f"{own}/grown", base], [name]),
        ]
    return nodes
