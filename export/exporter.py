"""`rtaction export`: a trained model and its contract into one proven ONNX file."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rtaction.errors import OutputError, UsageError
from rtaction.export.agreement.parity import (
    TOLERANCE,
    Parity,
    make_clips,
    measure_parity,
    require_parity,
)
from rtaction.export.contract.adapted import Adapted, adapted
from rtaction.export.contract.given import Given
from rtaction.export.contract.spec import SPEC_NAME, contract_of, scales_of
from rtaction.export.keras.convert import to_onnx
from rtaction.export.keras.loading import load_keras_model
from rtaction.export.keras.parts import divide
from rtaction.model_spec import ModelSpec
from rtaction.onnx_format.file import OnnxFile
from rtaction.output_file import write_file


@dataclass(frozen=True, slots=True)
class Export:
    """What an export gave.

    Args:
        path: the ONNX file.
        num_nodes: operations in its graph.
        num_bytes: its size.
        parity: how near it is to the Keras model.
        clips_from: where the compared clips came from.
        notes: what was added to the model or cannot be done, for a person. Default none.
    """

    path: Path
    num_nodes: int
    num_bytes: int
    parity: Parity
    clips_from: str
    notes: tuple[str, ...] = ()

    def to_text(self) -> str:
        """Some lines for people."""
        parity = self.parity
        return "\n".join(
            [
                f"wrote {self.path}: {self.num_nodes} nodes, {self.num_bytes / 1e6:.2f} MB",
                *self.notes,
                f"same as Keras on {parity.num_clips} clips ({self.clips_from}): scores differ by "
                f"at most {parity.worst_difference:.1e}, vary by {parity.spread:.2f}, "
                f"top-1 agrees on {parity.top_1_agreement:.0%}",
            ]
        )


def export_model(
    model_path: Path,
    output: Path,
    *,
    spec_path: Path | None = None,
    clips_path: Path | None = None,
    tolerance: float = TOLERANCE,
    given: Given | None = None,
    trust: bool = False,
) -> Export:
    """Convert, prove, and only then write.

    Args:
        model_path: a run folder, a `.keras` or `.h5` file, or a SavedModel folder.
        output: the ONNX file to write; missing folders are made.
        spec_path: the contract. Default: `model_spec.json` beside the model, if it is there.
        clips_path: a `.npz` with uint8 `clips` (n, F, H, W, C) to compare the models on. Default:
            `sample_clips.npz` beside the model, or, without one, made-up moving pictures.
        tolerance: largest difference of a score that is allowed. Default 1e-4.
        given: what a person says of the model; it comes before the contract. Default nothing.
        trust: let code that the model brings run. Default False.

    Raises:
        ModelError, ExportError, ParityError, OutputError: see `rtaction.errors`. The output is then
            not written, and an older file of that name is left as it was.
    """
    if output.resolve() == model_path.resolve():
        raise UsageError(f"-o {output} would overwrite the model; choose another name")
    if output.is_dir():
        raise OutputError(f"cannot write {output}: it is a folder; name a file, such as model.onnx")
    model, spec = load_adapted(model_path, spec_path=spec_path, given=given, trust=trust)
    clips, clips_from = _clips(model_path, clips_path, spec)
    parts = divide(model.model)
    content = to_onnx(parts, spec).SerializeToString(deterministic=True)
    file = OnnxFile(content, where=str(output))
    parity = measure_parity(model.truth, file, clips)
    require_parity(parity, tolerance=tolerance)
    write_file(output, content)
    notes = list(model.notes)
    if parts.reason_for_whole:
        notes.append(f"it runs whole for each window: {parts.reason_for_whole}")
    return Export(output, file.num_nodes, len(content), parity, clips_from, tuple(notes))


def load_adapted(
    model_path: Path,
    *,
    spec_path: Path | None = None,
    given: Given | None = None,
    trust: bool = False,
) -> tuple[Adapted, ModelSpec]:
    """Load a model with its contract, and make it take uint8 clips.

    Args:
        model_path: see `export_model`.
        spec_path: see `export_model`.
        given: see `export_model`.
        trust: see `export_model`.

    Raises:
        ModelError, ExportError, UsageError: see `rtaction.errors`.
    """
    given = given or Given()
    model = load_keras_model(model_path, trust=trust)
    spec = contract_of(
        model, given, spec_path or _beside(model_path, SPEC_NAME), is_named=spec_path is not None
    )
    scales = scales_of(model, given)
    words = [one.words for one in scales if one is not None]
    if words:
        spec = replace(spec, pixel_scaling=f"inside the model: {', '.join(words)}")
    return adapted(model, spec, scales, logits=given.logits), spec


def _beside(model_path: Path, name: str) -> Path:
    """What stands in a model's folder, or beside its file."""
    return (model_path if model_path.is_dir() else model_path.parent) / name


def _clips(
    model_path: Path, clips_path: Path | None, spec: ModelSpec
) -> tuple[npt.NDArray[np.uint8], str]:
    beside = _beside(model_path, "sample_clips.npz")
    path = clips_path or (beside if beside.exists() else None)
    if path is None:
        return make_clips(spec), "made-up moving pictures"
    try:
        with np.load(path, allow_pickle=False) as archive:
            clips = archive["clips"]
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise UsageError(f"cannot read the clips in {path}: {error}") from None
    if clips.dtype != np.uint8 or clips.shape[1:] != spec.clip_shape or len(clips) < 2:
        raise UsageError(
            f"{path}: expected at least two uint8 clips of shape {spec.clip_shape}, got "
            f"{clips.dtype} {clips.shape}"
        )
    return clips, str(path)
