"""`rtaction predict`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from rtaction.cli.cam import DeviceOption
from rtaction.cli.derived import Chosen, derived
from rtaction.cli.terminal import progress, say
from rtaction.cluster.archive.options import ArchiveOptions
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
    many: Chosen[ArchiveOptions],
    device: DeviceOption = "auto",
) -> None:
    """Name what each video of a folder shows, in a table or as subtitles."""
    from rtaction.api import onnx_of
    from rtaction.realtime.predicting.run import Outcome, run_prediction

    options, archive = chosen.make(), many.make()

    def run(path: Path) -> Outcome:
        if archive.ray is None:
            shown = partial(progress, "videos")
            return run_prediction(path, options, device=device, progress=shown)
        from rtaction.cluster.archive.run import run_archive

        return run_archive(path, options, archive, device=device, progress=progress)

    with onnx_of(model, partial(say, err=True)) as path:
        outcome = run(path)
    for line in outcome.lines():
        say(line, err=True)
    say(str(options.output))
