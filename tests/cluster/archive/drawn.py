"""A drawn video of some minutes, and how its answer is found without Ray."""

from __future__ import annotations

import pickle
from collections.abc import Iterable
from pathlib import Path, PurePath

import numpy as np
import numpy.typing as npt

import rtaction
from rtaction.cluster.archive.assembly import Assembly
from rtaction.cluster.archive.decode import decode
from rtaction.cluster.archive.kept import KeptParts
from rtaction.cluster.archive.messages import Job, Piece
from rtaction.cluster.archive.score import ChunkScorer
from rtaction.onnx_format.file import OnnxFile
from rtaction.realtime.predicting.answer import Answer
from rtaction.realtime.predicting.options import PredictOptions
from tests.videos import write_video

PIECE_SECONDS = 20.0


def steady(num_frames: int = 1000, frames_per_second: float = 5.0) -> npt.NDArray[np.float64]:
    """The times of a video of a steady rate."""
    return np.arange(num_frames) / frames_per_second


def write_waves(path: Path, times_seconds: npt.NDArray[np.float64], **how: str) -> Path:
    """Write a video that gets bright and dark again, unevenly, with something that moves in it."""
    random = np.random.default_rng(7)
    waves = 127 + 110 * np.sin(times_seconds / 3.7) + random.normal(0, 20, len(times_seconds))
    images = []
    for number, value in enumerate(np.clip(waves, 0, 255)):
        image = np.full((32, 48, 3), value, np.uint8)
        image[10:20, number % 38 : number % 38 + 10] = 255 - image[0, 0]
        images.append(image)
    return write_video(path, images, times_seconds, **how)


def job_for(model: Path, piece_seconds: float = PIECE_SECONDS, **options: object) -> Job:
    """What pieces of a run have in common."""
    asked = PredictOptions((Path(),), **options)  # type: ignore[arg-type]
    return Job(OnnxFile.load(model).spec, asked, piece_seconds, "cpu", rtaction.__version__)


def answers_by_hand(
    model: Path, videos: Iterable[PurePath], job: Job, kept: KeptParts | None = None
) -> tuple[list[Answer], list[list[Piece]]]:
    """The answers, and the pieces of each round, as a cluster would come to them."""
    scorer = ChunkScorer(model, job, num_threads=1)
    names = list(videos)
    assembly = Assembly(names, job, kept)
    assembly.begin([Piece(n, str(name), str(name)) for n, name in enumerate(names)])
    answers: list[Answer] = []
    rounds = []
    while pieces := assembly.waiting():
        rounds.append(pieces)
        for piece in pieces:
            for chunk in decode(piece, job):
                scored = scorer.score(pickle.loads(pickle.dumps(chunk)))
                assert scored.error is None
                answers += assembly.take(scored)
                answers += assembly.take(scored)  # it may come again
        answers += assembly.count_try(pieces)
    return answers, rounds
