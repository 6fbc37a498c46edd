"""`rtaction predict`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from rtaction.cli.cam import DeviceOption
from rtaction.cli.derived import Chosen, derived
from rtaction.cli.terminal import progress, say
from rtaction.realtime.predicting.options import PredictOptions


@derived()
def predict(
    model: Annotated[
        Path,
        typer.Argument(
            help="An ONNX file made by rtaction export, a .keras file, or a run folder."
        ),
    ],
    chosen: Chosen[PredictOptions],
    device: DeviceOption = "auto",
) -> None:
    """Name what each video of a folder shows, in a table or as subtitles."""
    from rtaction.api import onnx_of
    from rtaction.realtime.predicting.run import run_prediction

    options = chosen.make()
    with onnx_of(model, partial(say, err=True)) as path:
        outcome = run_prediction(path, options, device=device, progress=partial(progress, "videos"))
    for line in outcome.lines():
        say(line, err=True)
    say(str(options.output))
