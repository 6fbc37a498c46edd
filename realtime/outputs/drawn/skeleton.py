"""Draw people onto a frame: box, skeleton and id; and where they count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from rtaction.opencv import cv2
from rtaction.pose.keypoints import BONES
from rtaction.pose.region import Region, Zone
from rtaction.pose.tracker import Person
from rtaction.realtime.outputs.drawn.overlay import MIN_HEIGHT, MUTED, PANEL, Colour, draw_tab

# Told apart on any background, also by those who cannot tell red from green.
_COLOURS: tuple[Colour, ...] = (
    (86, 180, 233),
    (230, 159, 0),
    (0, 158, 115),
    (240, 228, 66),
    (213, 94, 0),
    (204, 121, 167),
)
_ZONE_OPACITY = 0.15
_MARGIN_SHARE = 0.08  # of a box's longer side, around the joints


def draw_people(
    image_rgb: npt.NDArray[np.uint8],
    people: Sequence[Person],
    *,
    scale: float = 1.0,
    mirror: bool = False,
    captions: Mapping[int, str] | None = None,
) -> None:
    """Draw each person's box, skeleton and id, in a color of their own.

    Args:
        image_rgb: uint8 RGB, shape (height, width, 3), changed in place.
        people: with joints in pixels of the frame.
        scale: how many times larger the image is than the frame. Default 1.
        mirror: the image is already mirrored, the joints are not. Default False.
        captions: what stands beside the id, by id. Default none.
    """
    height, width = image_rgb.shape[:2]
    unit = height / MIN_HEIGHT
    thickness = max(round(2 * unit), 1)
    for person in people:
        colour = colour_of(person.number)
        points = person.pose.points[:, 1::-1] * scale  # x, y
        top, left, bottom, right = (edge * scale for edge in person.pose.box)
        if mirror:
            points = np.array([width - 1, 0]) - points * np.array([1, -1])
            left, right = width - 1 - right, width - 1 - left
        visible = person.pose.visible
        for start, end in BONES:
            if visible[start] and visible[end]:
                ends = [
                    tuple(np.rint(points[joint]).astype(int).tolist()) for joint in (start, end)
                ]
                cv2.line(image_rgb, ends[0], ends[1], colour, thickness, cv2.LINE_AA)
        for x, y in points[visible]:
            cv2.circle(image_rgb, (round(x), round(y)), thickness + 1, colour, cv2.FILLED)
        corner, opposite = box_with_margin((top, left, bottom, right), (height, width))
        cv2.rectangle(image_rgb, corner, opposite, colour, thickness)
        caption = (captions or {}).get(person.number, "")
        text = f"{person.number}  {caption}" if caption else str(person.number)
        draw_tab(image_rgb, text, corner, colour, PANEL, unit)


def box_with_margin(
    box: Sequence[float], size_hw: tuple[int, int]
) -> tuple[tuple[int, int], tuple[int, int]]:
    """The corners, x and y in pixels, of the box to draw around joints.

    Args:
        box: top, left, bottom and right of the joints, in pixels.
        size_hw: of the image, in which the corners lie.
    """
    top, left, bottom, right = box
    spare = _MARGIN_SHARE * max(bottom - top, right - left)
    corner = (max(round(left - spare), 0), max(round(top - spare), 0))
    last_x, last_y = size_hw[1] - 1, size_hw[0] - 1
    return corner, (min(round(right + spare), last_x), min(round(bottom + spare), last_y))


def draw_region(image_rgb: npt.NDArray[np.uint8], region: Region, *, mirror: bool = False) -> None:
    """Draw the outline of a region: uint8 RGB, shape (height, width, 3), in place.

    Args:
        image_rgb: the image.
        region: in shares of the picture.
        mirror: the image is already mirrored. Default False.
    """
    outline = _outline(image_rgb, region, mirror=mirror)
    thickness = max(round(image_rgb.shape[0] / MIN_HEIGHT), 1)
    cv2.polylines(image_rgb, [outline], True, MUTED, thickness, cv2.LINE_AA)


def draw_zones(
    image_rgb: npt.NDArray[np.uint8], zones: Sequence[Zone], *, mirror: bool = False
) -> None:
    """Draw zones faintly, with their names: uint8 RGB, shape (height, width, 3), in place.

    Args:
        image_rgb: the image.
        zones: in shares of the picture.
        mirror: the image is already mirrored. Default False.
    """
    unit = image_rgb.shape[0] / MIN_HEIGHT
    for zone in zones:
        outline = _outline(image_rgb, zone.region, mirror=mirror)
        left, top, width, height = cv2.boundingRect(outline)
        area = image_rgb[top : top + height, left : left + width]
        tinted = cv2.fillPoly(area.copy(), [outline - [left, top]], MUTED)
        cv2.addWeighted(tinted, _ZONE_OPACITY, area, 1 - _ZONE_OPACITY, 0.0, dst=area)
        cv2.polylines(image_rgb, [outline], True, MUTED, max(round(unit), 1), cv2.LINE_AA)
        x, y = outline[np.lexsort((outline[:, 0], outline[:, 1]))[0]]
        draw_tab(image_rgb, zone.name, (int(x), int(y)), PANEL, MUTED, unit)


def _outline(
    image_rgb: npt.NDArray[np.uint8], region: Region, *, mirror: bool
) -> npt.NDArray[np.int32]:
    """The corners of a region in pixels: x and y, shape (num_corners, 2)."""
    height, width = image_rgb.shape[:2]
    corners = [
        [round((1 - x if mirror else x) * (width - 1)), round(y * (height - 1))]
        for x, y in region.corners_xy
    ]
    return np.array(corners, np.int32)


def colour_of(number: int) -> Colour:
    """The color of the person with this id."""
    return _COLOURS[(number - 1) % len(_COLOURS)]
