from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rtaction.arrays import UInt8Array
from rtaction.opencv import cv2
from rtaction.train.data.augment import Augmentation
from rtaction.train.data.clip_change import ClipChange
from rtaction.video.motion import STILL, flow_field

NOTHING = Augmentation.nothing()
SIZE_HW = (72, 96)


def _change(augmentation: Augmentation, seed: int = 0, num_frames: int = 2) -> ClipChange:
    return augmentation.drawn("wave", np.random.default_rng(seed), num_frames, SIZE_HW)


def _moving() -> UInt8Array:
    """Two frames in which everything moves by three pixels to the right and two down."""
    noise = np.random.default_rng(0).uniform(0, 255, (120, 140)).astype(np.float32)
    smooth: Any = cv2.GaussianBlur(noise, (0, 0), 3.0)
    scene = np.rint(255 * (smooth - smooth.min()) / np.ptp(smooth)).astype(np.uint8)[..., None]
    height, width = SIZE_HW
    return np.stack([scene[22 : 22 + height, 23 : 23 + width], scene[20:92, 20:116]])


def test_flow_turns_round_in_a_mirror() -> None:
    fields = np.full((1, *SIZE_HW, 2), STILL, np.uint8)
    fields[0, 10:20, 5:30] = (STILL + 40, STILL - 30)
    expected = np.full_like(fields, STILL)
    expected[0, 10:20, SIZE_HW[1] - 30 : SIZE_HW[1] - 5] = (STILL - 40, STILL - 30)
    assert np.array_equal(_change(replace(NOTHING, flip=1.0)).fields(fields), expected)


@pytest.mark.parametrize("augmentation", [NOTHING, Augmentation(flip=0.5)])
def test_what_does_not_move_never_does(augmentation: Augmentation) -> None:
    fields = np.full((2, 5, *SIZE_HW, 2), STILL, np.uint8)
    for seed in range(20):
        assert (_change(augmentation, seed).fields(fields) == STILL).all()


def test_without_changes_flow_stays_and_no_level_goes_beyond() -> None:
    fields = np.random.default_rng(0).integers(0, 255, (3, *SIZE_HW, 2), dtype=np.uint8)
    assert np.array_equal(_change(NOTHING).fields(fields), fields)
    for seed in range(20):
        assert _change(Augmentation(scale=0.5), seed).fields(fields).max() <= 2 * STILL


@pytest.mark.parametrize(
    "amounts",
    [
        {"flip": 1.0},
        {"shift": 0.1},
        {"scale": 0.3},
        {"rotation_degrees": 30.0},
        {"flip": 1.0, "shift": 0.15, "scale": 0.25, "rotation_degrees": 12.0},
        {"brightness": 0.12},
        {"contrast": 0.2},
    ],
)
def test_changed_flow_is_that_of_the_changed_frames(amounts: dict[str, Any]) -> None:
    frames, height = _moving(), SIZE_HW[0]
    field = flow_field(*frames)
    # Two pixels down are 2 / (72 / 8) of full scale, so an error of 3 is a fifth of a pixel.
    assert float(np.median(field[..., 1])) == pytest.approx(STILL + STILL * 8 * 2 / height, abs=3)
    for seed in range(8):
        change = _change(replace(NOTHING, **amounts), seed)
        expected = flow_field(*change.images(frames)).astype(int)
        differences = np.abs(change.fields(field[None])[0] - expected)
        assert float(np.median(differences)) <= 3
        # At the edges, where what moves comes into view, flow is a guess.
        assert float((differences <= 8).mean()) >= 0.65


def test_beyond_an_edge_motion_is_mirrored() -> None:
    """There, a changed frame shows the original in a mirror."""
    fields = np.full((1, *SIZE_HW, 2), (STILL + 40, STILL + 30), np.uint8)
    change = replace(_change(NOTHING), matrix=np.array([[1.0, 0.0, 20.0], [0.0, 1.0, -10.0]]))
    changed = change.fields(fields)[0]
    assert (changed[:-10, 20:] == (STILL + 40, STILL + 30)).all()
    assert (changed[:-10, :20] == (STILL - 40, STILL + 30)).all()
    assert (changed[-10:, 20:] == (STILL + 40, STILL - 30)).all()


def test_a_dropped_frame_is_one_of_the_order() -> None:
    orders = {
        tuple(_change(replace(NOTHING, dropped_frame=1.0), seed, num_frames=4).order.tolist())
        for seed in range(40)
    }
    assert orders == {(0, 0, 2, 3), (0, 1, 1, 3), (0, 1, 2, 2)}
