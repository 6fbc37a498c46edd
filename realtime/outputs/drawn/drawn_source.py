"""The image of one source: its newest frame with overlay, or the reason why there is none."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from rtaction.frame import FrameLike
from rtaction.opencv import cv2
from rtaction.pose.region import Region, Zone
from rtaction.pose.tracker import Person
from rtaction.prediction import Prediction
from rtaction.realtime.outputs.drawn.drawn_people import DrawnPeople
from rtaction.realtime.outputs.drawn.overlay import (
    Status,
    draw_overlay,
    draw_status,
    enlarged,
    title_of,
)
from rtaction.realtime.outputs.drawn.skeleton import draw_people, draw_region, draw_zones
from rtaction.realtime.windows.state import State


class DrawnSource:
    """The drawn state of one source.

    Args:
        name: shown in the status line; "" to omit it.
        mirror: mirror the frame. Default False.
        people: follows the people to draw. Default None: no people are drawn but those who are
            told.
        region: where people count, to be drawn. Default None.
        zones: likewise. Default none.
    """

    def __init__(
        self,
        name: str,
        *,
        mirror: bool = False,
        people: DrawnPeople | None = None,
        region: Region | None = None,
        zones: Sequence[Zone] = (),
    ) -> None:
        self.state: State = "connecting"
        self.prediction: Prediction | None = None
        self.actions: tuple[str, ...] = ()
        self._name = name
        self._mirror = mirror
        self._people = people
        self._region = region
        self._zones = zones
        self._seen: Sequence[Person] | None = None
        self._doing: dict[int, tuple[Prediction, tuple[str, ...]]] = {}
        self._size_hw = (480, 640)
        self._recent: deque[tuple[float, int]] = deque(maxlen=31)

    def see(self, people: Sequence[Person]) -> None:
        """Take who was seen in the newest picture that a model of people looked at."""
        self._seen = people

    def take(self, prediction: Prediction, actions: tuple[str, ...]) -> None:
        """Take a prediction and the ongoing actions."""
        self.prediction, self.actions = prediction, actions
        if prediction.person is not None:
            self._doing[prediction.person] = prediction, actions

    def leave(self, person: int) -> None:
        """Take that somebody has left."""
        self._doing.pop(person, None)

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
        if self._seen is not None:
            return self._draw_followed(image_rgb, self._seen, status, top_k)
        if self._people is not None:
            people = self._people.people_in(frame)
            image_rgb = enlarged(image_rgb)
            scale = image_rgb.shape[0] / self._size_hw[0]
            draw_people(image_rgb, people, scale=scale, mirror=self._mirror)
        return draw_overlay(image_rgb, self.prediction, status, actions=self.actions, top_k=top_k)

    def _draw_followed(
        self, image_rgb: npt.NDArray[Any], seen: Sequence[Person], status: Status, top_k: int
    ) -> npt.NDArray[Any]:
        """The frame with the people of a model of people, and what each of them does.

        The scores of somebody who is alone are drawn as those of a whole picture; of several,
        each has the label at their box, and the picture stays free.
        """
        image = enlarged(image_rgb)
        scale = image.shape[0] / self._size_hw[0]
        doing = self._doing if self.state == "ok" else {}
        captions = {
            person: title_of(actions, prediction)
            for person, (prediction, actions) in doing.items()
            if actions
        }
        if self._region is not None:
            draw_region(image, self._region, mirror=self._mirror)
        draw_zones(image, self._zones, mirror=self._mirror)
        draw_people(image, seen, scale=scale, mirror=self._mirror, captions=captions)
        if len({*doing, *(one.number for one in seen)}) > 1 and self.state == "ok":
            draw_status(image, status)
            return image
        prediction, actions = next(iter(doing.values()), (None, ()))
        empty = "warming up…" if seen else "nobody"
        return draw_overlay(image, prediction, status, actions=actions, top_k=top_k, empty=empty)

    def draw_lost(self, device: str) -> npt.NDArray[Any]:
        """A dark image with the reason why there are no frames: uint8 RGB."""
        self.prediction, self.actions = None, ()
        self._recent.clear()
        self._doing.clear()
        self._seen = None if self._seen is None else ()
        dark = np.zeros((*self._size_hw, 3), np.uint8)
        return draw_overlay(dark, None, self._status(device), actions=())

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
