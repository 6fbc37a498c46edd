"""Chunks of windows into scores, by a model that is loaded once. It knows nothing about Ray."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

import rtaction
from rtaction.cluster.archive.archive_files import local_copy
from rtaction.cluster.archive.messages import Chunk, Job, PieceEnd, Scored
from rtaction.errors import RtactionError, SourceError, UsageError
from rtaction.realtime.model.action_model import ActionModel
from rtaction.realtime.predicting.answer import Answer
from rtaction.realtime.predicting.work import judge
from rtaction.realtime.windows.engine import MAX_IMAGES_AT_ONCE

_WINDOWS_AT_ONCE = 64


class ChunkScorer:
    """Scores chunks.

    Args:
        model_path: an ONNX file on this machine.
        job: what pieces have in common.
        num_threads: see `ActionModel`.

    Raises:
        UsageError: this machine has another version of rtaction than the one that asks.
        ModelError, DeviceUnavailable: see `ActionModel`.
    """

    def __init__(self, model_path: Path, job: Job, *, num_threads: int | None) -> None:
        if rtaction.__version__ != job.version:
            raise UsageError(
                f"a machine of the cluster has rtaction {rtaction.__version__}, and this one has "
                f"{job.version}; install the same version on all"
            )
        self._job = job
        self._model = ActionModel(model_path, device=job.device, num_threads=num_threads)

    def score(self, chunk: Chunk) -> Scored:
        """The scores of a chunk; of a model of people, the answer for the video.

        What is wrong with the model or the device is given as `Scored.error`.
        """
        scores = np.zeros((0, len(self._job.spec.labels)), np.float32)
        end, error = chunk.end, None
        try:
            if len(chunk.windows):
                scores = self._scores_of(chunk)
            elif self._job.spec.follows_people and end is not None and not end.problem:
                end = self._judged(chunk, end)
        except RtactionError as one:
            error = one
        return Scored(chunk.piece, chunk.number, scores, chunk.times_seconds, end, error)

    def _scores_of(self, chunk: Chunk) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
        features = np.concatenate(
            [
                self._model.encode(chunk.pictures[start : start + MAX_IMAGES_AT_ONCE])
                for start in range(0, len(chunk.pictures), MAX_IMAGES_AT_ONCE)
            ]
        )  # (num_pictures, ...)
        return np.concatenate(
            [
                self._model.score(features[chunk.windows[start : start + _WINDOWS_AT_ONCE]])
                for start in range(0, len(chunk.windows), _WINDOWS_AT_ONCE)
            ]
        )  # (num_windows, num_labels)

    def _judged(self, chunk: Chunk, end: PieceEnd) -> PieceEnd:
        piece = chunk.piece
        try:
            with local_copy(piece.place) as path:
                answer: Answer = judge(self._model, path, self._job.options)
        except SourceError as error:
            return replace(end, problem=str(error))
        problem = answer.problem.replace(str(path), piece.name)
        return replace(end, answer=replace(answer, problem=problem))
