"""The nodes of one converted part, ordered and named so that parts fit into one graph.

tf2onnx counts on from one conversion to the next, and orders by the names that this gives; two
exports of one model would differ. So everything is named by its way to the output.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import AttributeProto, GraphProto, NodeProto, TensorProto, helper, numpy_helper


def renamed(
    graph: GraphProto, names: dict[str, str], prefix: str
) -> tuple[list[NodeProto], list[TensorProto]]:
    """Order and name.

    Args:
        graph: with one output.
        names: new names of its inputs and its output, by the old ones; further ones are added.
        prefix: for all other names.

    Returns:
        The nodes that the output needs, in order, and the weights that they use, in order of use.
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
    return nodes, used


def write_out_erfc(graph: GraphProto) -> None:
    """Put 1 - Erf in the place of Erfc, which exact GELUs use and ONNX lacks; in place."""
    nodes = list(graph.node)
    del graph.node[:]
    for node in nodes:
        if node.op_type == "Erfc":
            one, erf = f"{node.name}/one", f"{node.name}/erf"
            graph.initializer.append(numpy_helper.from_array(np.array(1.0, np.float32), one))
            graph.node.append(helper.make_node("Erf", list(node.input), [erf], erf))
            node = helper.make_node("Sub", [one, erf], list(node.output), f"{node.name}/Sub")
        graph.node.append(node)


def names_used(node: NodeProto) -> list[str]:
    """What a node reads, in order; what the graphs inside it read from outside, too."""
    found = [name for name in node.input if name]
    for attribute in node.attribute:
        if attribute.type == AttributeProto.GRAPH:
            inner = attribute.g
            made = {name for one in inner.node for name in one.output}
            made |= {one.name for one in inner.input} | {one.name for one in inner.initializer}
            read = [name for one in inner.node for name in names_used(one)]
            read += [one.name for one in inner.output]
            found += [name for name in dict.fromkeys(read) if name not in made]
    return found


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
    """Name what stands in a loop's or a branch's own graph, in place."""
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
    """The nodes that the output needs, each after those that it needs itself."""
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
