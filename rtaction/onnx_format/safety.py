"""Safety checks that an ONNX file must pass before it is run.

A model may come from an untrusted source. Before onnxruntime's C++ code sees it, this Python code
checks that it reads no other files, loads no custom code, declares no more memory than it contains,
and is a valid graph. This file knows nothing about contracts, and never opens files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from math import prod
from typing import Any, TypeAlias

from onnx import (
    AttributeProto,
    GraphProto,
    ModelProto,
    NodeProto,
    SparseTensorProto,
    TensorProto,
    ValueInfoProto,
)

from rtaction.errors import ModelUnreadable, ModelUnsafe
from rtaction.printable import printable

_DOMAINS = {"", "ai.onnx", "ai.onnx.ml", "com.microsoft"}
# Contains code compiled for one device, or the name of a file with such code.
_FOREIGN_CODE = "EPContext"
# Far above what video networks need: the largest of PyTorch's have some thousands of nodes.
_MAX_NODES = 50_000
_TOO_MANY = f"it has more than {_MAX_NODES:,} operations"
_MAX_FUNCTIONS_DEEP = 100
_MAX_TEXT_BYTES = 32_000_000
# ONNX's smallest types have 4 bits.
_NUMBERS_PER_BYTE = 2

# Domain, name and overload.
_FunctionKey: TypeAlias = tuple[str, str, str]


def check_safe(model: ModelProto, *, where: str) -> None:
    """Reject a file that must not be run.

    Args:
        model: from `ModelProto.FromString`, and not yet processed by any other part of `onnx`.
        where: name of the model in error messages.

    Raises:
        ModelUnsafe: it stores data in other files, or needs custom code.
        ModelUnreadable: it contains a tensor of an impossible size, or its graph is invalid.
    """
    try:
        _check(model)
    except _Unsafe as unsafe:
        raise ModelUnsafe(f"{where} {printable(str(unsafe))}") from None
    except _TooLarge as size:
        raise ModelUnreadable(f"{where} is too large: {size}") from None
    except _Damaged as damage:
        raise ModelUnreadable(f"{where} is damaged: {printable(str(damage))}") from None


class _Unsafe(Exception):
    """Message that follows the file's name."""


class _TooLarge(Exception):
    """Carries what there is too much of."""


class _Damaged(Exception):
    """Message that describes the damage."""


def _check(model: ModelProto) -> None:
    _check_size(model)
    _check_text(model)
    if model.training_info:
        raise _Unsafe("also contains a training graph; export it for inference only")
    domains = _DOMAINS | {function.domain for function in model.functions}
    _check_graph(model.graph, set(), domains)
    for function in model.functions:
        for attribute in function.attribute_proto:
            _check_attribute(attribute, set(), domains)
        _check_nodes(function.node, set(function.input), function.output, domains)


def _check_size(model: ModelProto) -> None:
    """See that looking at the file, and loading it, ends in good time."""
    num_bytes = sum(one.ByteSize() for one in model.metadata_props) + len(model.doc_string)
    if num_bytes > _MAX_TEXT_BYTES:
        raise _TooLarge(
            f"it holds {num_bytes / 1e6:,.0f} MB of metadata; at most {_MAX_TEXT_BYTES / 1e6:.0f} "
            "MB are read"
        )
    functions = _Functions(model)
    num_written = len(model.graph.node) + sum(len(one.node) for one in model.functions)
    if num_written > _MAX_NODES or functions.measure(model.graph.node)[0] > _MAX_NODES:
        raise _TooLarge(_TOO_MANY)


class _Functions:
    """The functions of a model, measured as onnxruntime runs them: in place of each call."""

    def __init__(self, model: ModelProto) -> None:
        self._bodies = {(one.domain, one.name, one.overload): one.node for one in model.functions}
        self._measured: dict[_FunctionKey, tuple[int, int]] = {}
        for key in self._bodies:
            self._measure_one(key, ())

    def measure(
        self, nodes: Sequence[NodeProto], within: tuple[_FunctionKey, ...] = ()
    ) -> tuple[int, int]:
        """Operations, and how deep functions call one another."""
        waiting, count, depth = [nodes], 0, 0
        while waiting and count <= _MAX_NODES:
            for node in waiting.pop():
                key = (node.domain, node.op_type, node.overload)
                if key in self._bodies:
                    inner_count, inner_depth = self._measure_one(key, within)
                    count, depth = count + inner_count, max(depth, inner_depth)
                else:
                    count += 1
                for attribute in node.attribute:
                    graphs = [attribute.g] * attribute.HasField("g") + [*attribute.graphs]
                    waiting += [graph.node for graph in graphs]
        return count, depth

    def _measure_one(self, key: _FunctionKey, within: tuple[_FunctionKey, ...]) -> tuple[int, int]:
        if key in within:
            raise _Damaged(f"the function {key[1]!r} in it calls itself")
        if key not in self._measured and len(within) < _MAX_FUNCTIONS_DEEP:
            count, depth = self.measure(self._bodies[key], (*within, key))
            self._measured[key] = max(count, 1), depth + 1  # a call costs time even if it is empty
        count, depth = self._measured.get(key, (0, _MAX_FUNCTIONS_DEEP))
        if count > _MAX_NODES:
            raise _TooLarge(_TOO_MANY)
        if len(within) + depth > _MAX_FUNCTIONS_DEEP:
            raise _TooLarge(f"its functions call one another over {_MAX_FUNCTIONS_DEEP} deep")
        return count, depth


