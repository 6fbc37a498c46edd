"""What `rtaction export` makes of a finished ONNX file: smaller ones, and ones for other runtimes.

The videos that this is measured on are read here, with what the training room offers, as the rooms
do not know each other.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rtaction.errors import DatasetError, UsageError

if TYPE_CHECKING:
    from rtaction.model_spec import ModelSpec
    from rtaction.train.data.clip_set import ClipSet

Quantize = Literal["int8"]


@dataclass(frozen=True, slots=True)
class Wishes:
    """Options of the command line that ask for more than a plain export.

    Args:
        quantize: "int8", or None.
        half: whether to make the encoder float16.
        calibrate: labelled videos that set the ranges of int8.
        check: labelled videos that the smaller model is judged on. Default None: those of
            `calibrate`.
        max_drop: percentage points of accuracy that it may lose. Default 1.0.
        float_layers: see `rtaction.export.smaller.quantize`. Default None.
        reduce_range: likewise. Default None.
        fuse: size of the camera pictures, "HEIGHTxWIDTH" or "any", of the file that is written
            beside; or None.
        triton: folder of a model repository, or None.

    Raises:
        UsageError: they contradict each other.
    """

    quantize: Quantize | None = None
    half: bool = False
    calibrate: str | None = None
    check: str | None = None
    max_drop: float = 1.0
    float_layers: int | None = None
    reduce_range: bool | None = None
    fuse: str | None = None
    triton: Path | None = None

    def __post_init__(self) -> None:
        if self.quantize and self.half:
            raise UsageError(
                "--quantize and --half exclude each other: int8 is for CPUs, half GPUs"
            )
        if self.quantize and self.calibrate is None:
            raise UsageError(
                "--quantize int8 needs --calibrate: folders of videos like those to come, such as "
                "--calibrate videos/"
            )
        if self.half and self.check is None:
            raise UsageError("--half needs --check: labelled videos to compare both models on")
        if not self.is_smaller and (self.calibrate or self.check):
            raise UsageError("--calibrate and --check belong to --quantize int8 or --half")
        if not 0 <= self.max_drop <= 100:
            raise UsageError(f"--max-drop must be from 0 to 100 points, got {self.max_drop}")
        self.camera_size_hw  # noqa: B018  a bad size is told before anything is computed

    @property
    def is_smaller(self) -> bool:
        """Whether the model itself is changed."""
        return self.quantize is not None or self.half

    @property
    def is_any(self) -> bool:
        """Whether anything is wished for."""
        return self.is_smaller or self.fuse is not None or self.triton is not None

    @property
    def camera_size_hw(self) -> tuple[int, int] | None:
        """Of `fuse`; None for "any"."""
        if self.fuse is None or self.fuse == "any":
            return None
        match = re.fullmatch(r"([1-9]\d{0,4})x([1-9]\d{0,4})", self.fuse)
        if match is None:
            raise UsageError(
                f"--fuse-preprocessing must be HEIGHTxWIDTH of the camera's pictures, such as "
                f"480x640, or any, got {self.fuse!r}"
            )
        return int(match[1]), int(match[2])


def is_ours(model: Path) -> bool:
    """Whether a path is an ONNX file that has its contract."""
    if model.suffix.lower() != ".onnx":
        return False
    from rtaction.onnx_format.file import OnnxFile

    return OnnxFile.load(model).has_spec


def fulfil(content: bytes, output: Path, wishes: Wishes, echo: Callable[[str], object]) -> None:
    """Make and prove what is wished for, and only then write.

    Args:
        content: an ONNX file with a contract.
        output: where the model goes; the others beside it.
        wishes: see there.
        echo: gets lines for the person.

    Raises:
        RtactionError: nothing was written then.
    """
    from rtaction.output_file import write_file

    if output.is_dir():
        raise UsageError(f"-o {output} is a folder; name a file, such as model.onnx")
    if wishes.is_smaller:
        content = _made_smaller(content, wishes, echo)
    files = {output: content}
    if wishes.fuse is not None:
        from rtaction.export.smaller.fuse import fuse_preprocessing

        beside = output.with_name(f"{output.stem}-camera{output.suffix}")
        files[beside] = fuse_preprocessing(content, size_hw=wishes.camera_size_hw)
    if wishes.triton is not None:
        from rtaction.export.smaller.triton import triton_files

        parts = triton_files(content)
        files |= {wishes.triton / relative: part for relative, part in parts.items()}
    for path, part in files.items():
        write_file(path, part)
        if path.parent == output.parent:
            echo(f"wrote {path}: {len(part) / 1e6:.2f} MB")
    if wishes.triton is not None:
        echo(f"wrote {wishes.triton}: tritonserver --model-repository={wishes.triton}")


def _made_smaller(content: bytes, wishes: Wishes, echo: Callable[[str], object]) -> bytes:
    from rtaction.export.agreement.compare import compare
    from rtaction.export.smaller.encoder_swap import SMALLER_KEY, cut_encoder
    from rtaction.onnx_format.file import OnnxFile

    cut_encoder(content)  # what cannot be made smaller is told before any video is read
    spec = OnnxFile(content).spec
    if wishes.quantize:
        smaller, name = _quantized(content, spec, wishes, echo), "int8"
    else:
        from rtaction.export.smaller.half import halve

        smaller, name = halve(content), "half"
    echo(OnnxFile(smaller).metadata[SMALLER_KEY])
    place = wishes.check or wishes.calibrate or ""
    if wishes.check is None:
        echo("checked on the videos that it was calibrated on; others tell more: --check")
    clips = _labelled_clips(place, spec)
    found = compare(content, smaller, clips.pictures, clips.clip_labels)
    echo(found.to_text(name))
    found.agreement.require_accuracy(max_lost_points=wishes.max_drop, name=name)
    return smaller


def _quantized(
    content: bytes, spec: ModelSpec, wishes: Wishes, echo: Callable[[str], object]
) -> bytes:
    import numpy as np

    from rtaction.export.smaller.quantize import MAX_FRAMES, quantize, weight_range_here

    if wishes.reduce_range is None:
        chosen = weight_range_here()
        echo(f"weights of {7 if chosen.is_reduced else 8} bits: {chosen.reason} (--reduce-range)")
    clips = _labelled_clips(wishes.calibrate or "", spec)
    positions = np.linspace(0, len(clips) - 1, min(len(clips), MAX_FRAMES)).round().astype(np.intp)
    return quantize(
        content,
        clips.pictures(positions),
        reduce_range=wishes.reduce_range,
        float_layers=wishes.float_layers,
    )


def _labelled_clips(place: str, spec: ModelSpec) -> ClipSet:
    from rtaction.train.data.clip_set import read_clip_set
    from rtaction.video.labelled_videos import find_videos, labels_of

    videos = find_videos(place, min_labels=1)
    known = [video for video in videos if video.label in spec.labels]
    if not known:
        raise DatasetError(
            f"the model knows none of the folders {list(labels_of(videos))} in {place}; expected "
            f"folders called like its labels: {', '.join(spec.labels)}"
        )
    return read_clip_set(known, spec, need_every_label=False)
