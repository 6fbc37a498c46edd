"""From sources to predictions: the loop behind `rtaction cam` and `rtaction.watch`.

If all sources are files, they are read one after the other, every frame, as fast as the model can.
Live sources are watched all at once; see `LiveWatch`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from rtaction.errors import SourceError
from rtaction.model_spec import ModelSpec
from rtaction.models import STARTER_MODEL
from rtaction.prediction import Prediction
from rtaction.realtime.actions.detector import ActionDetector, ActionEvent
from rtaction.realtime.actions.rules import ActionRules
from rtaction.realtime.model.action_model import ActionModel
from rtaction.realtime.sources.cameras import Camera, cameras_of
from rtaction.realtime.sources.opening import is_file, open_source
from rtaction.realtime.watching.live import LiveWatch
from rtaction.realtime.watching.moment import Moment, Moments, StateChange
from rtaction.realtime.watching.options import DEFAULT_OPTIONS, WatchOptions
from rtaction.realtime.watching.stats import WatchStats
from rtaction.realtime.windows.engine import Engine, Scorer
from rtaction.realtime.windows.tracker import Tracker

_log = logging.getLogger(__name__)
EventCallback = Callable[[ActionEvent], Any]
StateCallback = Callable[[StateChange], Any]


def watch_cameras(
    model: Scorer,
    cameras: Sequence[Camera],
    stats: WatchStats,
    options: WatchOptions = DEFAULT_OPTIONS,
) -> Moments:
    """Watch until all sources have ended.

    Args:
        model: the model.
        cameras: the sources, at least one.
        stats: updated during the run.
        options: how to watch. Default `WatchOptions()`.

    Raises:
        SourceError: see `LiveWatch.moments`; for several files, only if none can be read.
    """
    if not all(is_file(camera) for camera in cameras):
        yield from LiveWatch(model, cameras, stats, options).moments()
        return
    num_read = 0
    for camera in cameras:
        try:
            if options.paced:
                yield from LiveWatch(model, [camera], stats, options).moments()
            else:
                yield from _follow_file(model, camera, stats, options)
        except SourceError as error:
            if len(cameras) == 1 or (camera is cameras[-1] and num_read == 0):
                raise
            _log.warning("left out: %s", error)
        else:
            num_read += 1


def _follow_file(
    model: Scorer, camera: Camera, stats: WatchStats, options: WatchOptions
) -> Moments:
    tracker = Tracker(model.spec, stride_seconds=options.stride_seconds)
    engine = Engine(model)
    source = open_source(camera, paced=False)
    figures = stats.of(camera.name)
    figures.frames_per_second = source.frames_per_second
    state = tracker.state
    for frame in source.frames():
        figures.count_frame(frame.captured_at_seconds)
        tracker.push(frame)
        if options.on_frame is not None:
            options.on_frame(frame)
        predictions = engine.predict_due([tracker], is_live=False)
        changes = []
        if tracker.state != state:
            state = tracker.state
            changes.append(StateChange(camera.name, state, "", frame.captured_at_seconds))
        stats.count(predictions)
        yield Moment([frame], predictions, changes)
    predictions = engine.predict_due([tracker], ended=[tracker], is_live=False)
    figures.drops = tracker.drops + source.drops
    figures.ended_seconds = time.monotonic()
    stats.count(predictions)
    is_slow = not figures.num_predictions and figures.num_frames > 1 and figures.drops["degraded"]
    if is_slow and options.tell_slow:
        length_seconds = figures.last_seconds - (figures.first_seconds or 0.0)
        _log.warning(
            "%s: %s", camera.name, too_slow(model.spec, figures.num_frames, length_seconds)
        )
    yield Moment([], predictions, [StateChange(camera.name, "ended", "", figures.last_seconds)])


def too_slow(spec: ModelSpec, num_frames: int, length_seconds: float) -> str:
    """Why no window of a video could be judged although it is long enough, and what would do.

    Args:
        spec: the contract of the model.
        num_frames: of the video, at least 2.
        length_seconds: from its first frame to its last.
    """
    wanted = 1.0 / spec.frame_interval_seconds
    return (
        f"its frames are too far apart in time, or some are missing: it has "
        f"{(num_frames - 1) / max(length_seconds, 1e-9):.2g} frames a second, and a window of this "
        f"model needs {spec.frames_per_window} different frames in {spec.window_seconds:.2f} s; "
        f"record at {wanted:.2g} frames a second or more, or train with a longer --clip-seconds or "
        "fewer --frames"
    )


def watch(
    source: str | int | Path | Sequence[str | int | Path],
    model: str | Path | ActionModel | None = None,
    *,
    device: str = "auto",
    stride_seconds: float | None = None,
    reconnect: bool = True,
    rules: ActionRules | None = None,
    on_event: EventCallback | None = None,
    on_state: StateCallback | None = None,
) -> Iterator[Prediction]:
    """Recognise actions in videos, webcams and streams, one or several at once.

    Args:
        source: a webcam's number, a video file, a folder of them, an rtsp:// or http:// address;
            or several of these.
        model: an ONNX file made by `rtaction export`, or a loaded model. Default: the bundled one.
        device: see `rtaction cam --device`. Default "auto".
        stride_seconds: time from one window to the next. Default: the frame interval of a clip.
        reconnect: reopen lost cameras, without limit. Default True.
        rules: when scores make an event. Default: `ActionRules.for_model` of the model.
        on_event: called when an event has started, and again, with its end, when it has ended.
        on_state: called when a source changes its state.

    Yields:
        A prediction per window; its `source` is the name of the source. A file's times count from
        its first frame, a camera's are on the monotonic clock (`time.monotonic`).

    Raises:
        RtactionError: see `rtaction.errors`.

    Example:
        >>> for prediction in rtaction.watch("0", "model.onnx", on_event=print):
        ...     print(prediction.label, prediction.score)
    """
    if not isinstance(model, ActionModel):
        model = ActionModel(Path(model or STARTER_MODEL), device=device)
    named = [source] if isinstance(source, str | Path | int) else list(source)
    cameras = cameras_of([str(one) for one in named])
    actions = Actions(model, rules, stride_seconds)
    options = WatchOptions(stride_seconds=stride_seconds, keep_frames=False, reconnect=reconnect)
    moments = watch_cameras(model, cameras, WatchStats(), options)
    with closing(moments):
        for moment in moments:
            for event in actions.see(moment):
                if on_event is not None:
                    on_event(event)
            for change in moment.changes:
                if on_state is not None:
                    on_state(change)
            yield from moment.predictions
    for event in actions.finish():
        if on_event is not None:
            on_event(event)


class Actions:
    """The events of all sources.

    Args:
        model: labels, thresholds and clip length.
        rules: when scores make an event. Default: `ActionRules.for_model` of the model.
        stride_seconds: see `ActionDetector`.
    """

    def __init__(
        self, model: Scorer, rules: ActionRules | None, stride_seconds: float | None = None
    ) -> None:
        self._spec = model.spec
        self._rules = rules or ActionRules.for_model(model.spec)
        self._stride_seconds = stride_seconds
        self._detectors: dict[str, ActionDetector] = {}

    @property
    def longest_delay_seconds(self) -> float:
        """Longest time from the start of an event to its report, without computing."""
        rules = [self._rules.default, *self._rules.by_label.values()]
        lasting_seconds = max(rule.min_seconds for rule in rules)
        return lasting_seconds + self._spec.window_seconds + self._rules.smoothing_seconds

    def of(self, source: str) -> ActionDetector:
        """The detector of one source."""
        if source not in self._detectors:
            self._detectors[source] = ActionDetector(
                self._rules, self._spec, stride_seconds=self._stride_seconds
            )
        return self._detectors[source]

    def see(self, moment: Moment) -> list[ActionEvent]:
        """The events that started or ended with this moment."""
        events = []
        for prediction in moment.predictions:
            events += self.of(prediction.source).see(prediction)
        for change in moment.changes:
            # A window or two with too few frames is not the end, nor is the turn of another camera;
            # the detector handles longer gaps.
            if change.state == "ended":
                events += self.of(change.source).finish()
            elif change.state not in ("ok", "warming_up", "degraded", "overloaded"):
                events += self.of(change.source).interrupt()
        return events

    def finish(self) -> list[ActionEvent]:
        """At the end of the run: the events that were still ongoing."""

        return [event for detector in self._detectors.values() for event in detector.finish()]
