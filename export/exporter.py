"""`rtaction export`: convert a trained model and its contract to one verified ONNX file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from rtaction.arrays import Float32Array, UInt8Array
from rtaction.errors import ExportError, OutputError, UsageError
from rtaction.export.agreement.agreement import MIN_SPREAD, Agreement, agreement_of
from rtaction.export.agreement.clips import OTHER_CLIPS, clips_to_compare, make_other_clips
from rtaction.export.agreement.onnx_run import Scores, scores_in_every_way
from rtaction.export.contract.adapted import adapted
from rtaction.export.contract.spec import SPEC_NAME, changed, contract_of, scales_of
from rtaction.export.keras.convert import to_onnx
from rtaction.export.keras.graph import flattened
from rtaction.export.keras.loading import load_keras_model
from rtaction.export.keras.parts import divide
from rtaction.export.options import TOLERANCE, ContractOptions
from rtaction.export.people import exported_people, refuse_fixed, scores_of_pictures
from rtaction.export.unforeseen import unforeseen_told
from rtaction.model_spec import ModelSpec
from rtaction.onnx_format.build import bytes_of
from rtaction.onnx_format.file import OnnxFile
from rtaction.output_file import write_file
from rtaction.prediction import why_no_scores

SAMPLE_CLIPS_NAME = "sample_clips.npz"
POSE = "pose"
_REMEDY = (
    ". The network is untrained, or the clips are nothing like what it knows; give real ones with "
    "--clips clips.npz"
)


@dataclass(frozen=True, slots=True)
class Export:
    """The result of an export.

    Args:
        path: the ONNX file.
        num_nodes: number of operations in its graph.
        num_bytes: file size.
        agreement: how closely its scores match those of the Keras model.
        clips_from: where the compared clips came from.
        notes: what was added to the model, or is not possible, for the user. Default none.
    """

    path: Path
    num_nodes: int
    num_bytes: int
    agreement: Agreement
    clips_from: str
    notes: tuple[str, ...] = ()

    def to_text(self) -> str:
        """A summary of several lines for the user."""
        return "\n".join(
            [
                f"wrote {self.path}: {self.num_nodes} nodes, {self.num_bytes / 1e6:.2f} MB",
                *self.notes,
                f"matches Keras on {self.agreement.to_text(self.clips_from)}",
            ]
        )


def export_model(
    model_path: Path,
    output: Path,
    *,
    spec_path: Path | None = None,
    clips_path: Path | None = None,
    tolerance: float = TOLERANCE,
    options: ContractOptions | None = None,
    trust: bool = False,
) -> Export:
    """Convert a model, verify the result, and only then write it.

    Args:
        model_path: a run folder, a `.keras` or `.h5` file, or a SavedModel folder.
        output: the ONNX file to write; missing folders are created.
        spec_path: the contract. Default: `model_spec.json` next to the model, if it exists.
        clips_path: a `.npz` with uint8 `clips` (n, F, H, W, C) to compare the models on. Default:
            `sample_clips.npz` next to the model, or synthetic clips if there is none.
        tolerance: largest allowed score difference. Default 1e-4.
        options: contract fields set by the user; they override the contract. Default none.
        trust: run code that is stored in the model. Default False.

    Raises:
        ModelError, ExportError, ParityError, OutputError: see `rtaction.errors`. Nothing is written
            then, and an existing output file is left untouched.
    """
    if output.resolve() == model_path.resolve():
        raise UsageError(f"-o {output} would overwrite the model; choose another name")
    if output.is_dir():
        raise OutputError(f"cannot write {output}: it is a folder; name a file, such as model.onnx")
    with unforeseen_told(f"{model_path} cannot be exported"):
        return _exported(
            model_path,
            output,
            spec_path,
            clips_path,
            tolerance,
            options or ContractOptions(),
            trust,
        )


def _exported(
    model_path: Path,
    output: Path,
    spec_path: Path | None,
    clips_path: Path | None,
    tolerance: float,
    options: ContractOptions,
    trust: bool,
) -> Export:
    keras_model = load_keras_model(model_path, trust=trust)
    spec_file = spec_path or _beside(model_path, SPEC_NAME)
    if spec_file.exists() and (spec := ModelSpec.load(spec_file)).modality == POSE:
        refuse_fixed(options)
        beside = _beside(model_path, SAMPLE_CLIPS_NAME)
        found = exported_people(
            keras_model,
            changed(spec, options),
            clips_path or (beside if beside.exists() else None),
            where=str(output),
        )
        return _written(output, found.content, found.agreement, found.clips_from, tolerance)
    flat = flattened(keras_model)
    spec = contract_of(flat, options, spec_file, is_named=spec_path is not None)
    scales = scales_of(flat, options)
    words = [one.words for one in scales if one is not None]
    if words:
        spec = replace(spec, pixel_scaling=f"inside the model: {', '.join(words)}")
    model = adapted(keras_model, flat, spec, scales, logits=options.logits)
    beside = _beside(model_path, SAMPLE_CLIPS_NAME)
    clips, clips_from = clips_to_compare(clips_path or (beside if beside.exists() else None), spec)
    truth = model.truth(clips)
    if not clips_path and not beside.exists() and np.ptp(truth, axis=0).max() < MIN_SPREAD:
        # Added, not exchanged: one of each kind may differ although those of one kind do not.
        clips = np.concatenate([clips, make_other_clips(spec)])
        clips_from = f"{clips_from} and {OTHER_CLIPS}"
        truth = model.truth(clips)
    if why := why_no_scores(truth):
        raise ExportError(f"{model_path} gives scores that are {why}; {_remedy_for(truth)}")
    # Before the conversion, which may take minutes.
    agreement_of(truth, truth).require_spread(remedy=_REMEDY)
    parts = divide(model.flat)
    content = bytes_of(to_onnx(parts, spec))
    file = OnnxFile(content, where=str(output))
    agreement = agreement_of(truth, *scores_in_every_way(file, clips))
    notes = list(model.notes)
    if parts.reason_for_whole:
        notes.append(f"runs whole for each window: {parts.reason_for_whole}")
    return _written(output, content, agreement, clips_from, tolerance, notes)


def _written(
    output: Path,
    content: bytes,
    agreement: Agreement,
    clips_from: str,
    tolerance: float,
    notes: Sequence[str] = (),
) -> Export:
    """Write a file, if its scores are proven."""
    require_proof(agreement, tolerance=tolerance)
    write_file(output, content)
    num_nodes = OnnxFile(content).num_nodes
    return Export(output, num_nodes, len(content), agreement, clips_from, tuple(notes))


def _remedy_for(scores: Float32Array) -> str:
    if not np.isfinite(scores).all():  # a softmax would not mend that
        return "its weights are damaged, or --scale is wrong; train it again, or give --scale"
    return "say with --logits that they still need a softmax, or end the model with one"


def require_proof(agreement: Agreement, *, tolerance: float = TOLERANCE) -> None:
    """Reject a conversion whose scores do not match, or that cannot be verified.

    Args:
        agreement: between the Keras model and the ONNX file.
        tolerance: largest allowed score difference. Default 1e-4.

    Raises:
        ParityError: the models differ, or their scores hardly vary between clips.
    """
    agreement.require_same(
        tolerance=tolerance,
        problem="the ONNX file does not match the Keras model",
    )
    agreement.require_spread(remedy=_REMEDY)


def scores_of_keras(
    path: Path,
    spec: ModelSpec,
    *,
    scale: str | None = None,
    logits: bool | None = None,
    trust: bool = False,
) -> Scores:
    """Load a trained model as a function from uint8 clips to scores.

    Args:
        path: see `export_model`.
        spec: the contract.
        scale: see `ContractOptions`. Default None: inferred from the model's layers.
        logits: whether its scores still need a softmax. Default None: inferred from its layers.
        trust: see `export_model`.

    Raises:
        ModelError, UsageError: see `rtaction.errors`.
        ExportError: it cannot be run; raised by the function that is returned as well.
    """
    model = load_keras_model(path, trust=trust)
    what = f"{path} cannot be compared"
    if spec.modality == POSE:
        return partial(scores_of_pictures, model, spec)
    with unforeseen_told(what):
        flat = flattened(model)
        scales = scales_of(flat, ContractOptions(scale=scale))
        run = adapted(model, flat, spec, scales, logits=logits).truth

    def scores(clips: UInt8Array) -> Float32Array:
        with unforeseen_told(what):
            return run(clips)

    return scores


def _beside(model_path: Path, name: str) -> Path:
    """The path of a file in the model's folder, or next to the model file."""
    return (model_path if model_path.is_dir() else model_path.parent) / name
