"""The state of one source: the frames that its windows need, and whether they can be judged.

Frames come in on the thread that reads the source; windows are taken on the thread that computes.
The tracker knows nothing about cameras, connections or models.
"""

from __future__ import annotations

import math
import threading
import time
import zlib
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy.typing as npt

from rtaction.arrays import UInt8Array
from rtaction.frame import FrameDamaged, FrameLike, LentFrame
from rtaction.model_spec import ModelSpec
from rtaction.realtime.windows.ring_buffer import RingBuffer, Window
from rtaction.realtime.windows.state import State
from rtaction.source_frames import source_frames
from rtaction.video.prepared import PreparedFrame, prepare_frame, prepared_picture

# A lens cap or a lost signal; even a dark room has noise, and a lamp somewhere.
_BLACK_MEAN, _BLACK_DEVIATION = 10.0, 4.0
# If the newest frame is older than this, labels would not be current.
MAX_AGE_SECONDS = 1.0
# A window that is later than this plus a frame interval is dropped, so that labels stay current.
MAX_LATE_SECONDS = 0.05


@dataclass(slots=True, eq=False)
class NetworkFrame:
    """One frame as the network sees it, then its features.

    Args:
        image: uint8, shape `ModelSpec.frame_shape`.
        features: those that the network computed, once it has; the frame again if the model runs
            whole.
    """

    image: UInt8Array
    features: npt.NDArray[Any] | None = None


@dataclass(slots=True, eq=False)
class Seen:
    """One frame of the source, with what the network sees of it.

    Args:
        frame: as it came, until it is prepared.
        prepared: as the contract wants it, once made.
        pictures: what the network sees, by the times of the frames that it is made of. Windows
            that are a whole number of frames apart share it.
        is_black: whether its image is black.
        fingerprint: equal for equal images.
    """

    frame: FrameLike | None
    prepared: PreparedFrame | None = None
    pictures: dict[tuple[float, ...], NetworkFrame] = field(default_factory=dict)
    is_black: bool = False
    fingerprint: int = 0


@dataclass(frozen=True, slots=True)
class FrameWindow(Window[NetworkFrame]):
    """A window to judge; its values are what the network sees, its times those of all frames.

    Args:
        frame: its last frame, if the tracker keeps frames. Default None.
    """

    frame: LentFrame | None = None


