"""Which moments stand for a whole video, whatever its length.

*Spread*: they are equally spaced, from its first frame to its last.
*Segments*: the video is cut into equal segments, with a moment in the middle of each; in training,
anywhere in it.

This module knows nothing about pixels or video files.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rtaction.arrays import Float64Array
from rtaction.choices import Sampling
from rtaction.sampling import Stack


def spread_targets(
    times_seconds: Sequence[float] | Float64Array, frames_per_clip: int
) -> Float64Array:
    """The moments of a clip over a whole video: float64 (frames_per_clip,), both ends included."""
    return np.linspace(times_seconds[0], times_seconds[-1], frames_per_clip)


def segment_targets(
    times_seconds: Sequence[float] | Float64Array,
    frames_per_clip: int,
    *,
    stack: Stack | None = None,
    random: np.random.Generator | None = None,
) -> Float64Array:
    """One moment, or one stack, of each of a video's equal segments.

    As in Temporal Segment Networks, Wang et al. 2016, arXiv 1608.00859. A stack that is as long as
    its segment or longer overlaps its neighbours; none reaches beyond the video.

    Args:
        times_seconds: times of the video's frames, increasing, at least one.
        frames_per_clip: number of moments, those of all stacks included.
        stack: the frames that belong together. Default None: each stands alone.
        random: draws where in its segment each is, as in training. Default None: in the middle.

    Returns:
        float64, shape (frames_per_clip,).
    """
    span = 0.0 if stack is None else stack.span_seconds
    num_segments = frames_per_clip // (1 if stack is None else stack.num_frames)
    first, last = float(times_seconds[0]), float(times_seconds[-1])
    segment = (last - first) / num_segments
    middles = first + (np.arange(num_segments, dtype=np.float64) + 0.5) * segment
    if random is not None:
        room = segment - span if segment > span else segment
        middles += random.uniform(-0.5, 0.5, num_segments) * room
    ends = np.clip(middles + span / 2, first + span, max(last, first + span))
    return ends if stack is None else stack.moments(ends)


def whole_targets(
    times_seconds: Sequence[float] | Float64Array,
    frames_per_clip: int,
    *,
    sampling: Sampling = "spread",
    stack: Stack | None = None,
) -> Float64Array:
    """The moments of the clip that stands for a whole video: float64 (frames_per_clip,).

    Args:
        times_seconds: times of the video's frames, increasing, at least one.
        frames_per_clip: number of moments, those of all stacks included.
        sampling: "spread" or "segments". Default "spread".
        stack: the frames that belong together. Default None: each stands alone.
    """
    if sampling == "segments":
        return segment_targets(times_seconds, frames_per_clip, stack=stack)
    if stack is None:
        return spread_targets(times_seconds, frames_per_clip)
    first = float(times_seconds[0]) + stack.span_seconds
    ends = [first, max(float(times_seconds[-1]), first)]
    return stack.moments(spread_targets(ends, frames_per_clip // stack.num_frames))


def why_no_spread_clip(num_frames: int, frames_per_clip: int) -> str:
    """Why no window can span a video, for a person.

    Args:
        num_frames: of the video.
        frames_per_clip: of the window.
    """
    if num_frames < frames_per_clip:
        return f"too short: {num_frames} frames, a clip needs {frames_per_clip}"
    return (
        "its frames are too far apart in time, or some are missing: no clip of "
        f"{frames_per_clip} different frames is possible"
    )
