"""Clips to compare models on, from a file."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rtaction.errors import UsageError
from rtaction.model_spec import ModelSpec


def read_clips(path: Path, spec: ModelSpec) -> npt.NDArray[np.uint8]:
    """Read the array `clips` of a `.npz`.

    Returns:
        uint8, shape (num_clips, frames_per_clip, height, width, channels), at least two.

    Raises:
        UsageError: it cannot be read, or holds other clips.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            clips = archive["clips"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise UsageError(f"cannot read the clips in {path}: {error}") from None
    if clips.dtype != np.uint8 or clips.shape[1:] != spec.clip_shape or len(clips) < 2:
        raise UsageError(
            f"{path}: expected at least two uint8 clips of shape {spec.clip_shape}, got "
            f"{clips.dtype} {clips.shape}"
        )
    return np.asarray(clips)
