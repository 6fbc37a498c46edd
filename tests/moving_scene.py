"""A scene for tests of what moves: still noise, and a patch of other noise that moves in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rtaction.arrays import UInt8Array
from rtaction.opencv import cv2
from tests.videos import write_video

STEP_XY = (2, 1)
"""Pixels by which the patch moves from frame to frame."""


def smooth_noise(size_hw: tuple[int, int], seed: int) -> UInt8Array:
    """Gray noise that flow can follow: uint8, shape (*size_hw, 1)."""
    noise = np.random.default_rng(seed).uniform(0, 255, size_hw).astype(np.float32)
    smooth = np.asarray(cv2.GaussianBlur(noise, (0, 0), 2.0))
    levels = 255 * (smooth - smooth.min()) / np.ptp(smooth)
    return np.asarray(np.rint(levels).astype(np.uint8)[..., np.newaxis])


def moving_scene(
    num_frames: int,
    size_hw: tuple[int, int] = (120, 160),
    *,
    start_xy: tuple[int, int] = (20, 30),
    patch: int = 24,
) -> UInt8Array:
    """Frames, uint8 RGB, shape (num_frames, *size_hw, 3), in which a square patch moves."""
    scene, moving = smooth_noise(size_hw, 0), smooth_noise((patch, patch), 1)
    frames = np.repeat(scene[np.newaxis], num_frames, axis=0)
    for number, frame in enumerate(frames):
        left, top = (start + number * step for start, step in zip(start_xy, STEP_XY, strict=True))
        frame[top : top + patch, left : left + patch] = moving
    return np.repeat(frames, 3, axis=3)


def write_moving_scene(path: Path, num_frames: int, frames_per_second: float = 20.0) -> Path:
    """Write it as a lossless video."""
    times = np.arange(num_frames) / frames_per_second
    return write_video(path, moving_scene(num_frames), times, codec="ffv1", pixel_format="bgr0")
