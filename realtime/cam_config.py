"""What `rtaction cam` is asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from rtaction.choices import Option
from rtaction.errors import UsageError
from rtaction.realtime.outputs.options import OutputOptions

_EVENTS = "Events"


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
            "Cameras and the settings of their events: a cameras.toml, see the README.",
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
    reconnect: Annotated[
        bool, Option("Reopen a lost camera, for ever, or end when it is lost.")
    ] = True
    follow: Annotated[
        bool,
        Option("Follow redirects and playlists of HTTP, which may lead to other servers, or not."),
    ] = True
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
