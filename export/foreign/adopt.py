"""`rtaction export foreign.onnx`: convert a third-party ONNX file to an rtaction model.

A file from PyTorch, Keras or another framework gets what it lacks: uint8 frames as input, scores as
output, a contract, and, if its graph allows it, a boundary, so that each live frame is encoded only
once. Each step is verified on clips before it is kept. TensorFlow is not needed.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rtaction.errors import ModelSpecError, UsageError
from rtaction.export.agreement.agreement import Agreement
from rtaction.export.agreement.clips import (
    OTHER_CLIPS,
    clips_to_compare,
    make_clips,
    make_other_clips,
)
from rtaction.export.agreement.onnx_run import runner
from rtaction.export.contract.scales import Scale, scale_named
from rtaction.export.foreign.make import make
from rtaction.export.foreign.read import Foreign, read_foreign, with_two_scores
from rtaction.export.options import ContractOptions
from rtaction.export.unforeseen import unforeseen_told
from rtaction.installation import program
from rtaction.model_spec import ModelSpec
from rtaction.onnx_format.file import OnnxFile
from rtaction.onnx_format.layout import Layout
from rtaction.output_file import write_file

_NUM_CLIPS = 6


@dataclass(frozen=True, slots=True)
class Adoption:
    """The result of converting a third-party file.

    Args:
        path: the ONNX file that was written.
        num_nodes: number of operations in its graph.
        num_bytes: file size.
        layout: axis order of the original file.
        is_layout_guessed: whether the layout was inferred from the input shape.
        is_softmax_added: whether a Softmax was added.
        is_cut: whether it can be cut into encoder and head.
        reason_for_whole: why it is not cut; empty if it is.
        agreement: how closely its scores match those of the original file.
        clips_from: where the compared clips came from.
    """

    path: Path
    num_nodes: int
    num_bytes: int
    layout: Layout
    is_layout_guessed: bool
    is_softmax_added: bool
    is_cut: bool
    reason_for_whole: str
    agreement: Agreement
    clips_from: str

    def to_text(self) -> str:
        """A summary of several lines for the user."""
        inferred = " (inferred from its shape)" if self.is_layout_guessed else ""
        softmax = ", Softmax added" if self.is_softmax_added else ""
        runs = (
            "cut into encoder and head: each live frame is encoded once"
            if self.is_cut
            else f"runs whole for each window: {self.reason_for_whole}"
        )
        return (
            f"wrote {self.path}: {self.num_nodes} nodes, {self.num_bytes / 1e6:.2f} MB\n"
            f"layout {self.layout}{inferred}{softmax}\n{runs}\n"
            f"matches the original file on {self.agreement.to_text(self.clips_from)}"
        )


def adopt_onnx(
    path: Path,
    output: Path,
    options: ContractOptions,
    *,
    clips_path: Path | None = None,
    tolerance: float | None = None,
) -> Adoption:
    """Convert a third-party ONNX file to an rtaction model, and check it.

    Args:
        path: a model with clips as its only input, and scores among its outputs.
        output: the file to write; missing folders are created.
        options: contract fields set by the user. Labels and `clip_seconds` are required; a model
            with a single score needs two labels, and the score is that of the second. Fields that
            are None are inferred from the file: the scale is "0..255" for integer inputs, and
            required for others; the modality is "rgb" for 3 channels, "gray" for 1.
        clips_path: a `.npz` with uint8 `clips` (n, F, H, W, C) to compare the models on. Default
            None: synthetic clips.
        tolerance: largest allowed score difference. Default None: 1e-4, or 1e-2 if the model
            computes in float16.

    Raises:
        ModelError, ExportError, ParityError, UsageError, OutputError: see `rtaction.errors`.
            Nothing is written then, and an existing output file is left untouched.
    """
    if output.resolve() == path.resolve():
        raise UsageError(f"-o {output} would overwrite the model; choose another name")
    file = OnnxFile.load(path)
    if file.has_spec:
        raise UsageError(
            f"{path} already has a contract; run it with: "
            f"{program()} cam --model {shlex.quote(str(path))}"
        )
    what = f"{path} cannot be adopted"
    with unforeseen_told(what):
        foreign, spec, scale, logits = _understood(file, options)
    clips, clips_from = clips_to_compare(clips_path, spec, num_made_up=_NUM_CLIPS)
    with unforeseen_told(what):
        made = make(
            foreign, spec, scale, clips=clips, logits=logits, tolerance=tolerance, where=file.where
        )
        if clips_path is None and not made.agreement.proves_something:
            # Added, not exchanged: one of each kind may differ although those of one kind do not.
            clips = np.concatenate([clips, make_other_clips(spec)])
            clips_from = f"{clips_from} and {OTHER_CLIPS}"
            made = make(
                foreign,
                spec,
                scale,
                clips=clips,
                logits=logits,
                tolerance=tolerance,
                where=file.where,
            )
    made.agreement.require_spread(
        remedy="; nothing was written. The network is untrained, --scale is wrong, or the clips "
        "are nothing like what it knows; give real ones with --clips clips.npz"
    )
    write_file(output, made.content)
    ours = OnnxFile(made.content, where=str(output))
    return Adoption(
        path=output,
        num_nodes=ours.num_nodes,
        num_bytes=len(made.content),
        layout=foreign.layout,
        is_layout_guessed=foreign.was_guessed,
        is_softmax_added=made.is_softmax_added,
        is_cut=ours.is_cut,
        reason_for_whole=ours.reason_for_whole,
        agreement=made.agreement,
        clips_from=clips_from,
    )


def _understood(
    file: OnnxFile, options: ContractOptions
) -> tuple[Foreign, ModelSpec, Scale, bool | None]:
    """The file, its contract, its pixel scaling, and whether its scores are logits, if known."""
    if options.labels is None or options.clip_seconds is None:
        raise UsageError(
            f"a third-party ONNX file needs more options, such as: {file.adoption_command}"
        )
    foreign = read_foreign(
        file,
        layout=options.layout,
        num_frames=options.frames,
        size_hw=options.size_hw,
        modality=options.modality,
    )
    logits = options.logits
    if len(options.labels) == 2 and file.num_scores == 1:
        foreign, logits = with_two_scores(foreign), None
    scale = _scale(foreign, options.scale)
    spec = _contract(
        foreign,
        labels=options.labels,
        clip_seconds=options.clip_seconds,
        resize=options.resize or "squash",
        pixel_scaling=f"inside the model: {scale.words}",
        background_label=options.background_label,
        threshold=0.5 if options.threshold is None else options.threshold,
    )
    return foreign, spec, scale, logits


def how_it_would_run(path: Path) -> str:
    """Describe whether a third-party file would be cut or run whole.

    Raises:
        ModelError, ExportError, UsageError: this cannot be determined.
    """
    file = OnnxFile.load(path)
    with unforeseen_told(f"{path} cannot be adopted"):
        return _how_it_would_run(file)


def _how_it_would_run(file: OnnxFile) -> str:
    foreign = read_foreign(file)
    scale = scale_named("0..1" if foreign.is_float else "0..255", channels=foreign.size("c"))
    run = runner(foreign.model.SerializeToString(), where=file.where)
    blank = np.zeros((1, *foreign.dims[1:]), np.dtype(foreign.dtype))
    names = [f"label {number + 1}" for number in range(max(run(blank)[0].size, 2))]
    if file.num_scores == 1:
        foreign = with_two_scores(foreign)
    spec = _contract(foreign, labels=tuple(names), clip_seconds=1.0)
    clips = make_clips(spec, num_clips=2)
    made = make(foreign, spec, scale, clips=clips, logits=None, tolerance=None, where=file.where)
    ours = OnnxFile(made.content)
    if not ours.is_cut:
        return f"whole for each window: {ours.reason_for_whole}"
    boundary = ours.boundary
    encoder = OnnxFile(ours.cut([boundary.frames], [boundary.frame_features]))
    return (
        "cut into encoder and head, once adopted: "
        f"{encoder.num_nodes} of {ours.num_nodes} nodes run once per frame"
    )


def _contract(foreign: Foreign, **fields: Any) -> ModelSpec:
    try:
        return ModelSpec(
            frames_per_clip=foreign.size("f"),
            height=foreign.size("h"),
            width=foreign.size("w"),
            modality=foreign.modality,
            **fields,
        )
    except ModelSpecError as error:
        raise UsageError(str(error)) from None


def _scale(foreign: Foreign, name: str | None) -> Scale:
    if name is None and foreign.is_float:
        raise UsageError(
            "--scale is required, as the file does not contain the pixel range that the network "
            "was trained on, such as 0..1, -1..1, 0..255, imagenet"
        )
    if not foreign.is_float and name not in (None, "0..255"):
        raise UsageError(
            f"--scale must be 0..255 or left out, as the model takes integers, got {name}"
        )
    return scale_named(name or "0..255", channels=foreign.size("c"))
