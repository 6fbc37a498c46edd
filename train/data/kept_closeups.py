"""Close-ups of flow between frames of videos, kept beside the decoded frames.

A close-up needs the detail of frames, see `rtaction.video.closeup`, and decoded frames are at the
network's size. While a video is decoded, the detail of its frames is in a temporary file, 100 kB a
frame, and the close-ups of its clips are made of that; 10 kB for each pair of frames are kept. What
is missing later, as for other windows or changed moments, is made by decoding the video again, with
the detail of a few frames in memory. Close-ups of videos whose frames the cache has no room for are
in a temporary file of the run.

This module knows nothing about clips or changes of frames.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from rtaction.arrays import UInt8Array
from rtaction.errors import DatasetError
from rtaction.train.data.cache_room import CLOSEUP_SUFFIX, CacheRoom
from rtaction.train.data.decoded_video import (
    DecodedVideo,
    VideoFrames,
    open_temporary,
    write_decoded,
)
from rtaction.train.data.field_files import FieldFiles
from rtaction.train.data.frame_cache import name_of
from rtaction.video.closeup import CLOSEUP_SIZE, detail_of
from rtaction.video.file import read_video
from rtaction.video.motion import closeup_field

# Increase this when the same frames would give another field.
_FORMAT = 1
_SHAPE = (CLOSEUP_SIZE, CLOSEUP_SIZE, 2)
_THREADS = os.cpu_count() or 1
_MOST_RUNNING = 2 * _THREADS

IndexArray = npt.NDArray[np.intp]
Pair = tuple[int, int]  # numbers of frames in the whole video
Make = Callable[[Sequence[Pair]], Iterator[tuple[Pair, UInt8Array]]]


class KeptCloseups:
    """The close-ups between frames, from the files beside them, or of the video. Thread-safe.

    Args:
        room: that of the folder with the decoded videos. Default None: all are in a temporary file.
    """

    def __init__(self, room: CacheRoom | None = None) -> None:
        self._files = FieldFiles(room, f"-{_FORMAT}{CLOSEUP_SUFFIX}")
        self._temporary = _TemporaryCloseups()

    def between(
        self, frames: UInt8Array | VideoFrames, before: IndexArray, after: IndexArray
    ) -> UInt8Array:
        """The close-ups from some frames to others.

        Args:
            frames: all frames.
            before: intp, of any shape, positions of frames.
            after: intp, of the same shape, those of frames of the same videos, not earlier.

        Returns:
            uint8, shape (*before.shape, CLOSEUP_SIZE, CLOSEUP_SIZE, 2), see
            `rtaction.video.motion.closeup_field`.

        Raises:
            DatasetError: a video is gone, or has changed.
            ValueError: the frames are not those of video files.
        """
        if not isinstance(frames, VideoFrames):
            raise ValueError("close-ups are made of videos; got frames at the network's size alone")
        closeups = np.empty((before.size, *_SHAPE), np.uint8)
        numbers = frames.numbers_of(before.ravel())
        for number in np.unique(numbers).tolist():
            places = np.flatnonzero(numbers == number)
            video, start = frames.videos[number], int(frames.starts[number])
            one, other = (
                video.numbers_of(positions.ravel()[places] - start) for positions in (before, after)
            )
            pairs = list(zip(one.tolist(), other.tolist(), strict=True))
            closeups[places] = self._of_video(frames, number, pairs)
        return closeups.reshape(*before.shape, *_SHAPE)

    def make(
        self,
        path: Path,
        video: DecodedVideo,
        before: IndexArray,
        after: IndexArray,
        details: Details,
    ) -> None:
        """Make close-ups of a video that has just been decoded.

        Args:
            path: the video.
            video: its frames.
            before: intp, of any shape, numbers of frames in `video`.
            after: intp, of the same shape, not earlier.
            details: of all frames of the file.
        """
        one, other = (video.numbers_of(numbers.ravel()) for numbers in (before, after))
        pairs = set(zip(one.tolist(), other.tolist(), strict=True))
        self._found(path, video, pairs, details.closeups)

    def _of_video(
        self, frames: VideoFrames, number: int, pairs: Sequence[Pair]
    ) -> list[UInt8Array]:
        path = frames.paths[number]
        found = self._found(path, frames.videos[number], set(pairs), partial(_made, path))
        if len(found) < len(set(pairs)):
            raise DatasetError(
                f"{path} has fewer frames than when this training began; start it again"
            )
        return [found[pair] for pair in pairs]

    def _found(
        self, path: Path, video: DecodedVideo, pairs: set[Pair], make: Make
    ) -> dict[Pair, UInt8Array]:
        """The close-ups of one video by their pair; those that are missing are made and kept."""
        found: dict[Pair, UInt8Array] = {}
        # They are the same whatever the size of the network's frames.
        with self._files.of(video, _SHAPE, name_of(path)) as file:
            for pair in pairs:
                kept = file.read(*pair) if file else None
                if kept is None:
                    kept = self._temporary.read(path, pair)
                if kept is not None:
                    found[pair] = kept
            missing = sorted(pairs - found.keys())
            for pair, made in make(missing) if missing else ():
                found[pair] = made
                if not (file and file.write(*pair, made)):
                    self._temporary.write(path, pair, made)
        return found


class Details:
    """The detail of all frames of a video while it is decoded, in a temporary file."""

    def __init__(self) -> None:
        self._file = open_temporary()
        self._shape: tuple[int, ...] | None = None
        self._count = 0
        self.is_whole = False

    def add(self, image_rgb: UInt8Array) -> None:
        """Take the next frame: uint8 RGB, shape (height, width, 3)."""
        detail = detail_of(image_rgb)
        if self._shape is None:
            self._shape, self.is_whole = detail.shape, True
        # A file whose frames change their size is left to another decoding.
        self.is_whole = self.is_whole and detail.shape == self._shape
        if self.is_whole:
            write_decoded(self._file, detail.data)
            self._count += 1

    def closeups(self, pairs: Sequence[Pair]) -> Iterator[tuple[Pair, UInt8Array]]:
        """The close-ups between pairs of frames, by their numbers."""
        source: Any = self._file
        frames = np.memmap(source, np.uint8, mode="r", shape=(self._count, *(self._shape or ())))
        for one, other in pairs:
            yield (one, other), closeup_field(frames[one], frames[other])

    def close(self) -> None:
        """Delete the file."""
        self._file.close()


def _made(path: Path, pairs: Sequence[Pair]) -> Iterator[tuple[Pair, UInt8Array]]:
    """The close-ups between pairs of frames of a video, in order of the later frame."""
    firsts: dict[int, list[int]] = {}  # by the later frame
    last_use: dict[int, int] = {}
    for one, other in sorted(pairs, key=lambda pair: pair[1]):
        firsts.setdefault(other, []).append(one)
        last_use[one] = last_use[other] = other
    details: dict[int, UInt8Array] = {}
    running: deque[tuple[Pair, Future[UInt8Array]]] = deque()
    # OpenCV computes flow without holding the interpreter's lock.
    with ThreadPoolExecutor(_THREADS) as pool:
        for number, frame in enumerate(read_video(path, tell=lambda _: None)):
            if number in last_use:
                details[number] = detail_of(frame.image)
            for one in firsts.get(number, ()):
                made = pool.submit(closeup_field, details[one], details[number])
                running.append(((one, number), made))
            details = {kept: one for kept, one in details.items() if last_use[kept] > number}
            while len(running) > _MOST_RUNNING:
                pair, made = running.popleft()
                yield pair, made.result()
            if number == max(firsts):
                break
        for pair, made in running:
            yield pair, made.result()


class _TemporaryCloseups:
    """Close-ups that no file beside the frames keeps, for as long as this run."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._file: IO[bytes] | None = None
        self._places: dict[tuple[Path, Pair], int] = {}

    def read(self, path: Path, pair: Pair) -> UInt8Array | None:
        with self._lock:
            place = self._places.get((path, pair))
            if place is None or self._file is None:
                return None
            self._file.seek(place)
            content = self._file.read(int(np.prod(_SHAPE)))
        return np.frombuffer(content, np.uint8).reshape(_SHAPE)

    def write(self, path: Path, pair: Pair, closeup: UInt8Array) -> None:
        with self._lock:
            if self._file is None:
                self._file = open_temporary()
            place = self._file.seek(0, os.SEEK_END)
            write_decoded(self._file, closeup.data)
            self._places[path, pair] = place
