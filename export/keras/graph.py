"""The layers of a Keras model as one flat list of calls, and any part of them as a computation.

This file knows nothing of ONNX.
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
    """A model as a list of calls, without models among them but in TimeDistributed.

    Args:
        inputs: the tensors that it takes.
        outputs: the tensors that it gives.
        nodes: all calls but those of input layers, each after those whose results it takes.
    """

    inputs: list[Tensor]
    outputs: list[Tensor]
    nodes: list[Node]

    def called_on(self, sources: Sequence[Tensor]) -> Tensor:
        """What it makes of other symbolic tensors: its first output, each call made anew."""
        known = dict(zip(map(id, self.inputs), sources, strict=True))
        for node in self.nodes:
            args, kwargs = node.arguments.fill_in(known)
            made = keras.tree.flatten(node.operation(*args, **kwargs))
            known |= dict(zip(map(id, node.outputs), made, strict=True))
        return known[id(self.outputs[0])]


def flattened(model: Any) -> FlatModel:
    """The same layers without models among them, each call made anew.

    Args:
        model: a `keras.Model`, Sequential or functional, with models as layers or without.
    """
    sources = [
        keras.Input(batch_shape=one.shape, dtype=one.dtype, name=one.name) for one in model.inputs
    ]
    x: Any = sources[0] if len(sources) == 1 else sources
    if isinstance(model, _Functional):
        # Its inputs may stand in a list or a dict.
        x = keras.tree.pack_sequence_as(model._inputs_struct, sources)
    return flat_model(sources, _call(model, x))


def flat_model(inputs: Sequence[Tensor], outputs: Any) -> FlatModel:
    """The calls that lead from tensors to others; none of them is that of a model."""
    outputs = keras.tree.flatten(outputs)
    _keep_names_apart(outputs)
    model = keras.Model(list(inputs), outputs)
    return FlatModel(list(inputs), outputs, nodes_of(model))


def nodes_of(model: Any) -> list[Node]:
    """All calls but those of input layers, each after those whose results it takes."""
    by_depth = model._nodes_by_depth
    ordered = [node for depth in sorted(by_depth, reverse=True) for node in by_depth[depth]]
    return [node for node in ordered if not node.is_input]


def layers_called(nodes: Iterable[Node]) -> Iterator[Any]:
    """The layer of each call, in order; a TimeDistributed or a model comes before what is in it."""
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
    """Rename layers that are called like another: each model within has names of its own."""
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
    """Part of a flat model as a computation.

    Args:
        sources: the tensors it starts from.
        target: the tensor it gives.
        nodes: all calls of the model, in order; those that lead from source to target are made.
    """

    sources: list[Tensor]
    target: Tensor
    nodes: list[Node]

    def __call__(self, *values: Any) -> Any:
        """Compute `target` of the values of `sources`."""
        known = dict(zip(map(id, self.sources), values, strict=True))
        for node in self.steps():
            made = call_node(node, known)
            known |= dict(zip(map(id, node.outputs), keras.tree.flatten(made), strict=True))
        return known[id(self.target)]

    def steps(self) -> list[Node]:
        """The calls that are needed, in order."""
        return between(self.nodes, self.sources, [self.target])

    @property
    def layer_names(self) -> str:
        """For an error."""
        return ", ".join(
            f"{node.operation.name!r} ({type(node.operation).__name__})" for node in self.steps()
        )


def between(nodes: list[Node], sources: Iterable[Tensor], targets: Iterable[Tensor]) -> list[Node]:
    """The calls that make the targets from the sources, in order."""
    known, needed = {id(one) for one in sources}, {id(one) for one in targets}
    found = []
    for node in reversed(nodes):
        made = {id(one) for one in node.outputs}
        if needed & made and not made <= known:
            found.append(node)
            needed |= {id(one) for one in node.input_tensors} - known
    return found[::-1]


def call_node(node: Node, known: dict[int, Any]) -> Any:
    """Make one call with values in the place of symbolic tensors, without loops over time."""
    operation = node.operation
    args, kwargs = node.arguments.fill_in(known)
    if type(operation) is layers.TimeDistributed:
        return _each_frame(operation.layer, args[0])
    # Left alone, it would run in a loop that no part of the graph can be cut from.
    for one in (
        operation,
        *[getattr(operation, f"{w}_layer", None) for w in ("forward", "backward")],
    ):
        if isinstance(one, layers.RNN):
            one.unroll = True
    return operation(*args, **kwargs)


def _each_frame(layer: Any, values: Any) -> Any:
    """What TimeDistributed computes, in one call for all frames of all clips."""
    num_frames = values.shape[1]
    made = layer(tensorflow.reshape(values, [-1, *values.shape[2:]]))
    return tensorflow.reshape(made, [-1, num_frames, *made.shape[1:]])
