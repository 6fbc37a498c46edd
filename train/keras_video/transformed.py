"""The changes that a `transformation` makes to a clip."""

from __future__ import annotations

from typing import Any

import numpy as np

from rtaction.arrays import Float32Array
from rtaction.errors import UsageError
from rtaction.keras_tensorflow import keras


def transformed(transformation: Any, drawn: Any, clip: Float32Array) -> Float32Array:
    """A changed clip.

    Args:
        transformation: see `VideoFrameGenerator`; None changes nothing.
        drawn: what its `get_random_transform` gave for this clip, if it has one.
        clip: float32, shape (num_frames, height, width, channels).

    Returns:
        float32, of the same shape.

    Raises:
        UsageError: it gives another shape.
    """
    if transformation is None:
        return clip
    if drawn is not None:
        changed = np.stack([transformation.apply_transform(one, drawn) for one in clip])
    elif isinstance(transformation, keras.layers.Layer):
        changed = _through_layer(transformation, clip)
    else:
        changed = np.asarray(transformation(clip))
    require(
        changed.shape == clip.shape,
        f"transformation must keep a clip's shape {clip.shape}, got {changed.shape}",
    )
    return changed.astype(np.float32)


def _through_layer(layer: Any, clip: Float32Array) -> Float32Array:
    """Apply a Keras layer to a clip, as one image with many channels, so that it draws once."""
    frames, height, width, channels = clip.shape
    picture = np.moveaxis(clip, 0, 2).reshape(1, height, width, frames * channels)
    changed = keras.ops.convert_to_numpy(layer(picture, training=True))
    require(changed.shape == picture.shape, "transformation must keep the size of the frames")
    return np.moveaxis(changed.reshape(height, width, frames, channels), 2, 0)


def require(holds: bool, message: str) -> None:
    """Raise `UsageError` unless it holds."""
    if not holds:
        raise UsageError(message)
