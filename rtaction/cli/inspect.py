"""`rtaction inspect`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rtaction.cli.terminal import say
from rtaction.printable import printable

if TYPE_CHECKING:
    from rtaction.model_spec import ModelSpec
    from rtaction.realtime.model.inspect import Inspection


def inspect(
    model: Annotated[Path, typer.Argument(help="An ONNX file, from rtaction or elsewhere.")],
) -> None:
    """Show a model's contract, inputs, outputs, size and cost, and whether it can be cut."""
    from rtaction.realtime.model.inspect import inspect_model

    found = inspect_model(model)
    rows: list[tuple[str, Any]] = [
        ("file", f"{found.path} ({found.num_bytes / 1e6:.2f} MB)"),
        *[("input", text) for text in found.inputs],
        *[("output", text) for text in found.outputs],
        ("parameters", f"{found.num_parameters:,}"),
        (
            "nodes",
            f"{found.num_nodes} ({', '.join(f'{k} {v}' for k, v in found.op_counts.items())})",
        ),
    ]
    rows += _rows_of_foreign(found) if found.spec is None else _rows_of_ours(found)
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        say(f"{name:<{width}}  {printable(str(value))}")


def _rows_of_ours(found: Inspection) -> list[tuple[str, Any]]:
    import json

    assert found.spec is not None
    contract = json.loads(found.spec.to_json())
    of_window = f"{found.flops_per_window / 1e6:,.2f} MFLOP"
    if found.is_cut:
        cost = [
            ("runs", _how_ours_runs(found.spec)),
            ("per frame", f"{found.flops_per_frame / 1e6:,.2f} MFLOP (encoder)"),
            ("per window", f"{of_window} (head)"),
        ]
    else:
        reason = found.reason_for_whole or "the file has no boundary to cut it at"
        cost = [("runs", f"whole for each window: {reason}"), ("per window", of_window)]
    return [*cost, *[(f"contract.{key}", value) for key, value in contract.items()]]


def _how_ours_runs(spec: ModelSpec) -> str:
    if spec.follows_people:
        return (
            "cut into encoder and head, for each person who is followed: the encoder reads their "
            "joints in each frame once"
        )
    return "cut into encoder and head: each frame is encoded once"


def _rows_of_foreign(found: Inspection) -> list[tuple[str, Any]]:
    from rtaction.onnx_format.layout import possible_layouts

    possible = possible_layouts(found.input_dims)
    if len(possible) == 1:
        layout = f"{possible[0]} (n batch, f frames, h height, w width, c channels)"
    elif possible:
        layout = f"ambiguous: {' or '.join(possible)} (set it with --layout)"
    else:
        layout = f"not that of a clip: {found.inputs[0]}"
    return [
        ("layout", layout),
        ("runs", _how_it_would_run(found)),
        ("contract", "none: labels, clip seconds and pixel scale are missing"),
        ("adopt it with", found.adoption_command),
    ]


def _how_it_would_run(found: Inspection) -> str:
    from rtaction.errors import RtactionError
    from rtaction.export.foreign.adopt import how_it_would_run

    try:
        return how_it_would_run(found.path)
    except RtactionError as error:
        return f"not yet: {error}"
