"""Which layers treat every frame of a clip alike, so that each frame can be computed once.

Shapes are (batch, frames, ...). A layer that is not known here is taken to mix frames: then less is
kept from window to window, and nothing is wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rtaction.export.keras.graph import Node
from rtaction.keras_tensorflow import keras

layers = keras.layers

# One value each, or values of one position: no axis is looked at.
_VALUE_BY_VALUE = (
    *(layers.Activation, layers.ReLU, layers.LeakyReLU, layers.ELU, layers.Identity),
    *(layers.Dropout, layers.GaussianNoise, layers.GaussianDropout, layers.AlphaDropout),
    *(layers.SpatialDropout1D, layers.SpatialDropout2D, layers.SpatialDropout3D),
    *(layers.ActivityRegularization, layers.Rescaling),
)
_MERGING = (
    *(layers.Add, layers.Subtract, layers.Multiply, layers.Average),
    *(layers.Maximum, layers.Minimum),
)
# Classes of `keras.ops`, which have no public name.
_VALUE_BY_VALUE_OPS = {
    *("Absolute", "Add", "Cast", "Clip", "Divide", "Elu", "Exp", "Gelu", "HardSigmoid"),
    *("HardSwish", "HardSilu", "LeakyRelu", "Log", "Maximum", "Minimum", "Mish", "Multiply"),
    *("Negative", "Power", "Relu", "Relu6", "Selu", "Sigmoid", "Silu", "Softplus", "Softsign"),
    *("Sqrt", "Square", "Subtract", "Tanh", "TrueDivide"),
}


def treats_frames_alike(node: Node) -> bool:
    """Whether a call gives for each frame what it would give for that frame alone.

    Args:
        node: a call whose tensors are all (batch, frames, ...).
    """
    operation, rank = node.operation, len(node.input_tensors[0].shape)
    if any(len(one.shape) != rank for one in node.input_tensors) or len(node.outputs) != 1:
        return False
    if isinstance(operation, layers.TimeDistributed):
        return len(node.input_tensors) == 1
    if is_free_of_axes(node):
        return True
    for kind, rule in _BY_AXES.items():
        if isinstance(operation, kind):
            return rank >= 3 and rule(operation, rank)
    return type(operation).__name__ == "GetItem" and _slices_behind_frames(node)


def is_free_of_axes(node: Node) -> bool:
    """Whether the call means the same for one frame without the axis of frames."""
    operation = node.operation
    if isinstance(operation, layers.Rescaling):
        return _is_short(operation.scale) and _is_short(operation.offset)
    if isinstance(operation, layers.Dense):
        return len(node.input_tensors[0].shape) >= 3
    if isinstance(operation, layers.Concatenate):
        return bool(operation.axis == -1)
    if isinstance(operation, (*_VALUE_BY_VALUE, *_MERGING)):
        return True  # softmax looks along the last axis, which is never that of the frames
    if type(operation).__module__.startswith("keras.src.ops."):
        name, constants = type(operation).__name__, _constants(node)
        return name in _VALUE_BY_VALUE_OPS and all(map(_is_short, constants))
    return False


def _behind_frames(axis: Any, rank: int) -> bool:
    axes = axis if isinstance(axis, list | tuple) else [axis]
    return all(isinstance(one, int) and one % rank >= 2 for one in axes)


_BY_AXES: dict[Any, Callable[[Any, int], bool]] = {
    layers.BatchNormalization: lambda one, rank: _behind_frames(one.axis, rank),
    layers.LayerNormalization: lambda one, rank: _behind_frames(one.axis, rank),
    layers.UnitNormalization: lambda one, rank: _behind_frames(one.axis, rank),
    layers.Normalization: lambda one, rank: _behind_frames(one.axis, rank),
    layers.Softmax: lambda one, rank: _behind_frames(one.axis, rank),
    layers.Concatenate: lambda one, rank: _behind_frames(one.axis, rank),
}


def _constants(node: Node) -> list[Any]:
    tensors = {id(one) for one in node.input_tensors}
    given = keras.tree.flatten([node.arguments.args, node.arguments.kwargs])
    return [one for one in given if id(one) not in tensors]


def _is_short(value: Any) -> bool:
    """A number, or one number for each channel."""
    if isinstance(value, list | tuple):
        return all(isinstance(one, int | float) for one in value)
    return len(getattr(value, "shape", ())) <= 1


def _slices_behind_frames(node: Node) -> bool:
    """`x[..., a:b]` or `x[:, :, a:b]`: batch and frames stay whole."""
    key = [*node.arguments.args, *node.arguments.kwargs.values()][-1]
    parts = list(key) if isinstance(key, list | tuple) else [key]
    if not all(part is Ellipsis or isinstance(part, slice) for part in parts):
        return False
    rank, whole = len(node.input_tensors[0].shape), slice(None)
    if Ellipsis in parts:
        at = parts.index(Ellipsis)
        parts[at : at + 1] = [whole] * (rank - len(parts) + 1)
    return all(part == whole for part in parts[:2])
