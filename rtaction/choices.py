"""Settings that a person may choose: their help, their limits, and the names they may have.

A setting is one field of a frozen dataclass, annotated with an `Option`; the command line, the
settings that a run saves and the documentation all come from it. This file loads nothing, so that
`rtaction --help` waits for nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

Sampling = Literal["sliding", "spread"]
Resize = Literal["squash", "crop", "letterbox"]

DEVICE_HELP = "auto, cpu, cuda[:N], tensorrt[:N], openvino, coreml or directml[:N]."
GROUP_HELP = (
    "Regular expression that finds a video's group (person, camera, session) in its path; "
    "videos of one group stay together."
)


@dataclass(frozen=True, slots=True)
class Option:
    """How a field is set on the command line.

    Args:
        help: what it does, for the person at the keyboard; the default is added.
        panel: heading that it stands under in `--help`. Default "", the general one.
        names: such as ("--frames",) or ("--output", "-o"). Default (): the field's name.
        minimum, maximum: inclusive limits of a number. Default None.
        is_argument: it is given by its place, not by a name. Default False.
        metavar: stands for the value in `--help`. Default None: its type.
        parse: makes the field's value of the text that is given. Default None: its type does.
    """

    help: str
    panel: str = ""
    names: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    is_argument: bool = False
    metavar: str | None = None
    parse: Callable[[str], Any] | None = None
