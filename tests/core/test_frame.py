"""A deferred frame makes its picture once, when somebody looks, and never if nobody does."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from rtaction.frame import DeferredFrame, Frame, FrameDamaged, FrameLike
from tests.realtime.conftest import WAIT_SECONDS

IMAGE: npt.NDArray[np.uint8] = np.full((4, 6, 3), 9, np.uint8)


class Maker:
    """Counts how often it is asked for a picture."""

    def __init__(self, make_image: Callable[[], npt.NDArray[Any]] = lambda: IMAGE) -> None:
        self.num_calls = 0
        self._make_image = make_image

    def __call__(self) -> npt.NDArray[Any]:
        self.num_calls += 1
        return self._make_image()


def damaged() -> npt.NDArray[Any]:
    raise FrameDamaged


def test_it_tells_what_a_frame_tells() -> None:
    maker = Maker()
    frames: list[FrameLike] = [
        DeferredFrame(maker, 1.5, 7, "test", 2),
        Frame(IMAGE, 1.5, 7, "test", 2),
    ]

    told = [(one.captured_at_seconds, one.index, one.source, one.segment) for one in frames]

    assert told == [(1.5, 7, "test", 2)] * 2
    assert (DeferredFrame(maker, 0.0, 0).source, DeferredFrame(maker, 0.0, 0).segment) == ("", 0)
    assert maker.num_calls == 0


def test_the_picture_is_made_once() -> None:
    maker = Maker()
    frame = DeferredFrame(maker, 0.0, 0)

    first, second = frame.image, frame.image

    assert first is second is IMAGE
    assert maker.num_calls == 1


def test_a_damaged_picture_is_tried_once_and_told_each_time() -> None:
    maker = Maker(damaged)
    frame = DeferredFrame(maker, 0.0, 0)

    for _ in range(3):
        with pytest.raises(FrameDamaged):
            _ = frame.image
    assert maker.num_calls == 1


def test_threads_that_look_at_once_share_one_picture() -> None:
    all_there = threading.Barrier(8)
    asked = threading.Event()

    def slow() -> npt.NDArray[Any]:
        assert asked.wait(WAIT_SECONDS)
        return IMAGE.copy()

    maker = Maker(slow)
    frame = DeferredFrame(maker, 0.0, 0)
    seen: list[npt.NDArray[Any]] = []

    def look() -> None:
        all_there.wait(WAIT_SECONDS)
        seen.append(frame.image)

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    asked.set()
    for thread in threads:
        thread.join(WAIT_SECONDS)

    assert len(seen) == 8
    assert len({id(image) for image in seen}) == 1
    assert maker.num_calls == 1


@pytest.mark.parametrize(
    "image",
    [
        pytest.param(IMAGE.astype(np.float32), id="no uint8"),
        pytest.param(IMAGE[..., 0], id="gray"),
        pytest.param(IMAGE[:0], id="empty"),
    ],
)
def test_what_is_no_picture_is_given_to_nobody(image: npt.NDArray[Any]) -> None:
    frame = DeferredFrame(lambda: image, 0.0, 0)

    with pytest.raises((ValueError, FrameDamaged)):
        _ = frame.image
    with pytest.raises(FrameDamaged):
        _ = frame.image


def test_what_was_needed_to_make_it_is_let_go() -> None:
    """A decoder's picture is large; once converted, only the result is kept."""
    held = [True]

    class Held:
        def __call__(self) -> npt.NDArray[Any]:
            return IMAGE

        def __del__(self) -> None:
            held.clear()

    frame = DeferredFrame(Held(), 0.0, 0)
    assert held == [True]

    assert frame.image is IMAGE
    assert held == []
