"""Axis order of a model's clips, inferred from their shape where it is unambiguous."""

from __future__ import annotations

from collections.abc import Sequence
from shlex import quote
from typing import Literal, get_args

Layout = Literal["nfhwc", "nfchw", "ncfhw"]
"""n: batch, f: frames, h: height, w: width, c: channels. rtaction uses "nfhwc"."""

LAYOUTS: tuple[Layout, ...] = get_args(Layout)
_MIN_SIDE = 8


def possible_layouts(dims: Sequence[int], *, channels: int | None = None) -> list[Layout]:
    """Layouts that are consistent with a clip shape.

    Args:
        dims: clip shape, batch first; 0 for free sizes.
        channels: number of channels of a frame. Default None: 3 or 1.

    Returns:
        All layouts with that number of channels, and height and width of at least 8 pixels or free.
        Empty unless there are five dimensions.
    """
    if len(dims) != 5:
        return []
    allowed = (3, 1) if channels is None else (channels,)
    possible: list[Layout] = []
    for layout in LAYOUTS:
        size = dict(zip(layout, dims, strict=True))
        sides = [size[axis] for axis in "hw"]
        if size["c"] in allowed and all(side == 0 or side >= _MIN_SIDE for side in sides):
            possible.append(layout)
    return possible


def axes_between(source: str, target: str) -> list[int]:
    """The permutation between two layouts, such as [0, 1, 4, 2, 3] from "nfhwc" to "nfchw"."""
    return [source.index(axis) for axis in target]


def adoption_command(path: str, dims: Sequence[int], num_scores: int) -> str:
    """The command that converts a third-party file, with placeholders in capitals.

    Args:
        path: the file.
        dims: its clip shape, batch first; 0 for free sizes.
        num_scores: number of scores per clip; 0 if unknown.
    """
    labels = f"{num_scores}_NAMES" if num_scores > 2 else "NAME,NAME"
    words = ["rtaction export", quote(path), "-o model.onnx", f"--labels {labels}"]
    words += ["--clip-seconds SECONDS", "--scale 0..1"]
    possible = possible_layouts(dims)
    if len(possible) == 1:
        frames = dims[possible[0].index("f")]
    else:
        words.append(f"--layout {possible[0] if possible else LAYOUTS[0]}")
        frames = 1
    if frames == 0:
        words.append("--frames NUMBER")
    return " ".join(words)
