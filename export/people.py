"""Export a network of joints together with the pose network that reads them, as one ONNX file.

The file is compared with the Keras model twice: from joints to scores, as people are followed live,
and from pictures to scores, as any other runtime runs it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rtaction.arrays import Float32Array, UInt8Array
from rtaction.errors import ExportError, ModelSpecError, UsageError
from rtaction.export.agreement.agreement import Agreement, agreement_of
from rtaction.export.agreement.clips import clips_to_compare
from rtaction.export.agreement.onnx_run import runner, scores_in_every_way
from rtaction.export.keras.convert import head_to_onnx
from rtaction.export.keras.graph import flattened
from rtaction.export.keras.parts import undivided
from rtaction.export.options import ContractOptions
from rtaction.model_spec import ModelSpec
from rtaction.models import POSE_MODEL
from rtaction.onnx_format.file import OnnxFile
from rtaction.pose.graph import NUM_FEATURES, NUMBERS, pose_model
from rtaction.pose.keypoints import NUM_JOINTS
from rtaction.pose.normal import NUM_NUMBERS, window_numbers

_POINTS = "points"
_NUM_MADE_UP, _NUM_MADE_UP_CLIPS = 64, 2
_PICTURES_AT_ONCE = 4  # clips of them
_FIXED = ("layout", "scale", "resize", "frames", "size_hw", "logits", "modality", "clip_seconds")


@dataclass(frozen=True, eq=False, slots=True)
class PeopleExport:
    """A file and its proof.

    Args:
        content: the ONNX file.
        agreement: of its scores with those of Keras.
        clips_from: what they were compared on.
    """

    content: bytes
    agreement: Agreement
    clips_from: str


def exported_people(
    keras_model: Any, spec: ModelSpec, clips_path: Path | None, *, where: str
) -> PeopleExport:
    """Convert a network of joints.

    Args:
        keras_model: from numbers, float32 (n, frames_per_clip, NUM_NUMBERS), to scores.
        spec: the contract; its modality is "pose".
        clips_path: a `.npz` with `clips`, uint8 pictures, and `points`, float32 joints, shape
            (n, frames_per_clip, 17, 3), to compare on. Default None: made-up ones.
        where: name of the file in error messages.

    Raises:
        ModelSpecError: the contract does not fit the model.
        ExportError: a layer cannot be converted.
        UsageError: the clips do not fit the contract.
    """
    _check(keras_model, spec)
    head = head_to_onnx(undivided(flattened(keras_model)), NUMBERS)
    network = OnnxFile.load(POSE_MODEL)
    content = pose_model(spec, head, network)
    file = OnnxFile(content, where=where)
    points = _points_to_compare(clips_path, spec)
    has_pictures = clips_path is not None and not _lacks_pictures(clips_path)
    clips, clips_from = clips_to_compare(
        clips_path if has_pictures else None, spec, num_made_up=_NUM_MADE_UP_CLIPS
    )
    agreement = _compared(keras_model, file, points, clips)
    words = f"{len(points)} windows of joints and {len(clips)} of pictures, {clips_from}"
    return PeopleExport(content, agreement, words)


def scores_of_pictures(keras_model: Any, spec: ModelSpec, clips: UInt8Array) -> Float32Array:
    """Scores of a network of joints for pictures, read by the bundled pose network.

    Args:
        keras_model: see `exported_people`.
        spec: the contract.
        clips: uint8, shape (n, frames_per_clip, 192, 192, 3).

    Returns:
        float32, shape (n, num_labels).
    """
    read = runner(POSE_MODEL.read_bytes())
    frames = clips.reshape(-1, *spec.frame_shape)
    points = np.concatenate([read(one[np.newaxis])[0] for one in frames])  # (n * F, 17, 3)
    # The square is the whole picture: joints are where they are in it, or outside.
    is_inside = ((points[..., :2] >= 0) & (points[..., :2] <= 1)).all(axis=-1)
    points[..., 2] *= is_inside
    return _scores(keras_model, spec, points.reshape(-1, spec.frames_per_clip, NUM_JOINTS, 3))


def refuse_fixed(options: ContractOptions) -> None:
    """Refuse what cannot be changed in the contract of a network of joints.

    Raises:
        UsageError: it was given.
    """
    given = [name for name in _FIXED if getattr(options, name) is not None]
    if given:
        option = f"--{given[0].removesuffix('_hw').replace('_', '-')}"
        raise UsageError(
            f"{option} cannot be set for a network of joints: its speeds are of the windows that "
            "it was trained on, and its pictures are read by the bundled pose network"
        )


def _check(keras_model: Any, spec: ModelSpec) -> None:
    takes, gives = tuple(keras_model.input.shape[1:]), tuple(keras_model.output.shape[1:])
    if takes != (spec.frames_per_clip, NUM_NUMBERS):
        raise ModelSpecError(
            f"the contract is for {spec.frames_per_clip} pictures, each described by {NUM_NUMBERS} "
            f"numbers, but the model takes {takes}; train it with this version of rtaction"
        )
    if gives != (len(spec.labels),):
        raise ModelSpecError(
            f"the contract has {len(spec.labels)} labels, but the model outputs shape {gives}"
        )
    if spec.frame_shape[:2] != (192, 192) or spec.resize != "letterbox":
        raise ModelSpecError(
            "a network of joints needs letterboxed pictures of 192x192, but the contract says "
            f"{spec.resize} to {spec.height}x{spec.width}"
        )


def _compared(
    keras_model: Any, file: OnnxFile, points: Float32Array, clips: UInt8Array
) -> Agreement:
    spec = file.spec
    judge = runner(file.cut([file.boundary.clip_features], [file.score_name]))
    features = points.reshape(len(points), spec.frames_per_clip, NUM_FEATURES)
    truth = [_scores(keras_model, spec, points)]
    found = np.asarray(judge(features)[0], np.float32)
    truth.append(scores_of_pictures(keras_model, spec, clips))
    by_pictures = scores_in_every_way(file, clips, clips_at_once=_PICTURES_AT_ONCE)
    both = [np.concatenate([found, scores]) for scores in by_pictures]
    return agreement_of(np.concatenate(truth), *both)


def _scores(keras_model: Any, spec: ModelSpec, points: Float32Array) -> Float32Array:
    numbers = window_numbers(points, spec.frame_interval_seconds)
    scores = np.asarray(keras_model.predict_on_batch(numbers), np.float32)
    if not np.isfinite(scores).all():
        raise ExportError("the model gives scores that are not numbers; train it again")
    return scores


def _lacks_pictures(path: Path) -> bool:
    """Whether a file holds joints alone."""
    return _array_of(path, _POINTS) is not None and _array_of(path, "clips") is None


def _points_to_compare(path: Path | None, spec: ModelSpec) -> Float32Array:
    shape = (spec.frames_per_clip, NUM_JOINTS, 3)
    points = _array_of(path, _POINTS) if path is not None else None
    if points is None:
        return _made_up_points(shape)
    if points.dtype != np.float32 or points.shape[1:] != shape or len(points) < 2:
        raise UsageError(
            f"{path}: expected at least two windows of joints, float32 {shape}, got "
            f"{points.dtype} {points.shape}"
        )
    return np.asarray(points)


def _array_of(path: Path, name: str) -> npt.NDArray[Any] | None:
    """An array of a `.npz` file; None if it has none of that name."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            return np.asarray(archive[name]) if name in archive.files else None
    except Exception as error:
        # For damaged files, zipfile, zlib and numpy raise many kinds of exceptions.
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UsageError(f"cannot read the joints in {path}: {reason}") from None


def _made_up_points(shape: tuple[int, ...]) -> Float32Array:
    """Random skeletons that move at random, some joints unseen."""
    random = np.random.default_rng(0)
    points = np.empty((_NUM_MADE_UP, *shape), np.float32)
    points[..., :2] = random.uniform(0.2, 0.8, (_NUM_MADE_UP, 1, *shape[1:-1], 2))
    steps = random.normal(0, 0.02, points[..., :2].shape)
    steps *= random.uniform(0, 2, (_NUM_MADE_UP, 1, 1, 1))
    points[..., :2] += np.cumsum(steps, axis=1)
    points[..., 2] = random.uniform(0.0, 1.0, points[..., 2].shape)
    return points
