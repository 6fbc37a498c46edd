"""Networks for one frame: pixels in, features out. To add one, add a function here.

Well-known ones, with pretrained weights, are in `known_encoders`.

Each takes frames as float32 from -1 to 1, shape (batch, height, width, channels), and gives
features of shape (batch, num_features).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rtaction.keras_tensorflow import keras
from rtaction.modality import CHANNELS, parts_of
from rtaction.train.choices import Pooling

layers = keras.layers


Tensor = Any


@dataclass(frozen=True)
class EncoderOptions:
    """Options of an encoder.

    Args:
        modality: meaning of the channels of a frame, see `rtaction.modality`. Default "rgb".
        dropout: dropout rate in training. Default 0.5.
        trainable_layers: number of layers at the end of a pretrained network that are fine-tuned.
            Default 9.
        pooling: how the feature map of a known network is pooled. Default "average".
        train_batchnorm: whether batch normalisation within those last layers learns too. Default
            False.
    """

    modality: str = "rgb"
    dropout: float = 0.5
    trainable_layers: int = 9
    pooling: Pooling = "average"
    train_batchnorm: bool = False


def convnet(pixels: Tensor, options: EncoderOptions) -> Tensor:
    """The tutorial's ConvNet: four blocks of two 3x3 convolutions, 64 to 512 filters."""
    x = pixels
    for filters in (64, 128, 256, 512):
        x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
        x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
        x = layers.BatchNormalization(momentum=0.9)(x)
        x = layers.MaxPooling2D()(x) if filters < 512 else layers.GlobalMaxPooling2D()(x)
    return x  # (batch, 512)


def light(pixels: Tensor, options: EncoderOptions) -> Tensor:
    """A ConvNet for CPUs: strided convolutions, and a dense layer that keeps *where* things are.

    Pooling over the whole frame loses positions, but arms raised and arms held out differ in
    little else.
    """
    x = pixels
    for filters, size, stride in ((32, 5, 4), (64, 3, 2), (80, 3, 1), (128, 3, 2), (128, 3, 1)):
        x = layers.Conv2D(filters, size, strides=stride, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization(momentum=0.9)(x)
        x = layers.ReLU()(x)
    x = layers.Flatten()(x)
    x = layers.Dropout(options.dropout / 2)(x)
    return layers.Dense(96, activation="relu")(x)  # (batch, 96)


def small(pixels: Tensor, options: EncoderOptions) -> Tensor:
    """Four strided convolutions and a dense layer that keeps *where* things are.

    For small frames of motion: 8 MFLOP at 64x64, half of what `light` needs. A hand is only a few
    pixels there, so the first convolution has a stride of only 2.
    """
    x = pixels
    for filters, size in ((16, 5), (32, 3), (64, 3), (96, 3)):
        x = layers.Conv2D(filters, size, strides=2, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization(momentum=0.9)(x)
        x = layers.ReLU()(x)
    x = layers.Flatten()(x)
    x = layers.Dropout(options.dropout / 2)(x)
    return layers.Dense(96, activation="relu")(x)  # (batch, 96)


def two_stream(pixels: Tensor, options: EncoderOptions) -> Tensor:
    """A light network per part of the modality, such as pixels and motion, side by side.

    Simonyan and Zisserman 2014, arXiv 1406.2199, with the streams joined before the head.
    """
    parts = split_parts(pixels, options.modality)
    return layers.Concatenate()([light(part, options) for part in parts])  # (batch, 96 * parts)


ENCODERS: dict[str, Callable[[Tensor, EncoderOptions], Tensor]] = {
    "light": light,
    "small": small,
    "convnet": convnet,
    "two_stream": two_stream,
}


def split_parts(pixels: Tensor, modality: str) -> list[Tensor]:
    """The parts of a modality, each (batch, height, width, its channels)."""
    start, found = 0, []
    for part in parts_of(modality):
        stop = start + CHANNELS[part]
        found.append(pixels[..., start:stop])
        start = stop
    return found if len(found) > 1 else [pixels]
