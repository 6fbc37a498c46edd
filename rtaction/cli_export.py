"""The command that turns a Keras model into one ONNX file: `rtaction export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def export(
    model: Annotated[Path, typer.Argument(help="A .keras file, such as run/model.keras.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The ONNX file.")] = Path(
        "model.onnx"
    ),
    spec: Annotated[
        Path | None, typer.Option(help="Contract. Default: model_spec.json beside the model.")
    ] = None,
    clips: Annotated[
        Path | None, typer.Option(help=".npz with clips to compare both models on.")
    ] = None,
    tolerance: Annotated[float, typer.Option(help="Largest difference of a score.")] = 1e-4,
) -> None:
    """Export a trained network as one ONNX file, and prove that it computes the same."""
    from rtaction.export.exporter import export_model

    result = export_model(model, output, spec_path=spec, clips_path=clips, tolerance=tolerance)
    parity = result.parity
    typer.echo(f"wrote {result.path}: {result.num_nodes} nodes, {result.num_bytes / 1e6:.2f} MB")
    typer.echo(
        f"same as Keras on {parity.num_clips} clips ({result.clips_from}): scores differ by at "
        f"most {parity.worst_difference:.1e}, vary by {parity.spread:.2f}, "
        f"top-1 agrees on {parity.top_1_agreement:.0%}"
    )
