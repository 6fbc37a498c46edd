"""Well-known networks, from scratch or from their ImageNet weights.

A pretrained one has two parts: a frozen one, and the last layers, which are fine-tuned. The frozen
part's output for a frame never changes, so it can be kept from epoch to epoch; see `encoded`. To
add a network, add a function here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rtaction.errors import UsageError
from rtaction.installation import install_command
from rtaction.keras_tensorflow import keras
from rtaction.train.choices import Pooling
from rtaction.train.networks.efficientnet_lite import efficientnet_lite0, load_imagenet
from rtaction.train.networks.encoders import EncoderOptions, split_parts

layers = keras.layers

FROZEN, LEARNING = "frozen", "learning"
"""Names of the two parts of a pretrained encoder; without fine-tuning, only the first exists."""

Tensor = Any
Shape = tuple[int, int, int]


def mobilenet(shape: Shape, weights: str | None) -> Any:
    """MobileNet V1, arXiv 1704.04861: 1.1 GFLOP at 224x224."""
    return _from_applications("MobileNet", shape, weights)


def mobilenet_v2(shape: Shape, weights: str | None) -> Any:
    """MobileNet V2, arXiv 1801.04381: 0.6 GFLOP at 224x224."""
    return _from_applications("MobileNetV2", shape, weights)


def mobilenet_v3(shape: Shape, weights: str | None) -> Any:
    """MobileNet V3 small, arXiv 1905.02244: 0.1 GFLOP at 224x224."""
    return _from_applications("MobileNetV3Small", shape, weights, include_preprocessing=False)


def lite0(shape: Shape, weights: str | None) -> Any:
    """EfficientNet-Lite0: 0.8 GFLOP at 224x224. Its ImageNet weights come from a Python package."""
    network = efficientnet_lite0(shape)
    if weights:
        load_imagenet(network)
    return network


def lite0_body(shape: Shape, weights: str | None) -> Any:
    """EfficientNet-Lite0 without its last convolution: a feature map of 320 channels, not 1280.

    For motion, which ImageNet does not contain, it is as good or better, above all with the
    maxima of the map.
    """
    network = lite0(shape, weights)
    return keras.Model(network.input, network.get_layer("block15_narrow_norm").output)


KNOWN_ENCODERS: dict[str, Callable[[Shape, str | None], Any]] = {
    "mobilenet": mobilenet,
    "mobilenet_v2": mobilenet_v2,
    "mobilenet_v3": mobilenet_v3,
    "lite0": lite0,
    "lite0_body": lite0_body,
}
"""Each maps pixels, -1 to 1, to a feature map; the second argument is "imagenet" or None."""


def encode_from_scratch(name: str, pixels: Tensor, options: EncoderOptions) -> Tensor:
    """Features of a network with random weights.

    Args:
        name: one of `KNOWN_ENCODERS`.
        pixels: float32 from -1 to 1, shape (batch, height, width, channels).
        options: only the pooling is used.
    """
    return _pooled(KNOWN_ENCODERS[name](tuple(pixels.shape[1:]), None)(pixels), options.pooling)


def encode_with_own_weights(name: str, pixels: Tensor, options: EncoderOptions) -> Tensor:
    """Features of a network that starts from ImageNet weights, whatever its number of channels.

    The first convolution's kernel is the mean over the colours, as often as there are channels:
    cross-modality initialisation, Wang et al. 2016, arXiv 1608.00859.

    Args:
        name: one of `KNOWN_ENCODERS`.
        pixels: float32 from -1 to 1, shape (batch, height, width, channels).
        options: options of the encoder.

    Raises:
        UsageError: the weights cannot be downloaded.
        MissingLibrary: the package with the weights is not installed.
    """
    height, width, channels = pixels.shape[1:]
    trained = KNOWN_ENCODERS[name]((height, width, 3), "imagenet")
    network = trained
    if channels != 3:
        network = KNOWN_ENCODERS[name]((height, width, channels), None)
        weights = trained.get_weights()
        shapes = [tuple(weight.shape) for weight in network.weights]
        network.set_weights(
            [
                value
                if value.shape == shape
                else np.broadcast_to(value.mean(axis=2, keepdims=True), shape)
                for value, shape in zip(weights, shapes, strict=True)
            ]
        )
    first = len(network.layers) - options.trainable_layers
    for number, layer in enumerate(network.layers):
        layer.trainable = number >= first and not isinstance(layer, layers.BatchNormalization)
    return _pooled(network(pixels), options.pooling)


def encode_pretrained(name: str, frame: Tensor, pixels: Tensor, options: EncoderOptions) -> Tensor:
    """Features of one network for all parts of the modality, side by side.

    It was trained on frames with three channels, so each part gets three.

    Args:
        name: one of `KNOWN_ENCODERS`.
        frame: the input of the encoder.
        pixels: made from it, float32 from -1 to 1, shape (batch, height, width, channels).
        options: options of the encoder.

    Raises:
        UsageError: the weights cannot be downloaded.
        MissingLibrary: the package with the weights is not installed.
    """
    height, width, _ = pixels.shape[1:]
    network = KNOWN_ENCODERS[name]((height, width, 3), "imagenet")
    lower, upper = _cut(network, options.trainable_layers, train_batchnorm=options.train_batchnorm)
    parts = [_as_colours(part) for part in split_parts(pixels, options.modality)]
    made = [lower(part) for part in parts]
    if upper is None:
        made = [_pooled(one, options.pooling) for one in made]
    frozen = keras.Model(frame, side_by_side(made), name=FROZEN)
    frozen.trainable = False
    if upper is None:
        return frozen(frame)
    maps = keras.Input(frozen.output.shape[1:])
    channels = maps.shape[-1] // len(parts)
    each = [maps[..., i * channels : (i + 1) * channels] for i in range(len(parts))]
    pooled = [_pooled(upper(one), options.pooling) for one in each]
    return keras.Model(maps, side_by_side(pooled), name=LEARNING)(frozen(frame))


def _cut(network: Any, trainable_layers: int, *, train_batchnorm: bool) -> tuple[Any, Any]:
    """Split a network into a frozen and a trainable part; None if nothing is trainable.

    Without `train_batchnorm`, normalisation layers stay frozen, with their scale and offset: they
    use the means and variances of ImageNet in training too.
    """
    if trainable_layers <= 0:
        return network, None
    first = max(len(network.layers) - trainable_layers, 1)
    for number, layer in enumerate(network.layers):
        may_learn = train_batchnorm or not isinstance(layer, layers.BatchNormalization)
        layer.trainable = number >= first and may_learn
    for number in range(first - 1, -1, -1):
        middle = network.layers[number].output
        try:
            upper = keras.Model(middle, network.output)
        except ValueError:
            continue  # a path leads past this layer
        return keras.Model(network.input, middle), upper
    raise AssertionError("the input itself is such a layer")


def _pooled(features: Tensor, pooling: Pooling) -> Tensor:
    pool = {"max": layers.GlobalMaxPooling2D, "average": layers.GlobalAveragePooling2D}
    return pool[pooling]()(features)


def side_by_side(tensors: list[Tensor]) -> Tensor:
    """One tensor of several, along the last axis."""
    return tensors[0] if len(tensors) == 1 else layers.Concatenate()(tensors)


def _as_colours(part: Tensor) -> Tensor:
    channels = part.shape[-1]
    if channels == 3:
        return part
    if channels == 1:
        return layers.Concatenate()([part, part, part])
    return layers.Concatenate()([part, part[..., :1] * 0.0])  # flow has two channels: add zeros


def _from_applications(name: str, shape: Shape, weights: str | None, **options: Any) -> Any:
    make = getattr(keras.applications, name)
    if weights is None:
        return make(input_shape=shape, include_top=False, weights=None, **options)
    try:
        return make(input_shape=shape, include_top=False, weights=weights, **options)
    except Exception as error:  # Keras raises a plain Exception if a download fails
        raise UsageError(
            f"the ImageNet weights of {name} cannot be downloaded: {str(error).splitlines()[0]}. "
            "Without a network connection, train with --no-pretrained, or with --network "
            f"lite0, whose weights are a package: {install_command('pretrained')}"
        ) from None
