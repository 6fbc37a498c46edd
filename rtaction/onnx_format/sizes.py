"""Refuse ONNX files that would fill the memory as soon as they are loaded or run."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

import onnx
from onnx import GraphProto, ModelProto, ValueInfoProto

from rtaction.errors import ModelUnreadable
from rtaction.printable import printable

_MAX_VALUES = 2**31


def check_sizes(model: ModelProto, *, where: str) -> None:
    """Reject a model with a result of an impossible size, as far as its shapes are known.

    A `Range` of four billion numbers takes some twenty bytes in the file, and onnxruntime makes
    them when it loads it.

    Args:
        model: vetted by `check_safe`.
        where: name of the model in error messages.

    Raises:
        ModelUnreadable: a result has more than 2**31 values.
    """
    try:
        known = onnx.shape_inference.infer_shapes(model, data_prop=True)
    except (onnx.shape_inference.InferenceError, ValueError, RuntimeError):
        return  # onnxruntime will say what is wrong
    for value in _values(known.graph):
        shape = [max(size.dim_value, 1) for size in value.type.tensor_type.shape.dim]
        if prod(shape) > _MAX_VALUES:
            raise ModelUnreadable(
                f"{where} is too large: {printable(value.name)} has the shape {tuple(shape)}, "
                "which does not fit into memory"
            )


def _values(graph: GraphProto) -> Iterator[ValueInfoProto]:
    """Results in a graph and those inside it."""
    yield from graph.value_info
    yield from graph.output
    for node in graph.node:
        for attribute in node.attribute:
            yield from _values(attribute.g)
