"""What travels between the driver, the tasks that decode and the actors that score.

All of it is plain data: it is pickled from machine to machine.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rtaction.arrays import Float32Array, Float64Array, UInt8Array
from rtaction.errors import RtactionError
from rtaction.model_spec import ModelSpec
from rtaction.realtime.predicting.answer import Answer
from rtaction.realtime.predicting.options import PredictOptions
from rtaction.realtime.predicting.work import watch_options
from rtaction.realtime.watching.options import WatchOptions


@dataclass(frozen=True, slots=True)
class Piece:
    """A video, or a part of a long one: the windows that end within a stretch of it.

    Args:
        video: number of the video among those to judge.
        place: where it is read from: a path, or an address with its options.
        name: what it is called in answers.
        number: of the piece within the video. Default 0.
        is_part: whether there are others. Default False.
        may_split: whether a video may be cut into parts. Default True.
        after_seconds: windows that end by then are those of the parts before. Default: none are.
        until_seconds: windows that end later are those of the parts after. Default: none are.
        entry_ticks: key frame to decode from, see `rtaction.video.part.Entry`. Default None: the
            start.
        first_seconds: PTS of the video's first frame, for a part. Default 0.0.
        begun_seconds: when the run of frames began in which the part starts, see
            `RingBuffer.resume`. Default 0.0: with the video.
    """

    video: int
    place: str
    name: str
    number: int = 0
    is_part: bool = False
    may_split: bool = True
    after_seconds: float = -math.inf
    until_seconds: float = math.inf
    entry_ticks: int | None = None
    first_seconds: float = 0.0
    begun_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Job:
    """What all pieces of a run have in common.

    Args:
        spec: of the model.
        options: what is asked for.
        piece_seconds: least length of a part.
        device: see `ActionModel`.
        version: of rtaction.
    """

    spec: ModelSpec
    options: PredictOptions
    piece_seconds: float
    device: str
    version: str

    @property
    def watch(self) -> WatchOptions:
        """How videos are watched."""
        return watch_options(self.options)


@dataclass(frozen=True, slots=True)
class PieceEnd:
    """What is known of a piece once it is decoded.

    Args:
        num_chunks: of the piece.
        num_frames: of the video, that lie in the piece. Default 0.
        last_seconds: times of the last two frames. Default none.
        begun_seconds: when runs of frames began within it, after gaps. Default never.
        lead, tail: fingerprints of the frames about its start and its end, which the parts next to
            it have decoded as well. Default 0.
        is_sound: whether a part began and ended where it should. Default True.
        is_short: whether the one window is of a video that does not fill it. Default False.
        problem: why there are no windows; "" if there are, or if it is not known. Default "".
        parts: the parts in which the video is to be judged instead. Default none: it was judged.
        answer: of a model of people. Default None.
    """

    num_chunks: int
    num_frames: int = 0
    last_seconds: tuple[float, ...] = ()
    begun_seconds: tuple[float, ...] = ()
    lead: int = 0
    tail: int = 0
    is_sound: bool = True
    is_short: bool = False
    problem: str = ""
    parts: tuple[Piece, ...] = ()
    answer: Answer | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """Some windows of a piece, with all pictures that they need, whatever other chunks have.

    Args:
        piece: where they are from.
        number: of the chunk within the piece.
        pictures: uint8, shape (num_pictures, height, width, channels), as the network sees them.
        windows: intp, shape (num_windows, frames_per_clip): which pictures each window has.
        times_seconds: float64, shape (num_windows, 2): first and last frame of each.
        end: of the piece, with its last chunk.
    """

    piece: Piece
    number: int
    pictures: UInt8Array
    windows: npt.NDArray[np.intp]
    times_seconds: Float64Array
    end: PieceEnd | None


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """The scores of a chunk.

    Args:
        piece, number, times_seconds, end: of the chunk.
        scores: float32, shape (num_windows, num_labels).
        error: why the run cannot go on. Default None.
    """

    piece: Piece
    number: int
    scores: Float32Array
    times_seconds: Float64Array
    end: PieceEnd | None
    error: RtactionError | None = None
