"""The people in front of one camera, and a window for each of them.

As `rtaction.realtime.windows.tracker.Tracker`, but pictures are looked at by pose networks, once
each, on the thread that computes: those that are nearest to the moments of windows, and no others.
A picture for which there is no time is left out, and nobody is seen in it. The tracker knows
nothing about cameras, connections or models.
"""

from __future__ import annotations

import math
import threading
import time
import zlib
from collections import Counter

import numpy as np

from rtaction.frame import FrameDamaged, FrameLike
from rtaction.model_spec import ModelSpec
from rtaction.pose.people import FollowOptions, PeopleFollower, PoseNetworks
from rtaction.pose.tracker import TrackerOptions
from rtaction.realtime.windows.person_window import (
    Look,
    PersonWindow,
    blank,
    camera_fault,
    decode,
    num_blank,
    window_of,
)
from rtaction.realtime.windows.ring_buffer import RingBuffer, Window
from rtaction.realtime.windows.state import State
from rtaction.realtime.windows.tracker import MAX_AGE_SECONDS, looks_black
from rtaction.realtime.windows.who_counts import (
    EVERYBODY,
    CountOptions,
    Judgements,
    PeopleNews,
    WhoCounts,
)

MAX_DUPLICATE_FRACTION = 0.4
"""Share of a window's moments that may have the picture of the one before: joints do not tell less
by that, and models of people are trained for cameras of five pictures a second."""

_LEAST_LOOKED = 0.4  # every other picture will do, as the gaps are filled

# Pictures that wait for longer than so many frame intervals are left out, but for the newest.
_LATE_INTERVALS = 2.0
_MOST_WAITING = 4
_REST_SECONDS = 0.5  # between two looks at somebody around whom nothing changes
_SAMPLED = 8  # every so many rows and columns tell whether a camera hangs


