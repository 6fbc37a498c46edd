"""One live source, read by its own thread for the whole run.

The thread opens the source, hands every frame to the tracker, and when the source is lost, waits
and reopens it, without limit. Nothing that happens to one source delays another. This module knows
nothing about models.
"""

from __future__ import annotations

import atexit
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Generic, Literal, Protocol, TypeVar
from weakref import WeakSet

from rtaction.errors import CameraLost, RtactionError, SourceRefused
from rtaction.frame import FrameLike
from rtaction.realtime.cameras.camera import Camera
from rtaction.realtime.sources.opening import open_source
from rtaction.realtime.sources.source import GivesPackets, Source, TakesTurns
from rtaction.realtime.sources.turns import Turn, Turns
from rtaction.realtime.watching.back_off import BackOff
from rtaction.realtime.watching.options import DEFAULT_OPTIONS, WatchOptions
from rtaction.realtime.windows.state import State
from rtaction.redaction import scrub

# A source that has given frames for this long has recovered, and the next loss is a new one.
_HEALTHY_SECONDS = 5.0
# The longest that a thread can hang in the network: opening has two steps, each with its timeout.
_LONGEST_HANG_SECONDS = 10.0
_log = logging.getLogger(__name__)

Link = Literal["connecting", "up", "down", "refused", "ended"]


class TakesFrames(Protocol):
    """The part of a tracker that a feed needs; `Tracker` and `PeopleTracker` have it."""

    drops: Counter[str]

    @property
    def state(self) -> State:
        """See `Tracker`."""

    def push(self, frame: FrameLike) -> bool:
        """Take the next frame; returns whether there is something to compute."""

    def clear(self) -> None:
        """Forget all frames."""


TrackerT = TypeVar("TrackerT", bound=TakesFrames)


