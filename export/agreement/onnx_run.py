"""Run ONNX files to compare what they compute."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from rtaction.arrays import Float32Array, UInt8Array
from rtaction.errors import ExportError
from rtaction.onnx_format.errors import LOADING_ERRORS
from rtaction.onnx_format.file import OnnxFile
from rtaction.onnx_format.timed import run_within

Scores = Callable[[UInt8Array], Float32Array]
"""Maps uint8 clips (num_clips, F, H, W, C) to float32 scores (num_clips, num_labels)."""

Run = Callable[[npt.NDArray[Any]], list[npt.NDArray[Any]]]

_FATAL_ONLY = 4
_MAX_SECONDS = 300.0  # for some clips at once


def runner(
    content: bytes, *, outputs: Sequence[str] | None = None, where: str = "the model"
) -> Run:
    """Load a single-input model to run on the CPU.

    Args:
        content: an ONNX file's bytes.
        outputs: names of the outputs to return. Default: all.
        where: name of the model in error messages.

    Returns:
        A function from the input to the outputs; it raises ExportError if onnxruntime fails, and
        ModelUnreadable if it does not end.

    Raises:
        ExportError: onnxruntime cannot load the model.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _FATAL_ONLY
    # Threads that wait for each other's work would fill their cores with waiting.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    onnxruntime.set_default_logger_severity(_FATAL_ONLY)
    try:
        session = onnxruntime.InferenceSession(
            content, options, providers=["CPUExecutionProvider"], enable_fallback=0
        )
    except LOADING_ERRORS as error:
        raise ExportError(f"onnxruntime cannot load {where}: {_words_of(error)}") from None
    name = session.get_inputs()[0].name
    names = None if outputs is None else list(outputs)

    def run(values: npt.NDArray[Any]) -> list[npt.NDArray[Any]]:
        try:
            found = run_within(session, names, {name: values}, seconds=_MAX_SECONDS, where=where)
            return [np.asarray(result) for result in found]
        except LOADING_ERRORS as error:
            raise ExportError(f"onnxruntime cannot run {where}: {_words_of(error)}") from None

    return run


def scores_of_onnx(file: OnnxFile) -> Scores:
    """Load an rtaction model as a function from clips to scores.

    Raises:
        ExportError: onnxruntime cannot load the model.
    """
    run = runner(file.content, outputs=[file.score_name], where=file.where)
    return lambda clips: np.asarray(run(clips)[0], np.float32)


def scores_in_batches(
    models: Sequence[Scores], batches: Iterable[UInt8Array]
) -> list[Float32Array]:
    """Score the same clips with several models, holding only one batch in memory.

    Args:
        models: the models as functions.
        batches: uint8 clips, each (batch, F, H, W, C); at least one batch.

    Returns:
        One float32 array per model, shape (num_clips, num_labels).
    """
    found = [[model(clips) for model in models] for clips in batches]
    return [np.concatenate(scores) for scores in zip(*found, strict=True)]


def scores_in_every_way(
    file: OnnxFile,
    clips: UInt8Array,
    *,
    exchanged: npt.NDArray[np.int64] | None = None,
    clips_at_once: int | None = None,
) -> list[Float32Array]:
    """Scores of an rtaction model in every way that it can be run.

    Args:
        file: the model.
        clips: uint8, shape (num_clips, frames_per_clip, height, width, channels).
        exchanged: if the last clips consist of frames of the first ones, the clip and frame that
            each of their frames was taken from, shape (num_last_clips, frames_per_clip, 2). Default
            None: they do not.
        clips_at_once: approximate batch size. Default None: all clips.

    Returns:
        Scores in batches, if the file allows that; clip by clip; and, if the file can be cut, with
        each frame encoded separately, then the head. Each float32, shape (num_clips, num_labels).

    Raises:
        ExportError: the model does not run.
    """
    scores, found = scores_of_onnx(file), []
    if file.input_dims[0] != 1:
        batches = np.array_split(clips, max(len(clips) // (clips_at_once or len(clips)), 1))
        found.append(np.concatenate([scores(batch) for batch in batches]))
    found.append(np.concatenate([scores(clip[np.newaxis]) for clip in clips]))
    if file.is_cut:
        found.append(_cut_scores(file, clips, exchanged))
    return found


def _cut_scores(
    file: OnnxFile, clips: UInt8Array, exchanged: npt.NDArray[np.int64] | None
) -> Float32Array:
    """Scores as computed live: each frame is encoded once for all clips that contain it."""
    boundary = file.boundary
    encode = runner(file.cut([boundary.frames], [boundary.frame_features]))
    judge = runner(file.cut([boundary.clip_features], [file.score_name]))
    own = clips if exchanged is None else clips[: len(clips) - len(exchanged)]
    windows = np.stack(
        [np.concatenate([encode(image[np.newaxis])[0] for image in clip]) for clip in own]
    )  # (num_clips, frames_per_clip, ...)
    if exchanged is not None:
        others = windows[exchanged[..., 0], exchanged[..., 1]]
        windows = np.concatenate([windows, others])
    return np.concatenate([judge(window[np.newaxis])[0] for window in windows])


def _words_of(error: Exception) -> str:
    line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return line.rsplit("Status Message: ", 1)[-1]
