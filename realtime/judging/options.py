"""What `rtaction eval` is asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from rtaction.choices import GROUP_HELP, ROOT_HELP, VIDEOS_HELP, WINDOWS_HELP, Option
from rtaction.errors import UsageError


@dataclass(frozen=True, slots=True)
class EvalOptions:
    """What `rtaction eval` is asked to do; each field's `Option` says what it does."""

    videos: Annotated[
        str,
        Option(
            f"{VIDEOS_HELP}; with --intervals, the folder that its paths are relative to.",
            is_argument=True,
        ),
    ]
    videos_root: Annotated[str | None, Option(ROOT_HELP, metavar="PATH")] = None
    intervals: Annotated[
        Path | None,
        Option("CSV with the actions of untrimmed videos: video,label,start_seconds,end_seconds."),
    ] = None
    tune_on: Annotated[
        str | None,
        Option(
            "Tune thresholds on the videos whose paths match this regular expression, and report "
            "the others. Default: as the CSV's column split says (tune, test), if it has one."
        ),
    ] = None
    group: Annotated[str | None, Option(GROUP_HELP)] = None
    stride_seconds: Annotated[
        float | None,
        Option("Time from one window to the next. Default: as live.", minimum=0.001),
    ] = None
    windows: Annotated[bool, Option(WINDOWS_HELP, names=("--windows",))] = False

    def __post_init__(self) -> None:
        if self.tune_on is not None and self.intervals is None:
            raise UsageError("--tune-on needs --intervals: thresholds are tuned on actions in time")
        if self.videos_root is not None and self.intervals is not None:
            raise UsageError(
                "--videos-root is for an annotation file; with --intervals, the first argument is "
                "the folder of the videos"
            )
        if self.stride_seconds is not None and not self.stride_seconds < float("inf"):
            raise UsageError(f"--stride-seconds must be finite, got {self.stride_seconds}")
