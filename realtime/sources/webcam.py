"""A webcam of this machine."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy.typing as npt

from rtaction.errors import CameraLost, SourceMissing, SourceUnreadable
from rtaction.frame import DeferredFrame
from rtaction.installation import program
from rtaction.opencv import cv2
from rtaction.realtime.cameras.camera import Camera
from rtaction.realtime.sources.stamps import ArrivalStamps


class WebcamSource:
    """A webcam, with frames stamped on arrival.

    Args:
        camera: with an address of the kind "webcam".

    Raises:
        SourceMissing: there is no such webcam.
        SourceUnreadable: it gives no frames.
    """

    is_live = True
    is_finite = False

    def __init__(self, camera: Camera) -> None:
        self.name = camera.name
        self.drops: Counter[str] = Counter()
        self._camera = camera
        self._closed = False
        self._capture = cv2.VideoCapture(camera.address.target)
        if not self._capture.isOpened():
            self._capture.release()
            raise SourceMissing(
                f"there is no {self.name}, or it cannot be opened; check that it is plugged in and "
                f"that you have access to it. To try without a webcam: {program()} demo"
            )
        rate = float(self._capture.get(cv2.CAP_PROP_FPS))
        self.frames_per_second = rate if 1 <= rate <= 240 else 0.0
        self._first_image_bgr: npt.NDArray[Any] | None
        got_one, self._first_image_bgr = self._capture.read()
        if not got_one:
            self._capture.release()
            raise SourceUnreadable(
                f"{self.name} was opened but gives no frames; is another program using it?"
            )

    def frames(self) -> Iterator[DeferredFrame]:
        """RGB frames on the monotonic clock, converted to RGB on demand.

        Raises:
            CameraLost: it was unplugged or stopped answering.
        """
        image_bgr: Any = self._first_image_bgr
        self._first_image_bgr = None
        index, segment, shape = 0, 0, image_bgr.shape
        stamps = ArrivalStamps()
        try:
            while not self._closed:
                segment += image_bgr.shape != shape
                shape = image_bgr.shape
                at_seconds = stamps.stamp(None, time.monotonic())
                if at_seconds is not None:
                    make_image = partial(self._to_rgb, image_bgr)
                    yield DeferredFrame(make_image, at_seconds, index, self.name, segment)
                    index += 1
                got_one, image_bgr = self._capture.read()
                if not got_one and not self._closed:
                    raise CameraLost(f"{self.name} was unplugged or stopped answering")
        finally:
            self._capture.release()

    def close(self) -> None:
        """End `frames` after the frame that is being read."""
        self._closed = True

    def _to_rgb(self, image_bgr: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return self._camera.view.apply(cv2.cvtColor(image_bgr, cv2.COLOR_BGR2RGB))
