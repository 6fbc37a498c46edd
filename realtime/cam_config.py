"""What `rtaction cam` is asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from rtaction.choices import WINDOWS_HELP, Option
from rtaction.errors import UsageError
from rtaction.pose.region import Region
from rtaction.realtime.outputs.options import OutputOptions

_EVENTS = "Events"
_PEOPLE = "People"


def _region(text: str) -> Region:
    try:
        return Region.parse(text)
    except ValueError as error:
        raise UsageError(f"--region: {error}") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class CamConfig(OutputOptions):
    """What `rtaction cam` is asked to do; each field's `Option` says what it does.

    The settings of events take precedence over those of the cameras' file and of the model.
    """

    sources: Annotated[
        tuple[str, ...],
        Option(
            "Webcam number, video file, folder, rtsp://, http:// or screen:; may be repeated. "
            "Default: 0, the first webcam.",
            names=("--source", "-s"),
        ),
    ] = ()
    cameras_file: Annotated[
        Path | None,
        Option(
            "Cameras and the settings of their events: a cameras.toml, see docs/serve.md.",
            names=("--sources",),
        ),
    ] = None
    show: Annotated[
        bool | None,
        Option(
            "Open a window, or none. Default: where there is a display.",
            names=("--show/--headless",),
        ),
    ] = None
    stride_seconds: Annotated[
        float | None,
        Option(
            "Time from one prediction to the next. Default: that from one frame of a window to "
            "the next.",
            minimum=0.001,
        ),
    ] = None
    windows: Annotated[bool, Option(WINDOWS_HELP, names=("--windows",))] = False
    reconnect: Annotated[
        bool, Option("Reopen a lost camera, for ever, or end when it is lost.")
    ] = True
    follow: Annotated[
        bool,
        Option("Follow redirects and playlists of HTTP, which may lead to other servers, or not."),
    ] = True
    max_persons: Annotated[
        int | None,
        Option(
            "People to recognise at once, by a model of people. Default: 6.", _PEOPLE, minimum=1
        ),
    ] = None
    person: Annotated[
        Literal["all", "largest"] | None,
        Option(
            "Recognise everybody, or only who is largest, by a model of people. Default: all.",
            _PEOPLE,
        ),
    ] = None
    region: Annotated[
        Region | None,
        Option(
            "Recognise only who stands here: LEFT,TOP,RIGHT,BOTTOM as shares of the picture, 0 to "
            "1, or X,Y of each corner. Default: anywhere.",
            _PEOPLE,
            metavar="NUMBERS",
            parse=_region,
        ),
    ] = None
    threshold: Annotated[
        float | None,
        Option(
            "Score at which an event starts, for all labels. Default: as the model says.",
            _EVENTS,
            minimum=0,
            maximum=1,
        ),
    ] = None
    exit_threshold: Annotated[
        float | None,
        Option(
            "Score below which an event ends. Default: 0.7 x threshold.",
            _EVENTS,
            minimum=0,
            maximum=1,
        ),
    ] = None
    smoothing_seconds: Annotated[
        float | None, Option("Average scores over this time.", _EVENTS, minimum=0)
    ] = None
    min_seconds: Annotated[
        float | None,
        Option("Shortest event. Default: a quarter of a window.", _EVENTS, minimum=0),
    ] = None
    cooldown_seconds: Annotated[
        float | None,
        Option(
            "Minimum time between two events of one label. Default: a window.", _EVENTS, minimum=0
        ),
    ] = None

    def __post_init__(self) -> None:
        stride = self.stride_seconds
        if stride is not None and not 0 < stride < float("inf"):
            raise UsageError(f"--stride-seconds must be above 0 and finite, got {stride}")
        if self.output_rotate_bytes is not None and self.output in (None, "-"):
            raise UsageError("--output-rotate-bytes is for a file; expected --output FILE with it")
        if self.output_only and self.output is None:
            raise UsageError("--output-only says what --output writes; expected both")

    @property
    def rules(self) -> dict[str, float]:
        """What was said of events, by the names of `ActionRules.for_model`."""
        rules = {
            "enter": self.threshold,
            "exit": self.exit_threshold,
            "smoothing_seconds": self.smoothing_seconds,
            "min_seconds": self.min_seconds,
            "cooldown_seconds": self.cooldown_seconds,
        }
        return {name: value for name, value in rules.items() if value is not None}
