"""Every source has its tile, whole and in its own shape, and touches no other."""

from __future__ import annotations

import numpy as np
import pytest

from rtaction.arrays import UInt8Array
from rtaction.realtime.outputs.drawn.mosaic import Mosaic

GAP = 24


def flat(value: int, size_hw: tuple[int, int] = (48, 64)) -> UInt8Array:
    return np.full((*size_hw, 3), value, np.uint8)


def names(count: int) -> list[str]:
    return [f"camera {number}" for number in range(count)]


def extent(image: UInt8Array, value: int) -> tuple[int, int, int, int]:
    """Top, left, bottom and right of the pixels of one gray value; they fill what is between."""
    rows, columns = np.nonzero((image == value).all(axis=-1))
    top, left, bottom, right = rows.min(), columns.min(), rows.max() + 1, columns.max() + 1
    assert len(rows) == (bottom - top) * (right - left)
    return int(top), int(left), int(bottom), int(right)


@pytest.mark.parametrize(
    ("count", "expected_columns", "expected_rows"),
    [(1, 1, 1), (2, 2, 1), (3, 2, 2), (4, 2, 2), (5, 3, 2), (9, 3, 3), (10, 4, 3), (32, 6, 6)],
)
def test_tiles_stand_row_by_row(count: int, expected_columns: int, expected_rows: int) -> None:
    mosaic = Mosaic(names(count), (1200, 600))
    width, height = 1200 // expected_columns, 600 // expected_rows
    for number, name in enumerate(names(count)):
        mosaic.put(name, flat(100 + number, (height, width)))

    assert mosaic.image.shape == (600, 1200, 3)
    for number in range(count):
        row, column = divmod(number, expected_columns)
        assert extent(mosaic.image, 100 + number) == (
            *(row * height, column * width),
            *((row + 1) * height, (column + 1) * width),
        )


@pytest.mark.parametrize(
    ("size_hw", "expected"),
    [
        pytest.param((48, 64), (0, 100, 300, 500), id="as high as the tile"),
        pytest.param((300, 600), (0, 0, 300, 600), id="the tile's own shape"),
        pytest.param((100, 400), (75, 0, 225, 600), id="wide"),
        pytest.param((2000, 1000), (0, 225, 300, 375), id="high and large"),
    ],
)
def test_a_picture_keeps_its_shape(
    size_hw: tuple[int, int], expected: tuple[int, int, int, int]
) -> None:
    mosaic = Mosaic(names(2), (1200, 300))

    mosaic.put("camera 0", flat(200, size_hw))

    assert extent(mosaic.image, 200) == expected


@pytest.mark.parametrize("size_hw", [(1, 1), (1, 10_000), (10_000, 1), (3, 2)])
def test_a_picture_of_any_size_fits(size_hw: tuple[int, int]) -> None:
    mosaic = Mosaic(names(4), (200, 100))

    mosaic.put("camera 3", flat(200, size_hw))

    assert (mosaic.image[50:, 100:] == 200).any()
    assert (mosaic.image[:50] == GAP).all()
    assert (mosaic.image[:, :100] == GAP).all()


def test_a_new_picture_replaces_the_one_before() -> None:
    mosaic = Mosaic(names(2), (1200, 300))
    mosaic.put("camera 1", flat(50, (300, 600)))
    mosaic.put("camera 0", flat(99, (300, 600)))

    mosaic.put("camera 1", flat(200, (100, 400)))

    assert not (mosaic.image == 50).any()
    assert extent(mosaic.image, 200) == (75, 600, 225, 1200)
    assert extent(mosaic.image, 99) == (0, 0, 300, 600)


def test_nothing_put_is_gray() -> None:
    mosaic = Mosaic(names(3))

    assert mosaic.image.shape == (720, 1280, 3)
    assert mosaic.image.dtype == np.uint8
    assert (mosaic.image == GAP).all()


def test_colours_and_sides_stay() -> None:
    image = flat(10, (300, 600))
    image[:150, :300] = (250, 0, 0)
    mosaic = Mosaic(names(2), (1200, 300))

    mosaic.put("camera 1", image)

    assert np.array_equal(mosaic.image[:, 600:], image)


def test_a_picture_given_is_left_as_it_is() -> None:
    image = flat(77)
    image.flags.writeable = False

    Mosaic(names(2)).put("camera 0", image)

    assert (image == 77).all()


def test_an_unknown_source_is_an_error() -> None:
    with pytest.raises(KeyError):
        Mosaic(names(2)).put("camera 2", flat(1))
