"""Fold F copies of a ConvNet, one per frame of a clip, into one that runs on all frames.

Keras 3 exports `TimeDistributed` unrolled: the clip is split (Slice, Gather or Split), each frame
goes through its own copy of the layers, and a Concat joins the results.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper

from rtaction.export.foreign.graph import (
    array_of,
    constants_of,
    data_names,
    narrows,
    reshape_nodes,
)
from rtaction.export.foreign.shapes import UNUSUAL_BATCH, inferred_shapes
from rtaction.onnx_format.graph import copied, part

_TAKES_APART = ("Gather", "Slice", "Split")


class CopiesDiffer(Exception):
    """The reason why copies cannot be folded into one."""


@dataclass(slots=True)
class _Copies:
    """Copy 0 and another copy, traversed side by side.

    Args:
        makers: nodes by the names of their outputs.
        constants: stored tensors by name.
        data: names of tensors that depend on the clip.
        source: the tensor that is split into frames.
        entries: names of the tensors in copy 0 at which the copies start.
        seen: pairs of tensors that were found equal so far.
    """

    makers: dict[str, NodeProto]
    constants: dict[str, TensorProto]
    data: set[str]
    source: str
    entries: set[str] = field(default_factory=set)
    seen: set[tuple[str, str]] = field(default_factory=set)

    def compare(self, first: str, other: str, number: int) -> None:
        """Check that two tensors are computed in the same way from different frames.

        Raises:
            CopiesDiffer: they are not.
        """
        waiting = [(first, other)]
        while waiting:
            pair = waiting.pop()
            if pair in self.seen or (pair[0] == pair[1] and pair[0] not in self.data):
                continue
            self.seen.add(pair)
            if pair[0] in self.constants or pair[1] in self.constants:
                self._compare_constants(*pair, number)
            else:
                waiting += self._inputs_of(*pair, number)

    def _compare_constants(self, first: str, other: str, number: int) -> None:
        ours, theirs = self.constants.get(first), self.constants.get(other)
        if ours is None or theirs is None or not np.array_equal(array_of(ours), array_of(theirs)):
            raise CopiesDiffer(f"frame {number + 1} has other weights ({other}) than frame 1")

    def _inputs_of(self, first: str, other: str, number: int) -> list[tuple[str, str]]:
        ours, theirs = self.makers.get(first), self.makers.get(other)
        if ours is None or theirs is None or first == other:
            raise CopiesDiffer(f"frames 1 and {number + 1} share {first}")
        if self.source in ours.input and ours.op_type in _TAKES_APART:
            self.entries.add(first)
            return []
        same = (
            (ours.op_type, ours.domain) == (theirs.op_type, theirs.domain)
            and len(ours.input) == len(theirs.input)
            and list(ours.output).index(first) == list(theirs.output).index(other)
            and _attributes(ours) == _attributes(theirs)
        )
        if not same:
            raise CopiesDiffer(
                f"frame {number + 1} goes through {theirs.op_type} {theirs.name!r}, but frame 1 "
                f"through {ours.op_type} {ours.name!r}"
            )
        return list(zip(ours.input, theirs.input, strict=True))


def fold_copies(
    model: ModelProto, clip_dims: Sequence[int], num_frames: int
) -> tuple[ModelProto, int]:
    """Fold all groups of copies.

    Args:
        model: with shapes folded, see `fold_shapes`.
        clip_dims: its clip shape, batch first; the batch is ignored.
        num_frames: frames per clip.

    Returns:
        A new model, and the number of groups folded.

    Raises:
        CopiesDiffer: the copies in a group are not equal.
    """
    num_folded = 0
    while num_frames > 1:
        shapes = inferred_shapes(model, [UNUSUAL_BATCH, *clip_dims[1:]])
        folded = _fold_first(model, shapes, num_frames)
        if folded is None:
            break
        model, num_folded = folded, num_folded + 1
    return model, num_folded


def _fold_first(
    model: ModelProto, shapes: dict[str, list[int]], num_frames: int
) -> ModelProto | None:
    graph = model.graph
    data = data_names(graph)
    makers = {name: node for node in graph.node for name in node.output}
    through = narrows(graph)
    for source, target in pairwise(through):
        readers = [node for node in graph.node if source in node.input]
        if any(node.op_type not in (*_TAKES_APART, "Shape") for node in readers):
            continue
        joint = makers[target]
        branches = [name for name in joint.input if name in data]
        if joint.op_type == "Concat" and len(branches) == len(joint.input) == num_frames:
            copies = _Copies(makers, constants_of(graph), data, source)
            for number, branch in enumerate(branches[1:], 1):
                copies.compare(branches[0], branch, number)
            return _folded(model, copies, joint, shapes, num_frames)
    return None


def _folded(
    model: ModelProto,
    copies: _Copies,
    joint: NodeProto,
    shapes: dict[str, list[int]],
    num_frames: int,
) -> ModelProto:
    entry, branch = _only(copies.entries), joint.input[0]
    try:
        source_shape, entry_shape, branch_shape = (
            shapes[name] for name in (copies.source, entry, branch)
        )
        frame_axis = source_shape.index(num_frames)
        batch_in, batch_out = (s.index(UNUSUAL_BATCH) for s in (entry_shape, branch_shape))
    except (KeyError, ValueError):
        raise CopiesDiffer("the shapes at its per-frame copies cannot be inferred") from None
    if frame_axis > 1:
        raise CopiesDiffer(f"frames are split from axis {frame_axis} of {copies.source}")
    model = copied(model)
    graph = model.graph
    nodes: list[NodeProto] = []
    for node in graph.node:
        if entry in node.output:
            entry_shape = [*entry_shape]
            entry_shape[batch_in] = -1  # all frames, in the order of the source
            nodes.append(reshape_nodes(graph, copies.source, f"{entry}/all", entry_shape))
        nodes.append(node)
        if list(node.output) == list(joint.output):
            nodes.pop()
            nodes += _joined(
                graph_of=model,
                joint=joint,
                branch_shape=branch_shape,
                batch_axis=batch_out,
                frames_first=frame_axis == 0,
                num_frames=num_frames,
            )
    for node in nodes:
        node.input[:] = [f"{entry}/all" if name == entry else name for name in node.input]
    graph.ClearField("node")
    graph.node.extend(nodes)
    return part(model, graph.input[:1], graph.output[:1])


def _joined(
    *,
    graph_of: ModelProto,
    joint: NodeProto,
    branch_shape: list[int],
    batch_axis: int,
    frames_first: bool,
    num_frames: int,
) -> list[NodeProto]:
    """Nodes from all frames in one batch to the result of the former Concat."""
    frame_axis = next(a.i for a in joint.attribute if a.name == "axis") % len(branch_shape)
    if branch_shape[frame_axis] != 1:
        raise CopiesDiffer(
            f"{joint.op_type} {joint.name!r} does not join frames along an axis of their own"
        )
    axes: list[str] = []
    shape: list[int] = []
    for axis, size in enumerate(branch_shape):
        if axis == batch_axis:
            axes += ["frame", "batch"] if frames_first else ["batch", "frame"]
            shape += [num_frames, -1] if frames_first else [-1, num_frames]
        elif axis != frame_axis:
            axes.append(f"axis {axis}")
            shape.append(size)
    wanted = [
        "batch" if axis == batch_axis else f"axis {axis}" for axis in range(len(branch_shape))
    ]
    wanted[frame_axis] = "frame"
    apart = f"{joint.output[0]}/apart"
    return [
        reshape_nodes(graph_of.graph, joint.input[0], apart, shape),
        helper.make_node(
            "Transpose", [apart], [joint.output[0]], perm=[axes.index(axis) for axis in wanted]
        ),
    ]


def _only(names: set[str]) -> str:
    if len(names) != 1:
        raise CopiesDiffer(f"each copy takes {len(names)} frames")
    return next(iter(names))


def _attributes(node: NodeProto) -> list[bytes]:
    return sorted(attribute.SerializeToString(deterministic=True) for attribute in node.attribute)
