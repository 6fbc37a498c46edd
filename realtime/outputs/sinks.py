"""Pass moments on to the display, the log, the event clips and the callbacks, as requested."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace

from rtaction.evaluation.text import counted
from rtaction.frame import FrameDamaged, FrameLike
from rtaction.model_spec import ModelSpec
from rtaction.pose.region import Region, Zone
from rtaction.prediction import Prediction
from rtaction.realtime.actions.detector import ActionEvent
from rtaction.realtime.outputs.clips.doubt_clips import DoubtClips
from rtaction.realtime.outputs.clips.event_clips import EventClips
from rtaction.realtime.outputs.drawn.drawing import Drawing
from rtaction.realtime.outputs.json_log import JsonLog
from rtaction.realtime.outputs.options import OutputOptions
from rtaction.realtime.outputs.screen import Screen
from rtaction.realtime.watching.actions import Actions, EventCallback, StateCallback
from rtaction.realtime.watching.moment import Moment, StateChange
from rtaction.realtime.watching.stats import WatchStats

_ENGINE_DELAY_SECONDS = 2.0
_CLOSE_SECONDS = 2.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Watched:
    """The watched sources, and what is known of them so far.

    Args:
        live: for each source, by name, whether it is live; otherwise it is a file.
        stats: statistics of the sources.
        actions: detects the events.
        regions: where people count, by source; the whole picture of those left out. Default none.
        zones: where their events count, likewise. Default none.
        model_name: file name of the model. Default "".
    """

    live: dict[str, bool]
    stats: WatchStats
    actions: Actions
    regions: Mapping[str, Region] = field(default_factory=dict)
    zones: Mapping[str, Sequence[Zone]] = field(default_factory=dict)
    model_name: str = ""


@dataclass(frozen=True, slots=True)
class Callbacks:
    """Functions to call with results.

    Args:
        on_event: called at each start and end of an event, with times counted from the first frame
            of its source. Default None.
        on_state: called at each state change of a live source. Default None.
    """

    on_event: EventCallback | None = None
    on_state: StateCallback | None = None


class Sinks:
    """Passes moments on.

    Args:
        watched: the watched sources.
        drawing: the display, or None.
        log: the JSON lines, or None.
        clips: the event clips, or None.
        doubts: the clips of what the model is unsure of, cut out of the frames that `clips` keeps,
            or None.
        callbacks: called with events and states. Default none.
    """

    def __init__(
        self,
        watched: Watched,
        *,
        drawing: Drawing | None = None,
        log: JsonLog | None = None,
        clips: EventClips | None = None,
        doubts: DoubtClips | None = None,
        callbacks: Callbacks | None = None,
    ) -> None:
        self._live = watched.live
        self._stats = watched.stats
        self._actions = watched.actions
        self._drawing = drawing
        self._log = log
        self._clips = clips
        self._doubts = doubts
        self._callbacks = callbacks or Callbacks()

    @property
    def draws(self) -> bool:
        """Whether frames are drawn."""
        return self._drawing is not None

    @property
    def on_frame(self) -> Callable[[FrameLike], None] | None:
        """A function to call with every frame, on the thread that read it, or None."""
        return self._keep if self._clips is not None else None

    def take(self, moment: Moment) -> None:
        """Pass a moment on.

        Raises:
            BrokenPipeError: the reader of stdout has gone.
            OutputError: an output cannot be written.
        """
        for change in moment.changes:
            self._take_change(change)
        events = self._actions.see(moment)
        gone = {(one.source, one.person) for one in moment.left}
        for prediction in moment.predictions:
            is_there = (prediction.source, prediction.person) not in gone
            if is_there:
                self._take_judged(prediction)
            if self._log is not None:
                self._log.prediction(prediction, is_live=self._live[prediction.source])
        for one in moment.left:
            if self._doubts is not None:
                self._doubts.leave(one.source, one.person)
        for event in events:
            self._take_event(event)
        if self._drawing is not None:
            self._drawing.people(moment.people, moment.left)
            self._drawing.frames(moment.frames)

    def keep_wrong(self) -> None:
        """A person says that what is shown now is wrong: keep the last window of each source."""
        if self._doubts is None:
            _log.warning("nothing is kept: the key w needs --save-uncertain FOLDER")
        else:
            _log.warning("wrong: %s kept", counted(self._doubts.keep_wrong(), "clip"))

    def finish(self) -> None:
        """End of the run: pass on the events that were still ongoing, and the statistics."""
        for event in self._actions.finish():
            self._take_event(event)
        self.summarise()

    def summarise(self) -> None:
        """Log the statistics so far."""
        if self._log is not None:
            self._log.summary()

    def _take_judged(self, prediction: Prediction) -> None:
        """Draw what is made of a prediction, and keep it if that is unsure."""
        detector = self._actions.of(prediction.source, prediction.person)
        if self._drawing is not None:
            self._drawing.prediction(prediction, detector)
        if self._doubts is not None and detector.smoothed is not None:
            self._doubts.see(prediction, detector.smoothed)

    def _keep(self, frame: FrameLike) -> None:
        assert self._clips is not None
        try:
            self._clips.add_frame(frame.source, frame.image, frame.captured_at_seconds)
        except FrameDamaged:
            return  # the tracker counts it if a window needs it

    def _take_change(self, change: StateChange) -> None:
        if self._drawing is not None:
            self._drawing.state(change)
        if not self._live[change.source]:
            return
        if self._log is not None:
            self._log.state(change, is_live=True)
        if self._callbacks.on_state is not None:
            self._callbacks.on_state(change)

    def _take_event(self, event: ActionEvent) -> None:
        stats = self._stats.of(event.source)
        if event.end_seconds is None:
            stats.num_events += 1
        # A window of somebody who was there at the start begins, and may count, before it.
        first_seconds = stats.first_seconds or 0.0
        event = replace(event, start_seconds=max(event.start_seconds, first_seconds))
        if self._log is not None:
            self._log.event(event, is_live=self._live[event.source])
        if self._clips is not None:
            self._clips.add_event(event)
        if self._callbacks.on_event is not None:
            end_seconds = event.end_seconds
            self._callbacks.on_event(
                replace(
                    event,
                    start_seconds=event.start_seconds - first_seconds,
                    end_seconds=None if end_seconds is None else end_seconds - first_seconds,
                )
            )


class _Deadline:
    """The time in which all outputs have to be completed; it begins with the first question."""

    def __init__(self) -> None:
        self._at_seconds: float | None = None

    def remaining_seconds(self) -> float:
        """What is left of it, 0 or more."""
        if self._at_seconds is None:
            self._at_seconds = time.monotonic() + _CLOSE_SECONDS
        return max(self._at_seconds - time.monotonic(), 0.0)


@contextmanager
def open_sinks(
    options: OutputOptions,
    watched: Watched,
    spec: ModelSpec,
    *,
    device: str,
    screen: Screen | None = None,
    callbacks: Callbacks | None = None,
    is_stopping: Callable[[], bool] = lambda: False,
) -> Iterator[Sinks]:
    """Open the requested outputs; on exit the video, the clips and the log are completed.

    What takes time to complete has 2 s for it, all together.

    Args:
        options: the requested outputs.
        watched: the watched sources.
        spec: the contract, with the thresholds in use.
        device: the processor in use, for the status line.
        screen: the window to draw in. Default None.
        callbacks: called with events and states. Default none.
        is_stopping: whether the run is asked to end. Default: never.

    Raises:
        OutputError: an output cannot be written.
    """
    deadline = _Deadline()
    with ExitStack() as closing:
        log = clips = doubts = drawing = None
        if options.output:
            is_live = any(watched.live.values()) or screen is not None
            log = JsonLog(
                options.output,
                spec,
                watched.stats,
                top_k=options.top_k,
                only=options.output_only or (),
                rotation=options.rotation,
                waits=not is_live,
                is_stopping=is_stopping,
            )
            closing.callback(lambda: log.close(deadline.remaining_seconds()))
        if options.clip_events or options.save_uncertain:
            clips = _open_clips(options, watched)
            closing.callback(lambda: clips.close(deadline.remaining_seconds()))
            doubts = _open_doubts(options, watched, clips)
        if screen is not None or options.save is not None:
            drawing = Drawing(
                spec,
                watched.live,
                watched.stats,
                device=device,
                screen=screen,
                save=options.save,
                top_k=options.top_k,
                mirror=options.mirror,
                show_pose=options.show_pose,
                regions=watched.regions,
                zones=watched.zones,
            )
            closing.callback(drawing.close)
        yield Sinks(
            watched,
            drawing=drawing,
            log=log,
            clips=clips,
            doubts=doubts,
            callbacks=callbacks,
        )


def _open_clips(options: OutputOptions, watched: Watched) -> EventClips:
    # An event is reported some time after its start, and its clip begins even earlier.
    delay_seconds = watched.actions.longest_delay_seconds + _ENGINE_DELAY_SECONDS
    return EventClips(
        options.clip_events, max_delay_seconds=delay_seconds, format=options.clip_format
    )


def _open_doubts(options: OutputOptions, watched: Watched, clips: EventClips) -> DoubtClips | None:
    if options.save_uncertain is None:
        return None
    return DoubtClips(
        options.save_uncertain,
        clips,
        model_name=watched.model_name,
        first_seconds=lambda source: watched.stats.of(source).first_seconds or 0.0,
    )
