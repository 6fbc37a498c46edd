"""Give equal ONNX graphs equal bytes: order and names that follow from their structure alone.

tf2onnx walks over sets, so its order of operations, and the numbers in its names, differ from run
to run.
"""

from __future__ import annotations

from collections.abc import Iterable

from onnx import NodeProto, TensorProto

from rtaction.onnx_format.build import Pieces


def canonical(pieces: Pieces, *, inputs: Iterable[str], outputs: Iterable[str]) -> Pieces:
    """Put operations in the order in which the outputs need them, and number all tensors.

    Args:
        pieces: without graphs inside operations.
        inputs, outputs: names of the graph's, which are kept.

    Returns:
        Only what the outputs depend on. Operations have no names; tensors made by them are called
        "t0", "t1", ..., and stored ones "w0", "w1", ...
    """
    makers = {name: node for node in pieces.nodes for name in node.output}
    stored = {tensor.name: tensor for tensor in pieces.weights}
    nodes: list[NodeProto] = []
    weights: list[TensorProto] = []
    names = {"": ""} | {name: name for name in (*inputs, *outputs)}
    done: set[int] = set()
    waiting = [(name, False) for name in reversed(list(outputs))]
    while waiting:
        name, is_ready = waiting.pop()
        if name in stored and name not in names:
            names[name] = f"w{len(weights)}"
            weights.append(_renamed(stored[name], names[name]))
        node = makers.get(name)
        if node is None or id(node) in done:
            continue
        if not is_ready:
            waiting.append((name, True))
            waiting += [(one, False) for one in reversed(node.input)]
            continue
        done.add(id(node))
        for number, made in enumerate(node.output):
            names.setdefault(made, f"t{len(nodes)}" + f"_{number}" * (number > 0))
        nodes.append(_ordered(node, names))
    return Pieces(nodes, weights)


def _renamed(tensor: TensorProto, name: str) -> TensorProto:
    copy = TensorProto()
    copy.CopyFrom(tensor)
    copy.name = name
    return copy


def _ordered(node: NodeProto, names: dict[str, str]) -> NodeProto:
    copy = NodeProto(op_type=node.op_type, domain=node.domain)
    copy.input.extend(names[name] for name in node.input)
    copy.output.extend(names[name] for name in node.output)
    copy.attribute.extend(sorted(node.attribute, key=lambda one: one.name))
    return copy
