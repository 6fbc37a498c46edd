"""A person as polygons: the camera, the person's looks, and painting in the right order.

Every shape is the outline of round blobs in space, so perspective enlarges what is near. Shapes
that move together form a layer, and layers are painted from the farthest to the nearest.

This module knows nothing about labels, backgrounds or what a camera does to light.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from rtaction.arrays import Float64Array
from rtaction.opencv import cv2
from rtaction.train.render.body import rotations

Colour = tuple[int, int, int]
"""Red, green and blue, 0 to 255."""

Polygons = Sequence[npt.NDArray[np.int32]]
"""One polygon per moment: int32, shape (num_points, 1, 2) or (num_points, 2), x and y in
1/16 pixel."""

FRACTION_BITS = 4
ARC_POINTS = 7
SHADE = 0.70
SHADE_STARTS_ALONG = 0.2
# The lit surface of a limb: its shift towards the light and its loss of thickness, as fractions of
# the limb's radius.
LIT_SHIFT, LIT_SHRINK = 0.22, 0.25
# Coordinates beyond this many pixels are never visible, and their squares would overflow.
FAR_PIXELS = 4000.0


@dataclass(frozen=True, eq=False, slots=True)
class Viewpoint:
    """A pinhole camera in front of the person.

    Args:
        size_hw: height and width of the canvas, in pixels.
        focal_pixels: focal length.
        distance_metres: from the camera to the person.
        height_metres: height above the floor of the point that the camera looks at.
        pitch_radians: how far the camera looks down on that point.
        yaw_radians: how far the person is turned to the viewer's right.
        offset_pixels: float64, shape (num_times, 2): position of that point, x and y, relative to
            the centre of the canvas. It moves when the camera shakes.
    """

    size_hw: tuple[int, int]
    focal_pixels: float
    distance_metres: float
    height_metres: float
    pitch_radians: float
    yaw_radians: float
    offset_pixels: Float64Array

    def project(self, points_metres: Float64Array) -> tuple[Float64Array, Float64Array]:
        """Project points.

        Args:
            points_metres: float64, shape (..., num_times, 3).

        Returns:
            Pixels, float64, shape (..., num_times, 2), and depths in metres, (..., num_times).
        """
        turned = rotations(np.array([[0.0, self.yaw_radians, 0.0]]))[0]
        pitched = rotations(np.array([[self.pitch_radians, 0.0, 0.0]]))[0]
        seen = (points_metres @ turned.T - np.array([0.0, self.height_metres, 0.0])) @ pitched.T
        # A fingertip may be behind the lens.
        depth = (self.distance_metres - seen[..., 2]).clip(0.15)
        height, width = self.size_hw
        middle = np.array([width / 2, height / 2]) + self.offset_pixels
        scale = (self.focal_pixels / depth)[..., np.newaxis]
        return middle + seen[..., :2] * np.array([1.0, -1.0]) * scale, depth


@dataclass(eq=False, slots=True)
class Layer:
    """Shapes that are painted together, and their depth at each moment."""

    order: Float64Array
    paint: list[tuple[Polygons, Colour]] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class _Capsule:
    layer: Layer
    slot: int
    ends: tuple[Float64Array, Float64Array]
    radii_metres: tuple[float, float]
    light: float


class Sketch:
    """Shapes over all moments, collected first and then painted moment by moment.

    Args:
        camera: the camera.
        light_xy: float64, shape (2,), unit vector in the image towards the light.
    """

    def __init__(self, camera: Viewpoint, light_xy: Float64Array) -> None:
        self._camera = camera
        self._light_xy = light_xy
        self._layers: list[Layer] = []
        self._capsules: list[_Capsule] = []

    def layer(self, place_metres: Float64Array, nearer_metres: float = 0.0) -> Layer:
        """Start a layer at the depth of a place, shape (num_times, 3); its shapes may overlap."""
        _, depth = self._camera.project(place_metres)
        self._layers.append(Layer(depth - nearer_metres))
        return self._layers[-1]

    def capsule(
        self,
        layer: Layer,
        ends: tuple[Float64Array, Float64Array],
        radii_metres: tuple[float, float],
        colour: Colour,
        *,
        flat: bool = False,
    ) -> None:
        """Add a limb between two places, each of shape (num_times, 3), lit unless `flat`."""
        # A limb's shade starts a little along it, otherwise every joint would have a dark ring.
        start = ends[0] + SHADE_STARTS_ALONG * (ends[1] - ends[0])
        if not flat:
            self._add(layer, (start, ends[1]), radii_metres, shaded(colour), 0.0)
        self._add(layer, ends, radii_metres, colour, 0.0 if flat else 1.0)

    def _add(
        self,
        layer: Layer,
        ends: tuple[Float64Array, Float64Array],
        radii_metres: tuple[float, float],
        colour: Colour,
        light: float,
    ) -> None:
        slot = len(layer.paint)
        self._capsules.append(_Capsule(layer, slot, ends, radii_metres, light))
        layer.paint.append(((), colour))

    def hulls(
        self,
        layer: Layer,
        shapes: Sequence[Sequence[tuple[Float64Array, float]]],
        colour: Colour,
        *,
        flat: bool = False,
    ) -> None:
        """Add outlines around blobs: places, shape (num_times, 3), and radii in metres.

        All shapes of one call form one surface: no shade falls where they overlap.
        """
        tones = ((colour, 0.0),) if flat else ((shaded(colour), 0.0), (colour, 1.0))
        for tone, light in tones:
            for blobs in shapes:
                layer.paint.append((self._hull(blobs, light), tone))

    def _hull(self, blobs: Sequence[tuple[Float64Array, float]], light: float) -> Polygons:
        centres, depths = self._camera.project(np.stack([place for place, _ in blobs]))
        radii = np.array([[r] for _, r in blobs]) * self._camera.focal_pixels / depths
        centres = centres + LIT_SHIFT * light * radii[..., np.newaxis] * self._light_xy
        angles = np.linspace(0, 2 * np.pi, 12, endpoint=False)
        rim = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
        radii = (1 - LIT_SHRINK * light) * radii
        points = centres[..., np.newaxis, :] + radii[..., np.newaxis, np.newaxis] * rim
        merged = _fixed_point(np.moveaxis(points, 1, 0).reshape(centres.shape[1], -1, 2))
        return [np.asarray(cv2.convexHull(cloud), np.int32) for cloud in merged]

    def finish(self) -> None:
        """Turn the collected capsules into polygons, all at once."""
        if not self._capsules:
            return
        ends = np.stack([np.stack(c.ends) for c in self._capsules])
        centres, depths = self._camera.project(ends)
        radii = np.array([c.radii_metres for c in self._capsules])[..., np.newaxis]
        radii = radii * self._camera.focal_pixels / depths
        light = np.array([c.light for c in self._capsules])[:, np.newaxis, np.newaxis]
        centres = centres + LIT_SHIFT * (light * radii)[..., np.newaxis] * self._light_xy
        outlines = _capsule_outlines(centres, radii * (1 - LIT_SHRINK * light))
        for capsule, outline in zip(self._capsules, outlines, strict=True):
            capsule.layer.paint[capsule.slot] = (outline, capsule.layer.paint[capsule.slot][1])
        self._capsules.clear()

    def paint(self, canvas_rgb: npt.NDArray[Any], moment: int) -> None:
        """Paint one moment onto a uint8 RGB canvas of the camera's size."""
        for layer in sorted(self._layers, key=lambda one: -one.order[moment]):
            for polygons, colour in layer.paint:
                cv2.fillConvexPoly(canvas_rgb, polygons[moment], colour, cv2.LINE_AA, FRACTION_BITS)


