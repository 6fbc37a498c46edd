"""Pictures of cameras that are not there: dusk, a floor, and somebody who waves."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from rtaction.opencv import cv2
from rtaction.serve.house.views import CameraView


def drawn_picture(
    view: CameraView, seconds: float, is_drawn: bool, width: int, label: str = ""
) -> npt.NDArray[np.uint8]:
    """What a camera shows at a time: uint8 BGR, 16:9.

    Args:
        view: the camera; somebody is there only if it gives pictures.
        seconds: the time.
        is_drawn: with a box, a skeleton and a label.
        width: in pixels; at most 1280.
        label: Default "": wave.
    """
    width = min(width, 1280) // 2 * 2
    height = width * 9 // 32 * 2
    hue = sum(map(ord, view.id)) % 40
    shade = np.linspace(150, 60, height)[:, None, None]
    image = np.broadcast_to(shade, (height, width, 3)) * np.array([0.9, 0.8 + hue / 200, 0.75])
    image = np.ascontiguousarray(image.astype(np.uint8))
    image[height * 7 // 10 :] = image[height * 7 // 10 :] // 2
    if view.state in ("ok", "degraded", "warming_up"):
        _draw_person(image, seconds, 0.35 + hue / 130, is_drawn, label)
    return image


def _draw_person(
    image: npt.NDArray[np.uint8], seconds: float, middle: float, is_drawn: bool, label: str
) -> None:
    height, width = image.shape[:2]

    def at(x: float, y: float) -> tuple[int, int]:
        return int((middle + x) * width), int(y * height)

    thick = max(width // 60, 2)
    swing = 0.05 * math.sin(seconds * 6)
    skin = (60, 70, 90)
    limbs = [
        (at(0, 0.42), at(0, 0.65)),
        (at(0, 0.65), at(-0.03, 0.9)),
        (at(0, 0.65), at(0.03, 0.9)),
        (at(0, 0.46), at(-0.06, 0.6)),
        (at(0, 0.46), at(0.06 + swing / 2, 0.34)),
        (at(0.06 + swing / 2, 0.34), at(0.05 + swing, 0.2)),
    ]
    for start, end in limbs:
        cv2.line(image, start, end, skin, thick, cv2.LINE_AA)
        if is_drawn:
            cv2.line(image, start, end, (120, 220, 90), max(thick // 4, 1), cv2.LINE_AA)
    cv2.circle(image, at(0, 0.36), width // 45, skin, -1, cv2.LINE_AA)
    if is_drawn:
        top, bottom = at(-0.1, 0.16), at(0.14, 0.93)
        cv2.rectangle(image, top, bottom, (120, 220, 90), max(width // 400, 1), cv2.LINE_AA)
        text = f"3 {label or 'wave'}"
        place = (top[0], top[1] - width // 100)
        cv2.putText(image, text, place, 0, width / 1000, (120, 220, 90), 1, cv2.LINE_AA)
