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
from dataclasses import dataclass, field

import numpy as np

from rtaction.arrays import Float32Array, UInt8Array
from rtaction.frame import FrameDamaged, FrameLike, LentFrame
from rtaction.model_spec import ModelSpec
from rtaction.pose.gaps import filled
from rtaction.pose.keypoints import NUM_JOINTS, Pose
from rtaction.pose.normal import picture_shares
from rtaction.pose.people import FollowOptions, PeopleFollower, PoseNetworks
from rtaction.pose.tracker import Person, TrackerOptions
from rtaction.prediction import Box
from rtaction.realtime.windows.ring_buffer import RingBuffer, Window
from rtaction.realtime.windows.state import State
from rtaction.realtime.windows.tracker import MAX_AGE_SECONDS, looks_black
from rtaction.realtime.windows.who_counts import EVERYBODY, CountOptions, WhoCounts

MAX_DUPLICATE_FRACTION = 0.4
"""Share of a window's moments that may have the picture of the one before: joints do not tell less
by that, and models of people are trained for cameras of five pictures a second."""

LEAST_SEEN = 0.6
"""Share of a window's pictures in which somebody must be seen for it to be judged; pictures in
gaps that are filled count."""

_LEAST_LOOKED = 0.4  # every other picture will do, as the gaps are filled

# Pictures that wait for longer than so many frame intervals are left out, but for the newest.
_LATE_INTERVALS = 2.0
_MOST_WAITING = 4
_REST_SECONDS = 0.5  # between two looks at somebody around whom nothing changes
_SAMPLED = 8  # every so many rows and columns tell whether a camera hangs


@dataclass(slots=True, eq=False)
class Look:
    """One frame of the source, and who was seen in it.

    Args:
        frame: as it came, until it is looked at; kept longer if it may be asked for.
        at_seconds: its time.
        run: number of the uninterrupted run of frames that it belongs to.
        is_taken: whether it is, was or will not be looked at.
        people: who was seen, by id; None if it was not looked at.
        size_hw: height and width of the picture, once it was looked at.
        is_black: whether it is black.
        fingerprint: equal for equal pictures.
    """

    frame: FrameLike | None
    at_seconds: float
    run: int
    is_taken: bool = False
    people: dict[int, Person] | None = None
    size_hw: tuple[int, int] = (0, 0)
    is_black: bool = False
    fingerprint: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class PersonWindow:
    """A window of one person, to judge.

    Args:
        end_seconds: its nominal end.
        times_seconds: times of its pictures.
        features: float32, shape (frames_per_clip, 51): y, x and score of each joint, see
            `rtaction.pose.normal.picture_shares`; 0 where the person was not seen.
        person: their id.
        box: top, left, bottom and right of their seen joints, when they were last seen in the
            window, as shares of the picture.
        joints: float32, shape (17, 3): y and x of each joint then, as shares of the picture's
            height and width, and score.
        frame: its last frame, if the tracker keeps frames. Default None.
    """

    end_seconds: float
    times_seconds: tuple[float, ...]
    features: Float32Array
    person: int
    box: Box
    joints: Float32Array
    frame: LentFrame | None = None


@dataclass(slots=True)
class PeopleNews:
    """What is new about the people of a source.

    Args:
        people: those who count and were seen in the newest picture that was looked at; None if
            none was since the last time.
        left: ids of those who have left, or do not count any longer.
    """

    people: list[Person] | None = None
    left: list[int] = field(default_factory=list)


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
            blank=_blank,
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
            _decode(settled)
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
        self._state = state
        if state != "ok":
            self.drops[state] += 1
            return []
        return [
            one
            for number in sorted(self._who.numbers)
            if (one := self._window_of(number, window)) is not None
        ]

    def _state_of_looks(self, window: Window[Look]) -> State:
        if self._is_live and time.monotonic() - window.times_seconds[-1] > MAX_AGE_SECONDS:
            return "late"
        looks = [look for look in window.values if look.people is not None]
        if len(looks) < _LEAST_LOOKED * len(window.values):
            return "degraded"
        if self._is_camera:
            if any(look.is_black for look in looks):
                return "black"
            newest_half = {look.fingerprint for look in looks[-(len(window.values) // 2) :]}
            if len(looks) > 1 and len(newest_half) == 1:
                return "frozen"
        return "ok"

    def _window_of(self, number: int, window: Window[Look]) -> PersonWindow | None:
        """The window of one person; None if they were seen too seldom."""
        num_looks = len(window.values)
        points = np.zeros((num_looks, NUM_JOINTS, 3), np.float32)
        is_seen = np.zeros(num_looks, bool)
        last: tuple[Pose, tuple[int, int]] | None = None
        for place, look in enumerate(window.values):
            person = (look.people or {}).get(number)
            if person is not None:
                points[place] = picture_shares(person.pose.points, look.size_hw)
                is_seen[place] = True
                last = person.pose, look.size_hw
        points, is_known = filled(points, is_seen)
        if last is None or is_known.sum() < LEAST_SEEN * num_looks:
            return None
        frame = window.values[-1].frame if self._keep_frames else None
        box, joints = _in_shares(*last)
        return PersonWindow(
            end_seconds=window.end_seconds,
            times_seconds=window.times_seconds,
            features=points.reshape(num_looks, -1),
            person=number,
            box=box,
            joints=joints,
            frame=None if frame is None else LentFrame(frame),
        )


def num_blank(spec: ModelSpec) -> int:
    """How many moments a window may begin before the first frame of its source."""
    return math.floor((1 - LEAST_SEEN) * spec.frames_per_clip)


def _blank(at_seconds: float) -> Look:
    """A moment before the first frame, in which nobody was seen."""
    return Look(None, at_seconds, 0, is_taken=True, people={})


def _in_shares(pose: Pose, size_hw: tuple[int, int]) -> tuple[Box, Float32Array]:
    """Box and joints, as shares of the picture; the box ends where the picture does."""
    scale = np.array([*size_hw, 1], np.float32)
    box = np.array(pose.box) / np.tile(scale[:2], 2)
    top, left, bottom, right = box.clip(0, 1).tolist()
    return (top, left, bottom, right), pose.points / scale


def _decode(look: Look) -> None:
    """Decode a picture on the thread that reads, so that the thread that computes need not."""
    frame = look.frame
    if frame is not None:
        try:
            _: UInt8Array = frame.image
        except FrameDamaged:
            return  # it is counted when it is looked at
