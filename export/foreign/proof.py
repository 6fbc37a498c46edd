"""Proof that a file made from one from elsewhere computes what that computes, cut or not."""

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

# Softmax and Sigmoid give probabilities: of one label, or of each.
_GIVE_PROBABILITIES = ("Softmax", "Sigmoid", "HardSigmoid")
_SAME = 1e-3
_CLIPS_AT_ONCE = 3


@dataclass(frozen=True, slots=True)
class Truth:
    """What the network from elsewhere says, given one clip at a time, scaled by NumPy.

    Args:
        clips: uint8, shape (num_clips, frames, height, width, channels). The second half holds the
            pictures of the first, each clip's from several of its clips.
        sources: for each clip and picture of the second half, the clip and picture of the first,
            shape (num_clips / 2, frames, 2).
        raw: what the network gives at `output`, shape (num_clips, num_labels).
        scores: as they should come out, shape (num_clips, num_labels).
        output: name of the tensor with the scores, before a last Softmax.
        is_softmax_last: whether `scores` are the Softmax of `raw`.
        is_softmax_added: whether the network itself has none.
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
    """Run the network on clips, and on clips with pictures exchanged between them.

    Args:
        foreign: the network.
        scale: of its pixels.
        clips: uint8, shape (num_clips, frames, height, width, channels).
        num_labels: scores that a clip should have. Default None: the first output's.
        logits: whether its scores are still to become probabilities. Default None: told from its
            last operation, or from the scores.
        where: what to call it in an error.

    Raises:
        ExportError: it does not run, or gives something else than numbers.
        UsageError: it gives other scores than there are labels, or `logits` is wrong.
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
        told = ", ".join(f"{name}: {size}" for name, size in zip(names, sizes, strict=True))
        raise UsageError(
            f"--labels names {num_labels} labels, but {where} gives other numbers of scores for a "
            f"clip ({told}); name one label for each score, in its order"
        )
    raw = np.stack([result[position].reshape(-1) for result in results]).astype(np.float32)
    if not np.isfinite(raw).all():
        raise ExportError(
            f"{where} gives scores that are no numbers (NaN or infinite) for ordinary pictures; "
            "look at --scale, and where it computes in float16 export it in float32"
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
    """Name and values of what a network's last Softmax takes; an empty name where it has none."""
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
            f"--probabilities says that {where} gives probabilities, but its scores go from "
            f"{raw.min():.3g} to {raw.max():.3g}; leave it out"
        )
    return not (sum_to_one or (gives and are_shares)) if logits is None else logits


def prove(content: bytes, truth: Truth, expected: Float32Array) -> Agreement:
    """Compare a file with the network that it was made from, in every way that it may be run.

    Args:
        content: the file.
        truth: what the network says.
        expected: its `scores`, or its `raw` ones.

    Raises:
        ExportError: it does not run.
    """
    ways = scores_in_every_way(
        OnnxFile(content), truth.clips, exchanged=truth.sources, clips_at_once=_CLIPS_AT_ONCE
    )
    return agreement_of(expected, *ways)
