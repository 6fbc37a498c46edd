"""Videos into chunks of windows, ready for the network. It knows nothing about Ray."""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from rtaction.cluster.archive.archive_files import local_copy, opened_video
from rtaction.cluster.archive.messages import Chunk, Job, Piece, PieceEnd
from rtaction.cluster.archive.parts import overlap_seconds, parts_of
from rtaction.errors import RtactionError, SourceError
from rtaction.frame import FrameDamaged, FrameLike
from rtaction.model_spec import ModelSpec
from rtaction.realtime.judging.watched import judged_of, unreadable
from rtaction.realtime.predicting.short import short_pictures
from rtaction.realtime.sources.files import FileSource
from rtaction.realtime.watching.people import picture_tracker_for
from rtaction.realtime.windows.tracker import FrameWindow, NetworkFrame, Tracker
from rtaction.video.part import read_part

# A block of Ray holds a few chunks, and a task may be two blocks ahead of the network.
MOST_BYTES = 2**23
_MOST_WINDOWS = 1024
# Each chunk has the pictures of a window less one again.
_LEAST_CLIPS = 10


def decode(piece: Piece, job: Job) -> Iterator[Chunk]:
    """The windows of a piece, in chunks; or the parts that a long video is to be cut into.

    Whatever is wrong with a video stands in the last chunk: nothing is raised.
    """
    packer = _Packer(piece, job.spec)
    try:
        if piece.is_part:
            yield from _decode_part(piece, job, packer)
        elif parts := parts_of(piece, job):
            yield packer.last(PieceEnd(0, parts=parts))
        elif job.spec.follows_people:
            yield packer.last(PieceEnd(0))  # pictures are looked at where the networks are
        else:
            with local_copy(piece.place) as path:
                yield from _decode_whole(piece, path, job, packer)
    except SourceError as error:
        problem = unreadable(Path(piece.place), error).problem
        yield packer.last(PieceEnd(0, problem=problem.replace(piece.place, piece.name)))
    except RtactionError as error:
        yield packer.last(PieceEnd(0, problem=str(error)))
    except Exception as error:  # whatever is in one video, the others are judged
        problem = f"unexpected {type(error).__name__}: {error}"
        yield packer.last(PieceEnd(0, problem=problem))


def _decode_whole(piece: Piece, path: Path, job: Job, packer: _Packer) -> Iterator[Chunk]:
    spec = job.spec
    tracker = picture_tracker_for(spec, job.watch, is_file=True)
    last_seconds: tuple[float, ...] = ()
    num_frames = 0
    try:
        for frame in FileSource(path).frames():
            num_frames += 1
            last_seconds = (*last_seconds, frame.captured_at_seconds)[-2:]
            tracker.push(frame)
            yield from packer.add(tracker.due())
        yield from packer.add(tracker.due(has_ended=True))
        is_short = False
        if packer.num_windows == 0:
            judged = judged_of(spec, path, (), num_frames, last_seconds, job.watch)
            if is_short := judged.is_short:
                pictures, duration_seconds = short_pictures(spec, path)
                last_seconds = (0.0, duration_seconds)
                window = [NetworkFrame(one) for one in pictures]
                ends = (0.0, duration_seconds)
                yield from packer.add([FrameWindow(duration_seconds, tuple(window), ends, "ok")])
    except SourceError as error:
        problem = unreadable(path, error).problem.replace(str(path), piece.name)
        yield packer.last(PieceEnd(0, num_frames, last_seconds, problem=problem))
        return
    yield packer.last(PieceEnd(0, num_frames, last_seconds, is_short=is_short))


