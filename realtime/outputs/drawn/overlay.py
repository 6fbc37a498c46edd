"""Draw predictions onto a frame.

The overlay knows nothing about display windows: it returns an image.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rtaction.model_spec import ModelSpec
from rtaction.opencv import cv2
from rtaction.prediction import Prediction
from rtaction.realtime.windows.state import STATE_TEXT, State

Colour = tuple[int, int, int]
WHITE: Colour = (255, 255, 255)
MUTED: Colour = (176, 180, 186)
ACCENT: Colour = (94, 214, 128)
BAR_TRACK: Colour = (74, 78, 84)
PANEL: Colour = (18, 20, 24)

_BAR_LEFT, _BAR_RIGHT, _BAR_THICKNESS = 16.0, 284.0, 5.0  # units

_STATUS_HEIGHT = 30  # units

# Smaller frames are enlarged, so that the text is legible.
MIN_HEIGHT = 480


@dataclass(frozen=True, slots=True)
class Status:
    """The content of the bottom line.

    Args:
        frames_per_second: frames seen in the last second or so.
        latency_seconds: from capture to label, or None before the first label.
        device: the processor in use.
        state: whether labels can be given.
        source: name of the source, if there are several. Default "".
    """

    frames_per_second: float
    latency_seconds: float | None
    device: str
    state: State
    source: str = ""


def shown_labels(prediction: Prediction, spec: ModelSpec) -> tuple[str, ...]:
    """The labels to show, best first: the best one, if it reaches its threshold and is an action.

    Of a model that scores each label by itself, all that reach their thresholds.
    """
    return tuple(
        label
        for label, score in prediction.top(len(spec.labels) if spec.multi_label else 1)
        if score >= spec.threshold_of(label) and label != spec.background_label
    )


def draw_overlay(
    image_rgb: npt.NDArray[Any],
    prediction: Prediction | None,
    status: Status,
    *,
    actions: Sequence[str],
    top_k: int = 3,
    empty: str = "",
) -> npt.NDArray[np.uint8]:
    """Draw label, scores and status.

    The panel is at the top; for somebody who is followed it is at the bottom, as hands are raised.

    Args:
        image_rgb: uint8 RGB, shape (height, width, 3); not modified.
        prediction: the newest, or None.
        status: the bottom line.
        actions: the ongoing actions; none, or one, unless the model scores each label by itself.
        top_k: number of labels with a bar. Default 3.
        empty: the title where there could be a prediction, and is none. Default none.

    Returns:
        uint8 RGB, at least `MIN_HEIGHT` high.
    """
    image = enlarged(image_rgb)
    unit = image.shape[0] / MIN_HEIGHT
    draw_status(image, status)
    # The scores of an earlier window are not shown while no window can be judged.
    prediction = prediction if status.state == "ok" else None
    top = prediction.top(top_k) if prediction else []
    panel_height = round((64 + 30 * len(top)) * unit)
    title = STATE_TEXT[status.state] or empty
    title_colour = MUTED
    if prediction is not None:
        title = title_of(actions, prediction) or "no action"
        title_colour = ACCENT if actions else MUTED
    size = round(30 * unit)
    title_width = cv2.getTextSize(image.shape[1::-1], title, (0, 0), _font(), size, 700)[2]
    panel_width = min(max(round(300 * unit), title_width + round(32 * unit)), image.shape[1])
    is_person = prediction is not None and prediction.person is not None
    above = image.shape[0] - round(_STATUS_HEIGHT * unit) - panel_height if is_person else 0
    shade(image[above : above + panel_height, :panel_width])
    first = above / unit
    draw_text(image, title, (16, first + 42), 30, title_colour, unit, bold=True)
    for row, (label, score) in enumerate(top):
        is_on = row == 0 if len(actions) < 2 else label in actions
        _bar(image, label, score, first + 64 + 30 * row, unit, best=is_on)
    return image


def title_of(actions: Sequence[str], prediction: Prediction) -> str:
    """Actions with their scores; "" if there are none."""
    return "   ".join(f"{action}  {prediction.score_of(action):.2f}" for action in actions)


def draw_status(image: npt.NDArray[np.uint8], status: Status) -> None:
    """Draw the bottom line into an image of at least `MIN_HEIGHT`: uint8 RGB, in place."""
    unit = image.shape[0] / MIN_HEIGHT
    height = round(_STATUS_HEIGHT * unit)
    shade(image[-height:])
    latency = status.latency_seconds
    parts = [status.source] if status.source else []
    parts += [
        f"{status.frames_per_second:.0f} fps",
        f"{latency * 1000:.0f} ms" if latency is not None else "— ms",
        status.device,
    ]
    base = image.shape[0] / unit - 9
    draw_text(image, "   ·   ".join(parts), (16, base), 16, WHITE, unit)


def _bar(
    image: npt.NDArray[np.uint8], label: str, score: float, top: float, unit: float, *, best: bool
) -> None:
    draw_text(image, label, (_BAR_LEFT, top + 12), 16, WHITE if best else MUTED, unit)
    place = (_BAR_RIGHT - 32, top + 12)
    draw_text(image, f"{score:.2f}", place, 16, WHITE if best else MUTED, unit)
    draw_bar(image, score, top + 18, unit, ACCENT if best else MUTED)


def draw_bar(
    image: npt.NDArray[np.uint8], score: float, top: float, unit: float, colour: Colour
) -> None:
    """Draw a bar that is as long as a score, 0 to 1, over a dark one; see `draw_text`."""
    filled = _BAR_LEFT + (_BAR_RIGHT - _BAR_LEFT) * float(np.clip(score, 0.0, 1.0))
    for end, drawn in ((_BAR_RIGHT, BAR_TRACK), (filled, colour)):
        corner_a = (round(_BAR_LEFT * unit), round(top * unit))
        corner_b = (round(end * unit), round((top + _BAR_THICKNESS) * unit))
        cv2.rectangle(image, corner_a, corner_b, drawn, cv2.FILLED)


def tab_height(unit: float) -> int:
    """The height of a tab in pixels, see `draw_tab`."""
    return round(20 * unit)


def draw_tab(
    image: npt.NDArray[np.uint8],
    text: str,
    corner_xy: tuple[int, int],
    colour: Colour,
    text_colour: Colour,
    unit: float,
) -> int:
    """Write a short text on a filled rectangle.

    Args:
        image: uint8 RGB, shape (height, width, 3), changed in place.
        text: one line.
        corner_xy: upper left corner, in pixels; moved so that the tab is in the image.
        colour, text_colour: RGB.
        unit: see `draw_text`.

    Returns:
        The width of the tab, in pixels.
    """
    size = max(round(15 * unit), 8)
    text_width = cv2.getTextSize(image.shape[1::-1], text, (0, 0), _font(), size, 700)[2]
    width, height = text_width + round(10 * unit), tab_height(unit)
    left = max(min(corner_xy[0], image.shape[1] - width), 0)
    top = max(min(corner_xy[1], image.shape[0] - height), 0)
    cv2.rectangle(image, (left, top), (left + width, top + height), colour, cv2.FILLED)
    draw_text(image, text, (left / unit + 5, top / unit + 15), 15, text_colour, unit, bold=True)
    return width


def draw_text(
    image: npt.NDArray[np.uint8],
    text: str,
    origin_xy: tuple[float, float],
    size: int,
    colour: Colour,
    unit: float,
    *,
    bold: bool = False,
) -> None:
    """Write one line into an image; see `draw_overlay`.

    Args:
        image: uint8 RGB, shape (height, width, 3), changed in place.
        text: the line.
        origin_xy: left end of its baseline, in units.
        size: of the letters, in units.
        colour: RGB.
        unit: pixels per unit; the height of the image is `MIN_HEIGHT` units.
        bold: bold letters. Default False.
    """
    origin = (round(origin_xy[0] * unit), round(origin_xy[1] * unit))
    # OpenCV 5's own font covers more than ASCII; the old ones drew "???" for "aplaudir ñ".
    cv2.putText(
        image, text, origin, colour, _font(), max(round(size * unit), 8), 700 if bold else 400
    )


def fitting_size(text: str, size: int, width: float, *, bold: bool = False) -> int:
    """The size of letters at which a text is no wider than `width`, at most `size`; in units."""
    while size > 8:
        weight = 700 if bold else 400
        # Measured larger, as small sizes are rounded.
        right = cv2.getTextSize((1, 1), text, (0, 0), _font(), 4 * size, weight)[2] / 4
        if right <= width:
            break
        size -= 1
    return size


def _font() -> Any:
    return cv2.FontFace("sans")


def enlarged(image_rgb: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """A copy of a frame, at least `MIN_HEIGHT` high: uint8 RGB."""
    height, width = image_rgb.shape[:2]
    if height >= MIN_HEIGHT:
        return image_rgb.astype(np.uint8, copy=True)
    size_wh = (max(round(width * MIN_HEIGHT / height), 1), MIN_HEIGHT)
    return np.asarray(cv2.resize(image_rgb, size_wh, interpolation=cv2.INTER_CUBIC), np.uint8)


def shade(area: npt.NDArray[np.uint8]) -> None:
    """Darken a part of the image in place, so that light text stands out."""
    cv2.addWeighted(area, 0.35, np.full_like(area, PANEL), 0.65, 0.0, dst=area)
