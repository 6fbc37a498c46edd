"""Several images side by side in one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from rtaction.opencv import cv2

_GAP = 24  # gray value between the tiles


class Mosaic:
    """An image with a tile per source.

    Args:
        names: the sources, in the order of the tiles, row by row.
        size_wh: width and height of the whole, in pixels. Default 1280 x 720.
    """

    def __init__(self, names: Sequence[str], size_wh: tuple[int, int] = (1280, 720)) -> None:
        num_columns = math.ceil(math.sqrt(len(names)))
        num_rows = math.ceil(len(names) / num_columns)
        self._tile_wh = (size_wh[0] // num_columns, size_wh[1] // num_rows)
        self._places = {name: divmod(place, num_columns) for place, name in enumerate(names)}
        self.image: npt.NDArray[np.uint8] = np.full((size_wh[1], size_wh[0], 3), _GAP, np.uint8)

    def put(self, name: str, image_rgb: npt.NDArray[Any]) -> None:
        """Replace the tile of one source: uint8 RGB, any size; the aspect ratio is kept."""
        row, column = self._places[name]
        width, height = self._tile_wh
        scale = min(width / image_rgb.shape[1], height / image_rgb.shape[0])
        inner_wh = (
            max(min(round(image_rgb.shape[1] * scale), width), 1),
            max(min(round(image_rgb.shape[0] * scale), height), 1),
        )
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        tile = self.image[row * height : (row + 1) * height, column * width : (column + 1) * width]
        tile[:] = _GAP
        left, top = (width - inner_wh[0]) // 2, (height - inner_wh[1]) // 2
        tile[top : top + inner_wh[1], left : left + inner_wh[0]] = cv2.resize(
            image_rgb, inner_wh, interpolation=method
        )
