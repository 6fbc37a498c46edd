"""`rtaction export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rtaction.cli.derived import Chosen, derived
from rtaction.cli.terminal import say
from rtaction.export.options import ContractOptions, ExportOptions, SmallerOptions


@derived()
def export(
    model: Annotated[
        Path,
        typer.Argument(
            help="A run folder, a .keras or .h5 file (Keras 2 or 3), a SavedModel folder, or an "
            "ONNX file from elsewhere."
        ),
    ],
    contract: Chosen[ContractOptions],
    options: Chosen[ExportOptions],
    smaller: Chosen[SmallerOptions],
    output: Annotated[Path, typer.Option("--output", "-o", help="ONNX file to write.")] = Path(
        "model.onnx"
    ),
) -> None:
    """Export a trained network to one ONNX file, and check that it gives the same scores."""
    chosen = contract.make(), options.make(), smaller.make()  # report mistakes before slow imports
    from rtaction.export.run import run_export
    from rtaction.train.data.known_clips import read_known_clips

    run_export(model, output, *chosen, read_clips=read_known_clips, say=say)
