"""`rtaction verify`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rtaction.cli.terminal import say
from rtaction.errors import DatasetError

if TYPE_CHECKING:
    from rtaction.export.agreement.onnx_run import Scores
    from rtaction.model_spec import ModelSpec


def verify(
    model: Annotated[Path, typer.Argument(help="An ONNX file made by rtaction.")],
    videos: Annotated[list[Path], typer.Argument(help="Videos, or folders of them.")],
    against: Annotated[
        Path,
        typer.Option(help="Model to compare with: the trained one, or another ONNX file."),
    ],
    tolerance: Annotated[float, typer.Option(help="Largest allowed difference of a score.")] = 1e-4,
    max_clips: Annotated[
        int, typer.Option(min=1, help="Maximum number of clips of each video.")
    ] = 8,
    scale: Annotated[
        str | None,
        typer.Option(help="Pixel range of the trained model, if its layers do not say."),
    ] = None,
    logits: Annotated[
        bool | None,
        typer.Option(
            "--logits/--probabilities",
            help="Scores of the trained model still need a softmax, or do not. Default: as its "
            "layers say.",
        ),
    ] = None,
    trust: Annotated[
        bool, typer.Option("--trust", help="Let code that the trained model brings run.")
    ] = False,
) -> None:
    """Compare an ONNX file with the model it was made from, on your own videos."""
    from rtaction.export.agreement.onnx_run import scores_of_onnx
    from rtaction.export.agreement.verify import table_of, verify
    from rtaction.onnx_format.file import OnnxFile
    from rtaction.video.clips import find_video_files

    file = OnnxFile.load(model)
    spec = file.spec
    others = _scores_of(against, spec, scale, logits, trust)
    paths = find_video_files(videos)
    clips = list(_clips(paths, spec, max_clips))
    if not clips:
        raise DatasetError(
            f"none of {len(paths)} videos has a clip of {spec.window_seconds:.2f} s; use videos of "
            "at least that length"
        )
    found, rows = verify(scores_of_onnx(file), others, clips, spec.labels, tolerance=tolerance)
    say("\n".join([*[table_of(rows)] * bool(rows), found.to_text()]))
    found.require_same(
        tolerance=tolerance,
        problem="the models differ",
        remedy="; if that is expected, raise --tolerance",
    )
    found.require_spread(remedy="; use videos of several actions")


def _scores_of(
    path: Path, spec: ModelSpec, scale: str | None, logits: bool | None, trust: bool
) -> Scores:
    from rtaction.export.agreement.onnx_run import scores_of_onnx
    from rtaction.export.agreement.verify import is_onnx, require_same_contract

    if is_onnx(path):
        from rtaction.onnx_format.file import OnnxFile

        file = OnnxFile.load(path)
        require_same_contract(spec, file.spec)
        return scores_of_onnx(file)
    from rtaction.export.exporter import scores_of_keras

    return scores_of_keras(path, spec, scale=scale, logits=logits, trust=trust)


def _clips(paths: list[Path], spec: ModelSpec, max_clips: int) -> Iterator[tuple[str, Any]]:
    from rtaction.video.clips import read_all_clips

    for one in read_all_clips(paths, spec, max_clips=max_clips):
        if isinstance(one, str):
            say(f"left out: {one}", err=True)
        else:
            yield one.name, one.pictures
