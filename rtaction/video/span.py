"""A part of a video, and the length and frames of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from rtaction.arrays import Float64Array
from rtaction.frame import DeferredFrame
from rtaction.sampling import TIME_TOLERANCE_SECONDS
from rtaction.video.file import read_length_seconds


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a video: the frames from `start_seconds` on and before `end_seconds`.

    Args:
        start_seconds: counted from the video's first frame.
        end_seconds: likewise, after the start.
        line: of the file that says so, counted from 1. Default 0, unknown.
    """

    start_seconds: float
    end_seconds: float
    line: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return f"{self.start_seconds:g} to {self.end_seconds:g} s"

    def places(self, times_seconds: Float64Array) -> slice:
        """Which frames are in it.

        Args:
            times_seconds: float64, shape (num_frames,), increasing, of the whole video.
        """
        ends = np.array([self.start_seconds, self.end_seconds]) - TIME_TOLERANCE_SECONDS
        first, last = np.searchsorted(times_seconds, ends).tolist()
        return slice(first, last)

    def why_beyond(self, video_seconds: float) -> str:
        """Why the video has nothing of it, for a person; empty if it has.

        Args:
            video_seconds: length of the video.
        """
        if self.start_seconds < video_seconds:
            return ""
        line = f"line {self.line}: " if self.line else ""
        return (
            f"{line}it is to be used from {self} but ends at {video_seconds:.2f} s; times count "
            "in seconds from the first frame"
        )


def length_seconds(path: Path, span: Span | None) -> float:
    """Length of a video, or of a part of it; 0.0 if the video ends before.

    Raises:
        SourceMissing, SourceUnreadable: see `read_length_seconds`.
    """
    whole_seconds = read_length_seconds(path)
    if span is None:
        return whole_seconds
    return max(min(span.end_seconds, whole_seconds) - span.start_seconds, 0.0)


def frames_within(frames: Iterable[DeferredFrame], span: Span | None) -> Iterator[DeferredFrame]:
    """The frames of a part of a video, with times that count from the first of them.

    Args:
        frames: of a whole video, in order of time.
        span: the part. None for all.
    """
    first_seconds = None
    for frame in frames:
        seconds = frame.captured_at_seconds + TIME_TOLERANCE_SECONDS
        if span is not None and seconds < span.start_seconds:
            continue
        if span is not None and seconds >= span.end_seconds:
            return
        if first_seconds is None:
            first_seconds = frame.captured_at_seconds
        # Frames are converted when they are looked at, so those before cost only their decoding.
        frame.captured_at_seconds -= first_seconds
        yield frame
