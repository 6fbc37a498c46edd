"""Derive smaller ONNX files, and files for other runtimes, from an exported model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from rtaction.errors import UsageError
from rtaction.export.agreement.agreement import Agreement
from rtaction.export.agreement.compare import compare
from rtaction.export.options import SmallerOptions
from rtaction.export.smaller.encoder_swap import SMALLER_KEY, cut_encoder
from rtaction.export.smaller.fuse import fuse_preprocessing
from rtaction.export.smaller.half import halve
from rtaction.export.smaller.quantize import MAX_FRAMES, quantize, weight_range_here
from rtaction.export.smaller.triton import triton_files
from rtaction.model_spec import ModelSpec
from rtaction.onnx_format.file import OnnxFile
from rtaction.output_file import write_file


class LabelledClips(Protocol):
    """Clips with known labels."""

    @property
    def clip_labels(self) -> npt.NDArray[np.intp]:
        """Positions in the contract's labels, shape (num_clips,)."""

    def __len__(self) -> int:
        """Number of clips."""

    def pictures(self, positions: Any) -> npt.NDArray[np.uint8]:
        """The clips at these positions: uint8, shape (num_positions, frames, height, width, C)."""


ReadClips = Callable[[str, ModelSpec], LabelledClips]
"""Reads the clips of a folder of labelled videos according to a contract."""


def make_files(
    content: bytes,
    output: Path,
    options: SmallerOptions,
    *,
    read_clips: ReadClips,
    say: Callable[[str], object],
) -> Agreement | None:
    """Build and check the requested files, and only then write them.

    Args:
        content: an ONNX file with a contract.
        output: path of the model; other files are written next to it.
        options: which files to build.
        read_clips: reads labelled videos.
        say: called with each line of output.

    Returns:
        How the smaller model's scores compare with the model's; None if only its form changes.

    Raises:
        RtactionError: see `rtaction.errors`; nothing is written then.
    """
    agreement: Agreement | None = None
    if output.is_dir():
        raise UsageError(f"-o {output} is a folder; name a file, such as model.onnx")
    if options.is_smaller:
        content, agreement = _made_smaller(content, options, read_clips, say)
    files = {output: content}
    if options.fuse_preprocessing is not None:
        beside = output.with_name(f"{output.stem}-camera{output.suffix}")
        files[beside] = fuse_preprocessing(content, size_hw=options.camera_size_hw)
    if options.triton is not None:
        parts = triton_files(content)
        files |= {options.triton / relative: part for relative, part in parts.items()}
    for path, part in files.items():
        write_file(path, part)
        if path.parent == output.parent:
            say(f"wrote {path}: {len(part) / 1e6:.2f} MB")
    if options.triton is not None:
        say(f"wrote {options.triton}: tritonserver --model-repository={options.triton}")
    return agreement


def _made_smaller(
    content: bytes, options: SmallerOptions, read_clips: ReadClips, say: Callable[[str], object]
) -> tuple[bytes, Agreement]:
    cut_encoder(content)  # reject what cannot be made smaller before reading any video
    spec = OnnxFile(content).spec
    if options.quantize:
        smaller, name = _quantized(content, spec, options, read_clips, say), "int8"
    else:
        smaller, name = halve(content), "half"
    say(OnnxFile(smaller).metadata[SMALLER_KEY])
    place = options.check or options.calibrate or ""
    if options.check is None:
        say("checked on the calibration videos; for an independent check pass others with --check")
    clips = read_clips(place, spec)
    found = compare(content, smaller, clips.pictures, clips.clip_labels)
    say(found.to_text(name))
    found.agreement.require_accuracy(max_lost_points=options.max_drop, name=name)
    return smaller, found.agreement


def _quantized(
    content: bytes,
    spec: ModelSpec,
    options: SmallerOptions,
    read_clips: ReadClips,
    say: Callable[[str], object],
) -> bytes:
    if options.reduce_range is None:
        chosen = weight_range_here()
        say(f"weights of {7 if chosen.is_reduced else 8} bits: {chosen.reason} (--reduce-range)")
    clips = read_clips(options.calibrate or "", spec)
    positions = np.linspace(0, len(clips) - 1, min(len(clips), MAX_FRAMES)).round().astype(np.intp)
    return quantize(
        content,
        clips.pictures(positions),
        reduce_range=options.reduce_range,
        float_layers=options.float_layers,
    )
