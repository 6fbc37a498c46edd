"""A folder of decoded videos, kept from run to run, so that each is decoded once.

An entry is one file: all frames of one video at one size, their times, and their number. Its name
is a hash of the video's path, size and modification time and of the target format, so a changed
video is another entry. It is written under another name and then renamed: any number of processes
can share a folder, and one that is killed leaves a partial file, which a later run removes. A
video that cannot be used leaves an entry that says why.

Every frame is kept, so that another stride or clip length needs no decoding and chooses the same
frames. A second at 25 frames of 112x112 RGB takes 0.94 MB. The results of a frozen network for a
video are kept next to them, see `encoded`, and so is optical flow, see `kept_flow`. This module
knows nothing about clips.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import os
import struct
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import av
import numpy as np
import numpy.typing as npt
import platformdirs

from rtaction.errors import UsageError
from rtaction.model_spec import ModelSpec
from rtaction.opencv import cv2
from rtaction.train.choices import DEFAULT_LIMIT_GB
from rtaction.train.data.cache_room import (
    ARRAY_SUFFIX,
    FRAMES_SUFFIX,
    CacheRoom,
    in_use,
    lock,
)
from rtaction.train.data.decoded_video import (
    DecodedVideo,
    Look,
    decode_video,
    open_temporary,
    write_decoded,
)

_log = logging.getLogger(__name__)

# Increase this when the format, the frames or the check of a video would change.
_FORMAT = 2
_PARTIAL_PREFIX = "partial-"
# A file that is being written is modified every few seconds.
_STALE_SECONDS = 3600.0
_FOOTER = struct.Struct("<QQ8s")  # number of frames, bytes of the problem's text, mark
_MARK = b"rtframes"


class FrameCache:
    """A folder of decoded videos with a size limit.

    The least recently used entries are dropped first, but none that this process uses. If that
    does not make room for a video, its frames are not kept. What is being decoded, and what other
    processes added in the last seconds, is not counted towards the limit.

    Args:
        folder: the folder. Default: rtaction/frames in the user's cache folder.
        limit_gb: size limit, in 10**9 bytes, but at most half of the space that would be free on
            its disk without it. 0 keeps nothing. Default 20.0.

    Raises:
        UsageError: the limit is below 0, or a given folder cannot be written to. If the default
            folder cannot, a warning says so, and nothing is kept.

    Attributes:
        room: how much the folder may hold.
    """

    def __init__(
        self, folder: str | Path | None = None, *, limit_gb: float = DEFAULT_LIMIT_GB
    ) -> None:
        if not limit_gb >= 0:
            raise UsageError(f"--cache-gb must be 0 or more, got {limit_gb}")
        self.folder = Path(os.path.abspath(folder or default_folder()))
        self.limit_gb = limit_gb
        self._keeps = limit_gb > 0 and self._prepare(is_given=folder is not None)
        self.room = CacheRoom(self.folder, limit_gb)

    @contextmanager
    def read(
        self,
        path: Path,
        spec: ModelSpec,
        stop: threading.Event | None = None,
        look: Look | None = None,
    ) -> Iterator[DecodedVideo]:
        """The frames of a video: from the cache, or decoded, and kept if there is room.

        Frames that are not kept (`is_kept`) are deleted when the context ends.

        Args:
            path: the video.
            spec: size and resizing of the frames, and whether they have colours.
            stop: stops decoding when set. Default None.
            look: is given each frame as the video has it, if it is decoded. Default None.

        Raises:
            SourceMissing: there is no such file.
            OutputError: the disk is full.
            CancelledError: `stop` was set.
        """
        entry = self._entry(path, spec) if self._keeps else None
        found = _open_entry(entry, spec) if entry else None
        _log.debug("%s: %s", path, "decoded before" if found else "decoding")
        if found:
            yield found
            return
        with _open_partial(entry) as file:
            decoded = decode_video(path, spec, file, stop=stop, look=look)
            # A file that changed meanwhile, or that only this user may not read, is not cached.
            lasts = entry and os.access(path, os.R_OK) and entry == self._entry(path, spec)
            yield (self._keep(decoded, file, entry) if entry and lasts else None) or decoded

    def array(self, path: Path, identity: Sequence[Any]) -> npt.NDArray[Any] | None:
        """A cached result for a video; None if there is none, or it is damaged.

        Args:
            path: the video, as it is now.
            identity: what the result is and how it was made, as JSON values.
        """
        entry = self._array_entry(path, identity)
        if entry is None:
            return None
        with suppress(OSError, ValueError):
            found = np.load(entry, allow_pickle=False)
            os.utime(entry)
            return np.asarray(found)
        return None

    def keep_array(self, path: Path, identity: Sequence[Any], made: npt.NDArray[Any]) -> None:
        """Cache a result for a video, if there is room.

        Args:
            path: the video.
            identity: see `array`.
            made: the result, of any shape and dtype but objects.
        """
        entry = self._array_entry(path, identity)
        if entry is None:
            return
        # Losing it only costs time; and a full disk is reported where frames are kept.
        with suppress(OSError), _open_partial(entry) as file:
            np.save(file, made, allow_pickle=False)
            with lock:
                if self.room.make(file.tell()):
                    file.close()
                    os.replace(file.name, entry)

    def _array_entry(self, path: Path, identity: Sequence[Any]) -> Path | None:
        known = _known(path) if self._keeps else None
        return self.folder / f"{_digest([*known, *identity])}{ARRAY_SUFFIX}" if known else None

    def _prepare(self, is_given: bool) -> bool:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.folder):
                pass
            for path in self.folder.glob(f"{_PARTIAL_PREFIX}*"):
                with suppress(FileNotFoundError):  # another process cleans up as well
                    if time.time() - path.stat().st_mtime > _STALE_SECONDS:
                        path.unlink()
        except OSError as error:
            text = f"cannot keep decoded videos in {self.folder}: {error.strerror}"
            if is_given:
                raise UsageError(f"{text}; choose another folder with --cache-dir") from None
            _log.warning("%s; each run decodes again. --cache-dir chooses another folder", text)
            return False
        return True

    def _entry(self, path: Path, spec: ModelSpec) -> Path | None:
        known = _known(path)
        if known is None:  # decoding it will raise the error
            return None
        made_into = [spec.height, spec.width, spec.base, spec.resize]
        return self.folder / f"{_digest([*known, *made_into])}{FRAMES_SUFFIX}"

    def _keep(self, decoded: DecodedVideo, file: IO[bytes], entry: Path) -> DecodedVideo | None:
        problem = (decoded.problem or "").encode()
        write_decoded(file, decoded.times_seconds.astype("<f8").tobytes())
        write_decoded(file, problem + _FOOTER.pack(len(decoded.times_seconds), len(problem), _MARK))
        with lock:
            if not self.room.make(file.tell()):
                return None
            file.close()  # some systems cannot rename an open file
            os.replace(file.name, entry)
            kept = replace(decoded, file=entry)
            in_use.add(kept)
        return kept


def default_folder() -> Path:
    """The default folder of decoded videos."""
    return platformdirs.user_cache_path("rtaction", appauthor=False) / "frames"


def name_of(path: Path) -> str | None:
    """A name for what is kept of a video in any format, as it is now; None if there is no file."""
    known = _known(path)
    return _digest(known) if known else None


def _known(path: Path) -> list[Any] | None:
    """The identity of a video and its decoder; None if there is no such file."""
    try:
        status = path.stat()
    except OSError:
        return None
    # Another version may decode what this one cannot, and rounds differently.
    version = [av.__version__, cv2.__version__, _FORMAT]
    return [os.path.abspath(path), status.st_size, status.st_mtime_ns, *version]


def _digest(identity: list[Any]) -> str:
    return hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:32]


def _open_entry(entry: Path, spec: ModelSpec) -> DecodedVideo | None:
    """An entry of the cache, in use from now on; None if it is missing or damaged."""

    with lock, suppress(OSError), entry.open("rb") as file:
        file.seek(-_FOOTER.size, os.SEEK_END)
        num_frames, num_text_bytes, mark = _FOOTER.unpack(file.read())
        times_at = num_frames * math.prod(spec.base_shape)
        size = times_at + num_frames * 8 + num_text_bytes + _FOOTER.size
        if mark == _MARK and size == os.fstat(file.fileno()).st_size:
            file.seek(times_at)
            times = np.frombuffer(file.read(num_frames * 8), "<f8")
            problem = file.read(num_text_bytes).decode() or None
            found = DecodedVideo(entry, spec.base_shape, times, problem)
            in_use.add(found)
            os.utime(entry)
            return found
    return None


@contextmanager
def _open_partial(entry: Path | None) -> Iterator[IO[bytes]]:
    if entry is None:
        with open_temporary() as file:
            yield file
        return
    with tempfile.NamedTemporaryFile(
        prefix=_PARTIAL_PREFIX, dir=entry.parent, delete=False
    ) as partial:
        try:
            yield partial.file
        finally:
            with suppress(OSError):  # what it still held finds no room either
                partial.close()
            Path(partial.name).unlink(missing_ok=True)
