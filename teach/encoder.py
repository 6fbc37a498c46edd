"""Features of single pictures, by the bundled encoder. This file knows nothing of time."""

from __future__ import annotations

import hashlib
from functools import cached_property

import numpy as np
import numpy.typing as npt

from rtaction.arrays import UInt8Array
from rtaction.modality import parts_of
from rtaction.models import ENCODER_MODEL
from rtaction.realtime.model.batch_runner import BatchRunner
from rtaction.realtime.model.session import open_session
from rtaction.teach.graph import NUM_FEATURES, frame_encoder

ALL_PARTS = "rgb+rgb_diff+abs_diff+flow"
"""What a picture may show; the features of each are kept, so that any of them can be chosen."""

_AT_ONCE = 8  # pictures of four parts each; more gains nothing

Float16Array = npt.NDArray[np.float16]


class PictureEncoder:
    """The bundled encoder on pictures of `ALL_PARTS`.

    Args:
        num_threads: threads that compute; 0 means one for each core. Default 0.
    """

    def __init__(self, num_threads: int = 0) -> None:
        session = open_session(frame_encoder(ALL_PARTS), "cpu", num_threads=num_threads)
        self._runner = BatchRunner(session, max_batch=_AT_ONCE)

    features_shape = (len(parts_of(ALL_PARTS)), NUM_FEATURES)
    """Of one picture."""

    @cached_property
    def identity(self) -> str:
        """What features depend on: another file of weights has another one."""
        return hashlib.sha256(ENCODER_MODEL.read_bytes()).hexdigest()[:16]

    def encode(self, pictures: UInt8Array) -> Float16Array:
        """Features of each part of each picture.

        Args:
            pictures: uint8, shape (n, 224, 224, channels of `ALL_PARTS`); at least one.

        Returns:
            float16, shape (n, parts, 320).
        """
        made = self._runner.run(pictures)  # (n, parts * 1280)
        return made.reshape(len(pictures), -1, NUM_FEATURES).astype(np.float16)


def part_numbers(modality: str) -> list[int]:
    """Where the parts of a modality stand among `ALL_PARTS`."""
    all_parts = parts_of(ALL_PARTS)
    return [all_parts.index(part) for part in parts_of(modality)]
