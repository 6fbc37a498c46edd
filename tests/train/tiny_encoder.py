"""Smaller encoders than the smallest ones, as building and tracing is most of a short training."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from rtaction.keras_tensorflow import keras
from rtaction.train.networks.encoders import ENCODERS, EncoderOptions, Tensor
from rtaction.train.networks.known_encoders import KNOWN_ENCODERS, lite0

layers = keras.layers


def tiny_encoder(pixels: Tensor, options: EncoderOptions) -> Tensor:
    """One convolution; with normalization and dropout, whose states are to be resumed too."""
    x = layers.Conv2D(12, 7, strides=4, padding="same", use_bias=False)(pixels)
    x = layers.BatchNormalization(momentum=0.9)(x)
    x = layers.Flatten()(layers.ReLU()(x))
    x = layers.Dropout(options.dropout / 2)(x)
    return layers.Dense(48, activation="relu")(x)  # (batch, 48)


def beginning_of_lite0(shape: tuple[int, int, int], weights: str | None) -> Any:
    """The first 44 of the 142 layers of `lite0`, with its weights: maps of 40 channels, at 1/8."""
    network = lite0(shape, weights)
    return keras.Model(network.input, network.get_layer("block4_add").output)


@contextmanager
def smaller_encoders() -> Iterator[None]:
    """Put them in the place of "small" and "lite0"."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(ENCODERS, "small", tiny_encoder)
        patch.setitem(KNOWN_ENCODERS, "lite0", beginning_of_lite0)
        yield
