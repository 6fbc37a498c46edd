"""What is put around a graph from elsewhere, so that it takes what cameras give: front and tail.

The front turns uint8 RGB pictures into what the network was trained on, in its order of axes; the
tail turns what it gives into scores of shape (batch, num_labels).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import NodeProto, TensorProto, helper, numpy_helper

from rtaction.export.contract.scales import Scale
from rtaction.onnx_format.layout import Layout, axes_between

OUR_LAYOUT: Layout = "nfhwc"


@dataclass(slots=True)
class Pieces:
    """Nodes and stored tensors on their way into a graph."""

    nodes: list[NodeProto] = field(default_factory=list)
    weights: list[TensorProto] = field(default_factory=list)

    def add(self, op_type: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        """Add an operation; returns its output's name."""
        name = f"{output}/{op_type}"
        self.nodes.append(helper.make_node(op_type, inputs, [output], name, **attributes))
        return output

    def store(self, name: str, values: npt.ArrayLike, dtype: npt.DTypeLike) -> str:
        """Store a tensor; returns its name."""
        self.weights.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def reshape(self, source: str, output: str, shape: Sequence[int]) -> str:
        """Add a Reshape."""
        return self.add("Reshape", [source, self.store(f"{output}/shape", shape, np.int64)], output)


def add_front(
    pieces: Pieces, source: str, output: str, scale: Scale, layout: Layout, elem_type: int
) -> None:
    """From uint8 pictures in our layout to what the network takes.

    Args:
        pieces: to add to.
        source: name of uint8 (batch, frames, height, width, channels).
        output: name of what comes out, in the network's layout.
        scale: of its pixels.
        layout: of its axes.
        elem_type: the type that it takes, a number of `TensorProto.DataType`.
    """
    name = source
    if scale.is_bgr:
        turned = pieces.store(f"{output}/blue_first", [2, 1, 0], np.int64)
        name = pieces.add("Gather", [name, turned], f"{output}/bgr", axis=4)
    # A uint8 transposed is a quarter of the bytes.
    if layout != OUR_LAYOUT:
        axes = axes_between(OUR_LAYOUT, layout)
        name = pieces.add("Transpose", [name], f"{output}/turned", perm=axes)
    steps = [("Sub", scale.mean, 0.0), ("Div", scale.std, 1.0)]
    steps = [step for step in steps if set(step[1]) != {step[2]}]
    if steps:
        name = pieces.add("Cast", [name], f"{output}/float", to=TensorProto.FLOAT)
    for op_type, values, _ in steps:
        shape = [len(values) if axis == "c" else 1 for axis in layout]
        stored = pieces.store(f"{output}/{op_type.lower()}", np.reshape(values, shape), np.float32)
        name = pieces.add(op_type, [name, stored], f"{output}/{op_type.lower()}ed")
    pieces.add("Cast", [name], output, to=elem_type)


def prepared(
    clips: npt.NDArray[np.uint8], scale: Scale, layout: Layout, dtype: npt.DTypeLike
) -> npt.NDArray[Any]:
    """The same, computed by NumPy: what the network alone is given."""
    values = clips[..., ::-1] if scale.is_bgr else clips
    if not scale.is_identity:
        scaled = values.astype(np.float64) - np.array(scale.mean)
        values = (scaled / np.array(scale.std)).astype(np.float32)
    return np.ascontiguousarray(values.transpose(axes_between(OUR_LAYOUT, layout)).astype(dtype))


def add_tail(pieces: Pieces, source: str, output: str, num_labels: int, *, softmax: bool) -> None:
    """From what the network gives to float32 scores (batch, num_labels)."""
    name = pieces.add("Cast", [source], f"{output}/float", to=TensorProto.FLOAT)
    if softmax:
        name = pieces.reshape(name, f"{output}/logits", [-1, num_labels])
        pieces.add("Softmax", [name], output, axis=-1)
    else:
        pieces.reshape(name, output, [-1, num_labels])


def softmaxed(values: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """The same as that Softmax, computed by NumPy."""
    grown = np.exp(values.astype(np.float64) - values.max(axis=-1, keepdims=True))
    return np.asarray(grown / grown.sum(axis=-1, keepdims=True), np.float32)
