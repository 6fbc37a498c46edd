"""`rtaction eval`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
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
    from rtaction.realtime.judging.report import write_report
    from rtaction.realtime.judging.run import run_evaluation

    options = chosen.make()
    with ExitStack() as stack:

        def load() -> ActionModel:
            from rtaction.realtime.model.action_model import ActionModel

            return ActionModel(stack.enter_context(onnx_of(model)), device=device)

        found = run_evaluation(
            load,
            options,
            progress=partial(progress, "videos"),
            say=partial(say, err=True),
        )
    sets = options.videos if options.intervals is None else f"{options.videos}, {options.intervals}"
    for line in (f"{model} on {sets}", *found.lines):
        say(line)
    if output is not None:
        write_report(output, found.figures, found.spec, model=model, options=options)


@contextmanager
def onnx_of(model: Path) -> Iterator[Path]:
    """The file of a model; Keras models are exported first, to judge what runs live."""
    keras = model / "model.keras" if model.is_dir() else model
    if keras.suffix != ".keras":
        yield model
        return
    from rtaction.export.exporter import export_model

    with TemporaryDirectory(prefix="rtaction-") as folder:
        exported = export_model(keras, Path(folder) / "model.onnx")
        difference = exported.agreement.max_difference
        say(f"exported {keras}: scores differ by at most {difference:.1e}", err=True)
        yield exported.path
