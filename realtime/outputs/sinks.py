"""Where a run's moments go: log, event clips, window, saved video, callbacks."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy.typing as npt

from rtaction.model_spec import ModelSpec
from rtaction.prediction import Prediction
from rtaction.realtime.actions.detector import ActionEvent
from rtaction.realtime.outputs.drawn_source import DrawnSource
from rtaction.realtime.outputs.event_clips import EventClips
from rtaction.realtime.outputs.json_log import JsonLog
from rtaction.realtime.outputs.mosaic import Mosaic
from rtaction.realtime.outputs.overlay import shown_label
from rtaction.realtime.outputs.screen import Screen
from rtaction.realtime.sources.cameras import Camera
from rtaction.realtime.sources.deferred_frame import FrameLike, PictureDamaged
from rtaction.realtime.sources.opening import is_file
from rtaction.realtime.watching.moment import Moment, StateChange
from rtaction.realtime.watching.stats import WatchStats
from rtaction.realtime.watching.watch import Actions, EventCallback, StateCallback
from rtaction.realtime.windows.state import State
from rtaction.video.file import VideoWriter

_SAVED_FRAMES_PER_SECOND = 30.0
# Many tiles are drawn at this rate at most; drawing must not cost more than recognising.
_MOSAIC_FRAMES_PER_SECOND = 12.0
_ENGINE_DELAY_SECONDS = 2.0
_LOST: tuple[State, ...] = ("down", "refused", "ended")


class Sinks:
    """All that a run was asked to make of its moments.

    Args:
        spec: the contract, with the thresholds of this run.
        cameras: what is watched.
        stats: figures of the run.
        actions: finds the events.
        device: the processor in use, to be shown.
        screen: where to draw, or None.
        save: video to write, or None.
        output: where to log, or None.
        clip_events: folder for a short video of each action, or None.
        top_k: labels to draw and to log. Default 3.
        mirror: draw pictures as in a mirror. Default False.
        on_event: told of actions, their times counted from their source's first frame.
        on_state: told of states of live sources.

    Raises:
        OutputError: something cannot be written.
    """

    def __init__(
        self,
        spec: ModelSpec,
        cameras: Sequence[Camera],
        stats: WatchStats,
        actions: Actions,
        *,
        device: str,
        screen: Screen | None,
        save: Path | None,
        output: str | None,
        clip_events: Path | None,
        top_k: int = 3,
        mirror: bool = False,
        on_event: EventCallback | None = None,
        on_state: StateCallback | None = None,
    ) -> None:
        self._stats = stats
        self._actions = actions
        self._spec = spec
        self._device = device
        self._screen = screen
        self._top_k = top_k
        self._on_event = on_event
        self._on_state = on_state
        self._files = {camera.name for camera in cameras if is_file(camera)}
        self._is_live = len(self._files) < len(cameras)
        several = len(cameras) > 1
        self._pictures = {
            c.name: DrawnSource(c.name if several else "", mirror=mirror) for c in cameras
        }
        self._mosaic = Mosaic(list(self._pictures)) if several and self._is_live else None
        self._mosaic_due_seconds = 0.0
        self._pending: dict[str, FrameLike] = {}
        self._writer: VideoWriter | None = None
        self._closing = ExitStack()
        self._log = JsonLog(output, spec, stats, top_k=top_k) if output else None
        self._clips = None
        if clip_events:
            # An event is told some time after its start, and its clip begins before that.
            delay_seconds = actions.longest_delay_seconds + _ENGINE_DELAY_SECONDS
            self._clips = EventClips(clip_events, max_delay_seconds=delay_seconds)
        for sink in (self._log, self._clips):
            if sink is not None:
                self._closing.callback(sink.close)
        if save is not None:
            self._writer = VideoWriter(save, frames_per_second=_SAVED_FRAMES_PER_SECOND)
            self._closing.callback(self._writer.close)

    @property
    def draws(self) -> bool:
        """Whether frames are drawn."""
        return self._screen is not None or self._writer is not None

    @property
    def on_frame(self) -> Callable[[FrameLike], None] | None:
        """What wants to see every frame on the thread that read it, or None."""
        return self._keep if self._clips is not None else None

    def take(self, moment: Moment) -> None:
        """Pass a moment on.

        Raises:
            BrokenPipeError: whoever read stdout has gone.
            OutputError: something cannot be written.
        """
        for change in moment.changes:
            self._take_change(change)
        events = self._actions.see(moment)
        for prediction in moment.predictions:
            self._take_prediction(prediction)
        for event in events:
            self._take_event(event)
        if self.draws:
            self._draw(moment.frames)

    def finish(self) -> None:
        """The run is over: tell the events that still went on, and the figures."""
        for event in self._actions.finish():
            self._take_event(event)
        self.summarise()

    def summarise(self) -> None:
        """Log the figures so far."""
        if self._log is not None:
            self._log.summary()

    def close(self) -> None:
        """Finish the video, the clips and the log."""
        self._closing.close()

    def _keep(self, frame: FrameLike) -> None:
        assert self._clips is not None
        try:
            self._clips.add_frame(frame.source, frame.image, frame.captured_at_seconds)
        except PictureDamaged:
            return  # counted by the tracker, or of no account

    def _take_change(self, change: StateChange) -> None:
        picture = self._pictures[change.source]
        picture.state = change.state
        if self.draws and change.state in _LOST:
            self._pending.pop(change.source, None)
            self._draw_lost(picture, change)
        if change.source in self._files:
            return
        if self._log is not None:
            self._log.state(change, is_live=True)
        if self._on_state is not None:
            self._on_state(change)

    def _take_prediction(self, prediction: Prediction) -> None:
        picture = self._pictures[prediction.source]
        detector = self._actions.of(prediction.source)
        smoothed = detector.smoothed
        picture.prediction = (
            prediction if smoothed is None else replace(prediction, scores=smoothed)
        )
        # What is drawn need not wait until an event is certain.
        ongoing = detector.current
        picture.action = ongoing.label if ongoing else shown_label(picture.prediction, self._spec)
        if self._log is not None:
            self._log.prediction(prediction, is_live=prediction.source not in self._files)

    def _take_event(self, event: ActionEvent) -> None:
        if event.end_seconds is None:
            self._stats.of(event.source).num_events += 1
        if self._log is not None:
            self._log.event(event, is_live=event.source not in self._files)
        if self._clips is not None:
            self._clips.add_event(event)
        if self._on_event is not None:
            first_seconds = self._stats.of(event.source).first_seconds or 0.0
            end_seconds = event.end_seconds
            self._on_event(
                replace(
                    event,
                    start_seconds=event.start_seconds - first_seconds,
                    end_seconds=None if end_seconds is None else end_seconds - first_seconds,
                )
            )

    def _draw(self, frames: Sequence[FrameLike]) -> None:
        for frame in frames:
            # A source's last picture may come together with the news that it is lost.
            if self._pictures[frame.source].state not in _LOST:
                self._pending[frame.source] = frame
        now = time.monotonic()
        if self._mosaic is not None and now < self._mosaic_due_seconds:
            return
        pending, self._pending = self._pending, {}
        for frame in pending.values():
            num_frames = self._stats.of(frame.source).num_frames
            try:
                image = self._pictures[frame.source].draw(
                    frame, num_frames, self._device, top_k=self._top_k
                )
            except PictureDamaged:
                continue
            if self._mosaic is not None:
                self._mosaic.put(frame.source, image)
            else:
                self._give(image, frame.captured_at_seconds)
        if self._mosaic is not None:
            self._mosaic_due_seconds = now + 1.0 / _MOSAIC_FRAMES_PER_SECOND
            self._give(self._mosaic.image, now)

    def _draw_lost(self, picture: DrawnSource, change: StateChange) -> None:
        """Show that no picture comes, rather than the last one that came."""
        if self._mosaic is not None:
            self._mosaic.put(change.source, picture.draw_lost(self._device))
        elif change.source not in self._files and self._screen is not None:
            self._screen.show(picture.draw_lost(self._device))

    def _rate_to_save(self) -> float:
        if self._mosaic is not None:
            return _MOSAIC_FRAMES_PER_SECOND
        rates = [one.frames_per_second for one in self._stats.sources.values()]
        return rates[-1] if rates and rates[-1] else _SAVED_FRAMES_PER_SECOND

    def _give(self, image: npt.NDArray[Any], at_seconds: float) -> None:
        if self._writer is not None:
            if not self._writer.has_begun:
                self._writer.frames_per_second = self._rate_to_save()
            self._writer.write(image, at_seconds)
        if self._screen is not None:
            self._screen.show(image)
