"""One file of an event clip, made of encoded frames and their times.

This module knows nothing about events.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar, Generic, Literal, Protocol, TypeVar

from rtaction.opencv import cv2  # isort: skip  # before PyAV: windows hang with its libxcb
import av
import numpy as np

from rtaction.errors import OutputError
from rtaction.realtime.outputs.clips.kept_pieces import TimedPiece
from rtaction.video.told_file import ToldFile
from rtaction.video.writer import EncodedFile, even_size_of

ClipFormat = Literal["mkv", "mp4"]
PieceT = TypeVar("PieceT", bound=TimedPiece)
_Taken = TypeVar("_Taken", bound=TimedPiece, contravariant=True)
_MILLISECOND = Fraction(1, 1000)
# With one cluster per frame, each of which reaches the disk at once, a clip that is cut off lacks
# its last frame at most.
_MUXER_OPTIONS = {"cluster_time_limit": "1", "flush_packets": "1"}
# What H.264 is told of the rate; frames have their own times.
_USUAL_RATE = 30.0


@dataclass(frozen=True, slots=True, eq=False)
class JpegPicture:
    """One frame.

    Args:
        at_seconds: its time, on any clock.
        jpeg: the encoded frame.
        size_hw: height and width in pixels.
    """

    at_seconds: float
    jpeg: bytes
    size_hw: tuple[int, int]
    is_key: ClassVar[bool] = True
    """It can be decoded without any other."""

    @property
    def num_bytes(self) -> int:
        """What it takes in memory."""
        return len(self.jpeg)


class Pieces(Protocol[_Taken]):
    """How pieces become a file of one kind."""

    def write(self, piece: _Taken, at_seconds: float, /) -> None:
        """Add a piece, at its time from the first one."""

    def close(self) -> None:
        """Finish the file."""


class PieceFile(Generic[PieceT]):
    """One file, created with its first piece. Only the writing thread touches the disk.

    Args:
        folder: where it is created.
        stem: its name, to which a number is added if it is taken.
        suffix: of its name, without the dot.
        begin: opens what writes it, with its path and its first piece.
    """

    def __init__(
        self, folder: Path, stem: str, suffix: str, begin: Callable[[Path, PieceT], Pieces[PieceT]]
    ) -> None:
        self.failed = False
        self._folder = folder
        self._stem = stem
        self._suffix = suffix
        self._begin = begin
        self._path: Path | None = None
        self._pieces: Pieces[PieceT] | None = None
        self._first_seconds = 0.0
        self._num_pieces = 0

    @property
    def path(self) -> Path | None:
        """Where it is; None before its first piece."""
        return self._path

    def write(self, piece: PieceT) -> None:
        """Add a piece.

        Raises:
            OutputError: it cannot be written.
        """
        with self._telling():
            if self._pieces is None:
                self._first_seconds = piece.at_seconds
                self._path = _create(self._folder, self._stem, self._suffix)
                self._pieces = self._begin(self._path, piece)
            self._pieces.write(piece, piece.at_seconds - self._first_seconds)
            self._num_pieces += 1

    def close(self) -> None:
        """Finish the file.

        Raises:
            OutputError: it cannot be written.
        """
        if self._pieces is not None:
            with self._telling():
                self._pieces.close()

    def abandon(self) -> None:
        """Keep what was written, if anything."""
        self.failed = True
        # The error that led here says it all.
        with suppress(OutputError):
            self.close()
        if self._path is not None and not self._num_pieces:
            with suppress(OSError):
                self._path.unlink()

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError, av.FFmpegError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            kept = f"; its {self._num_pieces} frames so far are kept" if self._num_pieces else ""
            raise OutputError(f"{self._path or self._folder}: {reason}{kept}") from None


class ClipFile(PieceFile[JpegPicture]):
    """A file of JPEG frames.

    Args:
        folder, stem: see `PieceFile`.
        format: "mkv" holds the JPEGs as they are; "mp4" holds H.264, which takes some 8 ms per
            640x480 frame. Default "mkv".
        uses_hardware: see `EncodedFile`. Default False.
        comment: what an "mp4" says of itself, from the time of its first frame. Default: nothing.
    """

    def __init__(
        self,
        folder: Path,
        stem: str,
        format: ClipFormat = "mkv",
        *,
        uses_hardware: bool = False,
        comment: Callable[[float], str] = lambda first_seconds: "",
    ) -> None:
        def begin(path: Path, first: JpegPicture) -> Pieces[JpegPicture]:
            if format == "mkv":
                return _Jpegs(path, first.size_hw)
            return _H264(path, first.size_hw, uses_hardware, comment(first.at_seconds))

        super().__init__(folder, stem, format, begin)


class _Jpegs:
    """A .mkv with the JPEGs as they are."""

    def __init__(self, path: Path, size_hw: tuple[int, int]) -> None:
        self._file = ToldFile(path)
        self._container = av.open(self._file, "w", format="matroska", options=_MUXER_OPTIONS)
        # Later frames may have another size: each JPEG carries its own, and players follow.
        height, width = size_hw
        self._stream: Any = self._container.add_mux_stream(
            "mjpeg", width=width, height=height, time_base=_MILLISECOND
        )
        self._last_pts = -1

    def write(self, picture: JpegPicture, at_seconds: float) -> None:
        packet = av.Packet(picture.jpeg)
        packet.stream = self._stream
        packet.time_base = _MILLISECOND
        # Two frames within a millisecond still need different times.
        self._last_pts = max(round(at_seconds / _MILLISECOND), self._last_pts + 1)
        packet.pts = packet.dts = self._last_pts
        packet.is_keyframe = True
        self._container.mux(packet)
        self._file.check()

    def close(self) -> None:
        self._container.close()
        self._file.close()


class _H264:
    """An .mp4, of the size of its first frame."""

    def __init__(
        self, path: Path, size_hw: tuple[int, int], uses_hardware: bool, comment: str
    ) -> None:
        self._size_hw = even_size_of(size_hw)
        self._file = EncodedFile(
            path, _USUAL_RATE, self._size_hw, uses_hardware=uses_hardware, comment=comment
        )

    def write(self, picture: JpegPicture, at_seconds: float) -> None:
        content = np.frombuffer(picture.jpeg, np.uint8)
        image_bgr: Any = cv2.imdecode(content, cv2.IMREAD_COLOR)
        if image_bgr.shape[:2] != self._size_hw:
            image_bgr = cv2.resize(image_bgr, self._size_hw[::-1])
        self._file.write(cv2.cvtColor(image_bgr, cv2.COLOR_BGR2RGB), at_seconds)

    def close(self) -> None:
        self._file.close()


def _create(folder: Path, stem: str, suffix: str) -> Path:
    """A new, empty file; two sources may have similar names and events at the same time."""
    number = 1
    while True:
        path = folder / (f"{stem}.{suffix}" if number == 1 else f"{stem}_{number}.{suffix}")
        try:
            path.open("xb").close()
        except FileExistsError:
            number += 1
        else:
            return path