def _check_text(message: Any) -> None:
    """Check that all strings in a message and its submessages are valid text."""
    for field, value in message.ListFields():
        if field.message_type is None and field.type != field.TYPE_STRING:
            continue  # numbers; there may be millions
        is_one = isinstance(value, str | bytes) or not isinstance(value, Sequence)
        for one in [value] if is_one else value:
            if field.message_type is not None:
                _check_text(one)
            # Protobuf returns bytes for a string that is not UTF-8.
            elif isinstance(one, bytes):
                raise _Damaged("a name in it is not valid UTF-8")


def _check_graph(graph: GraphProto, outer: set[str], domains: set[str]) -> None:
    """Check a graph and its subgraphs; `outer` are names that it may read from outside."""
    for tensor in [*graph.initializer, *_tensors_of(graph.sparse_initializer)]:
        _check_tensor(tensor)
    for value in [*graph.input, *graph.output, *graph.value_info]:
        _check_value(value)
    weights = [tensor.name for tensor in graph.initializer]
    weights += [tensor.values.name for tensor in graph.sparse_initializer]
    inputs = [value.name for value in graph.input]
    for names in (weights, inputs):
        _check_differ(names)
    known = outer | set(weights) | set(inputs)
    made = [name for node in graph.node for name in node.output if name]
    _check_differ([*made, *{*weights, *inputs}])
    _check_nodes(graph.node, known, [value.name for value in graph.output], domains)


def _check_nodes(
    nodes: Iterable[NodeProto], known: set[str], outputs: Iterable[str], domains: set[str]
) -> None:
    known = set(known)
    for node in nodes:
        if node.domain not in domains:
            raise _Unsafe(
                f"needs the custom operator {node.domain}.{node.op_type}; export it with standard "
                "ONNX operators only"
            )
        if node.op_type == _FOREIGN_CODE:
            raise _Unsafe("is compiled for one device (EPContext); use the original ONNX file")
        for name in node.input:
            _check_known(name, known, f"{node.op_type} {node.name!r}")
        for attribute in node.attribute:
            _check_attribute(attribute, known, domains)
        known.update(node.output)
    for name in outputs:
        _check_known(name, known, "the output")


def _check_attribute(attribute: AttributeProto, known: set[str], domains: set[str]) -> None:
    sparse = [attribute.sparse_tensor] * attribute.HasField("sparse_tensor")
    dense = [attribute.t] * attribute.HasField("t")
    dense += [*attribute.tensors, *_tensors_of([*sparse, *attribute.sparse_tensors])]
    for tensor in dense:
        _check_tensor(tensor)
    for graph in [attribute.g] * attribute.HasField("g") + [*attribute.graphs]:
        _check_graph(graph, known, domains)


def _check_tensor(tensor: TensorProto) -> None:
    # If the field is repeated, onnx and onnxruntime both ignore values that they do not know.
    if tensor.data_location != 0 or tensor.external_data:
        raise _Unsafe(
            "stores weights in other files; expected a single self-contained file. If you trust "
            "it, make one in Python: onnx.save(onnx.load('model.onnx'), 'one.onnx')"
        )
    if any(dim < 0 for dim in tensor.dims):
        raise _Damaged(f"tensor {tensor.name!r} has the shape {list(tensor.dims)}")
    if prod(tensor.dims) > _NUMBERS_PER_BYTE * tensor.ByteSize():
        raise _Damaged(
            f"tensor {tensor.name!r} declares the shape {list(tensor.dims)} but contains "
            f"only {tensor.ByteSize()} bytes"
        )


def _check_value(value: ValueInfoProto) -> None:
    dims = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
    if any(dim < -1 for dim in dims):  # some write -1 for "any"
        raise _Damaged(f"{value.name!r} has the shape {dims}")


def _check_differ(names: Iterable[str]) -> None:
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise _Damaged(f"several tensors are named {twice[0]!r}")


def _check_known(name: str, known: set[str], reader: str) -> None:
    if name and name not in known:
        raise _Damaged(
            f"{reader} reads {name!r}, which no earlier node produces (the graph has a cycle or a "
            "gap, or is not in topological order)"
        )


def _tensors_of(sparse: Iterable[SparseTensorProto]) -> Iterator[TensorProto]:
    for tensor in sparse:
        yield from (tensor.values, tensor.indices)