class Tracker:
    """Tracks one source.

    Args:
        spec: the contract of the model.
        stride_seconds: time from one window to the next. Default: the frame interval of a clip, so
            that a new window needs one new frame.
        is_live: drop windows that have become late, so that labels stay current. Default False:
            every window is given.
        is_camera: reject black and frozen frames, which cameras give when something is wrong.
            Default False: in a video they may be genuine.
        keep_frames: give each window its last frame; one or two images per source are kept for
            it. Default False.

    Attributes:
        drops: number of windows that were not judged, by reason: "skipped" (a newer one was there),
            "warming_up", "degraded", "black", "frozen", "late"; and of "damaged" frames.
    """

    def __init__(
        self,
        spec: ModelSpec,
        *,
        stride_seconds: float | None = None,
        is_live: bool = False,
        is_camera: bool = False,
        keep_frames: bool = False,
    ) -> None:
        self.drops: Counter[str] = Counter()
        self.source = ""
        self._spec = spec
        self._sources = source_frames(spec.modality, spec.frames_per_clip).tolist()
        self._is_live = is_live
        self._is_camera = is_camera
        self._keep_frames = keep_frames
        # Those prepared, in order, that may still be the last frame of a window.
        self._kept: deque[tuple[float, Seen]] = deque()
        self._lock = threading.Lock()
        self._state: State = "warming_up"
        self._segment: int | None = None
        self._was_passed_over = False
        self._ring: RingBuffer[Seen] = RingBuffer(
            frames_per_clip=spec.frames_per_window,
            clip_seconds=spec.window_seconds,
            stride_seconds=stride_seconds or spec.frame_interval_seconds,
            stack=spec.stack,
        )

    @property
    def state(self) -> State:
        """Whether the newest window could be judged, and if not, why."""
        return self._state

    def resume(self, begun_seconds: float, after_seconds: float) -> None:
        """Go on in the middle of a run of frames; see `RingBuffer.resume`."""
        with self._lock:
            self._segment = 0
            self._ring.resume(begun_seconds, after_seconds)

    def push(self, frame: FrameLike) -> bool:
        """Take the next frame of the source.

        Returns:
            Whether a window is due.
        """
        with self._lock:
            if frame.segment != self._segment:
                self._ring.clear()
                self._segment = frame.segment
            settled = self._ring.push(Seen(frame), frame.captured_at_seconds)
            self._let_go(frame.captured_at_seconds)
            if len(self._ring) == 1:
                self._kept.clear()
                self._state = "warming_up"
            self.source = frame.source
            if settled is not None:
                self._prepare([settled])
            return self._ring.num_due > 0

    def clear(self) -> None:
        """Forget all frames: the camera was lost."""
        with self._lock:
            self._ring.clear()
            self._kept.clear()
            self._state = "warming_up"

    def take(self) -> FrameWindow | None:
        """The next window to judge, with its frames prepared, or None.

        For a live source, the newest window that is due; for a file, the oldest.
        """
        with self._lock:
            if self._is_live and self._ring.num_due > 0:
                # Never drop two in a row: windows that always end while the engine is busy with
                # another source would never be judged.
                max_late_seconds = math.inf if self._was_passed_over else MAX_LATE_SECONDS
                self.drops["skipped"] += self._ring.skip_to_newest(max_late_seconds)
                self._was_passed_over = self._ring.num_due == 0
            while self._ring.num_due > 0:
                window = self._judged(self._ring.take())
                if window is not None:
                    return window
            return None

    def due(self, *, has_ended: bool = False) -> list[FrameWindow]:
        """The windows to judge now: the newest of a live source, otherwise all that are due.

        Args:
            has_ended: include those that end while the last frame is still displayed. Default
                False.
        """
        windows = []
        while (window := self.take()) is not None:
            windows.append(window)
            if self._is_live:
                break
        while has_ended and (last := self.take_last()) is not None:
            windows.append(last)
        return windows

    def take_last(self) -> FrameWindow | None:
        """At the end of a file: the next window that ends while its last frame is displayed."""
        with self._lock:
            while (window := self._ring.take_last()) is not None:
                judged = self._judged(window)
                if judged is not None:
                    return judged
            return None

    def _judged(self, window: Window[Seen]) -> FrameWindow | None:
        state: State = window.state
        if state == "ok":
            state = self._state_of_pictures(window)
        self._state = state
        if state == "ok":
            last = window.values[-1].frame
            frame = LentFrame(last) if self._keep_frames and last is not None else None
            pictures = self._pictures_of(window)
            return FrameWindow(window.end_seconds, pictures, window.times_seconds, "ok", frame)
        self.drops[state] += 1
        return None

    def _let_go(self, newest_seconds: float) -> None:
        """Drop kept frames that can no longer be the last of a window."""
        until_seconds = self._ring.next_end_seconds
        if self._is_live:  # an older window is not judged
            until_seconds = max(until_seconds, newest_seconds - MAX_AGE_SECONDS)
        while len(self._kept) > 1 and self._kept[1][0] <= until_seconds:
            self._kept.popleft()[1].frame = None

    def _pictures_of(self, window: Window[Seen]) -> tuple[NetworkFrame, ...]:
        """What the network sees of a window."""
        pictures = []
        for numbers in self._sources:
            frames = [window.values[number] for number in numbers]
            times = tuple(window.times_seconds[number] for number in numbers)
            picture = frames[-1].pictures.get(times)
            if picture is None:
                prepared = [seen.prepared for seen in frames if seen.prepared is not None]
                image = prepared_picture(prepared, self._spec.modality)
                picture = frames[-1].pictures[times] = NetworkFrame(image)
            pictures.append(picture)
        return tuple(pictures)

    def _state_of_pictures(self, window: Window[Seen]) -> State:
        if not self._prepare(window.values):
            return "degraded"
        age_seconds = time.monotonic() - window.times_seconds[-1]
        if self._is_live and age_seconds > MAX_AGE_SECONDS:
            return "late"
        if self._is_camera:
            if any(seen.is_black for seen in window.values):
                return "black"
            # Even a still scene has noise; equal frames come from a camera that hangs, or from one
            # that compresses so coarsely that moving things are lost as well.
            newest_half = window.values[len(window.values) // 2 :]
            if len(window.values) > 1 and len({seen.fingerprint for seen in newest_half}) == 1:
                return "frozen"
        return "ok"

    def _prepare(self, values: Sequence[Seen]) -> bool:
        """Resize frames to the network's size if not yet done; False if one is damaged."""

        all_whole = True
        for seen in values:
            if seen.prepared is not None or seen.frame is None:
                continue
            frame, seen.frame = seen.frame, None
            try:
                image_rgb = frame.image
            except FrameDamaged:
                self.drops["damaged"] += 1
                self._ring.discard(seen)
                all_whole = False
                continue
            if self._keep_frames:
                seen.frame = frame
                self._kept.append((frame.captured_at_seconds, seen))
            self._fill(seen, image_rgb)
        return all_whole and all(seen.prepared is not None for seen in values)

    def _fill(self, seen: Seen, image_rgb: npt.NDArray[Any]) -> None:
        seen.prepared = prepare_frame(image_rgb, self._spec)
        if self._is_camera:
            seen.is_black = looks_black(seen.prepared.image)
            seen.fingerprint = zlib.crc32(seen.prepared.image.data)


def looks_black(image: UInt8Array) -> bool:
    """Whether a frame is as dark and as even as behind a lens cap."""
    return float(image.mean()) < _BLACK_MEAN and float(image.std()) < _BLACK_DEVIATION
