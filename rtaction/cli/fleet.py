"""`rtaction fleet`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rtaction.cli.cam import DeviceOption
from rtaction.cli.derived import Chosen, derived
from rtaction.cli.terminal import say
from rtaction.cluster.fleet.options import FleetOptions


@derived()
def fleet(
    chosen: Chosen[FleetOptions],
    model: Annotated[
        Path | None,
        typer.Option(
            "--model", "-m", help="ONNX model of cameras without their own. Default: the bundled."
        ),
    ] = None,
    device: DeviceOption = "auto",
) -> None:
    """Watch the cameras of a file by many machines, on Ray; they move when one fails."""
    from rtaction.cluster.fleet.run import run_fleet
    from rtaction.models import ACTIONS_MODEL

    run_fleet(
        chosen.make(),
        model or ACTIONS_MODEL,
        device=device,
        on_ready=lambda line: say(line, err=True),
    )
