"""What is drawn of a source: its frames with what is known, and a dark picture where it is lost."""

from __future__ import annotations

import numpy as np
import pytest

from rtaction.frame import Frame
from rtaction.realtime.outputs.drawn_source import DrawnSource


def frame_of(image: np.ndarray) -> Frame:
    return Frame(image, 0.0, 0, "test")


def test_a_source_that_gives_frames_is_no_longer_connecting() -> None:
    picture = DrawnSource("")
    states = [picture.state]
    picture.draw(frame_of(np.zeros((480, 640, 3), np.uint8)), 1, "CPU", top_k=3)
    states.append(picture.state)

    assert states == ["connecting", "warming_up"]


@pytest.mark.parametrize("mirror", [False, True])
def test_a_mirror_changes_sides(mirror: bool) -> None:
    image = np.zeros((480, 640, 3), np.uint8)
    image[200:240, :20] = 255

    drawn = DrawnSource("", mirror=mirror).draw(frame_of(image), 1, "CPU", top_k=3)

    left, right = drawn[200:240, :20], drawn[200:240, -20:]
    bright, dark = (right, left) if mirror else (left, right)
    assert bright.min() == 255
    assert dark.max() == 0


def test_a_lost_source_is_dark_and_has_the_size_of_its_last_frame() -> None:
    picture = DrawnSource("")
    picture.draw(frame_of(np.full((480, 640, 3), 200, np.uint8)), 1, "CPU", top_k=3)
    picture.state = "down"

    lost = picture.draw_lost("CPU")

    assert lost.shape == (480, 640, 3)
    assert np.median(lost) == 0
