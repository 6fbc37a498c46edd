"""Verify that a converted file matches the third-party file it was made from, cut or whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rtaction.arrays import Float32Array, UInt8Array
from rtaction.errors import ExportError, UsageError
from rtaction.export.agreement.agreement import Agreement, agreement_of
from rtaction.export.agreement.onnx_run import runner, scores_in_every_way
from rtaction.export.contract.scales import Scale
from rtaction.export.foreign.build import prepared, softmaxed
from rtaction.export.foreign.read import Foreign, last_operation
from rtaction.onnx_format.file import OnnxFile
from rtaction.onnx_format.graph import part

# Their outputs are probabilities: of exclusive labels, or of each label.
_GIVE_PROBABILITIES = ("Softmax", "Sigmoid", "HardSigmoid")
_SAME = 1e-3
_CLIPS_AT_ONCE = 3


@dataclass(frozen=True, slots=True)
class Truth:
    """Reference scores of the third-party network, run clip by clip with pixels scaled by NumPy.

    Args:
        clips: uint8, shape (num_clips, frames, height, width, channels). The second half consists
            of frames of the first half, mixed across its clips.
        sources: for each clip and frame of the second half, the clip and frame of the first half,
            shape (num_clips / 2, frames, 2).
        raw: the network's values at `output`, shape (num_clips, num_labels).
        scores: the expected scores, shape (num_clips, num_labels).
        output: name of the tensor with the scores, before a final Softmax.
        is_softmax_last: whether `scores` are the Softmax of `raw`.
        is_softmax_added: whether that Softmax is not part of the network.
    """

    clips: UInt8Array
    sources: npt.NDArray[np.int64]
    raw: Float32Array
    scores: Float32Array
    output: str
    is_softmax_last: bool
    is_softmax_added: bool


def truth_of(
    foreign: Foreign,
    scale: Scale,
    clips: UInt8Array,
    *,
    num_labels: int | None,
    logits: bool | None,
    where: str,
) -> Truth:
    """Run the network on clips, and on clips with frames exchanged between them.

    Args:
        foreign: the network.
        scale: its pixel scaling.
        clips: uint8, shape (num_clips, frames, height, width, channels).
        num_labels: expected number of scores per clip. Default None: that of the first output.
        logits: whether its scores still need a softmax. Default None: inferred from its last
            operation, or from the scores.
        where: name of the model in error messages.

    Raises:
        ExportError: it does not run, or its scores are not finite.
        UsageError: no output has one score per label, or `logits` is wrong.
    """
    sources = _exchanged(len(clips), clips.shape[1])
    clips = np.concatenate([clips, clips[sources[..., 0], sources[..., 1]]])
    names = [value.name for value in foreign.model.graph.output]
    run = runner(foreign.model.SerializeToString(), outputs=names, where=where)
    values = [prepared(clip[np.newaxis], scale, foreign.layout, foreign.dtype) for clip in clips]
    results = [run(value) for value in values]
    sizes = [result.size for result in results[0]]
    position = (
        0
        if num_labels is None
        else next((number for number, size in enumerate(sizes) if size == num_labels), -1)
    )
    if position < 0:
        found = ", ".join(f"{name}: {size}" for name, size in zip(names, sizes, strict=True))
        raise UsageError(
            f"--labels has {num_labels} labels, but no output of {where} has as many scores "
            f"({found}); give one label for each score, in order"
        )
    raw = np.stack([result[position].reshape(-1) for result in results]).astype(np.float32)
    if not np.isfinite(raw).all():
        raise ExportError(
            f"{where} gives scores that are not finite (NaN or infinite) for ordinary clips; "
            "check --scale, and if it computes in float16, export it in float32"
        )
    output = names[position]
    before, logit_values = _before_softmax(foreign, output, values)
    if before and np.abs(softmaxed(logit_values) - raw).max() <= _SAME:
        return Truth(clips, sources, logit_values, raw, before, True, False)
    softmax = _needs_softmax(foreign, output, raw, logits, where)
    return Truth(clips, sources, raw, softmaxed(raw) if softmax else raw, output, softmax, softmax)


def _before_softmax(
    foreign: Foreign, output: str, values: Sequence[npt.NDArray[Any]]
) -> tuple[str, Float32Array]:
    """Name and values of the input of the network's final Softmax; an empty name without one."""
    maker = last_operation(foreign.model, output)
    if maker is None or maker.op_type != "Softmax":
        return "", np.empty(0, np.float32)
    name = maker.input[0]
    exposed = part(foreign.model, foreign.model.graph.input[:1], [name])
    run = runner(exposed.SerializeToString())
    found = np.stack([run(value)[0].reshape(-1) for value in values]).astype(np.float32)
    return name, found


def _exchanged(num_clips: int, num_frames: int) -> npt.NDArray[np.int64]:
    clip, frame = np.meshgrid(np.arange(num_clips), np.arange(num_frames), indexing="ij")
    return np.stack([(clip + frame) % num_clips, (frame * 3 + clip) % num_frames], axis=-1)


def _needs_softmax(
    foreign: Foreign, output: str, raw: Float32Array, logits: bool | None, where: str
) -> bool:
    are_shares = bool((raw >= -1e-4).all() and (raw <= 1 + 1e-4).all())
    sum_to_one = are_shares and bool(np.abs(raw.sum(axis=1) - 1).max() < 1e-2)
    maker = last_operation(foreign.model, output)
    gives = maker is not None and maker.op_type in _GIVE_PROBABILITIES
    if logits is False and not are_shares:
        raise UsageError(
            f"--probabilities needs scores from 0 to 1, but those of {where} range from "
            f"{raw.min():.3g} to {raw.max():.3g}; leave it out"
        )
    return not (sum_to_one or (gives and are_shares)) if logits is None else logits


def prove(content: bytes, truth: Truth, expected: Float32Array) -> Agreement:
    """Compare a file with the original network, in every way that it can be run.

    Args:
        content: the file.
        truth: reference scores of the network.
        expected: `truth.scores` or `truth.raw`.

    Raises:
        ExportError: the file does not run.
    """
    ways = scores_in_every_way(
        OnnxFile(content), truth.clips, exchanged=truth.sources, clips_at_once=_CLIPS_AT_ONCE
    )
    return agreement_of(expected, *ways)
