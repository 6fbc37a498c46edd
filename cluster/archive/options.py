"""What `rtaction predict` is asked to do with many machines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from rtaction.choices import Option

_PANEL = "Many machines"


@dataclass(frozen=True, slots=True)
class ArchiveOptions:
    """What `rtaction predict` is asked to do with many machines."""

    ray: Annotated[
        str | None,
        Option(
            "Work on a Ray cluster: auto (the one that this machine belongs to), HOST:PORT, "
            "ray://HOST:PORT, or local (all cores of this machine), which may be left out. "
            "Videos may then be behind addresses such as s3://bucket/videos.",
            panel=_PANEL,
            metavar="[ADDRESS]",
        ),
    ] = None
    piece_seconds: Annotated[
        float,
        Option(
            "With --ray, videos of one and a half times this length and more are cut into parts, "
            "so that many machines work on one.",
            panel=_PANEL,
            minimum=1.0,
        ),
    ] = 300.0
