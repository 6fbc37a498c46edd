"""Files of decoded frames: how they are written and read.

A file holds the frames of a video one after the other, as they are in memory. This module knows
nothing about clips or labels, nor about which videos are kept from run to run.
"""

from __future__ import annotations

import errno
import logging
import math
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from rtaction.arrays import UInt8Array
from rtaction.errors import DatasetError, OutputError, SourceUnreadable
from rtaction.model_spec import ModelSpec
from rtaction.sampling import last_period_seconds
from rtaction.video.file import read_declared, read_video
from rtaction.video.pixels import prepare_image

_log = logging.getLogger(__name__)

# If a header declares this much more than can be decoded, the file was cut off.
_MIN_DECODED_FRACTION = 0.9
_DECLARED_SLACK_SECONDS = 0.25

_COPIED_AT_ONCE = 256

Look = Callable[[npt.NDArray[Any]], None]
"""Takes a frame: uint8 RGB, shape (height, width, 3)."""


@dataclass(frozen=True, eq=False, slots=True, weakref_slot=True)
class DecodedVideo:
    """The decoded frames of one video.

    Args:
        file: their file: a path that outlives this run, or an open temporary file.
        frame_shape: height, width and channels.
        times_seconds: float64, shape (num_frames,), counted from the first frame.
        problem: None, or why the video cannot be used; it then has no frames. Default None.
        offset_bytes: offset of the first frame in the file. Default 0.
        whole: the whole video, if this is a part of it. Default None.
        first: number of the first frame in the whole video. Default 0.
        numbers: intp, shape (num_frames,), those of the frames in the whole video, if they do not
            follow each other. Default None.
    """

    file: Path | IO[bytes]
    frame_shape: tuple[int, ...]
    times_seconds: npt.NDArray[np.float64]
    problem: str | None = None
    offset_bytes: int = 0
    whole: DecodedVideo | None = None
    first: int = 0
    numbers: npt.NDArray[np.intp] | None = None

    def numbers_of(self, positions: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
        """The numbers of some of its frames in the whole video: intp, of the same shape."""
        return self.first + positions if self.numbers is None else self.numbers[positions]

    def part(self, places: slice) -> DecodedVideo:
        """Some of its frames, without a copy of them."""
        start_bytes = self.offset_bytes + places.start * math.prod(self.frame_shape)
        times = self.times_seconds[places]
        return replace(
            self, times_seconds=times, offset_bytes=start_bytes, whole=self, first=places.start
        )

    @property
    def is_kept(self) -> bool:
        """Whether the frames outlive this run."""
        return isinstance(self.file, Path)

    def frames(self) -> UInt8Array:
        """The frames, memory-mapped: uint8, shape (num_frames, *frame_shape).

        Do not hold it for long: a map takes a file handle, and what was read through it counts as
        memory of this process.

        Raises:
            OSError: the file is gone.
        """
        source: Any = self.file
        shape = (len(self.times_seconds), *self.frame_shape)
        return np.memmap(source, np.uint8, mode="r", offset=self.offset_bytes, shape=shape)


def decode_video(
    path: Path,
    spec: ModelSpec,
    file: IO[bytes],
    *,
    stop: threading.Event | None = None,
    look: Look | None = None,
) -> DecodedVideo:
    """Decode a whole video into an empty file.

    Args:
        path: the video.
        spec: size and resizing of the frames, and whether they have colours.
        file: the file to write to; stays open.
        stop: stops decoding when set. Default None.
        look: is given each frame as the video has it. Default None.

    Returns:
        The frames; without frames, but with a problem, if the video cannot be used.

    Raises:
        SourceMissing: there is no such file.
        OutputError: the disk is full.
        CancelledError: `stop` was set.
    """
    size_hw = (spec.height, spec.width)
    times: list[float] = []
    left_out: list[str] = []
    try:
        for frame in read_video(path, tell=left_out.append):
            if stop and stop.is_set():
                raise CancelledError
            image = prepare_image(frame.image, size_hw, base=spec.base, resize=spec.resize)
            write_decoded(file, image.data)
            if look:
                look(frame.image)
            times.append(frame.captured_at_seconds)
        problem = _cut_off(path, times)
    except SourceUnreadable as error:
        problem = str(error).removeprefix(str(path)).lstrip(": ")
    if problem:
        times = []
        file.seek(0)
        file.truncate()
    else:
        for text in left_out:
            _log.warning("%s", text)
    return DecodedVideo(file, spec.base_shape, np.asarray(times, dtype=np.float64), problem)


def write_decoded(file: IO[bytes], content: bytes | memoryview) -> None:
    """Append to a file of frames.

    Raises:
        OutputError: the disk is full.
    """
    try:
        file.write(content)
        file.flush()
    except OSError as error:
        raise OutputError(
            f"cannot keep decoded frames: {error}; free space on that disk, or choose another with "
            "--cache-dir, or with TMPDIR for what exceeds the cache's limit"
        ) from None


def open_temporary(num_bytes: int = 0) -> IO[bytes]:
    """A file that is deleted when it is closed, or when this process ends.

    Args:
        num_bytes: reserved on the disk, so that it may be mapped into memory: a page that finds no
            room would end the process. Default 0.

    Raises:
        OutputError: the disk is full.
    """
    try:
        # A file system that is asked for too much is full for everybody until it says no.
        if num_bytes > shutil.disk_usage(tempfile.gettempdir()).free:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        file: IO[bytes] = tempfile.TemporaryFile(prefix="rtaction-")  # noqa: SIM115
        if num_bytes and hasattr(os, "posix_fallocate"):  # Linux
            os.posix_fallocate(file.fileno(), 0, num_bytes)
    except OSError as error:
        raise OutputError(
            f"cannot keep {num_bytes / 1e9:.1f} GB in {tempfile.gettempdir()}: {error}; free space "
            "there, or set TMPDIR to a folder on another disk"
        ) from None
    return file


def _cut_off(path: Path, times_seconds: Sequence[float]) -> str | None:
    declared_seconds = read_declared(path).duration_seconds
    decoded_seconds = times_seconds[-1] - times_seconds[0] + last_period_seconds(times_seconds)
    if decoded_seconds >= _MIN_DECODED_FRACTION * declared_seconds - _DECLARED_SLACK_SECONDS:
        return None
    return (
        f"its header declares {declared_seconds:.1f} s, but only {decoded_seconds:.1f} s can "
        "be decoded; it was cut off, or its header is wrong"
    )


class TemporaryFrames:
    """One temporary file for the frames of several videos that a run needs. Thread-safe."""

    def __init__(self) -> None:
        self._file = open_temporary()
        self._num_bytes = 0
        self._lock = threading.Lock()

    def add(self, video: DecodedVideo, positions: npt.NDArray[np.intp]) -> DecodedVideo:
        """Copy some frames of a video.

        Args:
            video: their current place.
            positions: intp, shape (num_positions,), indices of the frames.

        Raises:
            OutputError: the disk is full.
        """
        with self._lock:
            start_bytes = self._num_bytes
            # In parts: a long video does not fit into memory.
            for start in range(0, len(positions), _COPIED_AT_ONCE):
                images = video.frames()[positions[start : start + _COPIED_AT_ONCE]]
                write_decoded(self._file, images.data)
                self._num_bytes += images.nbytes
        times = video.times_seconds[positions]
        numbers = video.numbers_of(positions)
        return DecodedVideo(
            self._file, video.frame_shape, times, offset_bytes=start_bytes, numbers=numbers
        )


class VideoFrames:
    """All frames of several videos in a row, read on demand.

    A file that has been deleted meanwhile, because another process emptied the cache, is decoded
    again.

    Args:
        videos: the frames of each video, at least one.
        paths: the videos themselves.
        spec: size and resizing of the frames, and whether they have colours.

    Attributes:
        videos: the frames of each video.
        paths: the videos themselves.
        starts: intp, shape (num_videos + 1,): position of the first frame of each, and the end.
    """

    def __init__(
        self, videos: Sequence[DecodedVideo], paths: Sequence[Path], spec: ModelSpec
    ) -> None:
        self.videos = list(videos)
        self.paths = list(paths)
        self._spec = spec
        self.starts = np.cumsum([0, *(len(video.times_seconds) for video in videos)])

    def __len__(self) -> int:
        return int(self.starts[-1])

    @property
    def shape(self) -> tuple[int, ...]:
        """As of an array: number of frames, height, width and channels."""
        return (len(self), *self._spec.base_shape)

    def numbers_of(self, positions: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
        """The number of the video that each position belongs to: intp, of the same shape."""
        return np.asarray(np.searchsorted(self.starts, positions, side="right") - 1)

    def __getitem__(self, positions: npt.NDArray[np.intp]) -> UInt8Array:
        """Read frames: uint8, shape (*positions.shape, height, width, channels)."""
        if positions.size and not (positions.min() >= 0 and positions.max() < len(self)):
            raise IndexError(f"frames are numbered from 0 to {len(self) - 1}, got {positions}")
        flat = positions.ravel()
        images = np.empty((len(flat), *self._spec.base_shape), np.uint8)
        numbers = self.numbers_of(flat)
        for number in np.unique(numbers):
            frames = self.of_video(number)
            for place in np.flatnonzero(numbers == number):
                images[place] = frames[flat[place] - self.starts[number]]
        return images.reshape(*positions.shape, *self._spec.base_shape)

    def joined(self, other: VideoFrames) -> VideoFrames:
        """These frames, followed by those of other videos."""
        videos, paths = [*self.videos, *other.videos], [*self.paths, *other.paths]
        return VideoFrames(videos, paths, self._spec)

    def of_video(self, number: int) -> UInt8Array:
        """The frames of one video, see `DecodedVideo.frames`.

        Raises:
            DatasetError: they are gone, and the video has changed.
        """
        try:
            return self.videos[number].frames()
        except OSError:
            before, path = self.videos[number], self.paths[number]
            again = decode_video(path, self._spec, open_temporary())
            if before.whole is not None:
                again = again.part(slice(before.first, before.first + len(before.times_seconds)))
            if not np.array_equal(again.times_seconds, before.times_seconds):
                raise DatasetError(
                    f"{path} has changed since this training began, and its decoded frames were "
                    "deleted; start the training again"
                ) from None
            self.videos[number] = again
            return again.frames()
