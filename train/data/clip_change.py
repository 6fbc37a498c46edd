"""A change of a clip that has been drawn: how it is made to frames, and to the flow between them.

This module knows nothing about the amounts of an augmentation.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from rtaction.arrays import UInt8Array
from rtaction.opencv import cv2
from rtaction.video.motion import STILL


@dataclass(frozen=True, eq=False)
class ClipChange:
    """A change that was drawn for one clip, of its frames or of the flow between them.

    Args:
        order: intp, shape (frames_per_clip,): the frame that is shown in the place of each.
        matrix: float64, shape (2, 3): the affine map from the original to the changed frame.
        levels: uint8, shape (256,): the new gray value of each.
        noise_deviation: of the sensor's noise, in gray values.
        quality: of the JPEG compression; None for none.
        random: draws the noise.
    """

    order: npt.NDArray[np.intp]
    matrix: npt.NDArray[np.float64]
    levels: UInt8Array
    noise_deviation: float
    quality: int | None
    random: np.random.Generator

    def images(self, images: UInt8Array) -> UInt8Array:
        """Changed copies of frames, which are in `order` already.

        Args:
            images: uint8, shape (num_frames, height, width, channels).

        Returns:
            uint8, of the same shape.
        """
        changed = self.levels[np.stack([_warped(image, self.matrix) for image in images])]
        if self.noise_deviation > 0:
            noise = self.random.normal(0.0, self.noise_deviation, changed.shape)
            changed = np.clip(np.rint(changed + noise), 0, 255).astype(np.uint8)
        if self.quality is not None:
            changed = np.stack([_as_jpeg(image, self.quality) for image in changed])
        return np.asarray(changed, np.uint8)

    def fields(self, fields: UInt8Array) -> UInt8Array:
        """The flow between changed frames, of the flow between the original ones.

        It moves, turns and grows with the frames. What does not move pixels is left out: the flow
        is that of frames without new gray values, noise and compression.

        Args:
            fields: uint8, shape (..., height, width, 2), see `rtaction.video.motion.flow_field`.

        Returns:
            uint8, of the same shape.
        """
        height, width = fields.shape[-3:-1]
        full = np.array([width, height], np.float64)  # a level of either channel is a share of it
        turn = self.matrix[:, :2] * full / full[:, np.newaxis]
        mapping = np.column_stack([turn, STILL - turn.sum(axis=1) * STILL])
        mirrored = self._beyond_edges(height, width).astype(np.uint8) * np.uint8(2 * STILL)
        changed = np.empty_like(fields)
        for place in np.ndindex(fields.shape[:-3]):
            field = cv2.absdiff(_warped(fields[place], self.matrix), mirrored)
            changed[place] = cv2.transform(field, mapping)
        return np.minimum(changed, 2 * STILL, out=changed)

    def closeups(self, closeups: UInt8Array) -> UInt8Array:
        """The close-ups between changed frames, of those between the original ones.

        A close-up follows what moves: it turns and grows with the frames, but does not shift.

        Args:
            closeups: uint8, shape (..., rows, columns, 2), see
                `rtaction.video.motion.closeup_field`.

        Returns:
            uint8, of the same shape.
        """
        height, width = closeups.shape[-3:-1]
        centre = np.array([width - 1, height - 1]) / 2
        turn = self.matrix[:, :2]
        matrix = np.column_stack([turn, centre - turn @ centre])
        return replace(self, matrix=matrix).fields(closeups)

    def _beyond_edges(self, height: int, width: int) -> npt.NDArray[np.bool_]:
        """Where a changed frame shows the original mirrored, so that one component turns round.

        Returns:
            bool, shape (height, width, 2): across its left and right, and its upper and lower edge.
        """
        back: Any = cv2.invertAffineTransform(self.matrix)
        outside = []
        for (of_column, of_row, shift), last in zip(back, (width - 1, height - 1), strict=True):
            place = np.add.outer(of_row * np.arange(height), of_column * np.arange(width) + shift)
            outside.append((place < 0) | (place > last))
        return np.stack(outside, axis=2)


def _warped(image: UInt8Array, matrix: npt.NDArray[np.float64]) -> UInt8Array:
    height, width, channels = image.shape
    # The border is the frame's own edge, mirrored: the network could learn from black.
    warped: Any = cv2.warpAffine(
        image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
    )
    return np.asarray(warped, np.uint8).reshape(height, width, channels)


def _as_jpeg(image: UInt8Array, quality: int) -> UInt8Array:
    _, jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    flag = cv2.IMREAD_GRAYSCALE if image.shape[2] == 1 else cv2.IMREAD_COLOR
    return np.asarray(cv2.imdecode(jpeg, flag), np.uint8).reshape(image.shape)
