"""`rtaction label`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rtaction.cli.terminal import say


def label(
    folder: Annotated[
        Path, typer.Argument(help="Folder of `rtaction cam --save-uncertain`.", metavar="FOLDER")
    ],
    labels: Annotated[
        list[str] | None,
        typer.Option("--label", "-l", help="A label to choose from; may be repeated."),
    ] = None,
    model: Annotated[
        Path | None, typer.Option("--model", "-m", help="ONNX model whose labels to choose from.")
    ] = None,
) -> None:
    """Name what the clips of uncertain moments show, for `teach` and `train --corrections`."""
    from rtaction.onnx_format.file import OnnxFile
    from rtaction.teach.labelling import label_clips

    spec = OnnxFile.load(model).spec if model is not None else None
    label_clips(folder, say, labels=labels or (), spec=spec)
