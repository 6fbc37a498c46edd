"""Pictures of cameras, made when somebody asks for one."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from rtaction.errors import UsageError
from rtaction.frame import FrameDamaged
from rtaction.opencv import cv2
from rtaction.realtime.outputs.drawn.overlay import ACCENT, MIN_HEIGHT, PANEL, draw_tab
from rtaction.realtime.outputs.drawn.skeleton import draw_people
from rtaction.serve.house.house import Image, Picture
from rtaction.serve.watching.desk import Desk

_QUALITY = 80
_SMALLEST, _LARGEST = 16, 4096


def picture_of(desk: Desk, *, width: int | None, is_drawn: bool) -> Picture | None:
    """The newest picture of a camera; see `House.picture`."""
    image = image_of(desk, width=width, is_drawn=is_drawn)
    if image is None:
        return None
    options = [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
    _, jpeg = cv2.imencode(".jpg", cv2.cvtColor(image.pixels, cv2.COLOR_RGB2BGR), options)
    return Picture(jpeg.tobytes(), image.number, image.at)


def image_of(desk: Desk, *, width: int | None, is_drawn: bool) -> Image | None:
    """The newest picture of a camera, as pixels; see `House.image`."""
    if width is not None and not _SMALLEST <= width <= _LARGEST:
        raise UsageError(f"width must be from {_SMALLEST} to {_LARGEST}, got {width}")
    number, frame, seen = desk.num_frame, desk.frame, desk.seen
    if frame is None:
        return None
    try:
        image = frame.image
    except FrameDamaged:
        return None
    height, full_width = image.shape[:2]
    scale = 1.0 if width is None else min(width / full_width, 1.0)
    size_wh = (max(round(full_width * scale), 1), max(round(height * scale), 1))
    shown: npt.NDArray[np.uint8] = np.asarray(
        cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA) if scale < 1 else image, np.uint8
    )
    if is_drawn:
        shown = shown.copy() if shown is image else shown
        captions = desk.captions()
        whole = captions.pop(None, None)
        people = {number: text for number, text in captions.items() if number is not None}
        draw_people(shown, seen, scale=scale, captions=people)
        if whole is not None:
            unit = max(shown.shape[0] / MIN_HEIGHT, 0.5)
            draw_tab(shown, whole, (0, round(24 * unit)), ACCENT, PANEL, unit)
    age_seconds = max(time.monotonic() - frame.captured_at_seconds, 0.0)
    at = datetime.fromtimestamp(time.time() - age_seconds, UTC)
    return Image(shown, number, at)
