"""The file of cameras is read anew, again and again, while frames come."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import cv2  # noqa: TID251
import numpy as np
import pytest

from rtaction.errors import RtactionError
from rtaction.realtime.watching import feed
from rtaction.realtime.watching.feed import Link
from rtaction.realtime.watching.live import LiveWatch
from rtaction.realtime.watching.moment import Moment
from rtaction.serve.house.house import Query
from rtaction.serve.watching.model_watch import ModelWatch
from rtaction.serve.watching.watchman import Watchman
from tests.serve.place import SPEC, Place, open_house, until
from tests.tiny_model import write_tiny_model

_MASK = "masks = [[0.0, 0.0, 0.5, 1.0]]"
_BLACK_BELOW = 30


def test_what_is_masked_is_never_shown_again(
    place: Place, opened: list[Watchman], monkeypatch: pytest.MonkeyPatch
) -> None:
    look = LiveWatch._look

    def look_slowly(watch: LiveWatch, links: Sequence[Link]) -> Moment:
        time.sleep(0.15)  # as a large model: frames of the camera as it was come meanwhile
        return look(watch, links)

    monkeypatch.setattr(LiveWatch, "_look", look_slowly)
    place.write(place.camera("a", "gray.mp4"), place.camera("b", "gray.mp4"))
    house = open_house(place, opened)
    for _ in range(4):
        until(lambda: house.picture("a", width=None, is_drawn=False))
        place.write(place.camera("a", "gray.mp4", _MASK), place.camera("b", "gray.mp4"))
        house.reload()
        shades: dict[int, float] = {}
        while len(shades) < 3:
            shades |= masked_shade(house)
        assert max(shades.values()) < _BLACK_BELOW
        place.write(place.camera("a", "gray.mp4"), place.camera("b", "gray.mp4"))
        house.reload()


def masked_shade(house: Watchman) -> dict[int, float]:
    """Brightness of the part of a picture that is masked, by its number; empty if there is none."""
    picture = house.picture("a", width=None, is_drawn=False)
    if picture is None:
        return {}
    image = cv2.imdecode(np.frombuffer(picture.jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return {picture.number: float(image[:, : image.shape[1] // 2 - 8].max())}


def test_a_storm_of_reloads(
    place: Place, opened: list[Watchman], caplog: pytest.LogCaptureFixture
) -> None:
    write_tiny_model(place.folder / "other.onnx", SPEC)
    steady = place.camera("steady", "gray.mp4")
    files = [
        (steady, place.camera("a", "gray.mp4")),
        (steady, "[[camera"),
        (steady, place.camera("a", "gray.mp4", _MASK)),
        (steady, place.camera("a", "gray.mp4", 'model = "other.onnx"')),
        (steady, place.camera("A", "gray.mp4")),  # another name, the same id
        (steady, place.camera("a", "gray.mp4", 'model = "none.onnx"')),
        (steady, place.camera("a", "gray.mp4", "labels = ['bright']")),
        (steady, place.camera("c", "gray.mp4", 'model = "other.onnx"')),
        (steady, place.camera("a", "gray.mp4", "roi = [0.5, 0.2, 0.1, 0.9]")),
        (steady, "[actions]\nenter = 0.3"),
    ]
    place.write(*files[0])
    house = open_house(place, opened)
    until(lambda: house.camera("steady").state == "ok")
    num_frames = house.camera("steady").num_frames
    told = []
    with looking_at(house, "steady") as mistakes:
        for number in range(50):
            place.write(*files[number % len(files)])
            try:
                told.append(house.reload())
            except RtactionError:
                told.append("broken")
    assert mistakes == []
    assert told.count("broken") == 15
    until(lambda: house.camera("steady").num_frames > num_frames)
    until(lambda: house.camera("steady").state == "ok")
    assert house.error is None
    assert not [one for one in caplog.records if one.levelname == "ERROR" or one.exc_info]

    until(lambda: sum(not one.join(0.0) for one in feed._feeds) == 1)
    until(lambda: sum(one.name == "rtaction-serve-model" for one in threading.enumerate()) == 1)
    left = weakref.WeakSet(one for one in gc.get_objects() if type(one) is ModelWatch)
    until(lambda: gc.collect() >= 0 and len(left) == 1)
    # An event of "steady" started at the last threshold, and each event has its own id.
    until(lambda: any(one.camera == "steady" for one in house.events(Query())))
    until(lambda: all(one.ended_at for one in house.events(Query()) if one.camera != "steady"))


@contextmanager
def looking_at(house: Watchman, camera: str) -> Iterator[list[Exception]]:
    """Somebody looks at a camera that stays, all the time; gives what goes wrong."""
    mistakes: list[Exception] = []
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(0.001):
            try:
                house.picture(camera, width=None, is_drawn=True)
                house.camera(camera).to_dict()
                house.machine()
            except Exception as error:
                mistakes.append(error)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    yield mistakes
    ended.set()
    thread.join()
