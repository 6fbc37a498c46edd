"""What `rtaction predict` is asked to do."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, get_args

from rtaction.choices import WINDOWS_HELP, Option
from rtaction.errors import UsageError

Format = Literal["csv", "jsonl", "parquet", "vtt", "eaf"]
TABLES: tuple[Format, ...] = ("csv", "jsonl", "parquet")
"""Formats of one file with a row for each video; the others are a file for each video."""


@dataclass(frozen=True, slots=True)
class PredictOptions:
    """What `rtaction predict` is asked to do; each field's `Option` says what it does."""

    videos: Annotated[
        tuple[Path, ...],
        Option(
            "Videos, folders that are searched at any depth, and lists of them (.txt), one a line.",
            is_argument=True,
        ),
    ]
    output: Annotated[
        Path,
        Option(
            "Where to write: a .csv, .jsonl or .parquet file, a row for each video, or a folder "
            "of WebVTT or ELAN files, see --format. Videos that it has already are passed over.",
            names=("--output", "-o"),
        ),
    ] = Path("predictions.csv")
    format: Annotated[
        Format | None,
        Option(
            "csv, jsonl (JSON lines), parquet, vtt (WebVTT subtitles) or eaf (ELAN). Default: as "
            "the output is named."
        ),
    ] = None
    top: Annotated[int, Option("How many labels to give with their mean scores.", minimum=1)] = 3
    stride_seconds: Annotated[
        float | None,
        Option("Time from one window to the next. Default: as live.", minimum=0.001),
    ] = None
    windows: Annotated[bool, Option(WINDOWS_HELP, names=("--windows",))] = False
    processes: Annotated[
        int | None,
        Option("Processes to work with. Default: one for each core.", minimum=1),
    ] = None

    def __post_init__(self) -> None:
        if not self.videos:
            raise UsageError("expected videos or folders of videos")
        if self.stride_seconds is not None and not self.stride_seconds < float("inf"):
            raise UsageError(f"--stride-seconds must be finite, got {self.stride_seconds}")
        if self.format is None and self._suffix not in TABLES:
            raise UsageError(
                f"--output {self.output}: cannot tell the format from its name; expected a name "
                "that ends in .csv, .jsonl or .parquet, or --format vtt or --format eaf and a "
                "folder"
            )
        if self.format in TABLES and self.output.is_dir():
            raise UsageError(
                f"--output {self.output} is a folder; expected a file for --format {self.format}"
            )
        if self.format not in (*TABLES, None) and self.output.is_file():
            raise UsageError(
                f"--output {self.output} is a file; --format {self.format} writes one file for "
                "each video: expected a folder"
            )

    @property
    def kind(self) -> Format:
        """The format to write."""
        named = next(one for one in (self.format, self._suffix) if one is not None)
        return next(one for one in get_args(Format) if one == named)

    @property
    def num_processes(self) -> int:
        """Processes to work with, at most one for each core by default."""
        if self.processes is not None:
            return self.processes
        affinity = getattr(os, "sched_getaffinity", None)
        return len(affinity(0)) if affinity else os.cpu_count() or 1

    @property
    def _suffix(self) -> str:
        return self.output.suffix.lower().removeprefix(".")
