"""A smaller network than the smallest one, as tracing a network is most of a short training."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rtaction.keras_tensorflow import keras
from rtaction.train.networks.encoders import ENCODERS, EncoderOptions, Tensor

layers = keras.layers


def _tiny(pixels: Tensor, options: EncoderOptions) -> Tensor:
    """One convolution; with normalization and dropout, whose states are to be resumed too."""
    x = layers.Conv2D(12, 7, strides=4, padding="same", use_bias=False)(pixels)
    x = layers.BatchNormalization(momentum=0.9)(x)
    x = layers.Flatten()(layers.ReLU()(x))
    x = layers.Dropout(options.dropout / 2)(x)
    return layers.Dense(48, activation="relu")(x)  # (batch, 48)


@pytest.fixture(autouse=True, scope="module")
def _tiny_instead_of_small() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(ENCODERS, "small", _tiny)
        yield