def _decode_part(piece: Piece, job: Job, packer: _Packer) -> Iterator[Chunk]:
    spec = job.spec
    tracker = Tracker(spec, stride_seconds=job.watch.stride_seconds)
    if piece.number > 0:
        tracker.resume(piece.begun_seconds, piece.after_seconds)
    lead, tail = (
        _Seam(cut, overlap_seconds(spec)) for cut in (piece.after_seconds, piece.until_seconds)
    )
    last_seconds: tuple[float, ...] = ()
    begun_seconds: list[float] = []
    num_frames = 0
    is_sound = piece.number == 0
    has_ended = True
    with opened_video(piece.place) as container:
        for frame in read_part(
            container,
            piece.name,
            entry_ticks=piece.entry_ticks,
            first_seconds=piece.first_seconds,
        ):
            at_seconds = frame.captured_at_seconds
            is_own = piece.after_seconds < at_seconds <= piece.until_seconds
            if not last_seconds:
                is_sound = is_sound or at_seconds <= lead.from_seconds
            elif at_seconds - last_seconds[-1] > spec.window_seconds and is_own:
                begun_seconds.append(at_seconds)
            last_seconds = (*last_seconds, at_seconds)[-2:]
            num_frames += is_own
            lead.see(frame)
            tail.see(frame)
            tracker.push(frame)
            yield from packer.add(_own(tracker.due(), piece))
            if at_seconds > piece.until_seconds:
                has_ended = False
                break
    if has_ended:
        yield from packer.add(_own(tracker.due(has_ended=True), piece))
    is_sound = is_sound and has_ended == math.isinf(piece.until_seconds)
    yield packer.last(
        PieceEnd(
            0,
            num_frames,
            last_seconds,
            tuple(begun_seconds),
            lead.fingerprint,
            tail.fingerprint,
            is_sound,
        )
    )


def _own(windows: Iterable[FrameWindow], piece: Piece) -> list[FrameWindow]:
    return [one for one in windows if piece.after_seconds < one.end_seconds <= piece.until_seconds]


class _Seam:
    """The frames before a cut, as one number."""

    def __init__(self, cut_seconds: float, overlap_seconds: float) -> None:
        self.from_seconds = cut_seconds - overlap_seconds
        self.fingerprint = 0
        self._until_seconds = cut_seconds

    def see(self, frame: FrameLike) -> None:
        at_seconds = frame.captured_at_seconds
        if not self.from_seconds <= at_seconds <= self._until_seconds:
            return
        self.fingerprint = zlib.crc32(struct.pack("<d", at_seconds), self.fingerprint)
        try:
            self.fingerprint = zlib.crc32(np.ascontiguousarray(frame.image).data, self.fingerprint)
        except FrameDamaged:
            return  # by its time alone


class _Packer:
    """Puts windows into chunks, and each picture once into a chunk."""

    def __init__(self, piece: Piece, spec: ModelSpec) -> None:
        self.num_windows = 0
        self._piece = piece
        self._spec = spec
        most = MOST_BYTES // int(np.prod(spec.frame_shape))
        self._most_pictures = max(most, _LEAST_CLIPS * spec.frames_per_clip)
        self._num_chunks = 0
        self._start()

    def _start(self) -> None:
        self._pictures: dict[int, tuple[int, NetworkFrame]] = {}
        self._windows: list[list[int]] = []
        self._times: list[tuple[float, float]] = []

    def add(self, windows: Iterable[FrameWindow]) -> Iterator[Chunk]:
        """Take windows; gives the chunks that are full."""
        for window in windows:
            numbers = []
            for picture in window.values:
                # Kept beside its number, so that no other gets the same id.
                place = self._pictures.setdefault(id(picture), (len(self._pictures), picture))
                numbers.append(place[0])
            self._windows.append(numbers)
            self._times.append((window.times_seconds[0], window.times_seconds[-1]))
            self.num_windows += 1
            is_full = len(self._pictures) >= self._most_pictures
            if is_full or len(self._windows) >= _MOST_WINDOWS:
                yield self._chunk(None)

    def last(self, end: PieceEnd) -> Chunk:
        """The last chunk, with what is left, and with the end of the piece."""
        return self._chunk(replace(end, num_chunks=self._num_chunks + 1))

    def _chunk(self, end: PieceEnd | None) -> Chunk:
        pictures = [picture.image for _, picture in self._pictures.values()]
        chunk = Chunk(
            self._piece,
            self._num_chunks,
            np.stack(pictures) if pictures else np.zeros((0, *self._spec.frame_shape), np.uint8),
            np.array(self._windows, np.intp).reshape(-1, self._spec.frames_per_clip),
            np.array(self._times, np.float64).reshape(-1, 2),
            end,
        )
        self._num_chunks += 1
        self._start()
        return chunk
