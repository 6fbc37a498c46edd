from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from rtaction.modality import CHANNELS, FLOW_CLOSEUP, FLOW_STACK, base_of, channels_of
from rtaction.opencv import cv2
from rtaction.video.motion import (
    STILL,
    clip_pictures,
    flow_field,
    network_picture,
    picture_of,
)

Image = npt.NDArray[Any]


def flat(*colour: int) -> Image:
    return np.full((16, 16, len(colour)), colour, np.uint8)


def texture(seed: int = 0, size: int = 96) -> Image:
    noise = np.random.default_rng(seed).uniform(0, 255, (size, size)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 3.0)
    spread = (smooth - smooth.min()) / np.ptp(smooth)
    return np.asarray(np.rint(255 * spread), np.uint8)[..., None]


def shifted(image: Image, right: int, down: int) -> Image:
    return np.roll(image, (down, right), axis=(0, 1))


@pytest.mark.parametrize(
    ("modality", "before", "after", "expected"),
    [
        ("gray", flat(9), flat(40), [40]),
        ("rgb", flat(9, 9, 9), flat(1, 2, 3), [1, 2, 3]),
        ("diff", flat(100), flat(110), [STILL + 20]),
        ("diff", flat(110), flat(100), [STILL - 20]),
        ("diff", flat(0), flat(255), [255]),
        ("diff", flat(255), flat(0), [0]),
        ("diff", flat(77), flat(77), [STILL]),
        ("abs_diff", flat(100), flat(110), [20]),
        ("abs_diff", flat(110), flat(100), [20]),
        ("abs_diff", flat(0), flat(200), [255]),
        ("rgb_diff", flat(10, 20, 30), flat(15, 20, 20), [STILL + 10, STILL, STILL - 20]),
        ("diff_mask", flat(50, 60, 70), flat(50, 60, 70), [0, 0, 0]),
        ("diff_mask", flat(0, 0, 0), flat(200, 100, 60), [100, 50, 30]),
        ("flow_mask", flat(50, 60, 70), flat(50, 60, 70), [0, 0, 0]),
        ("gray+diff", flat(100), flat(110), [110, STILL + 20]),
        ("diff+gray", flat(100), flat(110), [STILL + 20, 110]),
    ],
)
def test_what_is_in_a_picture(
    modality: str, before: Image, after: Image, expected: list[int]
) -> None:
    picture = network_picture(before, after, modality)
    assert picture.dtype == np.uint8
    assert picture[8, 8].tolist() == expected
    assert picture.shape == (16, 16, len(expected))


@pytest.mark.parametrize(("right", "down"), [(4, 0), (-4, 0), (0, 3), (2, -5)])
def test_flow_is_a_share_of_the_picture_right_and_down(right: int, down: int) -> None:
    before = texture()
    flow = network_picture(before, shifted(before, right, down), "flow")
    # An eighth of 96 pixels, 12, is 127 levels.
    middle = np.median(flow[24:-24, 24:-24].reshape(-1, 2).astype(float), axis=0)
    assert middle == pytest.approx([STILL + 127 / 12 * right, STILL + 127 / 12 * down], abs=4)


def test_flow_without_motion_is_still() -> None:
    assert np.all(np.abs(network_picture(texture(), texture(), "flow").astype(int) - STILL) <= 1)


@pytest.mark.parametrize("modality", ["diff_mask", "flow_mask"])
def test_a_mask_shows_the_part_that_moves(modality: str) -> None:
    before = np.repeat(texture(1) // 2 + 100, 3, axis=2)
    after = before.copy()
    after[32:64, 32:64] = shifted(before, 5, 3)[32:64, 32:64]
    picture = network_picture(before, after, modality)
    assert picture[40:56, 40:56].mean() > 40
    assert picture[:12].max() < 10


@pytest.mark.parametrize(
    "part", [part for part in CHANNELS if part not in (FLOW_STACK, FLOW_CLOSEUP)]
)
def test_a_clip_of_motion_has_one_picture_fewer_than_frames(part: str) -> None:
    channels = channels_of(base_of(part))
    images = np.random.default_rng(0).integers(0, 256, (4, 16, 24, channels)).astype(np.uint8)
    pictures = clip_pictures(images, part)
    num_pictures = 4 if part in ("rgb", "gray", "pose") else 3
    assert pictures.shape == (num_pictures, 16, 24, CHANNELS[part])
    for number in range(num_pictures):
        after = images[number + 4 - num_pictures]
        before = after if num_pictures == 4 else images[number]
        assert np.array_equal(pictures[number], network_picture(before, after, part))


def test_a_stack_of_flow_holds_the_motion_between_its_own_frames_only() -> None:
    still, moved = texture(), shifted(texture(), 4, 2)
    # Of the first stack only the last frame moves, of the second only the first.
    images = np.stack([*[still] * 5, moved, still, *[moved] * 5])
    pictures = clip_pictures(images, "gray+flow_stack")
    assert pictures.shape == (2, *still.shape[:2], 1 + 10)
    assert np.array_equal(pictures[..., :1], np.stack([moved, moved]))
    flow = network_picture(still, moved, "flow")
    assert np.array_equal(pictures[0, ..., 9:], flow)
    assert np.array_equal(pictures[1, ..., 1:3], flow)
    assert np.abs(pictures[0, ..., 1:9].astype(int) - STILL).max() <= 1
    assert np.abs(pictures[1, ..., 3:].astype(int) - STILL).max() <= 1


def test_known_fields_stand_in_for_the_frames_before() -> None:
    images = np.random.default_rng(0).integers(0, 256, (6, 16, 24, 1)).astype(np.uint8)
    fields = np.stack([flow_field(*pair) for pair in pairwise(images)])
    for modality, count in (("flow", 2), ("flow+gray", 2), ("gray+flow_stack", 6)):
        known = fields[: count - 1]
        last = images[count - 1 : count]
        expected = picture_of(images[:count], modality)
        assert np.array_equal(picture_of(last, modality, known), expected)


def test_a_stack_is_its_parts_side_by_side() -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, 16, 24, 3)).astype(np.uint8)
    stacked = clip_pictures(images, "rgb+diff+flow")
    assert np.array_equal(stacked[..., :3], images[1:])
    assert np.array_equal(stacked[..., 3:4], clip_pictures(images, "diff"))
    assert np.array_equal(stacked[..., 4:], clip_pictures(images, "flow"))


def test_colours_and_shades_give_the_same_motion() -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, 16, 24, 3)).astype(np.uint8)
    shades = np.stack([cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None] for image in images])
    for modality in ("diff", "abs_diff", "flow"):
        assert np.array_equal(clip_pictures(images, modality), clip_pictures(shades, modality))
