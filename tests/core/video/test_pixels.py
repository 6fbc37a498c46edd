from __future__ import annotations

import numpy as np
import pytest

from rtaction.choices import Resize
from rtaction.video.pixels import prepare_image


def _red_left_blue_right(height: int, width: int) -> np.ndarray:
    image = np.zeros((height, width, 3), np.uint8)
    image[:, : width // 2, 0] = 255
    image[:, width // 2 :, 2] = 255
    return image


def test_a_picture_of_the_right_size_stays_as_it_is() -> None:
    image = np.random.default_rng(0).integers(0, 256, (8, 9, 3), dtype=np.uint8)
    assert np.array_equal(prepare_image(image, (8, 9)), image)


def test_gray_is_the_luma_of_rgb() -> None:
    image = np.zeros((4, 4, 3), np.uint8)
    image[:] = (255, 0, 0)
    gray = prepare_image(image, (4, 4), base="gray")
    assert gray.shape == (4, 4, 1)
    assert set(gray.ravel().tolist()) == {76}  # 0.299 x 255


def test_squash_keeps_both_edges() -> None:
    image = prepare_image(_red_left_blue_right(10, 40), (10, 10), resize="squash")
    assert image[5, 0].tolist() == [255, 0, 0]
    assert image[5, 9].tolist() == [0, 0, 255]


def test_crop_keeps_the_middle() -> None:
    wide = np.zeros((10, 40, 3), np.uint8)
    wide[:, 15:25] = 200
    assert (prepare_image(wide, (10, 10), resize="crop") == 200).all()
    assert (prepare_image(wide.transpose(1, 0, 2), (10, 10), resize="crop") == 200).all()


def test_letterbox_adds_black_bars() -> None:
    image = prepare_image(np.full((10, 40, 3), 200, np.uint8), (20, 20), resize="letterbox")
    assert (image[:7] == 0).all()
    assert (image[8:12] == 200).all()
    assert (image[13:] == 0).all()


@pytest.mark.parametrize("resize", ["squash", "crop", "letterbox"])
@pytest.mark.parametrize("size_hw", [(1, 1), (3, 1000), (1000, 3), (64, 64)])
def test_any_picture_fits(resize: Resize, size_hw: tuple[int, int]) -> None:
    image = np.full((*size_hw, 3), 90, np.uint8)
    assert prepare_image(image, (32, 48), base="gray", resize=resize).shape == (32, 48, 1)
