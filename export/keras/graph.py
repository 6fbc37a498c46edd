"""The layers of a Keras model as a flat list of calls, any part of which can be run.

This file knows nothing about ONNX.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rtaction.keras_tensorflow import keras, tensorflow

Tensor = Any
Node = Any
"""One call of one layer: Keras' `Node`, of which `operation`, `arguments`, `input_tensors` and
`outputs` are used."""

layers = keras.layers
_Functional = type(keras.Model(*[keras.Input((1,))] * 2))


@dataclass(frozen=True, eq=False, slots=True)
class FlatModel:
    """A model as a list of calls, without nested models except in TimeDistributed.

    Args:
        inputs: its input tensors.
        outputs: its output tensors.
        nodes: all calls except those of input layers, in topological order.
    """

    inputs: list[Tensor]
    outputs: list[Tensor]
    nodes: list[Node]

    def called_on(self, sources: Sequence[Tensor]) -> Tensor:
        """Repeat all calls on other symbolic tensors; returns the first output."""
        known = dict(zip(map(id, self.inputs), sources, strict=True))
        for node in self.nodes:
            args, kwargs = node.arguments.fill_in(known)
            made = keras.tree.flatten(node.operation(*args, **kwargs))
            known |= dict(zip(map(id, node.outputs), made, strict=True))
        return known[id(self.outputs[0])]


def flattened(model: Any) -> FlatModel:
    """Repeat all calls of a model on new inputs, without nested models.

    Args:
        model: a `keras.Model`, Sequential or functional, with or without nested models.
    """
    sources = [
        keras.Input(batch_shape=one.shape, dtype=one.dtype, name=one.name) for one in model.inputs
    ]
    x: Any = sources[0] if len(sources) == 1 else sources
    if isinstance(model, _Functional):
        # Its inputs may be a list or a dict.
        x = keras.tree.pack_sequence_as(model._inputs_struct, sources)
    return flat_model(sources, _call(model, x))


def flat_model(inputs: Sequence[Tensor], outputs: Any) -> FlatModel:
    """The calls that lead from inputs to outputs, none of which may be that of a model."""
    outputs = keras.tree.flatten(outputs)
    _keep_names_apart(outputs)
    model = keras.Model(list(inputs), outputs)
    return FlatModel(list(inputs), outputs, nodes_of(model))


def nodes_of(model: Any) -> list[Node]:
    """All calls except those of input layers, in topological order."""
    by_depth = model._nodes_by_depth
    ordered = [node for depth in sorted(by_depth, reverse=True) for node in by_depth[depth]]
    return [node for node in ordered if not node.is_input]


def layers_called(nodes: Iterable[Node]) -> Iterator[Any]:
    """The layer of each call, in order; a TimeDistributed or model comes before its layers."""
    for node in nodes:
        yield from _layers_within(node.operation)


def _layers_within(operation: Any) -> Iterator[Any]:
    yield operation
    if isinstance(operation, keras.Sequential):
        inner = operation.layers
    elif isinstance(operation, _Functional):
        inner = [node.operation for node in nodes_of(operation)]
    else:
        inner = [one for one in [getattr(operation, "layer", None)] if one is not None]
    for one in inner:
        yield from _layers_within(one)


def _call(layer: Any, *args: Any, **kwargs: Any) -> Any:
    if isinstance(layer, keras.Sequential):
        x = args[0]
        for one in layer.layers:
            x = _call(one, x)
        return x
    if isinstance(layer, _Functional):
        return layer._run_through_graph(args[0], operation_fn=lambda one: one, call_fn=_call)
    return layer(*args, **kwargs)


def _keep_names_apart(outputs: Sequence[Tensor]) -> None:
    """Rename layers with duplicate names, which nested models may cause."""
    waiting, seen, taken = list(outputs), set(), set()
    while waiting:
        operation, number, _ = waiting.pop()._keras_history
        node = operation._inbound_nodes[number]
        if id(node) in seen:
            continue
        seen.add(id(node))
        waiting += node.input_tensors
        if id(operation) not in seen:
            seen.add(id(operation))
            name, copies = operation.name, 1
            while operation.name in taken:
                operation.name = f"{name}_{copies}"
                copies += 1
            taken.add(operation.name)


@dataclass(frozen=True, eq=False, slots=True)
class Program:
    """Part of a flat model that can be run.

    Args:
        sources: the tensors that it starts from.
        target: the tensor that it computes.
        nodes: all calls of the model, in order; only those from sources to target are run.
    """

    sources: list[Tensor]
    target: Tensor
    nodes: list[Node]

    def __call__(self, *values: Any) -> Any:
        """Compute `target` from the values of `sources`."""
        known = dict(zip(map(id, self.sources), values, strict=True))
        for node in self.steps():
            made = call_node(node, known)
            known |= dict(zip(map(id, node.outputs), keras.tree.flatten(made), strict=True))
        return known[id(self.target)]

    def steps(self) -> list[Node]:
        """The required calls, in order."""
        return between(self.nodes, self.sources, [self.target])

    @property
    def layer_names(self) -> str:
        """Names and types of its layers, for error messages."""
        return ", ".join(
            f"{node.operation.name!r} ({type(node.operation).__name__})" for node in self.steps()
        )


def between(nodes: list[Node], sources: Iterable[Tensor], targets: Iterable[Tensor]) -> list[Node]:
    """The calls that compute the targets from the sources, in order."""
    known, needed = {id(one) for one in sources}, {id(one) for one in targets}
    found = []
    for node in reversed(nodes):
        made = {id(one) for one in node.outputs}
        if needed & made and not made <= known:
            found.append(node)
            needed |= {id(one) for one in node.input_tensors} - known
    return found[::-1]


def call_node(node: Node, known: dict[int, Any]) -> Any:
    """Run one call with values in place of symbolic tensors, without loops over time."""
    operation = node.operation
    args, kwargs = node.arguments.fill_in(known)
    if type(operation) is layers.TimeDistributed:
        return _each_frame(operation.layer, args[0])
    # Otherwise it would run in a loop, which cannot be cut.
    for one in (
        operation,
        *[getattr(operation, f"{w}_layer", None) for w in ("forward", "backward")],
    ):
        if isinstance(one, layers.RNN):
            one.unroll = True
    return operation(*args, **kwargs)


def _each_frame(layer: Any, values: Any) -> Any:
    """Compute TimeDistributed in one call for all frames of all clips."""
    num_frames = values.shape[1]
    made = layer(tensorflow.reshape(values, [-1, *values.shape[2:]]))
    return tensorflow.reshape(made, [-1, num_frames, *made.shape[1:]])