class PeopleTracker:
    """Tracks the people of one source.

    Whoever was seen in `LEAST_SEEN` of a window's pictures gets a window, so that somebody new gets
    the first one sooner than a whole window after they came, also at the beginning of a source.
    Pictures before that, and longer gaps, show no joints; gaps of one or two pictures are filled.

    Args:
        spec: the contract of a model of people.
        networks: find and follow people.
        count: who counts. Default `EVERYBODY`.
        stride_seconds: time from one window to the next, rounded to whole frame intervals of a
            clip, because pictures are looked at no more often. Default: one.
        is_live, is_camera, keep_frames: see `rtaction.realtime.windows.tracker.Tracker`.

    Attributes:
        drops: as of `Tracker`; and of pictures "not looked at" for want of time.
        source: name of the source.
    """

    def __init__(
        self,
        spec: ModelSpec,
        networks: PoseNetworks,
        count: CountOptions = EVERYBODY,
        *,
        stride_seconds: float | None = None,
        is_live: bool = False,
        is_camera: bool = False,
        keep_frames: bool = False,
    ) -> None:
        self.drops: Counter[str] = Counter()
        self.source = ""
        self._spec = spec
        self._networks = networks
        self._count = count
        self._is_live = is_live
        self._is_camera = is_camera
        self._keep_frames = keep_frames
        interval = spec.frame_interval_seconds
        stride = interval if stride_seconds is None else stride_seconds
        self._ring: RingBuffer[Look] = RingBuffer(
            frames_per_clip=spec.frames_per_clip,
            clip_seconds=spec.clip_seconds,
            stride_seconds=interval * max(round(stride / interval), 1),
            keeps_spares=False,
            num_blank=num_blank(spec),
            blank=blank,
            max_duplicate_fraction=MAX_DUPLICATE_FRACTION,
        )
        # Of the thread that reads, and of both.
        self._lock = threading.Lock()
        self._segment: int | None = None
        self._run = 0
        self._waiting: list[Look] = []
        # Of the thread that computes.
        self._state: State = "warming_up"
        self._follower: PeopleFollower | None = None
        self._followed: tuple[int, tuple[int, int]] | None = None
        self._who = WhoCounts(self._count)
        self._looked_until_seconds = -math.inf
        # Whoever is hidden leaves before that.
        patience_seconds = max(spec.clip_seconds, TrackerOptions().occlusion_seconds)
        self._judgements = Judgements(patience_seconds)
        self._last: Look | None = None
        self._news = PeopleNews()

    @property
    def state(self) -> State:
        """Whether the newest window could be judged, and if not, why; whoever was in it."""
        return self._state

    def push(self, frame: FrameLike) -> bool:
        """Take the next frame of the source.

        Returns:
            Whether there is something to compute.
        """
        with self._lock:
            if frame.segment != self._segment:
                self._ring.clear()
                self._segment = frame.segment
            look = Look(frame, frame.captured_at_seconds, self._run)
            settled = self._ring.push(look, frame.captured_at_seconds)
            self.source = frame.source
            if len(self._ring) == 1:
                self._begin_run()
                look.run = self._run
            elif settled is not None and not settled.is_taken:
                self._waiting.append(settled)
                self._leave_out_the_oldest()
            is_due = bool(self._waiting) or self._ring.num_due > 0
        if settled is not None:
            decode(settled)
        return is_due

    def clear(self) -> None:
        """Forget all frames: the camera was lost."""
        with self._lock:
            self._ring.clear()
            self._begin_run()

    def due(self, *, has_ended: bool = False) -> list[PersonWindow]:
        """Look at the pictures that wait, and give the windows to judge now.

        Args:
            has_ended: include those that end while the last frame is still displayed. Default
                False.
        """
        windows: list[PersonWindow] = []
        while True:
            with self._lock:
                window, looks = self._next(has_ended=has_ended)
            for look in looks:
                self._look_at(look)
            if window is None:
                return windows
            windows += self._judged(window)

    def news(self) -> PeopleNews:
        """What is new about the people since the last time."""
        news, self._news = self._news, PeopleNews()
        return news

    def _begin_run(self) -> None:
        self._run += 1
        self._waiting.clear()
        self._state = "warming_up"

    def _leave_out_the_oldest(self) -> None:
        if self._is_live and len(self._waiting) > _MOST_WAITING:
            oldest = self._waiting.pop(0)
            oldest.is_taken, oldest.frame = True, None
            self.drops["not looked at"] += 1

    def _next(self, *, has_ended: bool) -> tuple[Window[Look] | None, list[Look]]:
        """The next window to judge, or None, and the pictures to look at first, in order."""
        window = None
        if self._is_live and self._ring.num_due > 0:
            self.drops["skipped"] += self._ring.skip_to_newest()
        if self._ring.num_due > 0:
            window = self._ring.take()
        elif has_ended:
            window = self._ring.take_last()
        looks = list(self._waiting)
        self._waiting.clear()
        for look in looks:
            look.is_taken = True
        for look in window.values if window is not None else ():
            if not look.is_taken:
                look.is_taken = True
                looks.append(look)
        looks.sort(key=lambda look: look.at_seconds)
        return window, self._in_time(looks)

    def _in_time(self, looks: list[Look]) -> list[Look]:
        """Those of a live source's pictures that there is time for."""
        late_seconds = _LATE_INTERVALS * self._spec.frame_interval_seconds
        if (
            not self._is_live
            or len(looks) < 2
            or time.monotonic() - looks[0].at_seconds <= late_seconds
        ):
            return looks
        for look in looks[:-1]:
            look.frame = None
        self.drops["not looked at"] += len(looks) - 1
        return looks[-1:]

    def _look_at(self, look: Look) -> None:
        frame = look.frame
        assert frame is not None
        look.frame = None
        try:
            image = np.asarray(frame.image, np.uint8)
        except FrameDamaged:
            self.drops["damaged"] += 1
            return
        look.size_hw = (image.shape[0], image.shape[1])
        follower = self._follower_for(look)
        if look.at_seconds <= self._looked_until_seconds:
            return
        seen, _ = follower.look_at(image, look.at_seconds)
        self._looked_until_seconds = look.at_seconds
        look.people = {person.number: person for person in seen}
        self._news.left += self._who.see(follower.people, look.at_seconds, look.size_hw)
        self._news.people = [one for one in seen if one.number in self._who.numbers]
        if self._is_camera:
            sample = np.ascontiguousarray(image[::_SAMPLED, ::_SAMPLED])
            look.is_black, look.fingerprint = looks_black(sample), zlib.crc32(sample.data)
        if self._keep_frames:
            if self._last is not None:
                self._last.frame = None
            look.frame, self._last = frame, look

    def _follower_for(self, look: Look) -> PeopleFollower:
        """The follower of the people in an uninterrupted run of pictures of one size."""
        run = (look.run, look.size_hw)
        if self._follower is None or run != self._followed:
            self._news.left += self._who.numbers
            self._who = WhoCounts(self._count)
            num_before = 0 if self._follower is None else self._follower.num_people
            self._follower = PeopleFollower(
                self._networks.close,
                self._networks.find,
                look.size_hw,
                FollowOptions(rest_seconds=_REST_SECONDS),
                tracker_options=TrackerOptions(most_people=self._count.most_followed),
                num_before=num_before,
            )
            self._followed = run
            self._looked_until_seconds = -math.inf
        return self._follower

    def _judged(self, window: Window[Look]) -> list[PersonWindow]:
        state: State = window.state
        if state == "ok":
            state = self._state_of_looks(window)
        with self._lock:
            # The camera may have been lost while its pictures were looked at.
            if not window.values or window.values[-1].run == self._run:
                self._state = state
        if state != "ok":
            self.drops[state] += 1
            return []
        judged = [
            one
            for number in sorted(self._who.numbers)
            if (one := self._window_of(number, window)) is not None
        ]
        self._news.left += self._judgements.see(
            [one.person for one in judged], self._who.numbers, window.end_seconds
        )
        return judged

    def _window_of(self, number: int, window: Window[Look]) -> PersonWindow | None:
        zones = self._who.zones_of(number)
        return window_of(number, window, keep_frame=self._keep_frames, zones=zones)

    def _state_of_looks(self, window: Window[Look]) -> State:
        if self._is_live and time.monotonic() - window.times_seconds[-1] > MAX_AGE_SECONDS:
            return "late"
        looks = [look for look in window.values if look.people is not None]
        if len(looks) < _LEAST_LOOKED * len(window.values):
            return "degraded"
        if self._is_camera and (fault := camera_fault(looks, len(window.values))):
            return fault
        return "ok"
