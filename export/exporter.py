"""`rtaction export`: a Keras model and its contract into one proven ONNX file."""

from __future__ import annotations

import os
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rtaction.errors import OutputError, UsageError
from rtaction.export.convert import to_onnx
from rtaction.export.keras_parts import check_spec, divide, load_keras_model
from rtaction.export.parity import TOLERANCE, Parity, make_clips, measure_parity, require_parity
from rtaction.model_spec import ModelSpec
from rtaction.onnx_file import OnnxFile


@dataclass(frozen=True, slots=True)
class Export:
    """What an export gave.

    Args:
        path: the ONNX file.
        num_nodes: operations in its graph.
        num_bytes: its size.
        parity: how near it is to the Keras model.
        clips_from: where the compared clips came from.
    """

    path: Path
    num_nodes: int
    num_bytes: int
    parity: Parity
    clips_from: str


def export_model(
    model_path: Path,
    output: Path,
    *,
    spec_path: Path | None = None,
    clips_path: Path | None = None,
    tolerance: float = TOLERANCE,
) -> Export:
    """Convert, prove, and only then write.

    Args:
        model_path: a `.keras` file.
        output: the ONNX file to write; missing folders are made.
        spec_path: the contract. Default: `model_spec.json` beside the model.
        clips_path: a `.npz` with uint8 `clips` (n, F, H, W, C) to compare the models on. Default:
            `sample_clips.npz` beside the model, or, without one, made-up moving pictures.
        tolerance: largest difference of a score that is allowed. Default 1e-4.

    Raises:
        ModelError, ExportError, ParityError, OutputError: see `rtaction.errors`. The output is then
            not written, and an older file of that name is left as it was.
    """
    if output.resolve() == model_path.resolve():
        raise UsageError(f"-o {output} would overwrite the Keras model; choose another name")
    if output.is_dir():
        raise OutputError(f"cannot write {output}: it is a folder; name a file, such as model.onnx")
    model = load_keras_model(model_path)
    spec = ModelSpec.load(spec_path or model_path.parent / "model_spec.json")
    check_spec(model, spec)
    clips, clips_from = _clips(model_path, clips_path, spec)
    converted = to_onnx(divide(model), spec)
    content = converted.SerializeToString(deterministic=True)
    file = OnnxFile(content, where=str(output))
    parity = measure_parity(model, file, clips)
    require_parity(parity, tolerance=tolerance)
    _write(output, content)
    return Export(output, file.num_nodes, len(content), parity, clips_from)


def _clips(
    model_path: Path, clips_path: Path | None, spec: ModelSpec
) -> tuple[npt.NDArray[np.uint8], str]:
    beside = model_path.parent / "sample_clips.npz"
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


def _write(output: Path, content: bytes) -> None:
    partial = output.with_name(f"partial-{output.name}")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(content)
        os.replace(partial, output)
    except OSError as error:
        raise OutputError(f"cannot write {output}: {error}") from None
