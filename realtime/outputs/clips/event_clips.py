"""A short video of each event, from shortly before its start to shortly after its end.

Every frame is kept as a JPEG for some seconds, so that a clip can begin before its event was
known. A clip is made of these JPEGs and their times, and its own thread writes it, so that a slow
disk delays nothing. This module knows nothing about models.
"""

from __future__ import annotations

import logging
import math
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy.typing as npt

from rtaction.errors import OutputError, UsageError
from rtaction.opencv import cv2
from rtaction.realtime.actions.detector import ActionEvent
from rtaction.realtime.outputs.clips.clip_file import ClipFile, ClipFormat, JpegPicture
from rtaction.realtime.outputs.clips.clip_names import clip_stem
from rtaction.realtime.outputs.clips.clip_writer import ClipWriter, Written
from rtaction.realtime.outputs.clips.kept_pieces import KeptPieces, OpenClip, TimedPiece
from rtaction.sampling import TIME_TOLERANCE_SECONDS

CLOSE_TIMEOUT_SECONDS = 2.0
_MEBIBYTE = 1 << 20
_DAY_SECONDS = 86_400.0
_log = logging.getLogger(__name__)


class EventClips:
    """Keeps a video of each event of one or many sources.

    A clip is named `<UTC time>_<source>_<label>_<number>.mkv` or .mp4 after the start of its event,
    with `_person-<id>` after the number if the model is one of people; names sort by time. Its
    first frame has time 0, the others their true offset from it, to the millisecond. It is playable
    even if the process is killed. Frames that were written before the end of the event was known
    stay in the clip.

    Each source may add its frames from its own thread.

    Args:
        folder: folder of the clips, created if missing; None keeps frames for files that others
            make, see `add_span` and `add_event`.
        pre_roll_seconds: time to keep before an event. Default 2.0.
        post_roll_seconds: time to keep after it. Default 1.0.
        max_seconds: maximum length of a clip, so that an event that never ends does not fill the
            disk. Default 60.0.
        max_delay_seconds: frames are kept this much longer than the pre-roll, because an event is
            reported some time after its start. Default 5.0.
        format: "mkv", Motion JPEG as it was kept, or "mp4", H.264, for browsers. Default "mkv".
        quality: of the JPEGs, 1 to 100. Default 90.
        max_bytes_per_source: JPEGs kept per source; beyond it, the oldest are dropped. Default
            64 MiB.
        max_queue_bytes: JPEGs queued for the disk; beyond it, new ones are dropped. Default 64 MiB.

    Raises:
        UsageError: a value is out of range.
        OutputError: the folder cannot be created or written to.
    """

    def __init__(
        self,
        folder: Path | None,
        *,
        pre_roll_seconds: float = 2.0,
        post_roll_seconds: float = 1.0,
        max_seconds: float = 60.0,
        max_delay_seconds: float = 5.0,
        format: ClipFormat = "mkv",
        quality: int = 90,
        max_bytes_per_source: int = 64 * _MEBIBYTE,
        max_queue_bytes: int = 64 * _MEBIBYTE,
    ) -> None:
        for name, seconds in (
            ("pre_roll_seconds", pre_roll_seconds),
            ("post_roll_seconds", post_roll_seconds),
            ("max_seconds", max_seconds),
            ("max_delay_seconds", max_delay_seconds),
        ):
            if not 0 <= seconds < math.inf:
                raise UsageError(f"{name} of event clips must be 0 or more, got {seconds}")
        if folder is not None:
            require_writable(folder, "event clips")
        self._folder = folder
        self._pre_roll_seconds = pre_roll_seconds
        self._post_roll_seconds = post_roll_seconds
        self._max_seconds = max_seconds
        self._kept_seconds = pre_roll_seconds + max_delay_seconds
        self._quality = quality
        self._format: ClipFormat = format
        self._max_bytes = max_bytes_per_source
        self._writer = ClipWriter(max_queue_bytes)
        self._sources: dict[str, KeptPieces] = {}
        self._lock = threading.Lock()
        self._closed = False

    @property
    def num_dropped(self) -> int:
        """Number of frames missing from clips because they could not be written, or not in time."""
        return self._writer.num_dropped

    def add_frame(self, source: str, image_rgb: npt.NDArray[Any], at_seconds: float) -> None:
        """Take a frame. After `close` it is ignored.

        Args:
            source: name of the source.
            image_rgb: uint8 RGB, shape (height, width, 3); the size may change.
            at_seconds: its time, on the clock of the source's events. If it goes backwards, the
                clips of this source end.
        """
        # By far the slowest part, so it runs outside the lock.
        options = [cv2.IMWRITE_JPEG_QUALITY, self._quality]
        _, jpeg = cv2.imencode(".jpg", cv2.cvtColor(image_rgb, cv2.COLOR_RGB2BGR), options)
        size_hw = (image_rgb.shape[0], image_rgb.shape[1])
        self.add(source, JpegPicture(at_seconds, jpeg.tobytes(), size_hw))

    def add(self, source: str, piece: TimedPiece) -> None:
        """Take what is encoded already: all of a source are of one kind. See `add_frame`."""
        at_seconds = piece.at_seconds
        with self._lock:
            state = self._sources.setdefault(source, KeptPieces())
            if self._closed or at_seconds == state.last_seconds:
                return
            if at_seconds < state.last_seconds:
                self._end(state, list(state.clips.values()))
                state.forget()
            state.push(piece, self._kept_seconds, self._max_bytes)
            for clip in state.clips.values():
                self._offer(clip, piece)
            self._end(state, [clip for clip in state.clips.values() if clip.is_over(at_seconds)])

    def add_event(
        self, event: ActionEvent, file_of: Callable[[str], Written[Any]] | None = None
    ) -> None:
        """Take an event, at its start and again at its end; after `close` it is ignored.

        Args:
            event: the event.
            file_of: makes its file at its start, from the name that its clip would have. Default
                None: a file of that name in the folder; without a folder, none.
        """
        with self._lock:
            if self._closed:
                return
            state = self._sources.setdefault(event.source, KeptPieces())
            until_seconds = math.inf
            if event.end_seconds is not None:
                until_seconds = event.end_seconds + self._post_roll_seconds
            clip = state.clips.get(event.number)
            if clip is not None:
                clip.until_seconds = until_seconds
            elif event.end_seconds is None or event.number > state.last_number:
                if self._folder is None and file_of is None:
                    return
                file = (file_of or self._file)(_stem(event, state))
                from_seconds = event.start_seconds - self._pre_roll_seconds
                state.last_number = event.number
                clip = OpenClip(event.number, file, from_seconds, until_seconds)
                self._begin(state, clip)
            # None if the clip was cut off long before its event ended.
            if clip is not None and clip.is_over(state.last_seconds):
                self._end(state, [clip])

    def add_span(self, span: ActionEvent, file_of: Callable[[str], Written[Any]]) -> None:
        """Write the frames of a span of time to a file; after `close` it is ignored.

        Args:
            span: a name, as its label, with start and end, the latter in the near future at most.
            file_of: makes the file, from the name that a clip of this span would have.
        """
        assert span.end_seconds is not None
        with self._lock:
            if self._closed:
                return
            state = self._sources.setdefault(span.source, KeptPieces())
            state.num_spans += 1  # below zero they are no event's number
            file = file_of(_stem(span, state))
            clip = OpenClip(-state.num_spans, file, span.start_seconds, span.end_seconds)
            self._begin(state, clip)
            if clip.is_over(state.last_seconds):
                self._end(state, [clip])

    def flush(self, timeout_seconds: float = CLOSE_TIMEOUT_SECONDS) -> bool:
        """Wait until everything passed in is written; returns whether it is.

        The last frame of an open clip reaches its file with the next one.
        """
        return self._writer.flush(timeout_seconds)

    def close(self, timeout_seconds: float = CLOSE_TIMEOUT_SECONDS) -> None:
        """Finish the open clips, in at most this time. Closing twice does nothing.

        Raises:
            OutputError: a clip could not be written, or the disk did not keep up.
        """
        with self._lock:
            if self._closed:
                return
            self._closed = True
            for state in self._sources.values():
                self._end(state, list(state.clips.values()))
                state.forget()
        self._writer.close(timeout_seconds)

    def nearest(self, source: str, at_seconds: float | None = None) -> Any | None:
        """The kept `TimedPiece` of a source that is nearest to a time; None if none is kept.

        Args:
            source: name of the source.
            at_seconds: on the clock of its frames. Default None: the newest.
        """
        with self._lock:
            state = self._sources.get(source)
            if state is None or not state.pieces:
                return None
            if at_seconds is None:
                return state.pieces[-1]
            return min(state.pieces, key=lambda piece: abs(piece.at_seconds - at_seconds))

    def forget(self, source: str) -> None:
        """End the clips of a source, and drop what is kept of it: what follows is unrelated."""
        with self._lock:
            state = self._sources.get(source)
            if state is not None:
                self._end(state, list(state.clips.values()))
                state.forget()

    def _file(self, stem: str) -> Written[Any]:
        assert self._folder is not None
        return ClipFile(self._folder, stem, self._format)

    def _begin(self, state: KeptPieces, clip: OpenClip) -> None:
        state.clips[clip.number] = clip
        clip.from_seconds = state.begin_of(clip.from_seconds)
        for piece in state.pieces:
            self._offer(clip, piece)

    def _offer(self, clip: OpenClip, piece: TimedPiece) -> None:
        at_seconds = piece.at_seconds
        if at_seconds < clip.from_seconds - TIME_TOLERANCE_SECONDS or clip.is_over(at_seconds):
            return
        if clip.waits_for_key and not piece.is_key:
            return
        if clip.longest_until_seconds == math.inf:
            clip.longest_until_seconds = at_seconds + self._max_seconds
        # What follows a gap cannot be decoded.
        clip.waits_for_key = not self._writer.put(clip.file, piece)

    def _end(self, state: KeptPieces, clips: list[OpenClip]) -> None:
        for clip in clips:
            del state.clips[clip.number]
            self._writer.put(clip.file, None)


def _stem(event: ActionEvent, state: KeptPieces) -> str:
    age_seconds = 0.0
    if state.pieces:
        # An event on another clock than the frames must not yield a year that does not exist.
        age_seconds = min(max(state.last_seconds - event.start_seconds, 0.0), _DAY_SECONDS)
    now_seconds = state.last_seen_at_utc_seconds or time.time()
    started_at = datetime.fromtimestamp(now_seconds - age_seconds, UTC)
    who = "" if event.person is None else f"_person-{event.person}"
    return clip_stem(started_at, event.source, event.label, f"{event.number}{who}")


def require_writable(folder: Path, what: str) -> None:
    """Create a folder, and check that files can be written into it.

    Raises:
        OutputError: they cannot; the text says what could not be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return
    except OSError as error:
        raise OutputError(f"cannot write {what} into {folder}: {error}") from None
