"""What `rtaction fleet` is asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from rtaction.choices import Option

_EVENTS = "Events"
_MACHINES = "Machines"


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetOptions:
    """What `rtaction fleet` is asked to do; each field's `Option` says what it does."""

    cameras_file: Annotated[
        Path,
        Option(
            "Cameras, the most important first, the settings of their events and who is told of "
            "them: a cameras.toml, see docs/serve.md.",
            is_argument=True,
            metavar="CAMERAS.TOML",
        ),
    ]
    ray: Annotated[
        str,
        Option(
            "Address of the Ray cluster: HOST:PORT, ray://HOST:PORT, auto for the one that this "
            "machine is part of, or local to start one on this machine alone.",
            _MACHINES,
            metavar="ADDRESS",
        ),
    ] = "local"
    cores_per_worker: Annotated[
        int,
        Option(
            "Cores that share one engine, on machines without a GPU; with GPUs, there is one for "
            "each of them.",
            _MACHINES,
            minimum=1,
        ),
    ] = 4
    cores_per_camera: Annotated[
        float | None,
        Option(
            "Cores that a camera takes. Default: measured when the fleet starts for the first "
            "time, which takes some ten seconds.",
            _MACHINES,
            minimum=0.001,
        ),
    ] = None
    output: Annotated[
        str,
        Option("Append events and states as JSON lines to this file, or to stdout: -.", _EVENTS),
    ] = "-"
    folder: Annotated[
        Path,
        Option(
            "Folder of what must outlast a restart: events that go on, what waits for webhooks, "
            "measured costs. Created if missing.",
            _EVENTS,
        ),
    ] = Path("rtaction-fleet")
    metrics_port: Annotated[
        int | None,
        Option(
            "Port of this machine's own address, 127.0.0.1, for Prometheus. Default: none.",
            _EVENTS,
            minimum=0,
            maximum=65_535,
        ),
    ] = None
