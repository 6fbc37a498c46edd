"""Short videos of people acting, drawn rather than filmed: training data that needs no camera.

    clip = render_clip("wave", seed=7)

A seed stands for one person in one room before one camera; label and seed together for what they
do. So clips of different labels and one seed differ in the movement and in nothing else, and a
network cannot tell labels apart by their wallpaper.

This file knows nothing of networks, of training or of files.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from rtaction.clip import Clip
from rtaction.opencv import cv2
from rtaction.train.figure import (
    Body,
    FloatArray,
    Motion,
    joint_positions,
    sample_body,
    smooth_noise,
)
from rtaction.train.figure_actions import ACTIONS
from rtaction.train.figure_drawing import Camera, Sketch
from rtaction.train.figure_looks import dress, sample_looks
from rtaction.train.figure_motion import NOTHING, clip_motion, sequence_motion
from rtaction.train.render_scene import Scene, expose, sample_scene, sample_sensor

RENDERED_LABELS = tuple(sorted((*ACTIONS, NOTHING)))
"""Everything that can be rendered: arms_raise, arms_side, clap, nothing, wave."""

Interval = tuple[str, float, float]
"""A label and when it starts and ends, in seconds."""

# Small pictures are painted at twice their size: edges get softer, and faces keep their eyes.
SUPERSAMPLED_BELOW_ROWS = 200
# Motion blur is the mean of this many pictures, taken over this part of a frame's time.
EXPOSURES = 3
SHUTTER_OF_FRAME = 0.5


def render_clip(
    label: str,
    *,
    seed: int,
    seconds: float = 2.5,
    frames_per_second: float = 15.0,
    size_hw: tuple[int, int] = (96, 128),
    jitter_seconds: float = 0.0,
) -> Clip:
    """Render somebody doing one thing for most of a short clip.

    Args:
        label: one of `RENDERED_LABELS`.
        seed: 0 or more. The same label, seed and options give the same bytes.
        seconds: the last frame is at this time or up to one frame before it. Default 2.5.
        frames_per_second: default 15.
        size_hw: height and width in pixels. Default (96, 128).
        jitter_seconds: frames come up to this much early or late; they show, and their times
            tell, the moment at which they came. Default 0.

    Returns:
        uint8 RGB images and their times, from 0 on.

    Raises:
        ValueError: a value is out of its range.
    """
    _check_label(label)

    def act(body: Body, times: FloatArray, rng: np.random.Generator) -> Motion:
        return clip_motion(label, body, times, seconds, rng)

    stream = RENDERED_LABELS.index(label)
    times = _frame_times(seed, seconds, frames_per_second, jitter_seconds)
    return _render(act, stream, seed, times, 1 / frames_per_second, size_hw)


def render_sequence(
    labels_and_seconds: Sequence[tuple[str, float]],
    *,
    seed: int,
    frames_per_second: float = 15.0,
    size_hw: tuple[int, int] = (96, 128),
    jitter_seconds: float = 0.0,
) -> tuple[Clip, list[Interval]]:
    """Render one person doing several things, one after another without a cut.

    Args:
        labels_and_seconds: what to do and for how long, in order; each at least 0.5 s.
        seed, frames_per_second, size_hw, jitter_seconds: see `render_clip`.

    Returns:
        The clip, and (label, start_seconds, end_seconds) of each part. An action's part contains
        the way from the rest pose and back to it, about a third of a second each.

    Raises:
        ValueError: a value is out of its range, or there is nothing to render.
    """
    if not labels_and_seconds:
        raise ValueError("labels_and_seconds must name at least one label, got none")
    intervals: list[Interval] = []
    end = 0.0
    for label, seconds in labels_and_seconds:
        _check_label(label)
        if not seconds >= 0.5:
            raise ValueError(
                f"each part must last at least 0.5 s to be seen, got {seconds} s of {label!r}"
            )
        intervals.append((label, end, end + seconds))
        end += seconds

    def act(body: Body, times: FloatArray, rng: np.random.Generator) -> Motion:
        return sequence_motion(intervals, body, times, rng)

    times = _frame_times(seed, end, frames_per_second, jitter_seconds)
    stream = len(RENDERED_LABELS)
    return _render(act, stream, seed, times, 1 / frames_per_second, size_hw), intervals


def clip_joints(
    label: str, *, seed: int, times_seconds: FloatArray, seconds: float = 2.5
) -> dict[str, FloatArray]:
    """Where the joints of `render_clip`'s person are, without drawing them.

    Args:
        label, seed, seconds: see `render_clip`.
        times_seconds: the moments, float64, shape (num_times,).

    Returns:
        As `rtaction.train.figure.joint_positions`: metres, float64, shape (num_times, 3).

    Raises:
        ValueError: the label is unknown.
    """
    _check_label(label)
    body = sample_body(_stream(seed, "person"))
    moves = _stream(seed, RENDERED_LABELS.index(label))
    return joint_positions(body, clip_motion(label, body, times_seconds, seconds, moves))


def _check_label(label: str) -> None:
    if label not in RENDERED_LABELS:
        raise ValueError(f"label must be one of {', '.join(RENDERED_LABELS)}; got {label!r}")


def _stream(seed: int, purpose: str | int) -> np.random.Generator:
    # One stream for each purpose: a longer clip must not change who is in it.
    purposes = ("times", "person", "camera", "scene", "sensor")
    number = purposes.index(purpose) if isinstance(purpose, str) else len(purposes) + purpose
    return np.random.default_rng([seed, number])


def _frame_times(
    seed: int, seconds: float, frames_per_second: float, jitter_seconds: float
) -> FloatArray:
    if seed < 0:
        raise ValueError(f"seed must be 0 or more, got {seed}")
    if not (seconds > 0 and frames_per_second > 0 and jitter_seconds >= 0):
        raise ValueError(
            "seconds and frames_per_second must be above 0 and jitter_seconds 0 or more, got "
            f"{seconds}, {frames_per_second} and {jitter_seconds}"
        )
    # 1e-6: 2.0 s at 15 frames/s has a frame at 2.0 s, whatever the rounding of the product.
    times = np.arange(int(seconds * frames_per_second + 1e-6) + 1) / frames_per_second
    noise = _stream(seed, "times").uniform(-jitter_seconds, jitter_seconds, len(times))
    times = np.sort(times + noise)
    return np.asarray(times - times[0])


def _sample_camera(
    rng: np.random.Generator,
    size_hw: tuple[int, int],
    stature_metres: float,
    times: FloatArray,
) -> tuple[Camera, FloatArray]:
    """Draw where the camera is; also how it shakes, float64, shape (num_times, 2), in pixels."""
    height, width = size_hw
    framing = rng.choice(["close", "half", "full"], p=[0.3, 0.5, 0.2])
    bottom = {"close": (0.44, 0.58), "half": (0.26, 0.5), "full": (-0.12, 0.15)}[framing]
    low = stature_metres * rng.uniform(*bottom)
    top = stature_metres * (1 + rng.uniform(0.10, 0.40))
    seen_metres = top - low
    # From nearer than this, hands held ahead would fill the picture.
    distance = max(seen_metres / 2 / np.tan(np.radians(rng.uniform(16, 30))), 1.35)
    focal = height * distance / seen_metres
    room_aside = max(0.0, width / 2 - 0.2 * stature_metres * focal / distance)
    aside = rng.uniform(-0.55, 0.55) * room_aside
    shake = np.zeros((len(times), 2))
    strength = rng.choice([0.0, 0.002, 0.006, 0.02], p=[0.4, 0.3, 0.2, 0.1]) * width
    hertz = 0.5 if strength > 0.01 * width else rng.uniform(0.5, 2.0)
    for axis in range(2):
        shake[:, axis] = smooth_noise(rng, times, strength, hertz)
    camera = Camera(
        size_hw=size_hw,
        focal_pixels=float(focal),
        distance_metres=float(distance),
        height_metres=float((top + low) / 2),
        pitch_radians=float(np.radians(rng.uniform(-9, 12))),
        yaw_radians=float(np.radians(rng.uniform(-25, 25))),
        offset_pixels=shake + np.array([aside, 0.0]),
    )
    return camera, shake


def _render(
    act: Callable[[Body, FloatArray, np.random.Generator], Motion],
    stream: int,
    seed: int,
    times: FloatArray,
    frame_seconds: float,
    size_hw: tuple[int, int],
) -> Clip:
    height, width = size_hw
    if min(height, width) < 16:
        raise ValueError(f"size_hw must be at least (16, 16) to show a person, got {size_hw}")
    factor = 2 if height < SUPERSAMPLED_BELOW_ROWS else 1
    canvas_hw = (height * factor, width * factor)
    person, view = _stream(seed, "person"), _stream(seed, "camera")
    body, looks = sample_body(person), sample_looks(person)
    exposures = EXPOSURES if view.random() < 0.4 else 1
    apart_seconds = SHUTTER_OF_FRAME * frame_seconds / exposures
    moments = (times[:, np.newaxis] + np.arange(exposures) * apart_seconds).ravel()
    camera, shake = _sample_camera(view, canvas_hw, body.stature_metres, moments)
    angle = view.uniform(-0.85, 0.85) * np.pi
    scene = sample_scene(_stream(seed, "scene"), canvas_hw, moments, shake)
    motion = act(body, moments, _stream(seed, stream))
    sketch = Sketch(camera, np.array([np.sin(angle), -abs(np.cos(angle))]))
    dress(sketch, body, looks, motion, joint_positions(body, motion))
    sketch.finish()
    images = np.empty((len(times), height, width, 3), np.uint8)
    for index in range(len(times)):
        first = index * exposures
        image = _paint(scene, sketch, canvas_hw, first)
        if exposures > 1:
            total = image.astype(np.uint16)
            for moment in range(first + 1, first + exposures):
                total += _paint(scene, sketch, canvas_hw, moment)
            image = (total // exposures).astype(np.uint8)
        images[index] = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    sensor = _stream(seed, "sensor")
    return Clip(expose(images, sample_sensor(sensor), times, sensor), times)


def _paint(
    scene: Scene, sketch: Sketch, canvas_hw: tuple[int, int], moment: int
) -> npt.NDArray[Any]:
    canvas = scene.background(moment, canvas_hw)
    sketch.paint(canvas, moment)
    return canvas
