"""The image of one source: its newest frame with overlay, or the reason why there is none."""

from __future__ import annotations

import time
from collections import deque
from typing import Any

import numpy as np
import numpy.typing as npt

from rtaction.frame import FrameLike
from rtaction.opencv import cv2
from rtaction.prediction import Prediction
from rtaction.realtime.outputs.drawn_people import DrawnPeople
from rtaction.realtime.outputs.overlay import Status, draw_overlay, enlarged
from rtaction.realtime.outputs.skeleton import draw_people
from rtaction.realtime.windows.state import State


class DrawnSource:
    """The drawn state of one source.

    Args:
        name: shown in the status line; "" to omit it.
        mirror: mirror the frame. Default False.
        people: follows the people to draw. Default None: no people are drawn.
    """

    def __init__(
        self, name: str, *, mirror: bool = False, people: DrawnPeople | None = None
    ) -> None:
        self.state: State = "connecting"
        self.prediction: Prediction | None = None
        self.action: str | None = None
        self._name = name
        self._mirror = mirror
        self._people = people
        self._size_hw = (480, 640)
        self._recent: deque[tuple[float, int]] = deque(maxlen=31)

    def draw(
        self, frame: FrameLike, num_frames: int, device: str, *, top_k: int
    ) -> npt.NDArray[Any]:
        """The frame with its overlay: uint8 RGB.

        Args:
            frame: the newest frame.
            num_frames: number of frames so far, drawn or not.
            device: the processor in use.
            top_k: number of labels to draw.

        Raises:
            FrameDamaged: the frame cannot be decoded.
        """
        image_rgb = cv2.flip(frame.image, 1) if self._mirror else frame.image
        if self.state == "connecting":  # files report no states, but here is a frame
            self.state = "warming_up"
        self._size_hw = (image_rgb.shape[0], image_rgb.shape[1])
        self._recent.append((time.monotonic(), num_frames))
        status = self._status(device)
        if self._people is not None:
            people = self._people.people_in(frame)
            image_rgb = enlarged(image_rgb)
            scale = image_rgb.shape[0] / self._size_hw[0]
            draw_people(image_rgb, people, scale=scale, mirror=self._mirror)
        return draw_overlay(image_rgb, self.prediction, status, action=self.action, top_k=top_k)

    def draw_lost(self, device: str) -> npt.NDArray[Any]:
        """A dark image with the reason why there are no frames: uint8 RGB."""
        self.prediction = self.action = None
        self._recent.clear()
        dark = np.zeros((*self._size_hw, 3), np.uint8)
        return draw_overlay(dark, None, self._status(device), action=None)

    def _status(self, device: str) -> Status:
        return Status(
            frames_per_second=self._frames_per_second(),
            latency_seconds=self.prediction.latency_seconds if self.prediction else None,
            device=device,
            state=self.state,
            source=self._name,
        )

    def _frames_per_second(self) -> float:
        if len(self._recent) < 2:
            return 0.0
        (start_seconds, num_before), (end_seconds, num_after) = self._recent[0], self._recent[-1]
        return (num_after - num_before) / max(end_seconds - start_seconds, 1e-9)
