"""Crop and orientation of a camera's frames, and what of them nobody may see.

This module knows nothing about cameras: it maps an image to an image.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from rtaction.opencv import cv2
from rtaction.pose.region import Region

Rotation = Literal[0, 90, 180, 270]
Roi = tuple[float, float, float, float]

_ROTATE_CODES = {
    90: cv2.ROTATE_90_CLOCKWISE,
    180: cv2.ROTATE_180,
    270: cv2.ROTATE_90_COUNTERCLOCKWISE,
}


@dataclass(frozen=True, slots=True)
class View:
    """A crop, then a rotation, then a mirror, then masks.

    Args:
        roi: left, top, right and bottom of the crop as fractions of the whole frame, before
            rotation. Default None: no crop.
        rotation: degrees clockwise: 0, 90, 180 or 270. Default 0.
        mirror: swap left and right after rotation. Default False.
        masks: what becomes black, as shares of what the others leave. Default none.

    Raises:
        ValueError: the crop is empty or reaches outside the frame, another rotation, or a mask
            whose edges cross.
    """

    roi: Roi | None = None
    rotation: Rotation = 0
    mirror: bool = False
    masks: tuple[Region, ...] = ()

    def __post_init__(self) -> None:
        if self.roi is not None:
            if len(self.roi) != 4:
                raise ValueError(
                    "roi must be four numbers: left, top, right and bottom; "
                    f"got {len(self.roi)} of them"
                )
            left, top, right, bottom = self.roi
            if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
                raise ValueError(
                    "roi must be left, top, right and bottom as fractions of the frame, from 0 "
                    "to 1, with left < right and top < bottom, such as [0.1, 0.2, 0.8, 0.9]; "
                    f"got {list(self.roi)}"
                )
        if self.rotation != 0 and self.rotation not in _ROTATE_CODES:
            raise ValueError(
                f"rotation must be 0, 90, 180 or 270 degrees clockwise, got {self.rotation}"
            )
        for mask in self.masks:
            if mask.crosses_itself:
                raise ValueError(
                    "masks must be given by the x and y of each corner, in order around them; got "
                    f"one whose edges cross: {[*mask.corners_xy]}"
                )

    def apply(self, image_rgb: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The view of one frame.

        Args:
            image_rgb: uint8 RGB, shape (height, width, 3); never changed.

        Returns:
            uint8 RGB, shape (h, w, 3), of at least one pixel. It may share memory with
            `image_rgb`, and is the same object if there is nothing to do.
        """
        image = image_rgb if self.roi is None else _part(image_rgb, self.roi)
        if self.rotation:
            image = cv2.rotate(image, _ROTATE_CODES[self.rotation])
        if self.mirror:
            image = cv2.flip(image, 1)
        return _masked(image, self.masks) if self.masks else image


def _part(image: npt.NDArray[Any], roi: Roi) -> npt.NDArray[Any]:
    height, width = image.shape[:2]
    left, right = _span(roi[0], roi[2], width)
    top, bottom = _span(roi[1], roi[3], height)
    if (left, top, right, bottom) == (0, 0, width, height):
        return image
    return image[top:bottom, left:right]


def _span(start: float, stop: float, num_pixels: int) -> tuple[int, int]:
    """First pixel and the one after the last; adjacent crops share an edge but no pixel."""
    first = min(round(start * num_pixels), num_pixels - 1)
    return first, max(round(stop * num_pixels), first + 1)


def _masked(image: npt.NDArray[Any], masks: Sequence[Region]) -> npt.NDArray[Any]:
    """A copy in which the masks are black, with every pixel that their edges go through."""
    masked = image.copy()
    height, width = masked.shape[:2]
    for mask in masks:
        corners = np.array(mask.corners_xy) * (width, height)
        inside = np.minimum(corners, (width - 1, height - 1)).astype(np.int32)
        # One by one: OpenCV leaves out what two polygons of one call share.
        cv2.fillPoly(masked, [inside], (0, 0, 0))
    return masked
