"""Draw joints and the bones between them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from rtaction.opencv import cv2
from rtaction.pose.keypoints import BONES


def draw_skeleton(
    image: npt.NDArray[np.uint8],
    points_xy: npt.NDArray[Any],
    visible: npt.NDArray[np.bool_],
    colour: tuple[int, int, int],
    thickness: int,
) -> None:
    """Draw a person's seen joints and bones.

    Args:
        image: uint8 RGB, shape (height, width, 3), changed in place.
        points_xy: shape (17, 2): x and y in pixels.
        visible: which joints to draw, shape (17,).
        colour: RGB.
        thickness: of the bones, in pixels.
    """
    for start, end in BONES:
        if visible[start] and visible[end]:
            ends = [tuple(np.rint(points_xy[joint]).astype(int).tolist()) for joint in (start, end)]
            cv2.line(image, ends[0], ends[1], colour, thickness, cv2.LINE_AA)
    for x, y in points_xy[visible]:
        cv2.circle(image, (round(float(x)), round(float(y))), thickness + 1, colour, cv2.FILLED)
