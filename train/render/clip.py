"""Short videos of people acting, drawn rather than filmed: training data without a camera.

    clip = render_clip("wave", seed=7)

A seed stands for one person in one room before one camera; label and seed together for their
movements. So clips of different labels with one seed differ only in the movement, and a network
cannot tell labels apart by the background. Only "other" has more: people seen from far away, and
empty rooms.

This module knows nothing about networks, training or files.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from rtaction.arrays import Float64Array
from rtaction.frame import Clip
from rtaction.opencv import cv2
from rtaction.train.render.actions import ACTIONS
from rtaction.train.render.body import (
    Body,
    Motion,
    joint_positions,
    sample_body,
)
from rtaction.train.render.drawing import Sketch
from rtaction.train.render.looks import dress, sample_looks
from rtaction.train.render.motion import (
    NOTHING,
    OTHER,
    clip_motion,
    passing_motion,
    sequence_motion,
)
from rtaction.train.render.scene import Scene, expose, sample_scene, sample_sensor
from rtaction.train.render.viewpoint import sample_camera, sample_far_camera

RENDERED_LABELS = tuple(sorted((*ACTIONS, NOTHING, OTHER)))
"""Everything that can be rendered: arms_raise, arms_side, clap, nothing, other, punch, wave.

"nothing" is standing or sitting about, "other" is any movement without a label."""

Interval = tuple[str, float, float]
"""A label and when it starts and ends, in seconds."""

# Small frames are drawn at twice their size: edges get softer, and faces keep their eyes.
SUPERSAMPLED_BELOW_ROWS = 200
# Motion blur is the mean of this many images, taken over this fraction of the frame interval.
EXPOSURES = 3
SHUTTER_OF_FRAME = 0.5
# Fraction of the clips with people in the background; and of those of `OTHER`, with a high camera,
# and with empty rooms.
WITH_PASSERS_BY, FAR, EMPTY = 0.12, 0.3, 0.03


def render_clip(
    label: str,
    *,
    seed: int,
    seconds: float = 2.5,
    frames_per_second: float = 15.0,
    size_hw: tuple[int, int] = (96, 128),
    jitter_seconds: float = 0.0,
) -> Clip:
    """Render one person doing one thing for most of a short clip.

    Args:
        label: one of `RENDERED_LABELS`.
        seed: 0 or more. The same label, seed and options give the same bytes.
        seconds: the last frame is at this time or up to one frame before it. Default 2.5.
        frames_per_second: default 15.
        size_hw: height and width in pixels. Default (96, 128).
        jitter_seconds: frames come up to this much early or late, and show the moment of their
            actual time. Default 0.

    Returns:
        uint8 RGB images and their times, from 0.

    Raises:
        ValueError: a value is out of range.
    """
    _check_label(label)

    def act(body: Body, times: Float64Array, rng: np.random.Generator) -> Motion:
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
        labels_and_seconds: labels and durations, in order; each at least 0.5 s.
        seed, frames_per_second, size_hw, jitter_seconds: see `render_clip`.

    Returns:
        The clip, and (label, start_seconds, end_seconds) of each part. An action's part includes
        the transitions from and to the rest pose, about a third of a second each.

    Raises:
        ValueError: a value is out of range, or there is nothing to render.
    """
    if not labels_and_seconds:
        raise ValueError("labels_and_seconds must have at least one label, got none")
    intervals: list[Interval] = []
    end = 0.0
    for label, seconds in labels_and_seconds:
        _check_label(label)
        if not seconds >= 0.5:
            raise ValueError(
                f"each part must last at least 0.5 s to be visible, got {seconds} s of {label!r}"
            )
        intervals.append((label, end, end + seconds))
        end += seconds

    def act(body: Body, times: Float64Array, rng: np.random.Generator) -> Motion:
        return sequence_motion(intervals, body, times, rng)

    times = _frame_times(seed, end, frames_per_second, jitter_seconds)
    stream = len(RENDERED_LABELS)
    return _render(act, stream, seed, times, 1 / frames_per_second, size_hw), intervals


