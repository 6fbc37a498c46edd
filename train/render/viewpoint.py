"""The position of the camera: in front of one person, or high up and far away.

This module knows nothing about labels, rooms or what a camera does to light.
"""

from __future__ import annotations

import numpy as np

from rtaction.arrays import Float64Array
from rtaction.train.render.body import smooth_noise
from rtaction.train.render.drawing import Viewpoint


def sample_camera(
    rng: np.random.Generator,
    size_hw: tuple[int, int],
    stature_metres: float,
    times: Float64Array,
) -> tuple[Viewpoint, Float64Array]:
    """Draw a camera in front of one person.

    Args:
        rng: decides everything.
        size_hw: height and width of the canvas, in pixels.
        stature_metres: of the person.
        times: float64, shape (num_times,), seconds.

    Returns:
        The camera, and its shake: float64, shape (num_times, 2), in pixels.
    """
    height, width = size_hw
    framing = rng.choice(["close", "half", "full"], p=[0.3, 0.45, 0.25])
    bottom = {"close": (0.44, 0.58), "half": (0.26, 0.5), "full": (-0.20, 0.15)}[framing]
    low = stature_metres * rng.uniform(*bottom)
    top = stature_metres * (1 + rng.uniform(0.10, 0.40))
    seen_metres = top - low
    # From nearer than this, hands held out would fill the frame.
    distance = max(seen_metres / 2 / np.tan(np.radians(rng.uniform(16, 30))), 1.35)
    focal = height * distance / seen_metres
    room_aside = max(0.0, width / 2 - 0.2 * stature_metres * focal / distance)
    aside = rng.uniform(-0.55, 0.55) * room_aside
    shake = _shake(rng, width, times)
    camera = Viewpoint(
        size_hw=size_hw,
        focal_pixels=float(focal),
        distance_metres=float(distance),
        height_metres=float((top + low) / 2),
        pitch_radians=float(np.radians(rng.uniform(-9, 12))),
        yaw_radians=float(np.radians(rng.uniform(-25, 25))),
        offset_pixels=shake + np.array([aside, 0.0]),
    )
    return camera, shake


def sample_far_camera(
    rng: np.random.Generator,
    size_hw: tuple[int, int],
    times: Float64Array,
) -> tuple[Viewpoint, Float64Array]:
    """Draw a camera that watches a place; people are a twelfth to two thirds of the frame.


    Args, Returns:
        As `sample_camera`.
    """
    height, width = size_hw
    distance = rng.uniform(4.0, 12.0)
    share = np.exp(rng.uniform(np.log(0.08), np.log(0.65)))
    shake = _shake(rng, width, times)
    camera = Viewpoint(
        size_hw=size_hw,
        focal_pixels=float(share * height * distance / 1.7),
        distance_metres=float(distance),
        height_metres=float(rng.uniform(0.6, 1.2)),
        pitch_radians=float(np.radians(rng.choice([rng.uniform(0, 15), rng.uniform(15, 55)]))),
        yaw_radians=float(np.radians(rng.uniform(-25, 25))),
        offset_pixels=shake + rng.uniform(-0.15, 0.15, 2) * np.array([width, height]),
    )
    return camera, shake


def _shake(rng: np.random.Generator, width: int, times: Float64Array) -> Float64Array:
    shake = np.zeros((len(times), 2))
    strength = rng.choice([0.0, 0.002, 0.006, 0.02], p=[0.4, 0.25, 0.2, 0.15]) * width
    hertz = rng.uniform(0.4, 1.0) if strength > 0.01 * width else rng.uniform(0.5, 2.0)
    for axis in range(2):
        shake[:, axis] = smooth_noise(rng, times, strength, hertz)
    return shake
