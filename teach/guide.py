"""The guide shown during recording: the user's mirror image, and what to do now.

It is readable from a few metres away. This file knows nothing about cameras or files.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from rtaction.opencv import cv2
from rtaction.realtime.outputs.overlay import (
    ACCENT,
    BAR_TRACK,
    MIN_HEIGHT,
    MUTED,
    WHITE,
    Colour,
    draw_text,
    enlarged,
    shade,
)
from rtaction.teach.recorder import Recorder

RECORDING: Colour = (255, 82, 82)
KEYS = "r again   d delete   n next label   space pause   q stop"
_MARGIN = 16.0


def draw_guide(image_rgb: npt.NDArray[Any], recorder: Recorder) -> npt.NDArray[np.uint8]:
    """The mirrored picture with label, countdown, takes and keys.

    Args:
        image_rgb: uint8 RGB, shape (height, width, 3), from the camera; not modified.
        recorder: the state of the session.

    Returns:
        uint8 RGB, at least `MIN_HEIGHT` high.
    """
    image = enlarged(cv2.flip(image_rgb, 1))
    unit = image.shape[0] / MIN_HEIGHT
    quota = recorder.quota
    is_recording = recorder.phase == "recording"
    colour = RECORDING if is_recording else ACCENT
    shade(image[: round(92 * unit)])
    draw_text(image, quota.label, (_MARGIN, 48), 40, colour, unit, bold=True)
    draw_text(image, _words(recorder), (_MARGIN, 78), 20, WHITE, unit)
    right = image.shape[1] / unit - _MARGIN
    draw_text(image, f"{quota.done} of {quota.wanted}", (right - 92, 42), 24, WHITE, unit)
    _draw_dots(image, quota.done, quota.wanted, right, unit)
    if recorder.phase == "countdown":
        _draw_number(image, recorder, unit)
    if is_recording:
        thickness = max(round(8 * unit), 1)
        corner = image.shape[1] - 1, image.shape[0] - 1
        cv2.rectangle(image, (0, 0), corner, RECORDING, thickness)
    _draw_bar(image, recorder.share_done, colour, unit)
    _draw_keys(image, KEYS, unit)
    return image


def draw_message(image_rgb: npt.NDArray[Any], text: str, share: float) -> npt.NDArray[np.uint8]:
    """The mirrored picture, darkened, with a line of text and a bar.

    Args:
        image_rgb: uint8 RGB, shape (height, width, 3); not modified.
        text: the line.
        share: filled part of the bar, 0 to 1.

    Returns:
        uint8 RGB, at least `MIN_HEIGHT` high.
    """
    image = enlarged(cv2.flip(image_rgb, 1))
    unit = image.shape[0] / MIN_HEIGHT
    shade(image)
    draw_text(image, text, (_MARGIN, 48), 30, WHITE, unit, bold=True)
    _draw_bar(image, share, ACCENT, unit)
    return image


def _words(recorder: Recorder) -> str:
    if recorder.phase == "recording":
        return "now, until the bar is full"
    if recorder.phase == "paused":
        return "paused; press space to continue"
    if recorder.quota.label == "nothing":
        return "do anything else: stand, walk, scratch, reach"
    return "get ready"


def _draw_dots(
    image: npt.NDArray[np.uint8], done: int, wanted: int, right: float, unit: float
) -> None:
    """One dot per take, the last at the right; none if there would be too many."""
    if wanted > 20:
        return
    for number in range(wanted):
        centre = (round((right - 6 - 15 * (wanted - 1 - number)) * unit), round(68 * unit))
        colour, thickness = (ACCENT, cv2.FILLED) if number < done else (MUTED, 1)
        cv2.circle(image, centre, round(5 * unit), colour, thickness, cv2.LINE_AA)


def _draw_number(image: npt.NDArray[np.uint8], recorder: Recorder, unit: float) -> None:
    """The seconds left, readable from the other end of the room."""
    number = str(int(recorder.seconds_left) + 1)
    size = 150
    origin = (image.shape[1] / unit / 2 - 0.28 * size * len(number), MIN_HEIGHT / 2 + 0.45 * size)
    shadow = (origin[0] + 4, origin[1] + 4)
    draw_text(image, number, shadow, size, (0, 0, 0), unit, bold=True)
    draw_text(image, number, origin, size, WHITE, unit, bold=True)


def _draw_bar(image: npt.NDArray[np.uint8], share: float, colour: Colour, unit: float) -> None:
    top, bottom = round((MIN_HEIGHT - 46) * unit), round((MIN_HEIGHT - 36) * unit)
    left, right = round(_MARGIN * unit), image.shape[1] - round(_MARGIN * unit)
    end = left + round((right - left) * min(max(share, 0.0), 1.0))
    cv2.rectangle(image, (left, top), (right, bottom), BAR_TRACK, cv2.FILLED)
    if end > left:
        cv2.rectangle(image, (left, top), (end, bottom), colour, cv2.FILLED)


def _draw_keys(image: npt.NDArray[np.uint8], text: str, unit: float) -> None:
    shade(image[-round(30 * unit) :])
    draw_text(image, text, (_MARGIN, MIN_HEIGHT - 9), 16, MUTED, unit)
