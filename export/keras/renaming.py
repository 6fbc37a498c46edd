"""Name what tf2onnx made in the order of its graph.

tf2onnx numbers names across conversions and orders nodes by name, so two exports of one model would
differ. This module knows nothing about Keras.
"""

from __future__ import annotations

from typing import Any

from onnx import AttributeProto, GraphProto, NodeProto, TensorProto

from rtaction.onnx_format.build import Pieces
from rtaction.onnx_format.graph import names_used


def renamed(graph: GraphProto, names: dict[str, str], prefix: str) -> Pieces:
    """Sort and rename the nodes of one converted part.

    Args:
        graph: with one output.
        names: new names of its inputs and its output, by old name; the others are added to it.
        prefix: for all other names.

    Returns:
        The nodes that the output depends on, in topological order, and their weights, in order of
        use.
    """
    weights = {tensor.name: tensor for tensor in graph.initializer}
    nodes: list[NodeProto] = []
    used: list[TensorProto] = []
    for number, node in enumerate(_ordered(graph)):
        for name in names_used(node):
            if name in weights and name not in names:
                names[name] = f"{prefix}/weight{len(used)}"
                used.append(_copy(weights[name], names[name]))
        nodes.append(_renamed_node(node, names, f"{prefix}/{node.op_type}{number}"))
    return Pieces(nodes, used)


def _renamed_node(node: NodeProto, names: dict[str, str], name: str) -> NodeProto:
    for position, output in enumerate(node.output):
        if output:
            names.setdefault(output, f"{name}/{position}")
    made: NodeProto = _copy(node, name)
    made.input[:] = [names[one] if one else "" for one in node.input]
    made.output[:] = [names[one] if one else "" for one in node.output]
    for attribute in made.attribute:
        if attribute.type == AttributeProto.GRAPH:
            _rename_inside(attribute.g, dict(names), f"{name}/{attribute.name}")
    return made


def _rename_inside(graph: GraphProto, names: dict[str, str], prefix: str) -> None:
    """Rename everything in the subgraph of a loop or branch, in place."""
    graph.name = prefix
    named: list[tuple[str, Any]] = [("input", graph.input), ("weight", graph.initializer)]
    for kind, values in named:
        for number, value in enumerate(values):
            names[value.name] = value.name = f"{prefix}/{kind}{number}"
    del graph.value_info[:]
    for number, node in enumerate(graph.node):
        graph.node[number].CopyFrom(_renamed_node(node, names, f"{prefix}/{node.op_type}{number}"))
    for value in graph.output:
        value.name = names[value.name]


def _ordered(graph: GraphProto) -> list[NodeProto]:
    """The nodes that the output depends on, in topological order."""
    makers = {name: node for node in graph.node for name in node.output if name}
    ordered: list[NodeProto] = []
    seen: set[int] = set()
    waiting = [(makers[graph.output[0].name], False)]
    while waiting:
        node, inputs_done = waiting.pop()
        if inputs_done:
            ordered.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            waiting.append((node, True))
            read = [name for name in reversed(names_used(node)) if name in makers]
            waiting += [(makers[name], False) for name in read]
    return ordered


def _copy(message: Any, name: str) -> Any:
    copy = type(message)()
    copy.CopyFrom(message)
    copy.name = name
    return copy