class Feed(Generic[TrackerT]):
    """Reads one camera into its tracker.

    Args:
        camera: the source.
        tracker: gets every frame.
        wake: set when there is something to do: a window is due, the link has changed or, with
            `keep_frames`, a frame has come.
        options: its `keep_frames`, `reconnect`, `on_frame` and `on_packet`. Default
            `WatchOptions()`.
        turn: when the camera is decoded. Default: always, unless it falls behind.
        back_off: waits between attempts. Default `BackOff()`.
        open_with: opens the source. Default `open_source`.

    Attributes:
        first_seconds: time of the first frame, None before.
        last_seconds: time of the newest frame.
        num_frames: number of frames so far.
        num_tries: number of attempts to open the source.
        num_reconnects: number of successful ones after a loss.
        error: why the source is not up, None if it is.
    """

    def __init__(
        self,
        camera: Camera,
        tracker: TrackerT,
        wake: threading.Event,
        options: WatchOptions = DEFAULT_OPTIONS,
        *,
        turn: Turn | None = None,
        back_off: BackOff | None = None,
        open_with: Callable[[Camera], Source] = open_source,
    ) -> None:
        self.camera = camera
        self.tracker = tracker
        self.first_seconds: float | None = None
        self.last_seconds = 0.0
        self.frames_per_second = 0.0
        self.num_frames = 0
        self.num_tries = 0
        self.num_reconnects = 0
        self._drops: Counter[str] = Counter()
        self.error: RtactionError | None = None
        self._wake = wake
        self._options = options
        self._turn = turn or Turns().join()
        self._back_off = back_off or BackOff()
        self._open_with = open_with
        self._closed = threading.Event()
        self._link: Link = "connecting"
        self._slot_lock = threading.Lock()
        self._frame: FrameLike | None = None
        self._source: Source | None = None
        self._arrived_seconds = time.monotonic()
        self._up_since_seconds = 0.0
        self._num_failures = 0
        self._num_lasting_failures = 0
        self._has_been_refused = False
        self._thread = threading.Thread(target=self._run, name="rtaction-feed", daemon=True)

    def start(self) -> None:
        """Start reading."""
        self._arrived_seconds = time.monotonic()
        self._thread.start()
        _feeds.add(self)

    def close(self) -> None:
        """End the thread soon; it may still hang in the network for a few seconds."""
        self._closed.set()
        source = self._source  # the thread may clear it meanwhile
        if source is not None:
            source.close()

    def join(self, timeout_seconds: float) -> bool:
        """Wait for the end of the thread; returns whether it has ended."""
        self._thread.join(timeout_seconds)
        return not self._thread.is_alive()

    @property
    def link(self) -> Link:
        """Whether frames come. A source that has hung for the read timeout counts as down, even
        while the thread still waits for it, or for the first answer."""
        link = self._link
        if self._turn.is_waiting:
            return "up"  # whoever reads it without decoding it still notices a loss
        if link in ("connecting", "up"):
            # A webcam may take long to start up, and nothing else times it out.
            is_waking = link == "connecting" and self.camera.address.kind == "webcam"
            camera = self.camera
            patience_seconds = (
                camera.open_timeout_seconds if is_waking else camera.read_timeout_seconds
            )
            since_seconds = max(self._arrived_seconds, self._turn.began_seconds)
            if time.monotonic() - since_seconds > patience_seconds:
                return "down"
        return link

    @property
    def state(self) -> State:
        """Whether labels can be given, and if not, why."""
        return self.state_of(self.link)

    def state_of(self, link: Link) -> State:
        """The state, if this was the link."""
        if link != "up":
            return link
        return "overloaded" if self._turn.is_waiting else self.tracker.state

    @property
    def drops(self) -> Counter[str]:
        """Number of frames and windows dropped so far, by reason."""
        source = self._source
        total: Counter[str] = Counter()
        for drops in (self._drops, self.tracker.drops, source.drops if source else {}):
            # Another thread may be adding to them: a copy is atomic, a sum is not.
            total.update(dict(drops))
        return +total

    @property
    def has_failed_at_first(self) -> bool:
        """Whether an attempt has failed and there has never been a frame."""
        return self.error is not None and self.num_frames == 0

    def latest(self) -> FrameLike | None:
        """The newest frame that was not fetched before."""
        with self._slot_lock:
            frame, self._frame = self._frame, None
            return frame

    def _run(self) -> None:
        try:
            while not self._closed.is_set():
                self.error = self._read_once()
                if self.error is None:
                    return
                self.tracker.clear()
                if not self._options.reconnect:
                    return
                # Errors that are not the source's, such as a missing library, last as well.
                is_refused = getattr(self.error, "is_lasting", True)
                wait_seconds = self._wait_seconds(self.error, is_refused=is_refused)
                self._change("refused" if is_refused else "down")
                _log.debug("%s; next attempt in %.1f s", self.error, wait_seconds)
                self._closed.wait(wait_seconds)
        finally:
            self._change("ended")

    def _wait_seconds(self, error: RtactionError, *, is_refused: bool) -> float:
        """How long to wait after one more failure. Each kind of failure is counted for itself:
        a wrong password after a long outage is still the first wrong password."""
        is_lasting = is_refused
        if is_lasting and self.num_frames > 0:
            # What has worked fails while a camera starts up. Only passwords are counted by cameras,
            # so that of these a single one is tried again early.
            is_lasting = isinstance(error, SourceRefused) and self._has_been_refused
            self._has_been_refused |= isinstance(error, SourceRefused)
        if is_lasting:
            self._num_lasting_failures += 1
        else:
            self._num_failures += 1
        return self._back_off.wait_seconds(
            self._num_lasting_failures if is_lasting else self._num_failures,
            is_lasting=is_lasting,
        )

    def _read_once(self) -> RtactionError | None:
        """Open the source and read it to its end; returns the error, None for a regular end."""
        self.num_tries += 1
        source: Source | None = None
        try:
            source = self._source = self._open_with(self.camera)
            if self._closed.is_set():
                return None  # `close` found no source yet
            self.frames_per_second = source.frames_per_second
            # Nobody waits for the next key frame of what comes at its own pace.
            if isinstance(source, TakesTurns) and self.camera.address.kind == "rtsp":
                source.turn = self._turn
            if self._options.on_packet is not None and isinstance(source, GivesPackets):
                source.on_packet = self._options.on_packet
            for frame in source.frames():
                if self._closed.is_set():
                    break
                self._take(frame)
        except RtactionError as error:
            return error
        except Exception as error:  # whatever one camera sends, the others continue
            reason = scrub(f"{type(error).__name__}: {error}", self.camera.address.secrets)
            _log.warning("%s: unexpected %s", self.camera.name, reason)
            return CameraLost(f"{self.camera.name} could not be read")
        finally:
            self._source = None
            self._turn.leave()
            if source is not None:
                source.close()
                self._drops.update(source.drops)
        return None

    def _take(self, frame: FrameLike) -> None:
        now = time.monotonic()
        if self._link != "up":
            self._up_since_seconds = now
            self.num_reconnects += self.num_frames > 0
            self.error = None
            # It is not refused, whatever else may be wrong with it.
            self._num_lasting_failures, self._has_been_refused = 0, False
            self._arrived_seconds = now
            self._change("up")
        elif self._num_failures and now - self._up_since_seconds > _HEALTHY_SECONDS:
            self._num_failures = 0
        self._arrived_seconds = now
        self.num_frames += 1
        if self.first_seconds is None:
            self.first_seconds = frame.captured_at_seconds
        self.last_seconds = frame.captured_at_seconds
        is_due = self.tracker.push(frame)
        if self._options.on_frame is not None:
            self._options.on_frame(frame)
        if self._options.keep_frames:
            with self._slot_lock:
                self._drops["not drawn"] += self._frame is not None
                self._frame = frame
        if is_due or self._options.keep_frames:
            self._wake.set()

    def _change(self, link: Link) -> None:
        _log.debug("%s: %s", self.camera.name, link)
        self._link = link
        self._wake.set()


_feeds: WeakSet[Feed[Any]] = WeakSet()


def has_hanging_threads() -> bool:
    """Whether a thread of any feed still runs; after `close` it can only wait for the network."""
    return not all(feed.join(0.0) for feed in list(_feeds))


@atexit.register
def _end_threads() -> None:
    """While FFmpeg waits, it asks Python whether to continue; after Python's exit, that crashes."""

    deadline_seconds = time.monotonic() + _LONGEST_HANG_SECONDS
    for feed in list(_feeds):
        feed.close()
    for feed in list(_feeds):
        feed.join(max(deadline_seconds - time.monotonic(), 0.0))
