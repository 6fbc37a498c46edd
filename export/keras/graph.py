"""The layers of a Keras model as one flat list of calls, and any part of them as a computation.

This file knows nothing of ONNX.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rtaction.keras_tensorflow import keras, tensorflow

Tensor = Any
Node = Any
"""One call of one layer: Keras' `Node`, of which `operation`, `arguments`, `input_tensors` and
`outputs` are used."""

layers = keras.layers
_Functional = type(keras.Model(*[keras.Input((1,))] * 2))


def flattened(model: Any, *, shapes: Sequence[tuple[int, ...]] | None = None) -> Any:
    """The same model with the same layers, without models among them, each call made anew.

    Args:
        model: Sequential or functional, with models as layers or without.
        shapes: of its inputs, without the batch. Default: its own.

    Returns:
        A functional `keras.Model`.
    """
    own = [tuple(one.shape[1:]) for one in model.inputs]
    sources = [
        keras.Input(shape, dtype=one.dtype, name=one.name)
        for one, shape in zip(model.inputs, shapes or own, strict=True)
    ]
    return keras.Model(sources[0] if len(sources) == 1 else sources, call(model, sources))


def call(model: Any, sources: Sequence[Tensor]) -> Tensor:
    """What a model makes of symbolic tensors, its layers called one by one."""
    x: Any = sources[0] if len(sources) == 1 else list(sources)
    if isinstance(model, _Functional):
        # Its inputs may stand in a list or a dict.
        struct = keras.tree.pack_sequence_as(model._inputs_struct, list(sources))
        return model._run_through_graph(struct, operation_fn=lambda one: one, call_fn=_call)
    return _call(model, x)


def _call(layer: Any, *args: Any, **kwargs: Any) -> Any:
    if isinstance(layer, keras.Sequential):
        x = args[0]
        for one in layer.layers:
            x = _call(one, x)
        return x
    if isinstance(layer, _Functional):
        return layer._run_through_graph(args[0], operation_fn=lambda one: one, call_fn=_call)
    return layer(*args, **kwargs)


def nodes_of(model: Any) -> list[Node]:
    """All calls but those of input layers, each after those whose results it takes."""
    by_depth = model._nodes_by_depth
    ordered = [node for depth in sorted(by_depth, reverse=True) for node in by_depth[depth]]
    return [node for node in ordered if not node.is_input]


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
