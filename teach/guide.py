"""The guide shown during recording: the user's mirror image, and below it what to do now.

Nothing is written over the picture while a take is on, so that raised hands stay in sight. It is
readable from a few metres away. This file knows nothing about cameras or files.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from rtaction.opencv import cv2
from rtaction.pose.drawing import draw_skeleton
from rtaction.pose.tracker import Person
from rtaction.realtime.outputs.drawn.overlay import (
    ACCENT,
    BAR_TRACK,
    MIN_HEIGHT,
    MUTED,
    PANEL,
    WHITE,
    Colour,
    draw_text,
    enlarged,
    fitting_size,
)
from rtaction.teach.recorder import Recorder

RECORDING: Colour = (255, 82, 82)
REFUSED: Colour = (255, 176, 60)
KEYS = "r again   d delete   n next label   space pause   q stop"
PANEL_UNITS = 148
"""Height of the panel below the picture, of which `MIN_HEIGHT` units are the height."""

_MARGIN = 16.0
_LINE_UNITS = 27
_SKELETON: Colour = (120, 200, 255)


def draw_guide(
    image_rgb: npt.NDArray[Any], recorder: Recorder, people: Sequence[Person] | None = None
) -> npt.NDArray[np.uint8]:
    """The mirrored picture, and below it label, countdown, takes and keys.

    Args:
        image_rgb: uint8 RGB, shape (height, width, 3), from the camera; not modified.
        recorder: the state of the session.
        people: those who are seen, who get a skeleton, with joints in pixels of the picture.
            Default None: people are not looked for.

    Returns:
        uint8 RGB, at least `MIN_HEIGHT` and `PANEL_UNITS` high.
    """
    picture = enlarged(cv2.flip(image_rgb, 1))
    unit = picture.shape[0] / MIN_HEIGHT
    for person in people or ():
        _draw_person(picture, person, picture.shape[0] / image_rgb.shape[0])
    is_recording = recorder.phase == "recording"
    if recorder.phase == "countdown":
        _draw_number(picture, recorder, unit)
    if is_recording:
        corner = picture.shape[1] - 1, picture.shape[0] - 1
        cv2.rectangle(picture, (0, 0), corner, RECORDING, max(round(8 * unit), 1))
    quota = recorder.quota
    colour = RECORDING if is_recording else ACCENT
    panel = _panel(picture, PANEL_UNITS, unit)
    draw_text(panel, quota.label, (_MARGIN, 44), 40, colour, unit, bold=True)
    words, words_colour = _words(recorder, people)
    _draw_line(panel, words, 78, 22, words_colour, unit, bold=words_colour == REFUSED)
    right = panel.shape[1] / unit - _MARGIN
    draw_text(panel, f"{quota.done} of {quota.wanted}", (right - 92, 30), 24, WHITE, unit)
    _draw_dots(panel, quota.done, quota.wanted, right, unit)
    _draw_bar(panel, recorder.share_done, colour, 96, unit)
    _draw_line(panel, KEYS, 134, 16, MUTED, unit)
    return np.concatenate([picture, panel])


def draw_message(image_rgb: npt.NDArray[Any], text: str, share: float) -> npt.NDArray[np.uint8]:
    """The mirrored picture, and below it a line of text and a bar with its percentage.

    Args:
        image_rgb: uint8 RGB, shape (height, width, 3); not modified.
        text: the line.
        share: filled part of the bar, 0 to 1.

    Returns:
        uint8 RGB, as high as that of `draw_guide`.
    """
    picture = enlarged(cv2.flip(image_rgb, 1))
    unit = picture.shape[0] / MIN_HEIGHT
    panel = _panel(picture, PANEL_UNITS, unit)
    draw_text(panel, text, (_MARGIN, 44), 30, WHITE, unit, bold=True)
    right = panel.shape[1] / unit - _MARGIN
    draw_text(panel, f"{share:.0%}", (right - 72, 44), 30, WHITE, unit, bold=True)
    _draw_bar(panel, share, ACCENT, 96, unit)
    return np.concatenate([picture, panel])


def draw_result(
    image_rgb: npt.NDArray[Any],
    title: str,
    lines: Sequence[str],
    keys: str,
    *,
    mirror: bool = True,
) -> npt.NDArray[np.uint8]:
    """The picture, and below it what was learned, or is asked.

    Args:
        image_rgb: uint8 RGB, shape (height, width, 3); not modified.
        title: in large letters.
        lines: below it.
        keys: what can be pressed.
        mirror: show the picture as in a mirror. Default True.

    Returns:
        uint8 RGB, at least as high as that of `draw_guide`.
    """
    picture = enlarged(cv2.flip(image_rgb, 1) if mirror else image_rgb)
    unit = picture.shape[0] / MIN_HEIGHT
    panel = _panel(picture, max(84 + _LINE_UNITS * len(lines), PANEL_UNITS), unit)
    _draw_line(panel, title, 44, 30, ACCENT, unit, bold=True)
    for row, line in enumerate(lines):
        _draw_line(panel, line, 74 + _LINE_UNITS * row, 19, WHITE, unit)
    _draw_line(panel, keys, panel.shape[0] / unit - 12, 16, MUTED, unit)
    return np.concatenate([picture, panel])


def _panel(picture: npt.NDArray[np.uint8], height_units: float, unit: float) -> Any:
    return np.full((round(height_units * unit), picture.shape[1], 3), PANEL, np.uint8)


def _draw_line(
    panel: npt.NDArray[np.uint8],
    text: str,
    base: float,
    size: int,
    colour: Colour,
    unit: float,
    *,
    bold: bool = False,
) -> None:
    """A line from margin to margin; in smaller letters if it is too long for an upright picture."""
    size = fitting_size(text, size, panel.shape[1] / unit - 2 * _MARGIN, bold=bold)
    draw_text(panel, text, (_MARGIN, base), size, colour, unit, bold=bold)


def _words(recorder: Recorder, people: Sequence[Person] | None) -> tuple[str, Colour]:
    """What to say, and in which colour."""
    if recorder.phase == "recording":
        return "now, until the bar is full", WHITE
    if recorder.phase == "paused":
        return "paused; press space to continue", WHITE
    if recorder.refused:
        return f"not kept: {recorder.refused}", REFUSED
    if people is not None and not people:
        return "nobody is seen: step back, or turn on a light", REFUSED
    if recorder.quota.label == "nothing":
        return "do anything else: stand, walk, scratch, reach", WHITE
    return "get ready", WHITE


def _draw_person(image: npt.NDArray[np.uint8], person: Person, scale: float) -> None:
    points_xy = person.pose.points[:, 1::-1] * scale
    points_xy = np.array([image.shape[1] - 1, 0]) - points_xy * np.array([1, -1])
    thickness = max(round(image.shape[0] / MIN_HEIGHT), 1)
    draw_skeleton(image, points_xy, person.pose.visible, _SKELETON, thickness)


def _draw_dots(
    image: npt.NDArray[np.uint8], done: int, wanted: int, right: float, unit: float
) -> None:
    """One dot per take, the last at the right; none if there would be too many."""
    if wanted > 20:
        return
    for number in range(wanted):
        centre = (round((right - 6 - 15 * (wanted - 1 - number)) * unit), round(52 * unit))
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


def _draw_bar(
    image: npt.NDArray[np.uint8], share: float, colour: Colour, top_units: float, unit: float
) -> None:
    top, bottom = round(top_units * unit), round((top_units + 10) * unit)
    left, right = round(_MARGIN * unit), image.shape[1] - round(_MARGIN * unit)
    end = left + round((right - left) * min(max(share, 0.0), 1.0))
    cv2.rectangle(image, (left, top), (right, bottom), BAR_TRACK, cv2.FILLED)
    if end > left:
        cv2.rectangle(image, (left, top), (end, bottom), colour, cv2.FILLED)
