"""A picture of an event, with a box around who did it and what they did.

This module knows nothing about cameras.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from rtaction.opencv import cv2
from rtaction.output_file import write_file
from rtaction.prediction import Box
from rtaction.realtime.outputs.clips.clip_file import JpegPicture
from rtaction.realtime.outputs.drawn.overlay import (
    ACCENT,
    MIN_HEIGHT,
    PANEL,
    draw_tab,
    enlarged,
    tab_height,
)
from rtaction.realtime.outputs.drawn.skeleton import box_with_margin, colour_of

_QUALITY = 88


class SnapshotFile:
    """One .jpg, drawn and written on the writing thread.

    Args:
        path: the file; it is there whole or not at all.
        label: the action.
        score: its score, 0 to 1.
        person: id of who did it; None if it is not known.
        box: where they were in that picture; None if it is not known.
    """

    def __init__(
        self, path: Path, *, label: str, score: float, person: int | None, box: Box | None
    ) -> None:
        self.failed = False
        self.path: Path | None = None
        self._path = path
        self._text = f"{label}  {score:.2f}"
        self._person = person
        self._box = box

    def write(self, picture: JpegPicture) -> None:
        """Draw and write it.

        Raises:
            OutputError: it cannot be written.
        """
        content = np.frombuffer(picture.jpeg, np.uint8)
        decoded: Any = cv2.imdecode(content, cv2.IMREAD_COLOR)
        image = enlarged(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB))
        height, width = image.shape[:2]
        unit = height / MIN_HEIGHT
        colour, corner = ACCENT, (0, 0)
        if self._box is not None:
            if self._person is not None:
                colour = colour_of(self._person)
            box = [edge * side for edge, side in zip(self._box, (height, width) * 2, strict=True)]
            corner, opposite = box_with_margin(box, (height, width))
            cv2.rectangle(image, corner, opposite, colour, max(round(2 * unit), 1))
            corner = (corner[0], corner[1] - tab_height(unit))  # it would hide who is far away
        draw_tab(image, self._text, corner, colour, PANEL, unit)
        options = [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
        _, jpeg = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)
        write_file(self._path, jpeg.tobytes())
        self.path = self._path

    def close(self) -> None:
        """Nothing is left to do."""

    def abandon(self) -> None:
        """Leave nothing behind."""
        self.failed = True
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
