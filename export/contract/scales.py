"""The pixel range that a network was trained on.

Cameras deliver uint8 RGB from 0 to 255. A network without a scaling layer was trained on another
range, which its file does not record. `SCALES` lists the common ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rtaction.arrays import UInt8Array
from rtaction.errors import UsageError


@dataclass(frozen=True, slots=True)
class Scale:
    """A pixel scaling, `(pixel - mean) / std`, for pixels from 0 to 255.

    Args:
        mean: one per channel, in the network's channel order, or one for all.
        std: one per channel, in the network's channel order, or one for all.
        is_bgr: whether the network expects BGR; the channels are reversed before scaling.
            Default False.
        words: description of the resulting range, for the user.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    words: str
    is_bgr: bool = False

    @property
    def is_identity(self) -> bool:
        """Whether pixels stay unchanged."""
        return set(self.mean) == {0.0} and set(self.std) == {1.0} and not self.is_bgr

    def applied(self, clips: UInt8Array, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        """Scale clips with NumPy; their last axis is the channels.

        Returns:
            Scaled clips of type `dtype`, in the same shape.
        """
        pixels = clips[..., ::-1] if self.is_bgr else clips
        if self.is_identity:
            return pixels.astype(dtype)
        scaled = (pixels.astype(np.float64) - np.array(self.mean)) / np.array(self.std)
        return np.asarray(scaled.astype(np.float32), dtype)


def _pixels(*shares: float) -> tuple[float, ...]:
    return tuple(share * 255 for share in shares)


SCALES = {
    "0..1": Scale((0.0,), (255.0,), "0 to 1"),
    "-1..1": Scale((127.5,), (127.5,), "-1 to 1"),
    "0..255": Scale((0.0,), (1.0,), "0 to 255"),
    # https://pytorch.org/vision/stable/models.html; keras.applications' mode "torch".
    "imagenet": Scale(
        _pixels(0.485, 0.456, 0.406), _pixels(0.229, 0.224, 0.225), "ImageNet's mean and deviation"
    ),
    # keras.applications' mode "caffe": VGG, ResNet.
    "caffe": Scale(
        (103.939, 116.779, 123.68), (1.0,), "blue first, less ImageNet's mean", is_bgr=True
    ),
    # torchvision.models.video.
    "kinetics": Scale(
        _pixels(0.43216, 0.394666, 0.37645),
        _pixels(0.22803, 0.22145, 0.216989),
        "Kinetics' mean and deviation",
    ),
}
"""Scales by their `--scale` name."""


def scale_named(name: str, *, channels: int) -> Scale:
    """Look up a scale and check that it fits the number of channels.

    Args:
        name: a key of `SCALES`.
        channels: number of channels in the network's frames.

    Raises:
        UsageError: the name is unknown, or the scale needs three channels.
    """
    if name not in SCALES:
        raise UsageError(f"--scale must be one of {', '.join(SCALES)}, got {name!r}")
    scale = SCALES[name]
    if channels != 3 and (scale.is_bgr or len(scale.mean) > 1):
        raise UsageError(
            f"--scale {name} is for frames of 3 channels, got {channels}; "
            "choose 0..1, -1..1 or 0..255"
        )
    return scale
