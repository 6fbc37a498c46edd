"""`rtaction demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rtaction.cli.cam import DeviceOption, print_timeline
from rtaction.cli.terminal import say
from rtaction.installation import program


def demo(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the video.")] = Path(
        "demo"
    ),
    device: DeviceOption = "auto",
) -> None:
    """Recognise the actions of a bundled clip; needs no camera and no display."""
    from rtaction.realtime.demo import run_demo

    result = run_demo(output, device=device)
    say(f"A drawn person, recognised on {result.device}:")
    print_timeline(result.segments)
    say(f"\nAnnotated video: {result.video}")
    here = program()
    if not result.camera:
        say(f"No camera found; on a machine with one, run: {here} cam")
    elif result.display:
        say(f"Now stand in front of your camera and run: {here} cam")
    else:
        say(f"No display found; to run without one: {here} cam --headless")
    say(f"To teach it your own actions: {here} teach wave clap")
