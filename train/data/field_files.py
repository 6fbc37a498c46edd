"""Fields of motion between frames of decoded videos, in files beside these.

A file holds the fields of one video: those between neighbours, those from each frame to the one
after the next, and so on. A field is there if none of its bytes is 0; what was never written takes
no room on the disk. All processes that share the folder write the same, so they need not wait for
each other.

This module knows nothing about how a field is made.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from rtaction.arrays import UInt8Array
from rtaction.train.data.cache_room import CacheRoom, in_use, lock
from rtaction.train.data.decoded_video import DecodedVideo

_log = logging.getLogger(__name__)

_SHIFT = 1  # fields are from 0 to 254


@dataclass(frozen=True, eq=False, slots=True, weakref_slot=True)
class _InUse:
    file: Path


class FieldFiles:
    """The files of one kind of field. Thread-safe.

    Args:
        room: that of the folder with the decoded videos. Default None: nothing is kept.
        ending: of the names of its files, with all that the fields of the same frames depend on.
    """

    def __init__(self, room: CacheRoom | None, ending: str) -> None:
        self._room = room
        self._ending = ending
        self._files: dict[Path, _InUse | None] = {}
        self._is_full = False

    @contextmanager
    def of(
        self, video: DecodedVideo, shape: tuple[int, ...], name: str | None = None
    ) -> Iterator[FieldFile | None]:
        """The fields of a video, while the context lasts; None if none can be kept.

        Args:
            video: the video, or a part of it.
            shape: of a field.
            name: of the file. Default None: that of the video's frames, of which the fields are.
        """
        file: IO[bytes] | None = None
        if isinstance(video.file, Path) and self._room:
            path = video.file.with_name(f"{name or video.file.stem}{self._ending}")
            if path not in self._files:
                self._files[path] = _in_use_from_now(path)
            with suppress(OSError):  # another process may have dropped it
                file = path.open("r+b", buffering=0) if self._files[path] else None
        if file is None:
            yield None
            return
        with file:
            yield FieldFile(file, len((video.whole or video).times_seconds), shape, self._has_room)

    def _has_room(self, num_bytes: int) -> bool:
        if self._is_full or self._room is None:
            return False
        with lock, suppress(OSError):
            self._is_full = not self._room.make(num_bytes)
        if self._is_full:  # which does not change often, and to find out takes time
            _log.info("no room in %s for more optical flow: it is computed anew", self._room.folder)
        return not self._is_full


class FieldFile:
    """The open file of the fields of one video.

    Args:
        file: the file.
        num_frames: of the whole video.
        shape: of a field.
        has_room: whether so many bytes may be added.
    """

    def __init__(
        self,
        file: IO[bytes],
        num_frames: int,
        shape: tuple[int, ...],
        has_room: Callable[[int], bool],
    ) -> None:
        self._file = file
        self._num_frames = num_frames
        self._shape = shape
        self._has_room = has_room

    def read(self, one: int, other: int) -> UInt8Array | None:
        """The field from one frame of the whole video to another; None if it is missing."""
        num_bytes = math.prod(self._shape)
        with suppress(OSError):
            self._seek(one, other)
            found = np.frombuffer(self._file.read(num_bytes), np.uint8)
            if len(found) == num_bytes and found.all():  # or else it was half written
                return np.asarray(found - _SHIFT).reshape(self._shape)
        return None

    def write(self, one: int, other: int, field: UInt8Array) -> bool:
        """Keep a field, if there is room.

        Returns:
            Whether it was kept.
        """
        with suppress(OSError):  # losing it only costs time
            if self._has_room(field.nbytes):
                self._seek(one, other)
                self._file.write((field + _SHIFT).tobytes())
                return True
        return False

    def _seek(self, one: int, other: int) -> None:
        place = (other - one) * self._num_frames + one
        self._file.seek(place * math.prod(self._shape))


def _in_use_from_now(path: Path) -> _InUse | None:
    """A file for fields, made if there is none; None if that is not possible."""
    with lock, suppress(OSError):
        path.touch()
        found = _InUse(path)
        in_use.add(found)
        return found
    return None
