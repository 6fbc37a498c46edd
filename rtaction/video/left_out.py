"""What of a video file was not there to be read, found by times and bytes."""

from __future__ import annotations

import re
from pathlib import Path

from av.container import InputContainer

_GAP_SECONDS, _GAP_FRAMES = 0.5, 8
_STEADY = 0.9
_SEARCHED_BYTES = 2**26
# Their demuxers read one video and stop; those of other formats go on with the next.
_BEGINNINGS = {
    "mov": re.compile(rb"\0\0\0.ftyp[ -~]{4}", re.DOTALL),
    "flv": re.compile(rb"FLV\x01[\x01\x04\x05]\0\0\0\x09"),
}


class Gaps:
    """Times without frames in a video of a steady rate, as a damaged file has them.

    A video whose rate varies has none: its frames come when something moves.

    Args:
        frames_per_second: the rate; 0 if it is unknown.
    """

    def __init__(self, frames_per_second: float) -> None:
        self._step_seconds = 1 / frames_per_second if frames_per_second else 0.0
        self._num_steps = self._num_even = self._num_gaps = 0
        self._missing_seconds = 0.0
        self._first = (0.0, 0.0)

    def add(self, before_seconds: float, after_seconds: float) -> None:
        """Take the times of two frames, one after the other."""
        step_seconds = after_seconds - before_seconds
        self._num_steps += 1
        self._num_even += abs(step_seconds - self._step_seconds) <= self._step_seconds / 2
        if step_seconds > max(_GAP_SECONDS, _GAP_FRAMES * self._step_seconds):
            self._first = self._first if self._num_gaps else (before_seconds, after_seconds)
            self._num_gaps += 1
            self._missing_seconds += step_seconds - self._step_seconds

    def to_text(self) -> str:
        """What is missing, in words; "" if nothing is."""
        if not self._num_gaps or self._num_even < _STEADY * self._num_steps:
            return ""
        where = f"from {self._first[0]:.1f} to {self._first[1]:.1f} s"
        if self._num_gaps > 1:
            where += (
                f" and in {self._num_gaps - 1} other places, {self._missing_seconds:.1f} s in all"
            )
        return f"it has no frames {where}; is it damaged there?"


def unread_rest(path: Path, container: InputContainer, end: int) -> str:
    """What follows in the file and cannot be read, in words; "" if nothing does.

    Args:
        path: the file.
        container: the same, open.
        end: the first byte after the last frame.
    """
    beginning = _BEGINNINGS.get(container.format.name.split(",", maxsplit=1)[0])
    if beginning is None:
        return ""
    with path.open("rb") as file:
        file.seek(end)
        if beginning.search(file.read(_SEARCHED_BYTES)) is None:
            return ""
    return (
        "another video is joined to its end, and was not read; join them with FFmpeg's concat, or "
        "read them one by one"
    )
