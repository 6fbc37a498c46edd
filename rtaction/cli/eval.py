"""`rtaction eval`."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rtaction.cli.cam import DeviceOption
from rtaction.cli.derived import Chosen, derived
from rtaction.cli.terminal import progress, say
from rtaction.realtime.judging.options import EvalOptions

if TYPE_CHECKING:
    from rtaction.realtime.model.action_model import ActionModel


@derived()
def evaluate(
    model: Annotated[
        Path,
        typer.Argument(
            help="An ONNX file made by rtaction export, a .keras file, or a run folder."
        ),
    ],
    chosen: Chosen[EvalOptions],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write all figures as JSON.")
    ] = None,
    device: DeviceOption = "auto",
) -> None:
    """Measure how good a model is, on labelled videos or on actions at known times."""
    from rtaction.api import onnx_of
    from rtaction.realtime.judging.report import write_report
    from rtaction.realtime.judging.run import run_evaluation

    options = chosen.make()
    with ExitStack() as stack:

        def load() -> ActionModel:
            from rtaction.realtime.model.action_model import ActionModel

            return ActionModel(
                stack.enter_context(onnx_of(model, partial(say, err=True))), device=device
            )

        found = run_evaluation(
            load,
            options,
            progress=partial(progress, "videos"),
            say=partial(say, err=True),
        )
    sets = options.videos if options.intervals is None else f"{options.videos}, {options.intervals}"
    say(f"{model} on {sets}\n{found}")
    if output is not None:
        write_report(output, found.figures, found.spec, model=model, options=options)
