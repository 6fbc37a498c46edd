"""What is made of a watch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from rtaction.choices import Option

PANEL = "Output"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputOptions:
    """What is made of a watch.

    Each field's `Option` says what it does.
    """

    save: Annotated[
        Path | None, Option("Write the annotated video: .avi, .mkv, .webm or .mp4.", PANEL)
    ] = None
    output: Annotated[
        str | None,
        Option("Append JSON lines to this file; - is stdout.", PANEL, names=("--output", "-o")),
    ] = None
    clip_events: Annotated[
        Path | None, Option("Save a short video of each event to this folder.", PANEL)
    ] = None
    clip_format: Annotated[
        Literal["mkv", "mp4"],
        Option(
            "Format of these videos: mkv (Motion JPEG, costs least) or mp4 (H.264, for browsers).",
            PANEL,
        ),
    ] = "mkv"
    save_uncertain: Annotated[
        Path | None,
        Option(
            "Save a short video of each moment in which the model is unsure, or was wrong (key w "
            "in the window), to this folder, for `rtaction label`.",
            PANEL,
        ),
    ] = None
    top_k: Annotated[int, Option("Labels to draw and to write.", PANEL, minimum=1)] = 3
    mirror: Annotated[
        bool,
        Option(
            "Draw frames as in a mirror; the model sees them as they are.",
            PANEL,
            names=("--mirror",),
        ),
    ] = False
    show_pose: Annotated[
        bool,
        Option(
            "Draw the people in the frame, each with box, skeleton and number; takes some 15 ms a "
            "person, at most ten times a second.",
            PANEL,
            names=("--show-pose",),
        ),
    ] = False
