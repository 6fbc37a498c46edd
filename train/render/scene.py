"""The surroundings of the person and the effects of a webcam: rooms, light, blur and noise.

This module knows nothing about people, labels or actions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rtaction.arrays import Float64Array
from rtaction.opencv import cv2
from rtaction.train.render.body import smooth_noise
from rtaction.train.render.looks import sample_colour

UInt8Array = npt.NDArray[Any]

# A room is painted this much larger than the visible part, as reserve for camera shake.
OVERSCAN = 1.25
NOISE_PICTURES = 6
# Limits of a camera's automatic exposure, as gains.
GAINS = (0.5, 2.5)


@dataclass(frozen=True, eq=False, slots=True)
class Scene:
    """A room over time.

    Args:
        room: uint8 RGB, the canvas times `OVERSCAN`.
        offset_pixels: float64, shape (num_times, 2): offset of the visible part, x and y, from the
            room's centre.
        movers: float64, shape (num_movers, num_times, 4): middle x, y and half axes, in canvas
            pixels, of shapes that move behind the person.
        mover_colours: RGB of each mover.
    """

    room: UInt8Array
    offset_pixels: Float64Array
    movers: Float64Array
    mover_colours: tuple[tuple[int, int, int], ...]

    def background(self, moment: int, size_hw: tuple[int, int]) -> UInt8Array:
        """The background, uint8 RGB, shape (*size_hw, 3); the caller may paint on it."""
        height, width = self.room.shape[:2]
        x, y = self.offset_pixels[moment]
        centre = (width / 2 - 0.5 + float(x), height / 2 - 0.5 + float(y))
        seen = cv2.getRectSubPix(self.room, (size_hw[1], size_hw[0]), centre)
        for mover, colour in zip(self.movers[:, moment], self.mover_colours, strict=True):
            cx, cy, rx, ry = (int(value) for value in mover)
            cv2.ellipse(seen, (cx, cy), (rx, ry), 0, 0, 360, colour, -1, cv2.LINE_AA)
        return np.asarray(seen)


@dataclass(frozen=True, slots=True)
class Sensor:
    """How a camera degrades an image.

    Args:
        exposure: target mean level of the automatic exposure, of 255, limited by `GAINS`.
        tint: gains of red, green and blue, about 1.
        contrast: 1 for unchanged, less is flatter.
        falloff: brightness change from one edge to the other, x and y, and to the corners.
        flicker: relative variation of the light.
        blur_pixels: sigma of the blur, in pixels of the final image; below 0.3 is none.
        noise_levels: standard deviation of noise, of 255.
    """

    exposure: float
    tint: tuple[float, float, float]
    contrast: float
    falloff: tuple[float, float, float]
    flicker: float
    blur_pixels: float
    noise_levels: float


def sample_sensor(rng: np.random.Generator) -> Sensor:
    """Draw one camera and one light."""
    exposure, warmth = rng.uniform(70, 150), rng.uniform(-0.12, 0.12)
    return Sensor(
        exposure=float(exposure),
        tint=(1 + warmth, 1.0, 1 - warmth),
        contrast=float(rng.uniform(0.7, 1.12)),
        falloff=(
            float(rng.uniform(-0.3, 0.3)),
            float(rng.uniform(-0.2, 0.2)),
            float(rng.uniform(0.0, 0.3)),
        ),
        flicker=float(rng.uniform(0.0, 0.025)),
        blur_pixels=float(rng.uniform(0.0, 0.7) if rng.random() < 0.8 else rng.uniform(0.7, 1.5)),
        noise_levels=float(rng.uniform(0.0, 5.0) if rng.random() < 0.8 else rng.uniform(5, 12)),
    )


def sample_scene(
    rng: np.random.Generator,
    size_hw: tuple[int, int],
    times_seconds: Float64Array,
    shake_pixels: Float64Array,
) -> Scene:
    """Draw one room.

    Args:
        rng: decides everything.
        size_hw: height and width of the canvas, in pixels.
        times_seconds: float64, shape (num_times,).
        shake_pixels: float64, shape (num_times, 2): how far the camera shake moves the image.
    """
    height, width = size_hw
    room_hw = (round(height * OVERSCAN), round(width * OVERSCAN))
    kind = rng.choice(["plain", "room", "blurred", "noise"], p=[0.25, 0.43, 0.22, 0.1])
    room = _gradient(rng, room_hw)
    if kind in ("room", "blurred"):
        _furnish(rng, room)
    if kind == "noise" or rng.random() < 0.3:
        room = _mottle(rng, room, rng.uniform(10, 90) if kind == "noise" else rng.uniform(4, 18))
    if kind == "blurred":
        room = cv2.GaussianBlur(room, (0, 0), float(rng.uniform(0.015, 0.06)) * width)
    reserve = np.array([width, height]) * (OVERSCAN - 1) / 2
    drift = np.zeros_like(shake_pixels)
    if rng.random() < 0.15:
        speed = rng.uniform(-0.03, 0.03, 2) * width
        drift = (times_seconds - times_seconds.mean())[:, np.newaxis] * speed
    movers, colours = _sample_movers(rng, size_hw, times_seconds)
    return Scene(room, (drift - shake_pixels).clip(-reserve, reserve), movers, colours)


def _sample_movers(
    rng: np.random.Generator, size_hw: tuple[int, int], times: Float64Array
) -> tuple[Float64Array, tuple[tuple[int, int, int], ...]]:
    height, width = size_hw
    num_movers = int(rng.choice([0, 0, 0, 0, 1, 2]))
    movers = np.zeros((num_movers, len(times), 4))
    for mover in movers:
        pace = rng.uniform(-0.25, 0.25) * width * times
        mover[:, 0] = rng.uniform(0, width) + pace + smooth_noise(rng, times, 0.04 * width, 0.8)
        mover[:, 1] = rng.uniform(0.1, 0.9) * height + smooth_noise(rng, times, 0.03 * height, 0.8)
        mover[:, 2:] = rng.uniform(0.02, 0.13, 2) * width
    return movers, tuple(sample_colour(rng) for _ in range(num_movers))


def _gradient(rng: np.random.Generator, size_hw: tuple[int, int]) -> UInt8Array:
    wall = np.array(sample_colour(rng, (60, 250), pale_share=0.7), np.float32)
    corners = wall * rng.uniform(0.65, 1.15, (2, 2, 1)).astype(np.float32)
    return np.asarray(
        cv2.resize(corners, size_hw[::-1], interpolation=cv2.INTER_LINEAR).clip(0, 255)
    ).astype(np.uint8)


def _furnish(rng: np.random.Generator, room: UInt8Array) -> None:
    height, width = room.shape[:2]

    def spot(low: float = 0.0, high: float = 1.0) -> tuple[int, int]:
        return int(rng.uniform(low, high) * width), int(rng.uniform(low, high) * height)

    if rng.random() < 0.6:
        floor = int(rng.uniform(0.55, 0.95) * height)
        cv2.rectangle(room, (0, floor), (width, height), sample_colour(rng), -1)
    for _ in range(int(rng.integers(3, 14))):
        colour, (x, y) = sample_colour(rng), spot()
        w, h = (int(rng.uniform(0.04, 0.4) * extent) for extent in (width, height))
        shape = rng.choice(["box", "box", "frame", "ellipse", "shelf", "line"])
        if shape == "box":
            cv2.rectangle(room, (x, y), (x + w, y + h), colour, -1)
        elif shape == "frame":
            cv2.rectangle(room, (x, y), (x + w, y + h), colour, -1)
            cv2.rectangle(room, (x, y), (x + w, y + h), sample_colour(rng), max(2, width // 60))
        elif shape == "ellipse":
            angle = float(rng.uniform(0, 180))
            cv2.ellipse(room, (x, y), (w // 2, h // 2), angle, 0, 360, colour, -1, cv2.LINE_AA)
        elif shape == "line":
            cv2.line(room, (x, y), spot(-0.3, 1.3), colour, int(rng.integers(1, 9)), cv2.LINE_AA)
        else:
            step = max(3, width // 40)
            for left in range(x, x + w, step):
                top = y + int(rng.uniform(0, 0.3) * h)
                cv2.rectangle(room, (left, top), (left + step - 2, y + h), sample_colour(rng), -1)


def _mottle(rng: np.random.Generator, room: UInt8Array, strength: float) -> UInt8Array:
    cells = rng.integers(3, 24, 2)
    # Mostly light and dark: walls and curtains are not rainbows.
    coarse = rng.normal(0, strength, (*cells, 1)) + rng.normal(0, 0.35 * strength, (*cells, 3))
    coarse = coarse.astype(np.float32)
    pattern = cv2.resize(coarse, room.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    return np.asarray(cv2.add(room, pattern, dtype=cv2.CV_8U))


def expose(
    pictures: UInt8Array, sensor: Sensor, times_seconds: Float64Array, rng: np.random.Generator
) -> UInt8Array:
    """Apply a camera to images.

    Args:
        pictures: uint8 RGB, shape (num_times, height, width, 3).
        sensor: the camera.
        times_seconds: float64, shape (num_times,).
        rng: decides noise and flicker.

    Returns:
        uint8, the same shape.
    """
    _, height, width, _ = pictures.shape
    x = np.linspace(-0.5, 0.5, width)
    y = np.linspace(-0.5, 0.5, height)[:, np.newaxis]
    across, down, corners = sensor.falloff
    light = 1 + across * x + down * y - corners * 2 * (x * x + y * y)
    exposing = np.clip(sensor.exposure / max(1.0, float(pictures[0].mean())), *GAINS)
    tint = np.array(sensor.tint) * sensor.contrast * exposing
    gain = (light[..., np.newaxis] * tint).astype(np.float32)
    lift = np.float32(sensor.exposure * (1 - sensor.contrast) + 0.5)
    flicker = 1 + smooth_noise(rng, times_seconds, sensor.flicker, 1.5)
    # Full-size noise costs more than the person; turned and shifted, a few look like many.
    shape = (NOISE_PICTURES, height, width, 3)
    noise = rng.standard_normal(shape, np.float32) * np.float32(sensor.noise_levels) + lift
    exposed = np.empty_like(pictures)
    for moment, picture in enumerate(pictures):
        if sensor.blur_pixels >= 0.3:
            picture = cv2.GaussianBlur(picture, (0, 0), sensor.blur_pixels)
        seen = picture * (gain * np.float32(flicker[moment]))
        grain = noise[rng.integers(NOISE_PICTURES)]
        seen += grain[:: rng.choice((-1, 1)), :: rng.choice((-1, 1))]
        exposed[moment] = seen.clip(0, 255)
    return exposed
