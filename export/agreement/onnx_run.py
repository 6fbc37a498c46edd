"""ONNX files, run to see what they compute."""

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
"""From uint8 clips (num_clips, F, H, W, C) to float32 scores (num_clips, num_labels)."""

Run = Callable[[npt.NDArray[Any]], list[npt.NDArray[Any]]]

_FATAL_ONLY = 4
_MAX_SECONDS = 300.0  # for some clips at once


def runner(
    content: bytes, *, outputs: Sequence[str] | None = None, where: str = "the model"
) -> Run:
    """A model of one input, ready to run on the CPU.

    Args:
        content: an ONNX file's bytes.
        outputs: names of what to give. Default: all.
        where: what to call it in an error.

    Returns:
        From the input to the outputs; it raises ExportError where onnxruntime fails, and
        ModelUnreadable where it does not end.

    Raises:
        ExportError: onnxruntime cannot load it.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _FATAL_ONLY
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
    """A model of ours as a function.

    Raises:
        ExportError: onnxruntime cannot load it.
    """
    run = runner(file.content, outputs=[file.score_name], where=file.where)
    return lambda clips: np.asarray(run(clips)[0], np.float32)


def scores_in_batches(
    models: Sequence[Scores], batches: Iterable[UInt8Array]
) -> list[Float32Array]:
    """Scores that models give to the same clips, of which no more than a batch is held.

    Args:
        models: as functions.
        batches: uint8 clips, each (batch, F, H, W, C); at least one batch.

    Returns:
        For each model float32, shape (num_clips, num_labels).
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
    """Scores of a model of ours, run in each of the ways in which it may be run.

    Args:
        file: the model.
        clips: uint8, shape (num_clips, frames_per_clip, height, width, channels).
        exchanged: if the last clips are made of pictures of the first ones, the clip and the
            picture that each of theirs is, shape (num_last_clips, frames_per_clip, 2). Default
            None: they are not.
        clips_at_once: about how many to run in one batch. Default None: all.

    Returns:
        Several clips in a batch, if the file takes that; one by one; and, of a file that is cut,
        each picture by itself, then the head. Each float32, shape (num_clips, num_labels).

    Raises:
        ExportError: it does not run.
    """
    scores, found = scores_of_onnx(file), []
    if file.input_dims[0] != 1:
        batches = np.array_split(clips, len(clips) // (clips_at_once or len(clips)))
        found.append(np.concatenate([scores(batch) for batch in batches]))
    found.append(np.concatenate([scores(clip[np.newaxis]) for clip in clips]))
    if file.is_cut:
        found.append(_cut_scores(file, clips, exchanged))
    return found


def _cut_scores(
    file: OnnxFile, clips: UInt8Array, exchanged: npt.NDArray[np.int64] | None
) -> Float32Array:
    """Scores as they are computed live: each picture is encoded once, for all clips it is in."""
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
