"""Data flow in a third-party graph: what depends on the clip, and where it has bottlenecks.

Graphs here have one relevant input, the clip. A tensor is *data* if its values depend on the clip's
values, *shape* if they depend only on the clip's shape. This file knows nothing about images.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import GraphProto, NodeProto, TensorProto, helper, numpy_helper

from rtaction.onnx_format.graph import ancestors, names_used

_ONLY_SHAPE = ("Shape", "Size")


def constants_of(graph: GraphProto) -> dict[str, TensorProto]:
    """Stored tensors by name, including those in Constant nodes."""
    constants = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and [a.name for a in node.attribute] == ["value"]:
            constants[node.output[0]] = node.attribute[0].t
    return constants


def array_of(tensor: TensorProto) -> npt.NDArray[Any]:
    """The values of a stored tensor."""
    return np.asarray(numpy_helper.to_array(tensor))


def data_names(graph: GraphProto) -> set[str]:
    """Tensors whose values depend on the clip's values."""
    data = {graph.input[0].name}
    for node in graph.node:
        if node.op_type not in _ONLY_SHAPE and not data.isdisjoint(names_used(node)):
            data.update(name for name in node.output if name)
    return data


def narrows(graph: GraphProto) -> list[str]:
    """Bottlenecks: tensors through which all data flows from the clip to the first output.

    Returns:
        Their names in order, from the clip to the output.
    """
    data, output = data_names(graph), graph.output[0].name
    nodes = [node for node in ancestors(graph, [output]) if not data.isdisjoint(node.output)]
    last_reader = {output: len(nodes)}
    for number, node in enumerate(nodes):
        for name in data.intersection(names_used(node)):
            if node.op_type not in _ONLY_SHAPE:
                last_reader[name] = max(number, last_reader.get(name, 0))
    waiting = {graph.input[0].name}
    found = [graph.input[0].name]
    for number, node in enumerate(nodes):
        waiting -= {name for name in waiting if last_reader.get(name, -1) <= number}
        waiting |= {name for name in node.output if last_reader.get(name, -1) > number}
        if len(waiting) == 1:
            name = next(iter(waiting))
            if name != found[-1]:
                found.append(name)
    return found


def add_constant(graph: GraphProto, name: str, values: npt.NDArray[Any]) -> str:
    """Store a tensor; returns its name."""
    graph.initializer.append(numpy_helper.from_array(values, name))
    return name


def replaced_inputs(node: NodeProto, names: dict[str, str]) -> None:
    """Rename the inputs of a node, and of the graphs inside it, in place."""
    node.input[:] = [names.get(name, name) for name in node.input]
    for attribute in node.attribute:
        for graph in [attribute.g] * attribute.HasField("g") + [*attribute.graphs]:
            for inner in graph.node:
                replaced_inputs(inner, names)
            for value in graph.output:
                value.name = names.get(value.name, value.name)


def reshape_nodes(graph: GraphProto, source: str, target: str, shape: Sequence[int]) -> NodeProto:
    """A Reshape node; its shape is stored in `graph`."""
    stored = add_constant(graph, f"{target}/shape", np.array(shape, np.int64))
    return helper.make_node("Reshape", [source, stored], [target], f"{target}/Reshape")
