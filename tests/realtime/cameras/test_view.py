"""A view cuts, turns and mirrors, in this order."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from rtaction.opencv import cv2
from rtaction.pose.region import Region
from rtaction.realtime.cameras.view import Roi, Rotation, View

# Two rows of three pixels, numbered by their red.
NUMBERED = np.zeros((2, 3, 3), np.uint8)
NUMBERED[..., 0] = [[1, 2, 3], [4, 5, 6]]
RIGHT_TWO = (1 / 3, 0.0, 1.0, 1.0)


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        (View(), [[1, 2, 3], [4, 5, 6]]),
        (View(rotation=90), [[4, 1], [5, 2], [6, 3]]),
        (View(rotation=180), [[6, 5, 4], [3, 2, 1]]),
        (View(rotation=270), [[3, 6], [2, 5], [1, 4]]),
        (View(mirror=True), [[3, 2, 1], [6, 5, 4]]),
        (View(rotation=90, mirror=True), [[1, 4], [2, 5], [3, 6]]),
        (View(RIGHT_TWO), [[2, 3], [5, 6]]),
        (View((0.0, 0.5, 1.0, 1.0)), [[4, 5, 6]]),
        (View(RIGHT_TWO, 90), [[5, 2], [6, 3]]),
        (View(RIGHT_TWO, 270, mirror=True), [[6, 3], [5, 2]]),
    ],
)
def test_view(view: View, expected: list[list[int]]) -> None:
    image = NUMBERED.copy()

    seen = view.apply(image)

    assert seen[..., 0].tolist() == expected
    assert seen.dtype == np.uint8
    assert seen.shape[2] == 3
    assert np.array_equal(image, NUMBERED)


UPPER_LEFT = Region.of([0, 0, 0.5, 0.5])


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        # The edge at 2.5 of 5 columns goes through the third, that at 2 of 4 rows touches it.
        (View(masks=(UPPER_LEFT,)), ["###..", "###..", "###..", "....."]),
        (View(masks=(UPPER_LEFT,), mirror=True), ["###..", "###..", "###..", "....."]),
        (View(masks=(UPPER_LEFT,), rotation=90), ["###.", "###.", "###.", "....", "...."]),
        (View((0.6, 0.0, 1.0, 1.0), masks=(UPPER_LEFT,)), ["##", "##", "##", ".."]),
        # What two masks share is black as well.
        (
            View(masks=(UPPER_LEFT, Region.of([0.2, 0.25, 0.7, 0.7]))),
            ["###..", "####.", "####.", "....."],
        ),
        (View(masks=(Region.of([0.9, 0.9, 1, 1]),)), [".....", ".....", ".....", "....#"]),
    ],
)
def test_masks_are_black(view: View, expected: list[str]) -> None:
    """With every pixel that an edge goes through; they are in shares of what is left to see."""
    image = np.full((4, 5, 3), 200, np.uint8)

    seen = view.apply(image)

    assert ["".join("#."[bool(pixel.any())] for pixel in row) for row in seen] == expected
    assert set(np.unique(seen)) == {0, 200}
    assert (image == 200).all(), "who gave the picture still has it"


@pytest.mark.parametrize("size_hw", [(1, 1), (1080, 1920), (7, 3)])
def test_a_mask_over_all_leaves_nothing(size_hw: tuple[int, int]) -> None:
    image = np.full((*size_hw, 3), 200, np.uint8)
    assert not View(masks=(Region.of([0, 0, 1, 1]),)).apply(image).any()


def test_what_a_mask_does_not_cover_stays() -> None:
    random = np.random.default_rng(0).integers(1, 256, (90, 160, 3), np.uint8)
    mask = Region.of([0.25, 0.2, 0.75, 0.2, 0.5, 0.8])
    seen = View(masks=(mask,)).apply(random)
    inside = np.array(
        [[mask.contains((x + 0.5) / 160, (y + 0.5) / 90) for x in range(160)] for y in range(90)]
    )
    assert not seen[inside].any()
    is_black = (seen == 0).all(axis=-1)
    near = cv2.dilate(inside.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)
    assert not (is_black & ~near).any(), "only what is next to it"
    assert np.array_equal(seen[~is_black], random[~is_black])


@pytest.mark.parametrize("roi", [None, (0.0, 0.0, 1.0, 1.0), (0.0, 0.0, 0.999, 0.999)])
def test_where_there_is_nothing_to_do_the_picture_is_the_same(roi: Roi | None) -> None:
    assert View(roi).apply(NUMBERED) is NUMBERED


@pytest.mark.parametrize("left", [0.0, 0.3, 0.5, 0.999, 1 - 1e-9])
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (7, 5)])
@pytest.mark.parametrize("rotation", [0, 90])
def test_a_view_is_never_empty(left: float, size: tuple[int, int], rotation: Rotation) -> None:
    image = np.zeros((*size, 3), np.uint8)

    seen = View((left, left, 1.0, 1.0), rotation).apply(image)

    assert min(seen.shape) > 0


def test_parts_that_meet_share_no_pixel() -> None:
    image = np.arange(1000, dtype=np.uint8).reshape(1, -1, 1).repeat(3, axis=2)
    edges = [0.0, 0.123, 0.4567, 1.0]

    parts = [View((left, 0.0, right, 1.0)).apply(image) for left, right in pairwise(edges)]

    assert np.array_equal(np.concatenate(parts, axis=1), image)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"roi": (0.5, 0.0, 0.5, 1.0)}, "left < right"),
        ({"roi": (0.0, 0.9, 1.0, 0.1)}, "top < bottom"),
        ({"roi": (-0.1, 0.0, 1.0, 1.0)}, "from 0 to 1"),
        ({"roi": (0.0, 0.0, 640.0, 480.0)}, r"got \[0.0, 0.0, 640.0, 480.0\]"),
        ({"roi": (0.0, 0.0, float("nan"), 1.0)}, "from 0 to 1"),
        ({"roi": (0.0, 0.0, 1.0)}, "got 3 of them"),
        ({"rotation": 45}, "0, 90, 180 or 270 degrees clockwise, got 45"),
        ({"rotation": -90}, "got -90"),
        ({"masks": (Region.of([0, 0, 1, 1, 1, 0.2, 0, 0.7]),)}, "masks .* whose edges cross"),
    ],
)
def test_a_view_that_cannot_be_meant(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        View(**arguments)