def clip_joints(
    label: str, *, seed: int, times_seconds: Float64Array, seconds: float = 2.5
) -> dict[str, Float64Array]:
    """Joint positions of the person in `render_clip`, without drawing.

    Args:
        label, seed, seconds: see `render_clip`.
        times_seconds: the moments, float64, shape (num_times,).

    Returns:
        As `rtaction.train.render.body.joint_positions`: metres, float64, shape (num_times, 3).

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
    # One stream per purpose: a longer clip must not change who is in it.
    purposes = ("times", "person", "camera", "scene", "sensor", "others", "staging")
    number = purposes.index(purpose) if isinstance(purpose, str) else len(purposes) + purpose
    return np.random.default_rng([seed, number])


def _frame_times(
    seed: int, seconds: float, frames_per_second: float, jitter_seconds: float
) -> Float64Array:
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


def _render(
    act: Callable[[Body, Float64Array, np.random.Generator], Motion],
    stream: int,
    seed: int,
    times: Float64Array,
    frame_seconds: float,
    size_hw: tuple[int, int],
) -> Clip:
    height, width = size_hw
    if min(height, width) < 16:
        raise ValueError(f"size_hw must be at least (16, 16) to show a person, got {size_hw}")
    factor = 2 if height < SUPERSAMPLED_BELOW_ROWS else 1
    canvas_hw = (height * factor, width * factor)
    view = _stream(seed, "camera")
    exposures = EXPOSURES if view.random() < 0.4 else 1
    apart_seconds = SHUTTER_OF_FRAME * frame_seconds / exposures
    moments = (times[:, np.newaxis] + np.arange(exposures) * apart_seconds).ravel()
    sketch, shake = _sketch(act, stream, seed, view, canvas_hw, moments)
    scene = sample_scene(_stream(seed, "scene"), canvas_hw, moments, shake)
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


def _sketch(
    act: Callable[[Body, Float64Array, np.random.Generator], Motion],
    stream: int,
    seed: int,
    view: np.random.Generator,
    canvas_hw: tuple[int, int],
    moments: Float64Array,
) -> tuple[Sketch, Float64Array]:
    """Everybody in the frame, and the camera shake: float64, (num_moments, 2), pixels."""
    person, others, moves = (_stream(seed, one) for one in ("person", "others", stream))
    body, looks = sample_body(person), sample_looks(person)
    camera, shake = sample_camera(view, canvas_hw, body.stature_metres, moments)
    angle = view.uniform(-0.85, 0.85) * np.pi
    num_others = int(others.integers(1, 3)) if others.random() < WITH_PASSERS_BY else 0
    staging = _stream(seed, "staging")
    kind = staging.random() if stream == RENDERED_LABELS.index(OTHER) else 1.0
    is_far, is_empty = kind < FAR, FAR <= kind < FAR + EMPTY
    if is_far:
        camera, shake = sample_far_camera(staging, canvas_hw, moments)
        num_others = int(staging.integers(0, 5))
    sketch = Sketch(camera, np.array([np.sin(angle), -abs(np.cos(angle))]))
    if not is_empty:
        motion = act(body, moments, moves)
        dress(sketch, body, looks, motion, joint_positions(body, motion))
    for _ in range(num_others):
        body, looks = sample_body(others), replace(sample_looks(others), chair=False)
        motion = passing_motion(body, moments, float(moments[-1]), others)
        x, z = others.uniform(-1, 1), others.uniform(0.15, 1)
        far = camera.distance_metres * (0.8 if is_far else 1.2)
        # Behind the acting person; seen from far away, anywhere.
        aside = np.array([x * far * 0.5, 0.0, -z * far if not is_far else (z - 0.5) * far])
        motion = replace(motion, place_metres=motion.place_metres + aside)
        dress(sketch, body, looks, motion, joint_positions(body, motion))
    sketch.finish()
    return sketch, shake


def _paint(
    scene: Scene, sketch: Sketch, canvas_hw: tuple[int, int], moment: int
) -> npt.NDArray[Any]:
    canvas = scene.background(moment, canvas_hw)
    sketch.paint(canvas, moment)
    return canvas
