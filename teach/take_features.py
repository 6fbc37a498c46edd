"""Features of the windows of a take, computed once and cached next to the takes.

Frames are sampled on a grid, one every `interval_seconds` from the take's first frame on. Picture k
shows frame k + 1 of the grid and how it differs from frame k. Windows start at grid points, so they
share pictures.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from rtaction.arrays import Float64Array, UInt8Array
from rtaction.errors import DatasetError, OutputError
from rtaction.features.modality_choice import ALL_PARTS
from rtaction.frame import FrameLike
from rtaction.modality import parts_of
from rtaction.models import ENCODER_MODEL
from rtaction.output_file import whole_file
from rtaction.realtime.model.batch_runner import BatchRunner
from rtaction.realtime.model.session import open_session
from rtaction.teach.graph import NUM_FEATURES, PICTURE_SIZE, frame_encoder
from rtaction.teach.pace import Pace
from rtaction.video.closeup import detail_of
from rtaction.video.file import read_video
from rtaction.video.grid import frames_on_grid, shown_until_seconds, usable_windows
from rtaction.video.pixels import prepare_image
from rtaction.video.prepared import PreparedFrame, prepared_picture
from rtaction.video.span import Span, frames_within

_BATCH_SIZE = 8  # pictures of four parts each; larger batches are no faster
LONGEST_SECONDS = 60.0
"""The rest of a take is ignored."""
_STRIDE = 1 / 4  # of a window, where a take is short enough to encode all its pictures
_SUFFIX = ".npz"
_THREADS = os.cpu_count() or 1

Float16Array = npt.NDArray[np.float16]
IndexArray = npt.NDArray[np.intp]


class Encoder(Protocol):
    """What computes features of pictures; see `PictureEncoder`."""

    modality: str
    features_shape: tuple[int, ...]

    @property
    def identity(self) -> str:
        """Changes whenever the same pictures get other features."""

    def prepare(self, frame: FrameLike) -> PreparedFrame:
        """A frame at the size that is encoded, uint8 RGB (height, width, 3), and its detail."""

    def encode(self, pictures: UInt8Array) -> npt.NDArray[Any]:
        """Features of pictures of the modality: (n, *features_shape)."""


class PictureEncoder:
    """The bundled encoder on pictures of `ALL_PARTS`.

    Features of every part are kept, so that any modality can be chosen from them later.

    Args:
        num_threads: number of compute threads; 0 means one per core. Default 0.
    """

    def __init__(self, num_threads: int = 0) -> None:
        session = open_session(frame_encoder(ALL_PARTS), "cpu", num_threads=num_threads)
        self._runner = BatchRunner(session, max_batch=_BATCH_SIZE)

    modality: str = ALL_PARTS
    features_shape: tuple[int, ...] = (len(parts_of(ALL_PARTS)), NUM_FEATURES)
    """Of one picture."""

    def prepare(self, frame: FrameLike) -> PreparedFrame:
        """A frame at the size that is encoded, uint8 RGB (224, 224, 3), and its detail."""
        image = prepare_image(frame.image, (PICTURE_SIZE, PICTURE_SIZE))
        return PreparedFrame(image, detail_of(frame.image))

    @cached_property
    def identity(self) -> str:
        """A digest of the weights: features of another encoder are not reused."""
        return hashlib.sha256(ENCODER_MODEL.read_bytes()).hexdigest()[:16]

    def encode(self, pictures: UInt8Array) -> Float16Array:
        """Features of each part of each picture.

        Args:
            pictures: uint8, shape (n, 224, 224, channels of `ALL_PARTS`); at least one.

        Returns:
            float16, shape (n, parts, 320).
        """
        features = self._runner.run(pictures)  # (n, parts * 320)
        return features.reshape(len(pictures), -1, NUM_FEATURES).astype(np.float16)


@dataclass(frozen=True, slots=True, eq=False)
class TakeFeatures:
    """The windows of one take.

    Args:
        pictures: shape (num_pictures, ...), such as float16 (num_pictures, parts, 320).
        windows: intp, shape (num_windows, frames_per_clip), positions in `pictures`.
    """

    pictures: npt.NDArray[Any]
    windows: IndexArray

    @property
    def of_windows(self) -> npt.NDArray[Any]:
        """Features of each window, shape (num_windows, frames_per_clip, ...)."""
        return np.asarray(self.pictures[self.windows])


class _Kept(NamedTuple):
    times_seconds: Float64Array  # of the take's frames
    numbers: IndexArray  # which pictures, ascending
    features: npt.NDArray[Any] | None  # of those


class FeatureStore:
    """Features of takes, kept in a folder.

    Args:
        folder: created when the first features are kept; may be deleted at any time.
        encoder: what computes them.
    """

    def __init__(self, folder: Path, encoder: Encoder) -> None:
        self._folder = folder
        self._encoder = encoder

    def of(
        self, take: Path, pace: Pace, *, max_pictures: int, span: Span | None = None
    ) -> TakeFeatures:
        """Features of a take's windows: overlapping ones, or a sample of them for a long take.

        Args:
            take: the video.
            pace: how frames are sampled.
            max_pictures: most pictures to encode; those of one window are always encoded.
            span: the part of the video that is the take. Default None: all of it.

        Raises:
            SourceError: the take cannot be decoded.
            DatasetError: it is shorter than a window, or frames are missing.
        """
        place = self._place_of(take, pace, span)
        kept, grid = _load(place), None
        if kept is None:
            times, grid = _read_grid(take, span, pace.interval_seconds, self._encoder)
            kept = _Kept(times, np.zeros(0, np.intp), None)
        starts = _window_starts(kept.times_seconds, pace, max_pictures)
        if len(starts) == 0:
            raise DatasetError(
                f"{take}: expected {pace.window_seconds:.2f} s without missing frames"
            )
        wanted = starts[:, np.newaxis] + np.arange(pace.frames_per_clip)
        missing = np.setdiff1d(wanted, kept.numbers)
        if len(missing):
            if grid is None:
                _, grid = _read_grid(take, span, pace.interval_seconds, self._encoder)
            features = self._encoder.encode(_pictures(grid, missing, self._encoder.modality))
            kept = _merged(kept, missing, features)
            self._keep(place, kept)
        assert kept.features is not None  # a window has pictures
        return TakeFeatures(kept.features, np.searchsorted(kept.numbers, wanted))

    def _place_of(self, take: Path, pace: Pace, span: Span | None) -> Path:
        facts = take.stat()
        identity = (
            *(str(take.resolve()), facts.st_size, facts.st_mtime_ns),
            *(self._encoder.identity, self._encoder.modality, pace.interval_seconds),
            *((span.start_seconds, span.end_seconds) if span else ()),
        )
        name = hashlib.sha256(repr(identity).encode()).hexdigest()[:24]
        return self._folder / f"{name}{_SUFFIX}"

    def _keep(self, place: Path, kept: _Kept) -> None:
        # Without the file, the next run only takes longer.
        with suppress(OutputError), whole_file(place) as path, path.open("wb") as file:
            np.savez(file, **kept._asdict())


def _load(place: Path) -> _Kept | None:
    try:
        with np.load(place, allow_pickle=False) as found:
            return _Kept(**{name: found[name] for name in _Kept._fields})
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def _merged(kept: _Kept, numbers: IndexArray, new_features: npt.NDArray[Any]) -> _Kept:
    if kept.features is None:
        return _Kept(kept.times_seconds, numbers, new_features)
    all_numbers = np.concatenate([kept.numbers, numbers])
    order = np.argsort(all_numbers)
    features = np.concatenate([kept.features, new_features])
    return _Kept(kept.times_seconds, all_numbers[order], features[order])


def _read_grid(
    take: Path, span: Span | None, interval_seconds: float, encoder: Encoder
) -> tuple[Float64Array, list[PreparedFrame]]:
    """Times of all frames, and the frame nearest to each grid point."""
    times: list[float] = []
    frames = frames_on_grid(
        frames_within(read_video(take), span),
        interval_seconds,
        times_seconds=times,
        longest_seconds=LONGEST_SECONDS,
    )
    grid = [encoder.prepare(frame) for frame in frames]
    if not grid:
        raise DatasetError(f"{take}: nothing is shown from {span}; does the video end before?")
    return np.array(times), grid


def _pictures(grid: Sequence[PreparedFrame], numbers: IndexArray, modality: str) -> UInt8Array:
    # Optical flow takes as long as the encoder, and OpenCV releases the interpreter lock.
    with ThreadPoolExecutor(_THREADS) as pool:
        shown = pool.map(lambda k: prepared_picture(grid[k : k + 2], modality), numbers)
        return np.stack(list(shown))


def _window_starts(times: Float64Array, pace: Pace, max_pictures: int) -> IndexArray:
    """The first picture of each window."""
    num_pictures = int(shown_until_seconds(times) / pace.interval_seconds)
    last = num_pictures - pace.frames_per_clip
    if last < 0:
        return np.zeros(0, np.intp)
    if num_pictures <= max(max_pictures, pace.frames_per_clip):
        step = max(round(pace.frames_per_clip * _STRIDE), 1)
        starts = np.append(np.arange(0, last + 1, step), last)
    else:
        count = max(max_pictures // pace.frames_per_clip, 1)
        starts = ((np.arange(count) + 0.5) / count * last).round()
    chosen = np.unique(starts.astype(np.intp))
    num_frames = pace.frames_per_clip + 1
    return usable_windows(chosen, times, pace.interval_seconds, num_frames)
