"""Box, skeleton and number, where the person is."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from rtaction.pose.keypoints import JOINTS, Pose
from rtaction.pose.region import Region, Zone
from rtaction.pose.tracker import Person
from rtaction.realtime.outputs.drawn.skeleton import draw_people, draw_region, draw_zones

PLACES = {"left_shoulder": (200, 360), "right_shoulder": (200, 280), "left_elbow": (300, 400)}


def _person(number: int, **unseen: tuple[int, int]) -> Person:
    points = np.zeros((17, 3), np.float32)
    for score, places in ((0.9, PLACES), (0.1, unseen)):
        for name, (y, x) in places.items():
            points[JOINTS.index(name)] = (y, x, score)
    pose = Pose(points, 0.9)
    return Person(number, pose, pose, np.zeros(2), 0.0, 0.0)


def _drawn(person: Person, size_hw: tuple[int, int] = (480, 640), **options: Any) -> Any:
    image = np.zeros((*size_hw, 3), np.uint8)
    draw_people(image, [person], **options)
    return image


def _is_lit(image: npt.NDArray[Any], y: float, x: float) -> bool:
    return bool(image[round(y), round(x)].any())


@pytest.mark.parametrize(
    ("options", "size_hw"),
    [({}, (480, 640)), ({"scale": 2.0}, (960, 1280))],
    ids=["plain", "large"],
)
@pytest.mark.parametrize("mirror", [False, True])
def test_joints_bones_and_box_are_where_the_person_is(
    options: dict[str, float], size_hw: tuple[int, int], mirror: bool
) -> None:
    scale = options.get("scale", 1.0)
    image = _drawn(_person(1), size_hw, mirror=mirror, **options)

    def is_lit(y: float, x: float) -> bool:
        column = size_hw[1] - 1 - x * scale if mirror else x * scale
        return _is_lit(image, y * scale, column)

    assert all(is_lit(y, x) for y, x in PLACES.values())
    assert is_lit(200, 320), "the shoulders are connected"
    assert is_lit(250, 380), "shoulder and elbow are connected"
    assert not is_lit(250, 340), "right shoulder and left elbow are not"
    # The box is drawn with .08 of its longer side, 120, around the joints.
    assert is_lit(200 - 9.6, 320)
    assert is_lit(300 + 9.6, 320)
    assert is_lit(250, 280 - 9.6)
    assert is_lit(250, 400 + 9.6)
    assert not is_lit(250, 100)


def test_joints_that_are_not_seen_are_not_drawn() -> None:
    assert np.array_equal(_drawn(_person(1, left_wrist=(400, 100))), _drawn(_person(1)))


def test_numbers_and_colours_tell_people_apart() -> None:
    images = {number: _drawn(_person(number)) for number in (1, 2, 7)}
    colours = {number: tuple(image[200, 320]) for number, image in images.items()}
    assert colours[1] != colours[2]
    assert colours[1] == colours[7]
    # The same colour, and another number in the corner of the box.
    differs = np.argwhere((images[1] != images[7]).any(axis=-1))
    assert len(differs)
    assert differs.max(axis=0).tolist() < [215, 295]
    assert differs.min(axis=0).tolist() > [185, 265]


def test_people_at_the_edge_are_drawn_as_far_as_they_are_seen() -> None:
    image = _drawn(_person(1), (250, 330))
    assert _is_lit(image, 200, 300)
    assert _is_lit(image, 249, 300), "the lower edge of the box is the picture's"


def test_a_caption_stands_beside_the_id() -> None:
    image = np.zeros((480, 640, 3), np.uint8)
    draw_people(image, [_person(1)], captions={1: "wave  0.97", 2: "clap"})
    differs = (image != _drawn(_person(1))).any(axis=-1)
    rows, columns = np.nonzero(differs)
    # In the tab at the box's upper left corner, which is longer now.
    assert rows.max() < 215
    assert 270 < columns.min() < columns.max() < 420
    assert columns.max() > 340


@pytest.mark.parametrize("mirror", [False, True])
def test_a_region_is_outlined(mirror: bool) -> None:
    image = np.zeros((480, 640, 3), np.uint8)
    draw_region(image, Region.of([0.5, 0.25, 1, 0.75]), mirror=mirror)

    def is_lit(x: int, y: int) -> bool:
        return _is_lit(image, y, 639 - x if mirror else x)

    assert is_lit(320, 200)
    assert is_lit(500, 120)
    assert not is_lit(400, 200)
    assert not is_lit(100, 120)


@pytest.mark.parametrize("mirror", [False, True])
def test_zones_are_drawn_faintly(mirror: bool) -> None:
    image = np.full((480, 640, 3), 40, np.uint8)
    zones = [Zone("porch", Region.of([0.5, 0.25, 1, 0.75])), Zone("way", Region.of([0, 0.8, 1, 1]))]
    draw_zones(image, zones, mirror=mirror)

    def level(x: int, y: int) -> int:
        return int(image[y, 639 - x if mirror else x].max())

    assert level(500, 120) > 100, "its edge"
    assert 45 < level(480, 250) < 70, "its inside, through which the picture is seen"
    assert level(200, 250) == 40
    assert 45 < level(200, 440) < 70


def test_zones_have_their_names() -> None:
    images = []
    for name in ("porch", "garden"):
        image = np.zeros((480, 640, 3), np.uint8)
        draw_zones(image, [Zone(name, Region.of([0.5, 0.25, 1, 0.75]))])
        images.append(image)
    rows, columns = np.nonzero((images[0] != images[1]).any(axis=-1))
    assert rows.size
    # At the upper left corner.
    assert 120 <= rows.min() < rows.max() < 145
    assert 320 <= columns.min() < columns.max() < 420
