"""A folder with videos, a small model and a file of cameras, and houses that watch them."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rtaction.model_spec import ModelSpec
from rtaction.realtime.model.action_model import ActionModel
from rtaction.serve.building import build
from rtaction.serve.options import ServeOptions
from rtaction.serve.watching.watchman import Watchman
from tests.tiny_model import write_tiny_model
from tests.videos import write_flat_video

WAIT_SECONDS = 30.0
SPEC = ModelSpec(("bright", "dark"), 5, 1.0, 8, 8, background_label="dark", threshold=0.6)


def bright_picture(seconds: float, size_hw: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """A bright gray with noise, so that it counts as no frozen picture; for `FaultServer`."""
    noise = np.random.default_rng(round(seconds * 1000)).integers(-15, 16, (*size_hw, 1))
    return np.repeat((225 + noise).astype(np.uint8), 3, axis=2)


def until(happened: Callable[[], object]) -> None:
    deadline_seconds = time.monotonic() + WAIT_SECONDS
    while not happened():
        assert time.monotonic() < deadline_seconds
        time.sleep(0.02)


class Place:
    """A folder with videos, a model and a file of cameras."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.model = write_tiny_model(folder / "tiny.onnx", SPEC)
        write_flat_video(folder / "bright.mp4", value=230, seconds=3)
        write_flat_video(folder / "gray.mp4", value=140, seconds=40, frames_per_second=8)
        self.cameras = folder / "cameras.toml"

    def write(self, *tables: str) -> None:
        self.cameras.write_text("\n".join(tables), encoding="utf-8")

    def camera(self, name: str, video: str, more: str = "") -> str:
        return f'[[camera]]\nname = "{name}"\nsource = "{self.folder / video}"\n{more}\n'

    def house(self) -> Watchman:
        options = ServeOptions(cameras_file=self.cameras, folder=self.folder / "kept", port=0)
        built = build(options, lambda path: ActionModel(path, device="cpu"), self.model)
        return built.house


def open_house(place: Place, opened: list[Watchman]) -> Watchman:
    house = place.house()
    opened.append(house)
    house.open()
    return house
