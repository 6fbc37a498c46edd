"""One source, followed frame by frame on the thread that reads it.

This module knows nothing about cameras, files or callbacks.
"""

from __future__ import annotations

from collections import Counter

from rtaction.frame import FrameLike
from rtaction.model_spec import ModelSpec
from rtaction.pose.gaps import LEAST_SEEN
from rtaction.realtime.watching.moment import Moment, StateChange
from rtaction.realtime.watching.options import DEFAULT_OPTIONS, WatchOptions
from rtaction.realtime.watching.people import judges_whole, news_of, tracker_for
from rtaction.realtime.windows.engine import Engine, Scorer
from rtaction.realtime.windows.person_window import num_blank
from rtaction.realtime.windows.state import State
from rtaction.whole_video import why_no_spread_clip


class Follower:
    """Follows one source.

    Args:
        model: the model.
        name: of the source.
        options: see `tracker_for`.
        is_live: see `Tracker`; times are then on the monotonic clock. Default False.
        is_file: see `tracker_for`. Default False.

    Attributes:
        num_frames: number of frames so far.
        num_predictions: number of predictions so far.
        first_seconds: time of the first frame.
        last_seconds: time of the newest frame.
    """

    def __init__(
        self,
        model: Scorer,
        name: str,
        options: WatchOptions = DEFAULT_OPTIONS,
        *,
        is_live: bool = False,
        is_file: bool = False,
    ) -> None:
        self.num_frames = 0
        self.num_predictions = 0
        self.first_seconds = 0.0
        self.last_seconds = 0.0
        self._spec = model.spec
        self._is_whole = judges_whole(model.spec, options, is_file=is_file)
        self._name = name
        self._is_live = is_live
        self._engine = Engine(model)
        self._tracker = tracker_for(model, options, is_live=is_live, is_file=is_file)
        self._state = self._tracker.state

    @property
    def state(self) -> State:
        """See `Tracker`."""
        return self._tracker.state

    @property
    def drops(self) -> Counter[str]:
        """See `Tracker`."""
        return self._tracker.drops

    def see(self, frame: FrameLike) -> Moment:
        """What is new with the next frame."""
        if self.num_frames == 0:
            self.first_seconds = frame.captured_at_seconds
        self.last_seconds = frame.captured_at_seconds
        self.num_frames += 1
        self._tracker.push(frame)
        predictions = self._engine.predict_due([self._tracker], is_live=self._is_live)
        self.num_predictions += len(predictions)
        changes = []
        if self._tracker.state != self._state:
            self._state = self._tracker.state
            changes.append(StateChange(self._name, self._state, "", frame.captured_at_seconds))
        return Moment([frame], predictions, changes, *news_of([self._tracker]))

    def end(self) -> Moment:
        """What is new once the source has ended."""
        tracker = self._tracker
        predictions = self._engine.predict_due([tracker], ended=[tracker], is_live=self._is_live)
        self.num_predictions += len(predictions)
        ended = StateChange(self._name, "ended", "", self.last_seconds)
        return Moment([], predictions, [ended], *news_of([tracker]))

    @property
    def is_slow(self) -> bool:
        """Whether there is no prediction, because the frames are too far apart."""
        if (
            self._is_whole
            or self.num_predictions
            or self.num_frames < 2
            or not self.drops["degraded"]
        ):
            return False
        return not self._spec.follows_people or self._state == "degraded"

    @property
    def why_nothing(self) -> str | None:
        """Why there is no prediction although the source has ended, where a person needs to be
        told; None where there is one."""
        if self.is_slow:
            return too_slow(self._spec, self.num_frames, self.length_seconds)
        # Pictures that fill a window may be black, or the same: their state tells.
        is_long = self.length_seconds >= self._spec.window_seconds
        is_told = self._is_whole or self._spec.follows_people or not is_long
        if self.num_predictions or not (self.num_frames and is_told):
            return None
        return why_nothing(
            self._spec, self.num_frames, self.lasted_seconds, is_whole=self._is_whole
        )

    @property
    def length_seconds(self) -> float:
        """Time from the first frame to the newest."""
        return self.last_seconds - self.first_seconds

    @property
    def lasted_seconds(self) -> float:
        """The same, and for how long the newest is displayed, if that is as long as the others."""
        return self.length_seconds * self.num_frames / max(self.num_frames - 1, 1)


def too_slow(spec: ModelSpec, num_frames: int, length_seconds: float) -> str:
    """Why no window of a video could be judged although it is long enough, and what would do.

    Args:
        spec: the contract of the model.
        num_frames: of the video, at least 2.
        length_seconds: from its first frame to its last.
    """
    interval = spec.frame_interval_seconds if spec.stack is None else spec.stack.interval_seconds
    wanted = 1.0 / interval
    needed = (
        f"{spec.frames_per_window} different frames in {spec.window_seconds:.2f} s"
        if spec.stack is None
        else f"{spec.frames_per_clip} times {spec.stack.num_frames} frames, {interval:g} s apart"
    )
    return (
        f"its frames are too far apart in time, or some are missing: it has "
        f"{(num_frames - 1) / max(length_seconds, 1e-9):.2g} frames a second, and a window of this "
        f"model needs {needed}; "
        f"record at {wanted:.2g} frames a second or more, or train with a longer --clip-seconds or "
        "fewer --frames"
    )


def is_too_short(
    spec: ModelSpec, num_frames: int, length_seconds: float, *, is_whole: bool = False
) -> bool:
    """Whether a source that has ended is shorter than a window; see `why_nothing`."""
    if is_whole:
        return num_frames < spec.least_frames
    # Times rounded to milliseconds can make a video slightly shorter than it is.
    return length_seconds < _least_seconds(spec) + 0.01


def _least_seconds(spec: ModelSpec) -> float:
    """How long a source has to be for a prediction."""
    blank = num_blank(spec) if spec.follows_people else 0
    return spec.window_seconds - blank * spec.frame_interval_seconds


def why_nothing(
    spec: ModelSpec, num_frames: int, length_seconds: float, *, is_whole: bool = False
) -> str:
    """Why no window of a source that has ended could be judged.

    Args:
        spec: the contract of the model.
        num_frames: of the source, at least 1.
        length_seconds: how long it lasted.
        is_whole: whether it was to be judged as a whole. Default False.
    """
    if is_whole:
        return why_no_spread_clip(num_frames, spec.least_frames)
    wanted_seconds = _least_seconds(spec)
    if is_too_short(spec, num_frames, length_seconds):
        return f"too short: {length_seconds:.2f} s, a window needs {wanted_seconds:.2f} s"
    has_enough = num_frames * spec.frame_interval_seconds >= LEAST_SEEN * length_seconds
    if spec.follows_people and has_enough:
        return f"nobody who counts is seen in it for {wanted_seconds:.1f} s"
    return too_slow(spec, num_frames, length_seconds)
