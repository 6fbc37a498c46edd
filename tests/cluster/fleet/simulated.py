"""Cameras whose pictures are made, not decoded, and show an action while a file is there.

Whoever opens one sees what anybody else sees at that time, as of a real camera.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from rtaction.arrays import UInt8Array
from rtaction.frame import DeferredFrame, FrameLike
from rtaction.model_spec import ModelSpec
from rtaction.realtime.cameras.camera import Camera
from rtaction.realtime.sources.opening import open_source
from rtaction.realtime.sources.source import Source

FRAMES_PER_SECOND = 10.0
BRIGHT, DARK = 225, 60
# Of few frames, far apart: a machine that is busy for a second interrupts nothing.
SPEC = ModelSpec(("bright", "dark"), 3, 2.0, 8, 8, background_label="dark", threshold=0.6)
ACTIONS = "[actions]\nmin_seconds = 0.0\nsmoothing_seconds = 0.0\n"


@dataclass(frozen=True, slots=True)
class Scene:
    """What all cameras show.

    Args:
        lamp: they are bright while this file is there.
    """

    lamp: Path

    def switch(self, *, is_on: bool) -> None:
        if is_on:
            self.lamp.touch()
        else:
            self.lamp.unlink()

    def picture(self, seconds: float, size_hw: tuple[int, int]) -> UInt8Array:
        """Gray with noise, uint8 RGB (height, width, 3), so that it counts as no frozen picture."""
        noise = np.random.default_rng().integers(-15, 16, (*size_hw, 1))
        gray = BRIGHT if self.lamp.exists() else DARK
        return np.repeat((gray + noise).astype(np.uint8), 3, axis=2)

    def open(self, camera: Camera) -> Source:
        """Open http://simulated/NUMBER; others as they are opened always."""
        if str(camera.address.target).startswith("http://simulated/"):
            return SimulatedCamera(camera.name, partial(self.picture, 0.0, (16, 16)))
        return open_source(camera)


class SimulatedCamera:
    """A camera whose pictures cost nothing to decode."""

    is_live = True
    is_finite = False
    frames_per_second = FRAMES_PER_SECOND

    def __init__(self, name: str, picture: Callable[[], UInt8Array]) -> None:
        self.name = name
        self.drops: Counter[str] = Counter()
        self._picture = picture
        self._closed = threading.Event()

    def frames(self) -> Iterator[FrameLike]:
        number = 0
        while not self._closed.wait(1 / FRAMES_PER_SECOND):
            image = self._picture()
            yield DeferredFrame(partial(np.asarray, image), time.monotonic(), number, self.name)
            number += 1

    def close(self) -> None:
        self._closed.set()


def simulated_table(number: int) -> str:
    """A camera for cameras.toml."""
    return f'[[camera]]\nname = "camera {number}"\nurl = "http://simulated/{number}"\n'
