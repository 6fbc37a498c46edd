"""How the axes of a model's clip are ordered, told from its shape where that leaves no doubt."""

from __future__ import annotations

from collections.abc import Sequence
from shlex import quote
from typing import Literal, get_args

Layout = Literal["nfhwc", "nfchw", "ncfhw"]
"""n: batch, f: frames, h: height, w: width, c: channels. rtaction's own is "nfhwc"."""

LAYOUTS: tuple[Layout, ...] = get_args(Layout)
_MIN_SIDE = 8


def possible_layouts(dims: Sequence[int], *, channels: int | None = None) -> list[Layout]:
    """Orders of the axes that a shape may have.

    Args:
        dims: of the clip, batch first; 0 where it is free.
        channels: of a picture. Default None: 3 or 1.

    Returns:
        All that fit: channels where they must be, and no side of a picture below 8 pixels. None
        for other than five dimensions.
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
    """The permutation for a transposition, such as [0, 1, 4, 2, 3] from "nfhwc" to "nfchw"."""
    return [source.index(axis) for axis in target]


def adoption_command(path: str, dims: Sequence[int], num_scores: int) -> str:
    """The command that makes a file from elsewhere one of rtaction's; words in capitals are open.

    Args:
        path: the file.
        dims: of its clip, batch first; 0 where it is free.
        num_scores: scores of a clip; 0 where the file does not say.
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
