"""`rtaction bench`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rtaction.cli.terminal import say
from rtaction.errors import UsageError


def bench(
    model: Annotated[
        Path | None, typer.Argument(help="ONNX model. Default: the bundled one.")
    ] = None,
    device: Annotated[
        list[str] | None, typer.Option(help="Device to measure; may be repeated. Default: cpu.")
    ] = None,
    cameras: Annotated[
        str, typer.Option(help="Numbers of simulated cameras, such as 1,4, or none.")
    ] = "1,4,16,32",
    seconds: Annotated[
        float, typer.Option(min=1, help="Time to measure each number of cameras.")
    ] = 6.0,
) -> None:
    """Measure what a model costs on this machine, and how many cameras it can handle."""
    from rtaction.models import ACTIONS_MODEL
    from rtaction.realtime.bench.report import print_bench

    counts = _whole_numbers("--cameras", cameras)
    print_bench(model or ACTIONS_MODEL, device or ["cpu"], counts, seconds, say)


def _whole_numbers(option: str, text: str) -> list[int]:
    words = [] if text == "none" else text.split(",")
    if not all(word.strip().isdecimal() and int(word) > 0 for word in words):
        raise UsageError(f'{option} must be numbers such as "1,4", or "none", got {text!r}')
    return [int(word) for word in words]
