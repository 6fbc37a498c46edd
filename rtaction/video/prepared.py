"""Frames of a source as a contract wants them, before motion is computed: live and in training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rtaction.arrays import UInt8Array
from rtaction.modality import shows_closeup
from rtaction.model_spec import ModelSpec
from rtaction.source_frames import source_frames
from rtaction.video.closeup import detail_of
from rtaction.video.motion import closeup_field, picture_of
from rtaction.video.pixels import prepare_image


class PreparedFrame(NamedTuple):
    """One frame of a source.

    Args:
        image: uint8, shape `ModelSpec.base_shape`.
        detail: see `rtaction.video.closeup.detail_of`; None if the contract shows no close-up.
    """

    image: UInt8Array
    detail: UInt8Array | None


def prepare_frame(image_rgb: npt.NDArray[Any], spec: ModelSpec) -> PreparedFrame:
    """Prepare a frame of a source.

    Args:
        image_rgb: uint8 RGB, shape (any height, any width, 3).
        spec: the contract.
    """
    size_hw = spec.height, spec.width
    image = prepare_image(image_rgb, size_hw, base=spec.base, resize=spec.resize)
    return PreparedFrame(image, detail_of(image_rgb) if spec.shows_closeup else None)


def prepared_pictures(frames: Sequence[PreparedFrame], spec: ModelSpec) -> UInt8Array:
    """The frames of one clip as the network sees them: uint8, `ModelSpec.clip_shape`.

    Args:
        frames: all that the clip is made of, `ModelSpec.frames_per_window`.
        spec: the contract.
    """
    sources = source_frames(spec.modality, spec.frames_per_clip)
    return np.stack([prepared_picture([frames[i] for i in of], spec.modality) for of in sources])


def prepared_picture(frames: Sequence[PreparedFrame], modality: str) -> UInt8Array:
    """One frame as the network sees it: uint8, shape (height, width, channels_of(modality)).

    Args:
        frames: those that it is made of, its own the last, see `rtaction.source_frames`.
        modality: see `rtaction.modality`.
    """
    closeup = None
    if shows_closeup(modality):
        closeup = closeup_field(frames[0].detail, frames[-1].detail)
    return picture_of([frame.image for frame in frames], modality, closeup=closeup)
