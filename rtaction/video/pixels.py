"""Resize frames for a network: one implementation for training and for live video.

This module knows nothing about time, motion or networks.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from rtaction.arrays import UInt8Array
from rtaction.choices import Resize
from rtaction.modality import Base
from rtaction.opencv import cv2


def prepare_image(
    image_rgb: npt.NDArray[Any],
    size_hw: tuple[int, int],
    *,
    base: Base = "rgb",
    resize: Resize = "squash",
) -> UInt8Array:
    """Resize a frame to a network's input.

    Args:
        image_rgb: uint8 RGB, shape (any height, any width, 3).
        size_hw: target height and width.
        base: "rgb" keeps 3 channels, "gray" makes 1. Default "rgb".
        resize: "squash" without keeping the aspect ratio, "crop" to the centre, or "letterbox" with
            black bars. Default "squash".

    Returns:
        uint8, shape (*size_hw, 3 or 1).
    """
    if resize == "crop":
        image_rgb = _crop_to_shape_of(image_rgb, size_hw)
    inner_hw = _largest_inside(image_rgb, size_hw) if resize == "letterbox" else size_hw
    image = _resize(image_rgb, inner_hw)
    if base == "gray":
        image = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., np.newaxis]
    if inner_hw != size_hw:
        top, left = (size_hw[0] - inner_hw[0]) // 2, (size_hw[1] - inner_hw[1]) // 2
        framed = np.zeros((*size_hw, image.shape[2]), np.uint8)
        framed[top : top + inner_hw[0], left : left + inner_hw[1]] = image
        image = framed
    return np.ascontiguousarray(image, dtype=np.uint8)


def _resize(image: npt.NDArray[Any], size_hw: tuple[int, int]) -> npt.NDArray[Any]:
    if image.shape[:2] == size_hw:
        return image
    # Averaging avoids moiré when shrinking; when enlarging it would show blocks.
    shrinks = size_hw[0] < image.shape[0] and size_hw[1] < image.shape[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(image, (size_hw[1], size_hw[0]), interpolation=method)


def _crop_to_shape_of(image: npt.NDArray[Any], size_hw: tuple[int, int]) -> npt.NDArray[Any]:
    height, width = image.shape[:2]
    scale = min(height / size_hw[0], width / size_hw[1])
    inner_h = max(min(round(size_hw[0] * scale), height), 1)
    inner_w = max(min(round(size_hw[1] * scale), width), 1)
    top, left = (height - inner_h) // 2, (width - inner_w) // 2
    return image[top : top + inner_h, left : left + inner_w]


def _largest_inside(image: npt.NDArray[Any], size_hw: tuple[int, int]) -> tuple[int, int]:
    scale = min(size_hw[0] / image.shape[0], size_hw[1] / image.shape[1])
    inner_h = max(min(round(image.shape[0] * scale), size_hw[0]), 1)
    inner_w = max(min(round(image.shape[1] * scale), size_hw[1]), 1)
    return inner_h, inner_w
