"""What the encoder makes of a take, computed once and kept beside the takes.

The frames that matter lie on a grid, one each `interval_seconds` from the take's first frame on.
Picture k shows frame k + 1 of the grid, and how it differs from frame k. Windows begin at points of
the grid, so they share pictures.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rtaction.arrays import Float64Array, UInt8Array
from rtaction.errors import DatasetError, OutputError
from rtaction.frame import Frame
from rtaction.output_file import whole_file
from rtaction.sampling import (
    TIME_TOLERANCE_SECONDS,
    last_period_seconds,
    nearest_indices,
    select_frames,
)
from rtaction.teach.encoder import ALL_PARTS, Float16Array, PictureEncoder
from rtaction.teach.graph import PICTURE_SIZE
from rtaction.teach.pace import Pace
from rtaction.video.file import read_video
from rtaction.video.motion import network_picture
from rtaction.video.pixels import prepare_image

_LONGEST_SECONDS = 60.0
"""What comes later in a take is not looked at."""
_STRIDE = 1 / 4  # of a window, where a take is short enough for all its pictures
_SUFFIX = ".npz"
_THREADS = os.cpu_count() or 1

IndexArray = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class TakeFeatures:
    """The windows of one take.

    Args:
        pictures: float16, shape (num_pictures, parts, 320).
        windows: intp, shape (num_windows, frames_per_clip), positions in `pictures`.
    """

    pictures: Float16Array
    windows: IndexArray


class _Kept(NamedTuple):
    times_seconds: Float64Array  # of the take's frames
    numbers: IndexArray  # which pictures, ascending
    features: Float16Array  # of those


class FeatureStore:
    """Features of takes, kept in a folder.

    Args:
        folder: where; made when there is something to keep. It may be deleted at any time.
        encoder: what makes them.
    """

    def __init__(self, folder: Path, encoder: PictureEncoder) -> None:
        self._folder = folder
        self._encoder = encoder

    def of(self, take: Path, pace: Pace, *, max_pictures: int) -> TakeFeatures:
        """Windows of a take: many that overlap, or where it is long some from all over it.

        Args:
            take: the video.
            pace: how windows are taken.
            max_pictures: how many pictures may be encoded; those of one window always are.

        Raises:
            SourceError: it cannot be decoded.
            DatasetError: it is shorter than a window, or has holes.
        """
        place = self._place_of(take, pace)
        kept, grid = _load(place), None
        if kept is None:
            times, grid = _read_grid(take, pace.interval_seconds)
            nothing = np.zeros((0, *self._encoder.features_shape), np.float16)
            kept = _Kept(times, np.zeros(0, np.intp), nothing)
        starts = _window_starts(kept.times_seconds, pace, max_pictures)
        if len(starts) == 0:
            raise DatasetError(
                f"{take}: no window of {pace.window_seconds:.2f} s without holes in it"
            )
        wanted = starts[:, np.newaxis] + np.arange(pace.frames_per_clip)
        missing = np.setdiff1d(wanted, kept.numbers)
        if len(missing):
            if grid is None:
                _, grid = _read_grid(take, pace.interval_seconds)
            made = self._encoder.encode(_pictures(grid, missing))
            kept = _merged(kept, missing, made)
            self._keep(place, kept)
        return TakeFeatures(kept.features, np.searchsorted(kept.numbers, wanted))

    def _place_of(self, take: Path, pace: Pace) -> Path:
        facts = take.stat()
        identity = (
            *(str(take.resolve()), facts.st_size, facts.st_mtime_ns),
            *(self._encoder.identity, ALL_PARTS, pace.interval_seconds),
        )
        name = hashlib.sha256(repr(identity).encode()).hexdigest()[:24]
        return self._folder / f"{name}{_SUFFIX}"

    def _keep(self, place: Path, kept: _Kept) -> None:
        # Without it the next taught takes longer, no more.
        with suppress(OutputError), whole_file(place) as path, path.open("wb") as file:
            np.savez(file, **kept._asdict())


def _load(place: Path) -> _Kept | None:
    try:
        with np.load(place, allow_pickle=False) as found:
            return _Kept(**{name: found[name] for name in _Kept._fields})
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def _merged(kept: _Kept, numbers: IndexArray, made: Float16Array) -> _Kept:
    all_numbers = np.concatenate([kept.numbers, numbers])
    order = np.argsort(all_numbers)
    features = np.concatenate([kept.features, made])
    return _Kept(kept.times_seconds, all_numbers[order], features[order])


def _read_grid(take: Path, interval_seconds: float) -> tuple[Float64Array, list[UInt8Array]]:
    """Times of all frames, and for each point of the grid the frame nearest to it.

    Of two equally near it is the earlier, as `rtaction.sampling` has it.
    """
    times: list[float] = []
    grid: list[UInt8Array] = []
    before: Frame | None = None
    for frame in read_video(take):
        seconds = frame.captured_at_seconds
        if seconds > _LONGEST_SECONDS:
            break
        times.append(seconds)
        while (target := len(grid) * interval_seconds) <= seconds:
            is_before = before is not None and (
                target - before.captured_at_seconds <= seconds - target
            )
            grid.append(_small(before if is_before and before is not None else frame))
        before = frame
    assert before is not None  # `read_video` gives one frame or raises
    shown_until_seconds = times[-1] + last_period_seconds(times) + TIME_TOLERANCE_SECONDS
    while len(grid) * interval_seconds <= shown_until_seconds:
        grid.append(_small(before))
    return np.array(times), grid


def _pictures(grid: Sequence[UInt8Array], numbers: IndexArray) -> UInt8Array:
    # Optical flow takes as long as the encoder does, and OpenCV lets other threads run.
    with ThreadPoolExecutor(_THREADS) as pool:
        made = pool.map(lambda k: network_picture(grid[k], grid[k + 1], ALL_PARTS), numbers)
        return np.stack(list(made))


def _small(frame: Frame) -> UInt8Array:
    return prepare_image(frame.image, (PICTURE_SIZE, PICTURE_SIZE))


def _window_starts(times: Float64Array, pace: Pace, max_pictures: int) -> IndexArray:
    """First pictures of the windows to take."""
    until_seconds = times[-1] + last_period_seconds(times) + TIME_TOLERANCE_SECONDS
    num_pictures = int(until_seconds / pace.interval_seconds)
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
    moments = np.arange(pace.frames_per_clip + 1) * pace.interval_seconds
    targets = chosen[:, np.newaxis] * pace.interval_seconds + moments
    sound = [select_frames(times, row).problem is None for row in targets]
    if not any(sound):
        # A busy machine stutters, and a take that does is better than none.
        sound = [_largest_error_seconds(times, row) <= pace.interval_seconds for row in targets]
    return chosen[sound]


def _largest_error_seconds(times: Float64Array, targets: Float64Array) -> float:
    return float(np.abs(times[nearest_indices(times, targets)] - targets).max())
