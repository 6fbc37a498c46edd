"""What is made of a watch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from rtaction.choices import Option
from rtaction.errors import UsageError
from rtaction.realtime.outputs.rotated_file import Rotation

PANEL = "Output"

LineKind = Literal["events", "predictions", "states", "summary"]
LINE_TYPES: dict[LineKind, str] = {
    "events": "event",
    "predictions": "prediction",
    "states": "state",
    "summary": "summary",
}
"""The `type` of each kind of JSON lines, see `rtaction.realtime.outputs.json_log`."""


def _kinds(text: str) -> tuple[LineKind, ...]:
    words = [word.strip() for word in text.split(",")]
    kinds = tuple(kind for kind in LINE_TYPES if kind in words)
    if not kinds or len(kinds) < len(set(words)):
        raise UsageError(f"--output-only: expected some of {', '.join(LINE_TYPES)}, got {text!r}")
    return kinds


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
    output_only: Annotated[
        tuple[LineKind, ...] | None,
        Option(
            "Write only these lines: events, predictions, states or summary, or several of them "
            "with commas. Default: all.",
            PANEL,
            metavar="KINDS",
            parse=_kinds,
        ),
    ] = None
    output_rotate_bytes: Annotated[
        int | None,
        Option(
            "Begin a new --output file when it has this size; FILE.1 is the newest of those "
            "before. Default: never.",
            PANEL,
            minimum=1,
        ),
    ] = None
    output_keep: Annotated[int, Option("Full --output files to keep.", PANEL, minimum=1)] = 5
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

    @property
    def rotation(self) -> Rotation | None:
        """When the --output file begins anew; None for never."""
        if self.output_rotate_bytes is None:
            return None
        return Rotation(self.output_rotate_bytes, self.output_keep)
