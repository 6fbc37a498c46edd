"""The pixels that a network was trained on.

Cameras give uint8 RGB from 0 to 255. A network that does not scale that itself was trained on
something else, and only whoever trained it knows on what. `SCALES` names the usual ways.
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
    """What is done to a pixel: `(pixel - mean) / std`, in pixels of 0 to 255.

    Args:
        mean: for each channel, in the network's order, or one for all.
        std: for each channel, in the network's order, or one for all.
        is_bgr: whether the network wants blue first; the camera's order is turned before scaling.
            Default False.
        words: what that gives, for people.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    words: str
    is_bgr: bool = False

    @property
    def is_identity(self) -> bool:
        """Whether pixels stay as they are."""
        return set(self.mean) == {0.0} and set(self.std) == {1.0} and not self.is_bgr

    def applied(self, clips: UInt8Array, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        """The same in numpy, for clips whose last axis is that of the channels.

        Returns:
            Of that type, in the shape of the clips.
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
"""Scales by the name that `--scale` takes."""


def scale_named(name: str, *, channels: int) -> Scale:
    """A scale of the table that fits a picture.

    Args:
        name: a key of `SCALES`.
        channels: of the network's pictures.

    Raises:
        UsageError: an unknown name, or one that is for colours only.
    """
    if name not in SCALES:
        raise UsageError(f"--scale must be one of {', '.join(SCALES)}, got {name!r}")
    scale = SCALES[name]
    if channels != 3 and (scale.is_bgr or len(scale.mean) > 1):
        raise UsageError(
            f"--scale {name} is for pictures of 3 channels, got {channels}; "
            "choose 0..1, -1..1 or 0..255"
        )
    return scale
