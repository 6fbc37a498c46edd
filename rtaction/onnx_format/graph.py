"""Dependencies in an ONNX graph, and extraction of the part between given tensors.

This file knows nothing about clips or contracts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from onnx import GraphProto, ModelProto, NodeProto, ValueInfoProto, helper

from rtaction.printable import printable


def copied(model: ModelProto) -> ModelProto:
    """A deep copy of a model."""
    copy = ModelProto()
    copy.CopyFrom(model)
    return copy


def names_used(node: NodeProto) -> list[str]:
    """Names that a node reads, in order, including outer names read by its subgraphs."""
    found = [name for name in node.input if name]
    for attribute in node.attribute:
        for graph in [attribute.g] * attribute.HasField("g") + [*attribute.graphs]:
            made = {name for inner in graph.node for name in inner.output}
            made |= {one.name for one in graph.input} | stored_names(graph)
            read = [name for inner in graph.node for name in names_used(inner)]
            read += [one.name for one in graph.output]
            found += [name for name in dict.fromkeys(read) if name not in made]
    return found


def stored_names(graph: GraphProto) -> set[str]:
    """Names of the stored tensors, including sparse ones."""
    names = {tensor.name for tensor in graph.initializer}
    return names | {tensor.values.name for tensor in graph.sparse_initializer}


def described_values(graph: GraphProto) -> dict[str, ValueInfoProto]:
    """The tensors that the graph describes, by name."""
    return {value.name: value for value in [*graph.input, *graph.output, *graph.value_info]}


def ancestors(
    graph: GraphProto, outputs: Iterable[str], *, stop_at: Iterable[str] = ()
) -> list[NodeProto]:
    """The nodes that tensors depend on, in order, without those before `stop_at`."""
    stop = set(stop_at)
    needed, nodes = set(outputs) - stop, []
    for node in reversed(graph.node):
        if not needed.isdisjoint(node.output):
            nodes.append(node)
            needed.update(name for name in names_used(node) if name not in stop)
    return nodes[::-1]


def part(
    model: ModelProto,
    inputs: Sequence[str | ValueInfoProto],
    outputs: Sequence[str | ValueInfoProto],
) -> ModelProto:
    """Extract the part between tensors as a separate model.

    Args:
        model: with nodes in topological order.
        inputs: tensors to feed; a plain name must be described in the graph.
        outputs: tensors to read; one that the graph does not describe gets no type.
    """
    known = described_values(model.graph)
    takes = [known[one] if isinstance(one, str) else one for one in inputs]
    gives = [
        known.get(one, ValueInfoProto(name=one)) if isinstance(one, str) else one for one in outputs
    ]
    fed = {one.name for one in takes}
    nodes = ancestors(model.graph, [one.name for one in gives], stop_at=fed)
    used = {name for node in nodes for name in names_used(node)} | {one.name for one in gives}
    made = copied(model)
    for field in ("node", "initializer", "input", "output", "value_info"):
        made.graph.ClearField(field)
    made.graph.node.extend(nodes)
    made.graph.initializer.extend(t for t in model.graph.initializer if t.name in used - fed)
    made.graph.input.extend(takes)
    made.graph.output.extend(gives)
    return made


def missing_names(graph: GraphProto) -> list[str]:
    """Names that nodes or outputs read, but that no node, stored tensor or input provides."""
    read = {name for node in graph.node for name in names_used(node)}
    read |= {value.name for value in graph.output}
    made = {name for node in graph.node for name in node.output}
    return sorted(read - made - stored_names(graph) - {value.name for value in graph.input})


def dims_of(value: ValueInfoProto) -> list[int]:
    """Shape of a tensor; 0 for free sizes."""
    return [max(dim.dim_value, 0) for dim in value.type.tensor_type.shape.dim]


def describe(value: ValueInfoProto) -> str:
    """A tensor as text, such as "clip: uint8 (batch, 5, 112, 112, 3)"."""
    tensor = value.type.tensor_type
    try:
        kind = helper.tensor_dtype_to_np_dtype(tensor.elem_type).name
    except KeyError:
        kind = f"type {tensor.elem_type}"
    dims = [
        dim.dim_param or str(size or "?")
        for dim, size in zip(tensor.shape.dim, dims_of(value), strict=True)
    ]
    return printable(f"{value.name}: {kind} ({', '.join(dims)})")
