"""Whatever the source, and whoever looks, and when: nobody sees what is masked."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rtaction.frame import DeferredFrame, Frame, FrameLike
from rtaction.opencv import cv2
from rtaction.pose.region import Region
from rtaction.realtime.cameras.address import Address
from rtaction.realtime.cameras.camera import Camera, cameras_of
from rtaction.realtime.cameras.view import View
from rtaction.realtime.sources import screen
from rtaction.realtime.sources.opening import open_source
from rtaction.realtime.watching.follower import Follower
from rtaction.realtime.watching.options import WatchOptions
from tests.realtime.conftest import BrightnessModel
from tests.realtime.servers.fault_server import FaultServer
from tests.realtime.servers.stream_server import StreamServer
from tests.realtime.watching.test_watch import SPEC
from tests.videos import write_flat_video

HALF = View(masks=(Region.of([0, 0, 0.4, 1]),))
BRIGHT = 200


def masked(camera: Camera) -> Camera:
    return replace(camera, view=HALF)


def bright(*_: object) -> np.ndarray:
    return np.full((48, 64, 3), BRIGHT, np.uint8)


@contextmanager
def a_file(folder: Path, _: pytest.MonkeyPatch) -> Iterator[Camera]:
    yield cameras_of([str(write_flat_video(folder / "a.mp4", value=BRIGHT, seconds=1.5))])[0]


@contextmanager
def images(folder: Path, _: pytest.MonkeyPatch) -> Iterator[Camera]:
    for number in range(3):
        cv2.imwrite(str(folder / f"{number}.png"), bright())
    yield cameras_of([str(folder)])[0]


@contextmanager
def rtsp(_: Path, __: pytest.MonkeyPatch) -> Iterator[Camera]:
    with FaultServer(picture=bright) as server:
        yield cameras_of([server.url()])[0]


@contextmanager
def motion_jpeg(_: Path, __: pytest.MonkeyPatch) -> Iterator[Camera]:
    with StreamServer(picture=bright) as server:
        yield cameras_of([server.url()])[0]


@contextmanager
def webcam(_: Path, patched: pytest.MonkeyPatch) -> Iterator[Camera]:
    class Webcam:
        def __init__(self, target: object) -> None:
            pass

        def isOpened(self) -> bool:  # noqa: N802
            return True

        def get(self, _: int) -> float:
            return 25.0

        def read(self) -> tuple[bool, np.ndarray]:
            time.sleep(0.01)
            return True, bright()

        def release(self) -> None:
            pass

    patched.setattr(cv2, "VideoCapture", Webcam)
    yield cameras_of(["0"])[0]


@contextmanager
def a_screen(_: Path, patched: pytest.MonkeyPatch) -> Iterator[Camera]:
    def frames(self: screen.ScreenSource) -> Iterator[FrameLike]:
        for number in range(5):
            yield Frame(bright(), time.monotonic(), number, "screen")

    patched.setattr(screen.ScreenSource, "__init__", lambda self, address: None)
    patched.setattr(screen.ScreenSource, "frames", frames)
    patched.setattr(screen.ScreenSource, "close", lambda self: None)
    for name, value in (("name", "screen"), ("is_live", True), ("frames_per_second", 5.0)):
        patched.setattr(screen.ScreenSource, name, value, raising=False)
    yield Camera(Address("screen", "", "screen"), "screen")


Kind = Callable[[Path, pytest.MonkeyPatch], Any]


@pytest.mark.parametrize("kind", [a_file, images, rtsp, motion_jpeg, webcam, a_screen])
def test_every_kind_of_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: Kind) -> None:
    with kind(tmp_path, monkeypatch) as camera:
        source = open_source(masked(camera))
        with closing(source.frames()) as frames:  # type: ignore[type-var]
            seen = list(islice(frames, 3))
        source.close()

    # Most are decoded only now, after their source has gone.
    assert len(seen) == 3
    for frame in seen:
        width = frame.image.shape[1]
        assert not frame.image[:, : round(0.4 * width)].any()
        assert abs(float(frame.image[:, round(0.4 * width) + 1 :].mean()) - BRIGHT) < 8


def test_a_picture_is_masked_once_and_for_all_who_look(tmp_path: Path) -> None:
    made = []

    class Counted(View):
        def apply(self, image_rgb: Any) -> Any:
            made.append(1)
            return HALF.apply(image_rgb)

    with a_file(tmp_path, pytest.MonkeyPatch()) as camera:
        frame = next(iter(open_source(replace(camera, view=Counted()), paced=False).frames()))
    assert isinstance(frame, DeferredFrame)
    assert not made
    assert frame.image is frame.image
    assert not frame.image[:, :20].any()
    assert made == [1]


def test_the_network_and_whoever_asks_for_the_frame_of_a_prediction(tmp_path: Path) -> None:
    model = BrightnessModel(SPEC)
    follower = Follower(model, "test", WatchOptions(frames_beside=True))
    view = View(masks=(Region.of([0, 0, 1, 1]),))
    with a_file(tmp_path, pytest.MonkeyPatch()) as camera:
        source = open_source(replace(camera, view=view), paced=False)
        moments = [follower.see(frame) for frame in source.frames()]
    predictions = [one for moment in moments for one in moment.predictions]
    assert predictions
    assert set(model.brightnesses) == {0}
    assert all(one.frame is not None and not one.frame.image.any() for one in predictions[-1:])
