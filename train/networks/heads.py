"""Heads: how a clip's features are combined over time. To add one, add a function here.

Each takes float32 features of shape (batch, frames_per_clip, num_features) and gives one row per
clip. Only layers and operations of Keras are used, so that a saved network loads anywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rtaction.keras_tensorflow import keras
from rtaction.train.choices import HeadName

layers, ops = keras.layers, keras.ops

PYRAMID_LEVELS = (1, 2, 4)

Tensor = Any


def gru(sequence: Tensor, units: int) -> Tensor:
    """A recurrent layer, Cho et al. 2014."""
    return layers.GRU(units, name="gru")(sequence)


def lstm(sequence: Tensor, units: int) -> Tensor:
    """A recurrent layer with memory cells, Hochreiter and Schmidhuber 1997."""
    return layers.LSTM(units, name="lstm")(sequence)


def bigru(sequence: Tensor, units: int) -> Tensor:
    """Two GRUs, one forward and one backward in time."""
    return layers.Bidirectional(layers.GRU(units), name="bigru")(sequence)


def bilstm(sequence: Tensor, units: int) -> Tensor:
    """Two LSTMs, one forward and one backward in time."""
    return layers.Bidirectional(layers.LSTM(units), name="bilstm")(sequence)


def average(sequence: Tensor, units: int) -> Tensor:
    """The mean over time: order does not matter."""
    return layers.GlobalAveragePooling1D()(sequence)


def maximum(sequence: Tensor, units: int) -> Tensor:
    """The maximum over time: having been seen once is enough."""
    return layers.GlobalMaxPooling1D()(sequence)


def statistics(sequence: Tensor, units: int) -> Tensor:
    """Mean, maximum, and how much each feature changes from frame to frame."""
    rows = [layers.GlobalAveragePooling1D()(sequence), layers.GlobalMaxPooling1D()(sequence)]
    if sequence.shape[1] > 1:
        change = layers.Subtract()([sequence[:, 1:], sequence[:, :-1]])
        rows.append(layers.GlobalAveragePooling1D()(ops.absolute(change)))
    return layers.Concatenate()(rows)


def pyramid(sequence: Tensor, units: int) -> Tensor:
    """Means over the whole clip, its halves and its quarters, side by side.

    Temporal pyramid pooling: Zhu et al. 2017, arXiv 1711.04161. With `--sampling segments` it sees
    the whole video, as in the paper.
    """
    return _pooled_in_levels(sequence, layers.GlobalAveragePooling1D)


def max_pyramid(sequence: Tensor, units: int) -> Tensor:
    """Maxima over the whole clip, its halves and its quarters, side by side: as `pyramid`, with the
    pooling of its authors' code, https://github.com/zhujiagang/DTPP."""
    return _pooled_in_levels(sequence, layers.GlobalMaxPooling1D)


def _pooled_in_levels(sequence: Tensor, pooling: Any) -> Tensor:
    num_frames = sequence.shape[1]
    rows = []
    for level in PYRAMID_LEVELS:
        for segment in range(level):
            start = segment * num_frames // level
            stop = max((segment + 1) * num_frames // level, start + 1)
            rows.append(pooling()(sequence[:, start:stop]))
    return layers.Concatenate()(rows)


HEADS: dict[HeadName, Callable[[Tensor, int], Tensor]] = {
    "gru": gru,
    "lstm": lstm,
    "bigru": bigru,
    "bilstm": bilstm,
    "average": average,
    "max": maximum,
    "statistics": statistics,
    "pyramid": pyramid,
    "max_pyramid": max_pyramid,
}
