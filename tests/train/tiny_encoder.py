"""A smaller encoder than the smallest one, as tracing it is most of a short training."""

from __future__ import annotations

from rtaction.keras_tensorflow import keras
from rtaction.train.networks.encoders import EncoderOptions, Tensor

layers = keras.layers


def tiny_encoder(pixels: Tensor, options: EncoderOptions) -> Tensor:
    """One convolution; with normalization and dropout, whose states are to be resumed too."""
    x = layers.Conv2D(12, 7, strides=4, padding="same", use_bias=False)(pixels)
    x = layers.BatchNormalization(momentum=0.9)(x)
    x = layers.Flatten()(layers.ReLU()(x))
    x = layers.Dropout(options.dropout / 2)(x)
    return layers.Dense(48, activation="relu")(x)  # (batch, 48)
