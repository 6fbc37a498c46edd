"""Pictures of which every network that knows ImageNet knows what they show."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from rtaction.opencv import cv2

KNOWN_PICTURES = (
    ("cat", {281, 282, 285}, 0.85),  # tabby, tiger cat, Egyptian cat
    ("coffee", {967}, 0.85),  # espresso
    ("rocket", {657, 744}, 0.3),  # missile, projectile
)
"""Name, positions among the thousand classes, and how much they get together at least."""


def known_picture(name: str) -> npt.NDArray[Any]:
    """The middle of a picture of scikit-image, if that is there: uint8 RGB (224, 224, 3)."""
    data = pytest.importorskip("skimage.data", reason="scikit-image brings the pictures")
    image = getattr(data, name)()
    side = min(image.shape[:2])
    top, left = (image.shape[0] - side) // 2, (image.shape[1] - side) // 2
    square = image[top : top + side, left : left + side]
    return np.asarray(cv2.resize(square, (224, 224), interpolation=cv2.INTER_AREA))
