"""Clips to compare models on: the user's own from a file, or synthetic ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rtaction.arrays import UInt8Array
from rtaction.errors import UsageError
from rtaction.model_spec import ModelSpec

_ARRAY = "clips"


def clips_to_compare(
    path: Path | None, spec: ModelSpec, *, num_made_up: int = 16
) -> tuple[UInt8Array, str]:
    """Read clips from a file, or generate synthetic ones.

    Args:
        path: see `read_clips`; None for synthetic clips.
        spec: the contract.
        num_made_up: number of synthetic clips. Default 16.

    Returns:
        uint8, shape (num_clips, frames_per_clip, height, width, channels), and a description of
        where they came from.

    Raises:
        UsageError: the file cannot be read, or its clips do not fit the contract.
    """
    if path is None:
        return make_clips(spec, num_clips=num_made_up), "synthetic video"
    return read_clips(path, spec), str(path)


def read_clips(path: Path, spec: ModelSpec) -> UInt8Array:
    """Read the array `clips` of a `.npz` file, without unpickling anything.

    Returns:
        uint8, shape (num_clips, frames_per_clip, height, width, channels), at least two clips.

    Raises:
        UsageError: the file cannot be read, or its clips do not fit the contract.
    """
    expected = f"expected a .npz with the array {_ARRAY!r}"
    try:
        archive = np.load(path, allow_pickle=False)
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise UsageError(f"{path} is a single array; {expected}")
        with archive:
            if _ARRAY not in archive.files:
                raise UsageError(f"{path} holds the arrays {archive.files}; {expected}")
            clips = archive[_ARRAY]
        if not isinstance(clips, np.ndarray):  # raw bytes without an .npy header
            raise UsageError(f"{path}: {_ARRAY!r} is not an array; {expected}")
    except UsageError:
        raise
    except Exception as error:
        # For damaged files, zipfile, zlib and numpy raise many kinds of exceptions.
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UsageError(f"cannot read the clips in {path}: {reason}; {expected}") from None
    if clips.dtype != np.uint8 or clips.shape[1:] != spec.clip_shape or len(clips) < 2:
        raise UsageError(
            f"{path}: expected at least two uint8 clips of shape {spec.clip_shape}, got "
            f"{clips.dtype} {clips.shape}"
        )
    return clips


def make_clips(spec: ModelSpec, *, num_clips: int = 16, seed: int = 0) -> UInt8Array:
    """Generate clips that look like video to a network: natural spectra, motion, varied lighting.

    Natural images have amplitudes that fall as 1/frequency (Field 1987); plain noise would leave
    every feature of a trained network at its mean.

    Returns:
        uint8, shape (num_clips, frames_per_clip, height, width, channels).
    """
    generator = np.random.default_rng(seed)
    frames, height, width, channels = spec.clip_shape
    rows, columns = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :]
    frequency = np.hypot(rows, columns)
    frequency[0, 0] = 1.0
    clips = np.empty((num_clips, *spec.clip_shape), np.uint8)
    for clip in clips:
        slope = generator.uniform(0.8, 1.6)
        shape = (channels, *frequency.shape)
        noise = generator.normal(size=shape) + 1j * generator.normal(size=shape)
        # The color channels of a natural image are correlated.
        spectrum = (noise[:1] + 0.4 * noise) / frequency**slope
        spectrum[:, 0, 0] = 0.0
        speed_y, speed_x = generator.normal(scale=0.02, size=2) * (height, width)
        light, contrast = generator.uniform(60, 190), generator.uniform(15, 60)
        for number in range(frames):
            turn = np.exp(-2j * np.pi * number * (rows * speed_y + columns * speed_x))
            picture = np.fft.irfft2(spectrum * turn, s=(height, width))
            picture = light + contrast * picture / max(float(picture.std()), 1e-9)
            clip[number] = picture.clip(0, 255).astype(np.uint8).transpose(1, 2, 0)
    return clips


OTHER_CLIPS = "made-up flat colours, moving squares and noise"


def make_other_clips(spec: ModelSpec, *, seed: int = 0) -> UInt8Array:
    """Clips for networks whose scores `make_clips` does not move.

    Returns:
        uint8, shape (16, frames_per_clip, height, width, channels): four each of flat colours from
        black to white, of bright squares that move on dark ground, of the reverse, and of noise.
    """
    generator = np.random.default_rng(seed)
    frames, height, width, _ = spec.clip_shape
    clips = np.zeros((16, *spec.clip_shape), np.uint8)
    clips[:4] = np.array([0, 85, 170, 255], np.uint8).reshape(4, 1, 1, 1, 1)
    side = max(height, width) // 3
    for number in range(8):
        start_y, start_x = generator.uniform(0, 0.7, 2) * (height, width)
        speed_y, speed_x = generator.uniform(-0.6, 0.6, 2) * (height, width) / frames
        for frame in range(frames):
            y, x = int(start_y + speed_y * frame) % height, int(start_x + speed_x * frame) % width
            clips[4 + number, frame, y : y + side, x : x + side] = 255
    clips[8:12] = 255 - clips[8:12]
    clips[12:] = generator.integers(0, 256, (4, *spec.clip_shape), np.uint8)
    return clips
