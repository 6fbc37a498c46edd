"""From a network from elsewhere to a proven file: cut if that can be proven, else whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import ModelProto

from rtaction.arrays import UInt8Array
from rtaction.errors import ExportError
from rtaction.export.agreement.agreement import TOLERANCE, Agreement
from rtaction.export.agreement.onnx_run import runner
from rtaction.export.contract.scales import Scale
from rtaction.export.foreign.boundary import NotCuttable, find_cut
from rtaction.export.foreign.build import build_cut, build_whole, prepared
from rtaction.export.foreign.proof import Truth, prove, truth_of
from rtaction.export.foreign.read import Foreign
from rtaction.export.foreign.shapes import fold_shapes, with_clip_dims, with_free_batch
from rtaction.export.foreign.unroll import CopiesDiffer, fold_copies
from rtaction.export.unforeseen import layer_of, reason_of
from rtaction.model_spec import ModelSpec
from rtaction.onnx_format.build import bytes_of

# Half of the numbers' bits.
_TOLERANCE_FLOAT16 = 1e-2
_MAX_CLIPS = 16
# Differences are to be small beside what the scores tell apart.
_SPREAD_TO_DIFFERENCE, _MIN_SPREAD = 30.0, 1e-5


@dataclass(frozen=True, slots=True)
class Made:
    """A file's bytes, and how far they compute what the network computes."""

    content: bytes
    agreement: Agreement
    is_softmax_added: bool


@dataclass(frozen=True, slots=True)
class _Job:
    """What is made of what.

    Args:
        foreign: the network.
        spec: the contract.
        scale: of its pixels.
        truth: what it says.
        values: the clips of the truth, as the network takes them.
        tolerance: largest difference of a score that is allowed.
    """

    foreign: Foreign
    spec: ModelSpec
    scale: Scale
    truth: Truth
    values: npt.NDArray[Any]
    tolerance: float


def make(
    foreign: Foreign,
    spec: ModelSpec,
    scale: Scale,
    *,
    clips: UInt8Array,
    logits: bool | None,
    tolerance: float | None,
    where: str,
) -> Made:
    """Build, prove, and fall back from cut to whole.

    Args:
        foreign: the network.
        spec: the contract.
        scale: of its pixels.
        clips: uint8, shape (num_clips, frames, height, width, channels), at least two, to compare
            on; of many, some are taken.
        logits: see `truth_of`.
        tolerance: largest difference of a score that is allowed. None: 1e-4, or 1e-2 where the
            network takes float16.
        where: what to call it in an error.

    Raises:
        ExportError, ParityError, UsageError: see `rtaction.errors`.
    """
    if tolerance is None:
        tolerance = _TOLERANCE_FLOAT16 if foreign.dtype == np.float16 else TOLERANCE
    if len(clips) > _MAX_CLIPS:
        clips = clips[np.linspace(0, len(clips) - 1, _MAX_CLIPS).astype(int)]
    truth = truth_of(foreign, scale, clips, num_labels=len(spec.labels), logits=logits, where=where)
    values = prepared(truth.clips, scale, foreign.layout, foreign.dtype)
    job = _Job(foreign, spec, scale, truth, values, tolerance)
    model = _of_any_batch(job)
    cut, reason = _cut(job, model)
    if cut is not None:
        return cut
    if model is None:
        reason += "; it takes one clip at a time, export it with a free batch (dynamic_axes)"
    return _whole(job, model, reason, where)


def _cut(job: _Job, model: ModelProto | None) -> tuple[Made | None, str]:
    """The file that can be cut, or why there is none.

    Args:
        job: what is made.
        model: the network, taking any batch; None where it takes one clip at a time.
    """
    foreign, values = job.foreign, job.values
    softmax = job.truth.is_softmax_last
    num_clips = 1 if model is None else 2
    try:
        if model is None:
            model = _with_output(foreign.model, job.truth.output)
            folded, sizes = fold_shapes(model, lambda _: values[:1])
            folded = with_free_batch(folded, [1, *foreign.dims[1:]], foreign.size("f"))
        else:
            folded, sizes = fold_shapes(model, lambda number: values[:number])
        folded, _ = fold_copies(folded, foreign.dims, foreign.size("f"))
        cut = find_cut(folded, values[:num_clips], foreign.layout)

        def build(*, softmax: bool) -> bytes:
            built = build_cut(
                foreign,
                folded,
                cut,
                sizes,
                job.spec,
                job.scale,
                softmax=softmax,
                batch=1 if num_clips == 1 else "batch",
            )
            return bytes_of(built)

        content = build(softmax=softmax)
        agreement = prove(content, job.truth, job.truth.scores)
        if not agreement.max_difference <= job.tolerance:  # "not <=" also refuses nan
            return None, f"cut, its scores would differ by {agreement.max_difference:.2g}"
        # Softmax may hide all differences, where one score is 1 whatever the clip.
        plain = prove(build(softmax=False), job.truth, job.truth.raw) if softmax else agreement
    except (NotCuttable, CopiesDiffer) as error:
        return None, str(error)
    except ExportError as error:
        return None, f"cut, it would not run ({error})"
    except Exception as error:
        # A graph of a form that nobody thought of may run as it is.
        at = layer_of(error)
        return None, f"it cannot be cut{f' at {at}' if at else ''} ({reason_of(error)})"
    if not plain.spread >= max(_MIN_SPREAD, _SPREAD_TO_DIFFERENCE * plain.max_difference):
        return None, (
            f"a cut cannot be proven: over {plain.num_clips} clips no score varies by more than "
            f"{plain.spread:.1g}; adopt it again with real ones, --clips clips.npz"
        )
    return Made(content, agreement, job.truth.is_softmax_added), ""


def _whole(job: _Job, model: ModelProto | None, reason: str, where: str) -> Made:
    whole = build_whole(
        job.foreign,
        model or _with_output(job.foreign.model, job.truth.output),
        job.spec,
        job.scale,
        softmax=job.truth.is_softmax_last,
        reason=reason,
        batch=1 if model is None else "batch",
    )
    content = bytes_of(whole)
    agreement = prove(content, job.truth, job.truth.scores)
    agreement.require_same(
        tolerance=job.tolerance,
        problem=f"what was made of {where} does not compute the same",
        remedy="; nothing was written",
    )
    return Made(content, agreement, job.truth.is_softmax_added)


def _of_any_batch(job: _Job) -> ModelProto | None:
    """The network if it takes several clips at once, as it is or after sizes are freed."""
    foreign, raw = job.foreign, job.truth.raw
    model = _with_output(foreign.model, job.truth.output)
    dims = [foreign.dims[0] or 1, *foreign.dims[1:]]
    for candidate in (
        with_clip_dims(model, ["batch", *dims[1:]]),
        with_free_batch(model, dims, foreign.size("f")),
    ):
        try:
            (scores,) = runner(candidate.SerializeToString())(job.values[:3])
        except ExportError:
            continue
        if scores.size == raw[:3].size:
            difference = np.abs(scores.reshape(3, -1) - raw[:3]).max()
            if difference <= job.tolerance * max(1.0, float(np.abs(raw).max())):
                return candidate
    return None


def _with_output(model: ModelProto, output: str) -> ModelProto:
    """A copy whose only output is that tensor."""
    model = with_clip_dims(model, [*_dims_of(model)])
    model.graph.ClearField("output")
    model.graph.output.add(name=output)
    return model


def _dims_of(model: ModelProto) -> list[int | str]:
    shape = model.graph.input[0].type.tensor_type.shape
    return [dim.dim_param or int(dim.dim_value) for dim in shape.dim]
