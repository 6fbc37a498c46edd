"""Rules for which layers process every frame separately, so that each frame is computed only once.

Shapes are (batch, frames, ...). An unknown layer is assumed to mix frames: the result is still
correct, but less is reused from window to window.
"""

from __future__ import annotations

from typing import Any

from rtaction.export.keras.graph import Node
from rtaction.keras_tensorflow import keras

layers = keras.layers

# Elementwise, whatever the axes.
_VALUE_BY_VALUE = (
    *(layers.Activation, layers.ReLU, layers.LeakyReLU, layers.ELU, layers.Identity),
    *(layers.Dropout, layers.GaussianNoise, layers.GaussianDropout, layers.AlphaDropout),
    *(layers.SpatialDropout1D, layers.SpatialDropout2D, layers.SpatialDropout3D),
    layers.ActivityRegularization,
)
_MERGING = (
    *(layers.Add, layers.Subtract, layers.Multiply, layers.Average),
    *(layers.Maximum, layers.Minimum),
)
_BY_AXES = (
    *(layers.BatchNormalization, layers.LayerNormalization, layers.UnitNormalization),
    *(layers.Normalization, layers.Softmax, layers.Concatenate),
)
# Classes behind `keras.ops`, which have no public name.
_VALUE_BY_VALUE_OPS = {
    *("Absolute", "Add", "Cast", "Clip", "Divide", "Elu", "Exp", "Gelu", "HardSigmoid"),
    *("HardSwish", "HardSilu", "LeakyRelu", "Log", "Maximum", "Minimum", "Mish", "Multiply"),
    *("Negative", "Power", "Relu", "Relu6", "Selu", "Sigmoid", "Silu", "Softplus", "Softsign"),
    *("Sqrt", "Square", "Subtract", "Tanh", "TrueDivide"),
}


def treats_frames_alike(node: Node) -> bool:
    """Whether a call gives the same result for each frame as for that frame alone.

    Args:
        node: a call whose tensors are all (batch, frames, ...).
    """
    operation, rank = node.operation, len(node.input_tensors[0].shape)
    has_frames = len(node.outputs) == 1 and all(len(x.shape) == rank for x in node.input_tensors)
    return has_frames and (
        (isinstance(operation, layers.TimeDistributed) and len(node.input_tensors) == 1)
        or is_free_of_axes(node)
        or (isinstance(operation, _BY_AXES) and rank >= 3 and _is_behind(operation.axis, rank))
        or (type(operation).__name__ == "GetItem" and _slices_behind_frames(node))
    )


def is_free_of_axes(node: Node) -> bool:
    """Whether the call also works for one frame without the frame axis."""
    operation, rank = node.operation, len(node.input_tensors[0].shape)
    is_op = type(operation).__module__.startswith("keras.src.ops.")
    return (
        # Softmax works along the last axis, which is never the frame axis.
        isinstance(operation, (*_VALUE_BY_VALUE, *_MERGING))
        or (isinstance(operation, layers.Rescaling) and _is_one_by_channel(operation))
        or (isinstance(operation, layers.Dense) and rank >= 3)
        or (isinstance(operation, layers.Concatenate) and operation.axis == -1)
        or (
            is_op
            and type(operation).__name__ in _VALUE_BY_VALUE_OPS
            and all(map(_is_short, _constants(node)))
        )
    )


def _is_one_by_channel(rescaling: Any) -> bool:
    return _is_short(rescaling.scale) and _is_short(rescaling.offset)


def _is_behind(axis: Any, rank: int) -> bool:
    """Whether all axes come after those of batch and frames."""
    axes = axis if isinstance(axis, list | tuple) else [axis]
    return all(isinstance(one, int) and one % rank >= 2 for one in axes)


def _constants(node: Node) -> list[Any]:
    tensors = {id(one) for one in node.input_tensors}
    given = keras.tree.flatten([node.arguments.args, node.arguments.kwargs])
    return [one for one in given if id(one) not in tensors]


def _is_short(value: Any) -> bool:
    """Whether it is a number, or one number per channel."""
    if isinstance(value, list | tuple):
        return all(isinstance(one, int | float) for one in value)
    return len(getattr(value, "shape", ())) <= 1


def _slices_behind_frames(node: Node) -> bool:
    """Whether it is like `x[..., a:b]` or `x[:, :, a:b]`, keeping batch and frames whole."""
    key = [*node.arguments.args, *node.arguments.kwargs.values()][-1]
    parts = list(key) if isinstance(key, list | tuple) else [key]
    if not all(part is Ellipsis or isinstance(part, slice) for part in parts):
        return False
    rank, whole = len(node.input_tensors[0].shape), slice(None)
    if Ellipsis in parts:
        at = parts.index(Ellipsis)
        parts[at : at + 1] = [whole] * (rank - len(parts) + 1)
    return all(part == whole for part in parts[:2])
