"""Clips as strips of images, so that a person sees what a network sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from rtaction.arrays import UInt8Array
from rtaction.errors import OutputError
from rtaction.modality import CHANNELS, parts_of
from rtaction.output_file import whole_file
from rtaction.video.motion import STILL

_PICTURE_INCHES = 1.1


@dataclass(frozen=True, eq=False, slots=True)
class Strip:
    """One row of a filmstrip.

    Args:
        clip: uint8, shape (frames_per_clip, height, width, channels), see `visible`.
        title: drawn above it.
    """

    clip: UInt8Array
    title: str


def strips_of(clip: UInt8Array, modality: str, title: str) -> list[Strip]:
    """A strip per part of a modality.

    Args:
        clip: uint8, shape (frames_per_clip, height, width, channels).
        modality: meaning of the channels, see `rtaction.modality`.
        title: drawn above; with several parts, each with its name.
    """
    parts = parts_in(clip, modality)
    titles = [f"{title}   {part}" for part in parts] if len(parts) > 1 else [title]
    return [Strip(*both) for both in zip(parts.values(), titles, strict=True)]


def parts_in(clip: UInt8Array, modality: str) -> dict[str, UInt8Array]:
    """The images of each part of a modality, by its name, in order.

    Args:
        clip: uint8, shape (frames_per_clip, height, width, channels).
        modality: meaning of the channels, see `rtaction.modality`.
    """
    parts = parts_of(modality)
    ends = np.cumsum([CHANNELS[part] for part in parts])[:-1]
    return dict(zip(parts, np.split(clip, ends, axis=3), strict=True))


def draw_filmstrip(path: Path, strips: Sequence[Strip]) -> None:
    """Draw clips below each other, each from left to right.

    Args:
        path: .png or .svg to write; missing folders are created.
        strips: at least one; all clips have the same number of frames.

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
        # A long title would push the second picture away; this one keeps its height free.
        axes[0].set_title("|", fontsize=8, alpha=0)
        title = axes[0].annotate(
            strip.title,
            (0, 1),
            xycoords="axes fraction",
            xytext=(0, 4),
            textcoords="offset points",
            fontsize=8,
        )
        title.set_in_layout(False)
    try:
        with whole_file(path) as partial:
            figure.savefig(partial, dpi=110)
    except ValueError as error:  # a suffix that matplotlib does not know
        raise OutputError(f"cannot write {path}: {error}") from None


def visible(image: UInt8Array) -> UInt8Array:
    """An image that can be displayed.

    Args:
        image: uint8, shape (height, width, channels): gray, flow, RGB or a stack of flow.

    Returns:
        uint8 RGB, shape (height, width, 3); for flow, right and down are red and green. The last
        field stands for a stack.
    """
    if image.shape[2] not in (1, 3):
        image = image[..., -2:]
        return np.dstack([image, np.full_like(image[..., :1], STILL)])
    return np.broadcast_to(image, (*image.shape[:2], 3))


def _show(place: Any, image: UInt8Array) -> None:
    place.imshow(visible(image))
    place.set_axis_off()
