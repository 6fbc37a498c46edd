"""Where a close-up looks, and what it sees there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rtaction.arrays import UInt8Array
from rtaction.model_spec import ModelSpec
from rtaction.video.clips import read_clips
from rtaction.video.closeup import CLOSEUP_SIZE, detail_of, moving_square
from rtaction.video.file import read_video
from rtaction.video.motion import STILL, closeup_field, network_picture
from rtaction.video.pixels import prepare_image
from rtaction.video.prepared import prepare_frame, prepared_pictures
from tests.moving_scene import STEP_XY, moving_scene, write_moving_scene


def _still(height: int = 100, width: int = 200) -> UInt8Array:
    return np.full((height, width, 1), 100, np.uint8)


def _changed(*patches: tuple[int, int, int, int]) -> UInt8Array:
    """A frame in which squares (top, left, side, change) are brighter than in `_still`."""
    after = _still()
    for top, left, side, change in patches:
        after[top : top + side, left : left + side] += np.uint8(change)
    return after


@pytest.mark.parametrize(
    ("size_hw", "expected"),
    [
        ((120, 160), (120, 160)),
        ((240, 426), (240, 426)),
        ((480, 640), (240, 320)),
        ((1080, 1920), (240, 427)),
        ((1920, 1080), (240, 135)),
        ((2000, 2), (240, 1)),
    ],
)
def test_a_detail_is_of_the_frame_s_own_size_up_to_240_rows(
    size_hw: tuple[int, int], expected: tuple[int, int]
) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*size_hw, 3), np.uint8)
    detail = detail_of(image)
    assert detail.shape == (*expected, 1)
    resized = prepare_image(image, expected, base="gray")
    assert np.abs(detail.astype(int) - resized).max() <= (1 if expected[0] < size_hw[0] else 0)


@pytest.mark.parametrize(
    ("patches", "expected"),
    [
        ([(50, 120, 30, 60)], (50, 120)),
        ([(0, 0, 30, 60)], (0, 0)),
        ([(70, 170, 30, 60)], (70, 170)),
        ([(10, 20, 30, 30), (60, 150, 30, 20)], (10, 20)),  # the larger change
        ([(10, 20, 30, 20), (60, 150, 30, 30)], (60, 150)),
        ([(10, 20, 10, 120), (60, 150, 30, 60)], (60, 150)),  # beyond 60 is as 60
        ([(10, 20, 30, 8), (60, 150, 8, 8)], (10, 20)),
    ],
)
def test_the_square_is_where_gray_values_change_most(
    patches: list[tuple[int, int, int, int]], expected: tuple[int, int]
) -> None:
    assert moving_square(_still(), _changed(*patches)) == (*expected, 30)
    assert moving_square(_changed(*patches), _still()) == (*expected, 30)


@pytest.mark.parametrize("patches", [[], [(10, 20, 30, 7)]])
def test_it_is_in_the_middle_where_no_more_than_noise_changes(
    patches: list[tuple[int, int, int, int]],
) -> None:
    assert moving_square(_still(), _changed(*patches)) == (35, 85, 30)
    assert (closeup_field(_still(), _still()) == STILL).all()


@pytest.mark.parametrize(("size_hw", "side"), [((240, 426), 72), ((240, 20), 20), ((1, 1), 1)])
def test_it_is_a_share_of_the_height_and_no_wider_than_the_frame(
    size_hw: tuple[int, int], side: int
) -> None:
    assert moving_square(_still(*size_hw), _still(*size_hw))[2] == side


def test_a_close_up_holds_the_motion_of_what_moves() -> None:
    details = [detail_of(image) for image in moving_scene(2)]
    field = closeup_field(*details)
    assert field.shape == (CLOSEUP_SIZE, CLOSEUP_SIZE, 2)
    top, left, side = moving_square(*details)
    assert side == 36
    # The patch, 24 pixels of 36, is at (20, 30) and then at (22, 31).
    assert 30 + 24 + 1 - side <= top <= 31
    assert 20 + 24 + 2 - side <= left <= 22
    shares = [(31 + 6 - top) / side, (31 + 18 - top) / side]
    rows = slice(*(round(share * CLOSEUP_SIZE) for share in shares))
    shares = [(22 + 6 - left) / side, (22 + 18 - left) / side]
    columns = slice(*(round(share * CLOSEUP_SIZE) for share in shares))
    expected = STILL + STILL * np.array(STEP_XY) / (side / 8)
    assert np.median(field[rows, columns], axis=(0, 1)) == pytest.approx(expected, abs=8)


def test_it_is_the_same_at_another_size_of_the_network() -> None:
    frames = moving_scene(2)
    details = [detail_of(image) for image in frames]
    closeup = closeup_field(*details)
    for size in (CLOSEUP_SIZE, 2 * CLOSEUP_SIZE):
        images = [prepare_image(image, (size, size), base="gray") for image in frames]
        picture = network_picture(images[0], images[1], "gray+flow_closeup", closeup)
        assert picture.shape == (size, size, 3)
        step = size // CLOSEUP_SIZE
        sampled = picture[step // 2 :: step, step // 2 :: step, 1:].astype(int)
        assert np.abs(sampled - closeup).max() <= 127 / 4


def test_frames_that_change_their_size_show_no_motion() -> None:
    assert (closeup_field(_still(), _still(50, 100)) == STILL).all()


def test_without_details_there_is_no_close_up() -> None:
    with pytest.raises(ValueError, match="needs the detail of both frames"):
        closeup_field(None, _still())
    with pytest.raises(ValueError, match="flow_closeup needs a close-up"):
        network_picture(_still(), _still(), "flow_closeup")


@pytest.mark.parametrize("modality", ["flow_closeup", "rgb+flow+flow_closeup"])
def test_clips_of_a_file_show_what_the_frames_do(tmp_path: Path, modality: str) -> None:
    spec = ModelSpec(("a", "b"), 3, 0.2, 24, 32, modality=modality)
    path = write_moving_scene(tmp_path / "a.mkv", 10)
    (clip,) = read_clips(path, spec, max_clips=1)
    frames = [prepare_frame(frame.image, spec) for frame in read_video(path)]
    expected = prepared_pictures(frames[0:8:2], spec)
    assert np.array_equal(clip.pictures, expected)
    last = np.asarray(closeup_field(frames[4].detail, frames[6].detail))
    picture = network_picture(frames[4].image, frames[6].image, modality, last)
    assert np.array_equal(expected[-1], picture)
    assert np.abs(picture[..., -2:].astype(int) - STILL).max() > 60
