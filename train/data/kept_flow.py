"""Optical flow between frames of decoded videos, kept beside them, so that each is computed once.

Windows overlap, and an epoch shows much of what those before have shown: the flow between most
pairs of frames is needed again. A file holds the fields of one video: those between neighbours,
those from each frame to the one after the next, and so on. A field takes 2 bytes a pixel, 25 kB at
112x112. It is there if none of its bytes is 0; what was never written takes no room on the disk.
All processes that share the folder write the same, so they need not wait for each other.

This module knows nothing about clips or changes of frames.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from rtaction.arrays import UInt8Array
from rtaction.train.data.cache_room import FLOW_SUFFIX, CacheRoom, in_use, lock
from rtaction.train.data.decoded_video import DecodedVideo, VideoFrames
from rtaction.video.motion import flow_field

_log = logging.getLogger(__name__)

# Increase this when the same frames would give another field.
_FORMAT = 1
_SHIFT = 1  # fields are from 0 to 254

IndexArray = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False, slots=True, weakref_slot=True)
class _FlowFile:
    file: Path


class KeptFlow:
    """The flow between frames, from the files beside them or computed. Thread-safe.

    The flow of videos whose frames are not kept, and that for which there is no room, is computed
    each time.

    Args:
        room: that of the folder with the decoded videos. Default None: nothing is kept.
    """

    def __init__(self, room: CacheRoom | None = None) -> None:
        self._room = room
        self._files: dict[Path, _FlowFile | None] = {}
        self._is_full = False

    def between(
        self, frames: UInt8Array | VideoFrames, before: IndexArray, after: IndexArray
    ) -> UInt8Array:
        """The flow from some frames to others.

        Args:
            frames: all frames.
            before: intp, of any shape, positions of frames.
            after: intp, of the same shape, those of frames of the same videos, not earlier.

        Returns:
            uint8, shape (*before.shape, height, width, 2), see `flow_field`.
        """
        pairs = list(zip(before.ravel().tolist(), after.ravel().tolist(), strict=True))
        fields = np.empty((len(pairs), *frames.shape[1:3], 2), np.uint8)
        if isinstance(frames, VideoFrames):
            numbers = frames.numbers_of(before.ravel())
            for number in np.unique(numbers).tolist():
                places = np.flatnonzero(numbers == number).tolist()
                start = int(frames.starts[number])
                of_video = [(pairs[place][0] - start, pairs[place][1] - start) for place in places]
                fields[places] = list(self._fields(frames, number, of_video))
        else:
            for place, (one, other) in enumerate(pairs):
                fields[place] = flow_field(frames[one], frames[other])
        return fields.reshape(*before.shape, *fields.shape[1:])

    def _fields(
        self, frames: VideoFrames, number: int, pairs: list[tuple[int, int]]
    ) -> Iterator[UInt8Array]:
        """The fields between pairs of frames of one video."""
        video, images = frames.videos[number], None
        with self._opened(video) as file:
            for one, other in pairs:
                found = _read(file, video, one, other) if file else None
                if found is None:
                    images = frames.of_video(number) if images is None else images
                    found = flow_field(images[one], images[other])
                    if file and self._has_room(found.nbytes):
                        _write(file, video, one, other, found)
                yield found

    @contextmanager
    def _opened(self, video: DecodedVideo) -> Iterator[IO[bytes] | None]:
        """The file of a video's fields; None if it has none."""
        file: IO[bytes] | None = None
        if isinstance(video.file, Path) and self._room:
            path = video.file.with_name(f"{video.file.stem}-{_FORMAT}{FLOW_SUFFIX}")
            if path not in self._files:
                self._files[path] = _in_use_from_now(path)
            with suppress(OSError):  # another process may have dropped it
                file = path.open("r+b", buffering=0) if self._files[path] else None
        if file is None:
            yield None
            return
        with file:
            yield file

    def _has_room(self, num_bytes: int) -> bool:
        if self._is_full or self._room is None:
            return False
        with lock, suppress(OSError):
            self._is_full = not self._room.make(num_bytes)
        if self._is_full:  # which does not change often, and to find out takes time
            _log.info("no room in %s for more optical flow: it is computed anew", self._room.folder)
        return not self._is_full


def _in_use_from_now(path: Path) -> _FlowFile | None:
    """A file for fields, made if there is none; None if that is not possible."""
    with lock, suppress(OSError):
        path.touch()
        found = _FlowFile(path)
        in_use.add(found)
        return found
    return None


def _offset_bytes(video: DecodedVideo, one: int, other: int) -> int:
    num_frames = len((video.whole or video).times_seconds)
    return ((other - one) * num_frames + video.first + one) * _field_bytes(video)


def _read(file: IO[bytes], video: DecodedVideo, one: int, other: int) -> UInt8Array | None:
    """The field from one frame to another; None if it is missing, or was half written."""
    with suppress(OSError):
        file.seek(_offset_bytes(video, one, other))
        found = np.frombuffer(file.read(_field_bytes(video)), np.uint8)
        if len(found) == _field_bytes(video) and found.all():
            return np.asarray(found - _SHIFT).reshape(*video.frame_shape[:2], 2)
    return None


def _write(file: IO[bytes], video: DecodedVideo, one: int, other: int, field: UInt8Array) -> None:
    with suppress(OSError):  # losing it only costs time
        file.seek(_offset_bytes(video, one, other))
        file.write((field + _SHIFT).tobytes())


def _field_bytes(video: DecodedVideo) -> int:
    height, width = video.frame_shape[:2]
    return 2 * height * width
