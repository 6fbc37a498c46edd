"""`rtaction serve`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from rtaction.cli.cam import DeviceOption
from rtaction.cli.derived import Chosen, derived
from rtaction.cli.terminal import say
from rtaction.serve.options import ServeOptions


@derived()
def serve(
    chosen: Chosen[ServeOptions],
    source: Annotated[
        list[str] | None, typer.Argument(help="Sources, as by --source.", metavar="[SOURCE]...")
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(
            "--model", "-m", help="ONNX model of cameras without their own. Default: the bundled."
        ),
    ] = None,
    device: DeviceOption = "auto",
) -> None:
    """Watch cameras for months: a live page, an API, clips, Home Assistant, webhooks."""
    from rtaction.models import ACTIONS_MODEL
    from rtaction.serve.run import run_serve

    options = chosen.make()
    options = replace(options, sources=(*(source or ()), *options.sources))
    run_serve(options, model or ACTIONS_MODEL, device=device, on_ready=say)
