"""Clips as strips of pictures, so that a person sees what a network is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from rtaction.errors import OutputError
from rtaction.modality import CHANNELS, parts_of
from rtaction.motion import STILL
from rtaction.pixels import UInt8Array

_PICTURE_INCHES = 1.1


@dataclass(frozen=True, eq=False, slots=True)
class Strip:
    """One row of a filmstrip.

    Args:
        clip: uint8, shape (frames_per_clip, height, width, 1, 2 or 3): gray, flow or RGB.
        title: told above it.
    """

    clip: UInt8Array
    title: str


def strips_of(clip: UInt8Array, modality: str, title: str) -> list[Strip]:
    """A strip for each part of what a network sees.

    Args:
        clip: uint8, shape (frames_per_clip, height, width, channels).
        modality: what the channels are, see `rtaction.modality`.
        title: told above; with several parts, each with its name.
    """
    parts = parts_of(modality)
    ends = np.cumsum([CHANNELS[part] for part in parts])[:-1]
    images = np.split(clip, ends, axis=3)
    titles = [f"{title}   {part}" for part in parts] if len(parts) > 1 else [title]
    return [Strip(*both) for both in zip(images, titles, strict=True)]


def draw_filmstrip(path: Path, strips: Sequence[Strip]) -> None:
    """Draw clips below each other, each from left to right.

    Args:
        path: .png or .svg to write; missing folders are made.
        strips: at least one; all clips have as many pictures.

    Raises:
        OutputError: the file cannot be written.
    """
    num_frames = len(strips[0].clip)
    height, width = strips[0].clip.shape[1:3]
    size_inches = (
        num_frames * _PICTURE_INCHES,
        len(strips) * (_PICTURE_INCHES * height / width + 0.3),
    )
    figure = Figure(figsize=size_inches, layout="constrained")
    FigureCanvasAgg(figure)
    rows = figure.subplots(len(strips), num_frames, squeeze=False)
    for axes, strip in zip(rows, strips, strict=True):
        for place, image in zip(axes, strip.clip, strict=True):
            _show(place, image)
        axes[0].set_title(strip.title, fontsize=8, loc="left")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=110)
    except (OSError, ValueError) as error:  # a suffix that matplotlib does not know
        raise OutputError(f"cannot write {path}: {error}") from None


def _show(place: Any, image: UInt8Array) -> None:
    is_gray = image.shape[2] == 1
    if image.shape[2] == 2:  # flow: right and down as red and green
        image = np.dstack([image, np.full_like(image[..., :1], STILL)])
    place.imshow(np.squeeze(image, 2) if is_gray else image, cmap="gray", vmin=0, vmax=255)
    place.set_axis_off()
