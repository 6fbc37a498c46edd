"""The command that turns a trained model into one ONNX file: `rtaction export`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from rtaction.cli.smaller import Quantize, Wishes, fulfil, is_ours
from rtaction.errors import UsageError

if TYPE_CHECKING:
    from rtaction.export.contract.options import ContractOptions

ResizeName = Literal["squash", "crop", "letterbox"]


def export(
    model: Annotated[
        Path,
        typer.Argument(
            help="A run folder, a .keras or .h5 file (Keras 2 or 3), a SavedModel folder, or an "
            "ONNX file from elsewhere."
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The ONNX file.")] = Path(
        "model.onnx"
    ),
    spec: Annotated[
        Path | None, typer.Option(help="Contract. Default: model_spec.json beside the model.")
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option(help="One for each score, in order: a,b,c, or a file with one a line."),
    ] = None,
    clip_seconds: Annotated[
        float | None, typer.Option(help="Time from a clip's first picture to its last.")
    ] = None,
    scale: Annotated[
        str | None,
        typer.Option(
            help="Pixels it was trained on: 0..1, -1..1, 0..255, imagenet (mean and deviation), "
            "caffe (blue first, less the mean) or kinetics. Default: as its own layers say."
        ),
    ] = None,
    modality: Annotated[
        str | None, typer.Option(help="What a picture shows: rgb, gray, flow, rgb+flow, ...")
    ] = None,
    resize: Annotated[
        ResizeName | None, typer.Option(help="How a camera picture is fitted. Default: squash.")
    ] = None,
    background_label: Annotated[
        str | None, typer.Option(help="The label that means: no action.")
    ] = None,
    threshold: Annotated[
        float | None, typer.Option(help="Score from which a label is shown. Default: 0.5.")
    ] = None,
    frames: Annotated[
        int | None, typer.Option(min=1, help="Pictures in a clip, where the model takes any.")
    ] = None,
    size: Annotated[
        str | None, typer.Option(help="HEIGHTxWIDTH of a picture, where the model takes any.")
    ] = None,
    layout: Annotated[
        str | None, typer.Option(help="Order of an ONNX file's axes, such as nfchw or ncfhw.")
    ] = None,
    logits: Annotated[
        bool | None,
        typer.Option(
            "--logits/--probabilities",
            help="Whether its scores still need a softmax. Default: as its last layer says.",
        ),
    ] = None,
    clips: Annotated[
        Path | None, typer.Option(help=".npz with clips to compare both models on.")
    ] = None,
    tolerance: Annotated[
        float | None,
        typer.Option(help="Largest difference of a score. Default: 1e-4."),
    ] = None,
    trust: Annotated[
        bool, typer.Option("--trust", help="Let code that the model brings run.")
    ] = False,
    quantize: Annotated[
        Quantize | None,
        typer.Option(help="Make the encoder int8: smaller, and faster on CPUs. See --calibrate."),
    ] = None,
    half: Annotated[
        bool, typer.Option("--half", help="Make the encoder float16, for GPUs. See --check.")
    ] = False,
    calibrate: Annotated[
        str | None,
        typer.Option(help="Folders of videos like those to come; they set the ranges of int8."),
    ] = None,
    check: Annotated[
        str | None,
        typer.Option(
            help="Labelled videos to compare float and smaller model on. Default: --calibrate."
        ),
    ] = None,
    max_drop: Annotated[
        float, typer.Option(help="Points of accuracy that a smaller model may lose.")
    ] = 1.0,
    float_layers: Annotated[
        int | None,
        typer.Option(
            min=0, help="First layers that int8 leaves float. Default: 0, 2 or 5, as it needs."
        ),
    ] = None,
    reduce_range: Annotated[
        bool | None,
        typer.Option(
            "--reduce-range/--full-range",
            help="Weights of 7 bits, for x86 CPUs without VNNI. Default: as this CPU needs.",
        ),
    ] = None,
    fuse_preprocessing: Annotated[
        str | None,
        typer.Option(
            help="Also write OUTPUT-camera.onnx, which fits camera pictures of HEIGHTxWIDTH, or "
            "any, by itself."
        ),
    ] = None,
    triton: Annotated[
        Path | None, typer.Option(help="Also write a model repository for NVIDIA Triton here.")
    ] = None,
) -> None:
    """Export a trained network as one ONNX file, and prove that it computes the same."""
    from rtaction.export.contract.options import ContractOptions, read_labels

    wishes = Wishes(
        quantize=quantize,
        half=half,
        calibrate=calibrate,
        check=check,
        max_drop=max_drop,
        float_layers=float_layers,
        reduce_range=reduce_range,
        fuse=fuse_preprocessing,
        triton=triton,
    )
    if wishes.is_any and is_ours(model):
        fulfil(model.read_bytes(), output, wishes, typer.echo)
        return
    options = ContractOptions(
        labels=None if labels is None else read_labels(labels),
        clip_seconds=clip_seconds,
        scale=scale,
        modality=modality,
        resize=resize,
        background_label=background_label,
        threshold=threshold,
        frames=frames,
        size_hw=None if size is None else _size_hw(size),
        logits=logits,
    )
    settings = _Settings(model, spec, clips, options, layout, tolerance, trust)
    if not wishes.is_any:
        typer.echo(_plain(settings, output))
        return
    with TemporaryDirectory(prefix="rtaction-") as folder:
        plain = Path(folder) / "model.onnx"
        typer.echo(_plain(settings, plain).replace(f"wrote {plain}", "float model"))
        fulfil(plain.read_bytes(), output, wishes, typer.echo)


@dataclass(frozen=True, slots=True)
class _Settings:
    model: Path
    spec: Path | None
    clips: Path | None
    options: ContractOptions
    layout: str | None
    tolerance: float | None
    trust: bool


def _plain(settings: _Settings, output: Path) -> str:
    """Export as it is; gives the lines for the person."""
    if settings.model.suffix.lower() == ".onnx":
        if settings.spec is not None or settings.trust:
            raise UsageError(
                "--spec and --trust are for Keras models; an ONNX file brings no code, and is told "
                "its contract by --labels, --clip-seconds and so on"
            )
        return _adopt(
            settings.model,
            output,
            settings.options,
            settings.layout,
            settings.clips,
            settings.tolerance,
        )
    if settings.layout is not None:
        raise UsageError("--layout is for ONNX files; Keras' clips are always nfhwc")
    from rtaction.export.exporter import export_model

    return export_model(
        settings.model,
        output,
        spec_path=settings.spec,
        clips_path=settings.clips,
        tolerance=1e-4 if settings.tolerance is None else settings.tolerance,
        options=settings.options,
        trust=settings.trust,
    ).to_text()


def _adopt(
    model: Path,
    output: Path,
    options: ContractOptions,
    layout: str | None,
    clips: Path | None,
    tolerance: float | None,
) -> str:
    from rtaction.export.contract.options import ContractOptions
    from rtaction.export.foreign.adopt import adopt_onnx

    if is_ours(model) and options == ContractOptions():
        raise UsageError(
            f"{model} has its contract already, so there is nothing to do; --quantize, --half, "
            "--fuse-preprocessing and --triton make other files of it"
        )
    if options.labels is None or options.clip_seconds is None:
        from rtaction.onnx_format.file import OnnxFile

        command = OnnxFile.load(model).adoption_command
        raise UsageError(f"an ONNX file from elsewhere must be told more, such as: {command}")
    return adopt_onnx(
        model,
        output,
        labels=options.labels,
        clip_seconds=options.clip_seconds,
        scale=options.scale,
        layout=layout,
        num_frames=options.frames,
        size_hw=options.size_hw,
        modality=options.modality,
        resize=options.resize or "squash",
        background_label=options.background_label,
        threshold=0.5 if options.threshold is None else options.threshold,
        logits=options.logits,
        clips_path=clips,
        tolerance=tolerance,
    ).to_text()


def _size_hw(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"([1-9]\d{0,4})x([1-9]\d{0,4})", text)
    if match is None:
        raise UsageError(f"--size must be HEIGHTxWIDTH in pixels, such as 112x112, got {text!r}")
    return int(match[1]), int(match[2])