def _capsule_outlines(centres: Float64Array, radii: Float64Array) -> npt.NDArray[np.int32]:
    """Outlines around two circles each.

    Args:
        centres: float64, shape (num_capsules, 2, num_times, 2), pixels.
        radii: float64, shape (num_capsules, 2, num_times), pixels.

    Returns:
        int32, shape (num_capsules, num_times, 2 * ARC_POINTS, 2), in 1/16 pixel.
    """
    along = centres[:, 1] - centres[:, 0]
    distance = np.hypot(along[..., 0], along[..., 1]).clip(1e-6)
    angle = np.arctan2(along[..., 1], along[..., 0])
    # The points of the common tangent; a circle inside the other gets no part of the outline.
    touch = np.arccos(((radii[:, 0] - radii[:, 1]) / distance).clip(-1.0, 1.0))
    around = np.linspace(-1.0, 1.0, ARC_POINTS)
    far_arc = angle[..., np.newaxis] + touch[..., np.newaxis] * around
    near_arc = angle[..., np.newaxis] + np.pi + (np.pi - touch)[..., np.newaxis] * around
    arcs = np.stack([near_arc, far_arc], axis=1)
    rim = np.stack([np.cos(arcs), np.sin(arcs)], axis=-1)
    points = centres[..., np.newaxis, :] + radii[..., np.newaxis, np.newaxis] * rim
    return _fixed_point(np.concatenate([points[:, 0], points[:, 1]], axis=-2))


def _fixed_point(pixels: Float64Array) -> npt.NDArray[np.int32]:
    scaled = pixels.clip(-FAR_PIXELS, FAR_PIXELS) * 2**FRACTION_BITS
    return np.ascontiguousarray(np.rint(scaled), dtype=np.int32)


def shaded(colour: Colour, strength: float = SHADE) -> Colour:
    """The same colour in shade."""
    red, green, blue = (min(255, round(channel * strength)) for channel in colour)
    return red, green, blue
