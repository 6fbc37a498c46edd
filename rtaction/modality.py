"""What the frames of a network show: colours, gray values, motion, or several of them.

A modality is a name, or names joined by "+" ("rgb+diff"), whose channels are concatenated in that
order. Motion is computed between a frame and the one before it in the clip, so a clip of F frames
of motion takes F + 1 frames of the source. "flow_stack" is different: its motion is that of the
last moments before a frame, so each of the F takes six frames of the source, and they may be far
apart; see `rtaction.source_frames`. "flow_closeup" needs more than the network's pixels: the detail
of the source's own frames, see `rtaction.video.closeup`. This module knows nothing about pixels.
"""

from __future__ import annotations

from typing import Literal

Base = Literal["rgb", "gray"]
"""What a source's frame is converted to first; everything else is computed from that."""

FLOW_STACK = "flow_stack"
STACK_FIELDS = 5
"""Fields of optical flow in a stack, as in Zhu et al. 2017, arXiv 1711.04161."""

FLOW_CLOSEUP = "flow_closeup"

CHANNELS = {
    "rgb": 3,
    "gray": 1,
    "diff": 1,
    "abs_diff": 1,
    "rgb_diff": 3,
    "flow": 2,
    FLOW_STACK: 2 * STACK_FIELDS,
    FLOW_CLOSEUP: 2,
    "diff_mask": 3,
    "flow_mask": 3,
    "pose": 3,
}
"""Channels of each name; `rtaction.video.motion` says what is in them. "pose" takes the colours, of
which a pose network in the model reads people's joints."""

USUAL_MODALITY = {1: "gray", 2: "flow", 3: "rgb"}
"""What frames of so many channels usually show."""

FIELDS = {"flow": 1, FLOW_STACK: STACK_FIELDS}
"""Names whose channels are fields of optical flow, and how many each has."""

_NEED_COLOUR = {"rgb", "pose", "rgb_diff", "diff_mask", "flow_mask"}
_MOTION = set(CHANNELS) - {"rgb", "gray", "pose"}


def parts_of(modality: str) -> tuple[str, ...]:
    """The names in a modality, in order.

    Raises:
        ValueError: a name is unknown or repeated, or "flow_stack" stands beside another motion.
    """
    parts = tuple(modality.split("+"))
    unknown = [part for part in parts if part not in CHANNELS]
    if unknown or len(set(parts)) < len(parts):
        raise ValueError(
            f"modality must be one of {', '.join(CHANNELS)}, or different ones joined by '+', "
            f"got {modality!r}"
        )
    beside = sorted((_MOTION | {"pose"}).intersection(parts) - {FLOW_STACK})
    if FLOW_STACK in parts and beside:
        raise ValueError(
            f"{FLOW_STACK} has frames of its own, so it goes with rgb and gray only, got "
            f"{modality!r}"
        )
    return parts


def channels_of(modality: str) -> int:
    """Number of channels of one frame."""
    return sum(CHANNELS[part] for part in parts_of(modality))


def fields_of(modality: str) -> int:
    """Number of different fields of optical flow that one frame needs as they are; 0 for none."""
    return max(FIELDS.get(part, 0) for part in parts_of(modality))


def compares_pixels(modality: str) -> bool:
    """Whether a frame needs the pixels of others before it, even if all flow is known."""
    return not (_MOTION - set(FIELDS) - {FLOW_CLOSEUP}).isdisjoint(parts_of(modality))


def shows_closeup(modality: str) -> bool:
    """Whether a frame needs the detail of the source's frames, see `rtaction.video.closeup`."""
    return FLOW_CLOSEUP in parts_of(modality)


def base_of(modality: str) -> Base:
    """The base that it is computed from."""
    return "rgb" if _NEED_COLOUR.intersection(parts_of(modality)) else "gray"


def shows_motion(modality: str) -> bool:
    """Whether a frame needs others before it."""
    return not _MOTION.isdisjoint(parts_of(modality))
