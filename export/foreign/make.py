"""Convert a third-party network to a verified file: cut if that can be verified, else whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import ModelProto

from rtaction.arrays import UInt8Array
from rtaction.errors import ExportError, RtactionError
from rtaction.export.agreement.agreement import Agreement
from rtaction.export.agreement.onnx_run import runner
from rtaction.export.contract.scales import Scale
from rtaction.export.foreign.boundary import NotCuttable, find_cut
from rtaction.export.foreign.build import build_cut, build_whole, prepared
from rtaction.export.foreign.proof import Truth, prove, truth_of
from rtaction.export.foreign.read import Foreign
from rtaction.export.foreign.shapes import fold_shapes, with_clip_dims, with_free_batch
from rtaction.export.foreign.unroll import CopiesDiffer, fold_copies
from rtaction.export.options import TOLERANCE
from rtaction.export.unforeseen import layer_of, reason_of
from rtaction.model_spec import ModelSpec
from rtaction.onnx_format.build import bytes_of

# float16 has half the bits.
_TOLERANCE_FLOAT16 = 1e-2
_MAX_CLIPS = 24
# Score differences must be small relative to the spread of the scores.
_SPREAD_TO_DIFFERENCE, _MIN_SPREAD = 30.0, 1e-5


@dataclass(frozen=True, slots=True)
class Made:
    """A file's bytes, and how closely its scores match those of the network."""

    content: bytes
    agreement: Agreement
    is_softmax_added: bool


@dataclass(frozen=True, slots=True)
class _Job:
    """Inputs of a conversion.

    Args:
        foreign: the network.
        spec: the contract.
        scale: its pixel scaling.
        truth: its reference scores.
        values: the clips of `truth` in the network's input format.
        tolerance: largest allowed score difference.
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
    """Build and verify a cut file, or a whole one if that fails.

    Args:
        foreign: the network.
        spec: the contract.
        scale: its pixel scaling.
        clips: uint8, shape (num_clips, frames, height, width, channels), at least two, to compare
            on; a sample of at most 24 is used.
        logits: see `truth_of`.
        tolerance: largest allowed score difference. None: 1e-4, or 1e-2 if the network takes
            float16.
        where: name of the model in error messages.

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
        reason += "; it takes one clip at a time: export it with a dynamic batch (dynamic_axes)"
    return _whole(job, model, reason, where)


def _cut(job: _Job, model: ModelProto | None) -> tuple[Made | None, str]:
    """Build the file that can be cut, or return the reason why it cannot.

    Args:
        job: inputs of the conversion.
        model: the network for any batch size; None if it takes one clip at a time.
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
        if not agreement.max_difference <= job.tolerance:  # "not <=" also rejects nan
            return None, f"after a cut, its scores differ by {agreement.max_difference:.2g}"
        # Softmax hides all differences if one score is 1 for every clip.
        plain = prove(build(softmax=False), job.truth, job.truth.raw) if softmax else agreement
    except (NotCuttable, CopiesDiffer) as error:
        return None, str(error)
    except ExportError as error:
        return None, f"after a cut, it does not run ({error})"
    except (MemoryError, RtactionError):
        raise
    except Exception as error:
        # A graph of a form that nobody thought of may run as it is.
        at = layer_of(error)
        return None, f"it cannot be cut{f' at {at}' if at else ''} ({reason_of(error)})"
    if not plain.spread >= max(_MIN_SPREAD, _SPREAD_TO_DIFFERENCE * plain.max_difference):
        return None, (
            f"a cut cannot be verified: over {plain.num_clips} clips no score varies by more than "
            f"{plain.spread:.1g}; export it again with real ones, --clips clips.npz"
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
        problem=f"the exported file does not match {where}",
        remedy="; nothing was written",
    )
    return Made(content, agreement, job.truth.is_softmax_added)


def _of_any_batch(job: _Job) -> ModelProto | None:
    """The network if it takes several clips at once, unchanged or with fixed sizes removed."""
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
    """A copy with that tensor as its only output."""
    model = with_clip_dims(model, [*_dims_of(model)])
    model.graph.ClearField("output")
    model.graph.output.add(name=output)
    return model


def _dims_of(model: ModelProto) -> list[int | str]:
    shape = model.graph.input[0].type.tensor_type.shape
    return [dim.dim_param or int(dim.dim_value) for dim in shape.dim]
