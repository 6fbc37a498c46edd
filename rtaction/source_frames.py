"""Which frames of a source one frame of a network is made of.

This module knows nothing about pixels.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rtaction.modality import FLOW_STACK, STACK_FIELDS, parts_of, shows_motion
from rtaction.sampling import Stack

STACK = Stack(STACK_FIELDS + 1, 0.08)
"""The frames of a stack of flow fields. They are not neighbours in the video, but 0.08 s apart,
which cameras of 10 frames a second and more can fill: time is in seconds here, and what moves is as
fast at 60 frames a second.
"""


def stack_of(modality: str) -> Stack | None:
    """The frames of the source that one frame of the network needs, if they are its own."""
    return STACK if FLOW_STACK in parts_of(modality) else None


def source_frames(modality: str, frames_per_clip: int) -> npt.NDArray[np.intp]:
    """Which frames of a window each frame of the network is made of, its own the last.

    Args:
        modality: the modality.
        frames_per_clip: frames of the network in a window.

    Returns:
        intp, shape (frames_per_clip, 1, 2 or `STACK.num_frames`).
    """
    stack = stack_of(modality)
    if stack is not None:
        return np.arange(frames_per_clip * stack.num_frames).reshape(-1, stack.num_frames)
    numbers = np.arange(frames_per_clip)
    return np.stack([numbers, numbers + 1] if shows_motion(modality) else [numbers], axis=1)
