"""Options of `rtaction export` and `rtaction verify`.

This file imports neither Keras nor ONNX.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from rtaction.choices import Option, Resize
from rtaction.errors import UsageError

_CONTRACT, _CHECKING, _SMALLER = "Contract", "Checking", "Smaller models, other runtimes"

TOLERANCE = 1e-4
"""Default for the largest allowed score difference."""


def read_labels(text: str) -> tuple[str, ...]:
    """Parse labels from `a,b,c`, or read them from a file with one label per line.

    Raises:
        UsageError: the file cannot be read.
    """
    path = Path(text)
    if "," in text or not path.is_file():
        return tuple(label.strip() for label in text.split(","))
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--labels: cannot read {path}: {error}") from None
    return tuple(line.strip() for line in lines if line.strip())


def size_hw_of(option: str, text: str) -> tuple[int, int]:
    """Parse height and width from a text such as "112x160".

    Raises:
        UsageError: the text has another form.
    """
    match = re.fullmatch(r"([1-9]\d{0,4})x([1-9]\d{0,4})", text)
    if match is None:
        raise UsageError(f"{option} must be HEIGHTxWIDTH in pixels, such as 112x112, got {text!r}")
    return int(match[1]), int(match[2])


def _size(text: str) -> tuple[int, int]:
    return size_hw_of("--size", text)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractOptions:
    """What the user specifies about a third-party model, because its file does not contain it.

    Each field is described by its `Option`; None means not given.
    """

    labels: Annotated[
        tuple[str, ...] | None,
        Option(
            "Label of each score, in order: a,b,c, or a file with one label on each line.",
            _CONTRACT,
            parse=read_labels,
        ),
    ] = None
    clip_seconds: Annotated[
        float | None, Option("Time from the first to the last frame of a window.", _CONTRACT)
    ] = None
    scale: Annotated[
        str | None,
        Option(
            "Pixel range that it was trained on: 0..1, -1..1, 0..255, imagenet (mean and standard "
            "deviation), caffe (BGR minus mean) or kinetics; for two inputs, two of them. "
            "Default: as its first layers say.",
            _CONTRACT,
        ),
    ] = None
    modality: Annotated[
        str | None, Option("What it sees: rgb, gray, flow, rgb+flow, ...", _CONTRACT)
    ] = None
    resize: Annotated[
        Resize | None, Option("How camera frames are fitted. Default: squash.", _CONTRACT)
    ] = None
    background_label: Annotated[
        str | None, Option('The label that means "no action".', _CONTRACT)
    ] = None
    threshold: Annotated[
        float | None, Option("Score from which a label is shown. Default: 0.5.", _CONTRACT)
    ] = None
    frames: Annotated[
        int | None, Option("Frames in a window, if the model takes any.", _CONTRACT, minimum=1)
    ] = None
    size_hw: Annotated[
        tuple[int, int] | None,
        Option(
            "HEIGHTxWIDTH of a frame, if the model takes any.",
            _CONTRACT,
            names=("--size",),
            parse=_size,
        ),
    ] = None
    layout: Annotated[
        str | None, Option("Axis order of an ONNX file, such as nfchw or ncfhw.", _CONTRACT)
    ] = None
    logits: Annotated[
        bool | None,
        Option(
            "Whether its scores still need a softmax, or a sigmoid where the contract says "
            "multi_label. Default: as its last layer says.",
            _CONTRACT,
            names=("--logits/--probabilities",),
        ),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportOptions:
    """How a model is exported and checked; each field is described by its `Option`."""

    spec: Annotated[
        Path | None,
        Option("Contract as JSON. Default: model_spec.json beside the model.", _CONTRACT),
    ] = None
    clips: Annotated[
        Path | None, Option(".npz file with clips to compare both models on.", _CHECKING)
    ] = None
    tolerance: Annotated[
        float | None, Option("Largest allowed difference of a score. Default: 1e-4.", _CHECKING)
    ] = None
    trust: Annotated[
        bool,
        Option("Let code that the model brings run.", _CHECKING, names=("--trust",)),
    ] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallerOptions:
    """Which other files to derive from an ONNX file; each field is described by its `Option`.

    Raises:
        UsageError: the options contradict each other.
    """

    quantize: Annotated[
        Literal["int8"] | None,
        Option("Make the encoder int8: smaller, and faster on CPUs; needs --calibrate.", _SMALLER),
    ] = None
    half: Annotated[
        bool,
        Option("Make the encoder float16, for GPUs; needs --check.", _SMALLER, names=("--half",)),
    ] = False
    calibrate: Annotated[
        str | None,
        Option("Labelled videos like those to come; they set the int8 ranges.", _SMALLER),
    ] = None
    check: Annotated[
        str | None,
        Option(
            "Labelled videos to compare both models on. Default: those of --calibrate.", _SMALLER
        ),
    ] = None
    max_drop: Annotated[
        float, Option("Points of accuracy that the smaller model may lose.", _SMALLER)
    ] = 1.0
    float_layers: Annotated[
        int | None,
        Option(
            "First layers to keep in float. Default: 0, 2 or 5, as needed.", _SMALLER, minimum=0
        ),
    ] = None
    reduce_range: Annotated[
        bool | None,
        Option(
            "7-bit weights, for x86 CPUs without VNNI. Default: as this CPU needs.",
            _SMALLER,
            names=("--reduce-range/--full-range",),
        ),
    ] = None
    fuse_preprocessing: Annotated[
        str | None,
        Option(
            "Also write OUTPUT-camera.onnx, which resizes camera frames of HEIGHTxWIDTH, or any, "
            "by itself.",
            _SMALLER,
        ),
    ] = None
    triton: Annotated[
        Path | None, Option("Also write a model repository for NVIDIA Triton here.", _SMALLER)
    ] = None

    def __post_init__(self) -> None:
        if self.quantize and self.half:
            raise UsageError(
                "--quantize and --half cannot be combined: use int8 for CPUs, half for GPUs"
            )
        if self.quantize and self.calibrate is None:
            raise UsageError(
                "--quantize int8 needs --calibrate with folders of representative videos, such as "
                "--calibrate videos/"
            )
        if self.half and self.check is None:
            raise UsageError("--half needs --check with labelled videos to compare both models on")
        if not self.is_smaller and (self.calibrate or self.check):
            raise UsageError("--calibrate and --check require --quantize int8 or --half")
        if not 0 <= self.max_drop <= 100:
            raise UsageError(f"--max-drop must be from 0 to 100 points, got {self.max_drop}")
        self.camera_size_hw  # noqa: B018  report a bad size before computing anything

    @property
    def is_smaller(self) -> bool:
        """Whether the model itself is changed."""
        return self.quantize is not None or self.half

    @property
    def is_any(self) -> bool:
        """Whether any other file is requested."""
        return self.is_smaller or self.fuse_preprocessing is not None or self.triton is not None

    @property
    def camera_size_hw(self) -> tuple[int, int] | None:
        """Camera frame size from `fuse_preprocessing`, in pixels; None for "any"."""
        if self.fuse_preprocessing in (None, "any"):
            return None
        return size_hw_of("--fuse-preprocessing", self.fuse_preprocessing or "")
