"""The annotated display: all sources with their predictions, in a window, a saved video or both."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy.typing as npt

from rtaction.frame import FrameDamaged, FrameLike
from rtaction.model_spec import ModelSpec
from rtaction.pose.region import Region, Zone
from rtaction.prediction import Prediction
from rtaction.realtime.actions.label_detectors import Detector
from rtaction.realtime.model.pose_networks import open_pose_networks
from rtaction.realtime.outputs.drawn.drawn_people import DrawnPeople
from rtaction.realtime.outputs.drawn.drawn_source import DrawnSource
from rtaction.realtime.outputs.drawn.mosaic import Mosaic
from rtaction.realtime.outputs.drawn.overlay import shown_labels
from rtaction.realtime.outputs.screen import Screen
from rtaction.realtime.watching.moment import Leave, PeopleSeen, StateChange
from rtaction.realtime.watching.stats import WatchStats
from rtaction.realtime.windows.state import State
from rtaction.video.writer import VideoWriter

_SAVED_FRAMES_PER_SECOND = 30.0
# At most this many redraws of tiles per second; drawing must not cost more than recognition.
_MOSAIC_FRAMES_PER_SECOND = 12.0
_LOST: tuple[State, ...] = ("down", "refused", "ended")


class Drawing:
    """Draws all sources: a single one alone, several live ones as tiles of one image.

    Args:
        spec: the contract, with the thresholds in use.
        live: for each source, by name, whether it is live.
        stats: counts the frames that have come.
        device: the processor in use, shown in the status line.
        screen: the window to draw in, or None.
        save: the video to write, or None.
        top_k: labels to draw. Default 3.
        mirror: mirror the drawn frames. Default False.
        show_pose: draw the people of each frame, if the model sees whole pictures; those of a
            model of people are always drawn. Default False.
        regions, zones: see `Watched`. Default none.

    Raises:
        OutputError: the video cannot be written.
        DeviceUnavailable: `show_pose`, and the pose networks do not run here.
    """

    def __init__(
        self,
        spec: ModelSpec,
        live: dict[str, bool],
        stats: WatchStats,
        *,
        device: str,
        screen: Screen | None,
        save: Path | None,
        top_k: int = 3,
        mirror: bool = False,
        show_pose: bool = False,
        regions: Mapping[str, Region] | None = None,
        zones: Mapping[str, Sequence[Zone]] | None = None,
    ) -> None:
        self._spec = spec
        self._live = live
        self._stats = stats
        self._device = device
        self._screen = screen
        self._top_k = top_k
        several = len(live) > 1
        networks = open_pose_networks("auto") if show_pose and not spec.follows_people else None
        self._sources = {
            name: DrawnSource(
                name if several else "",
                mirror=mirror,
                people=DrawnPeople(networks) if networks else None,
                region=(regions or {}).get(name),
                zones=(zones or {}).get(name, ()),
            )
            for name in live
        }
        self._mosaic = Mosaic(list(live)) if several and any(live.values()) else None
        self._mosaic_due_seconds = 0.0
        self._pending: dict[str, FrameLike] = {}
        self._writer = (
            VideoWriter(save, frames_per_second=_SAVED_FRAMES_PER_SECOND) if save else None
        )

    def state(self, change: StateChange) -> None:
        """Take a state change; if the source is lost, show that there are no frames."""
        source = self._sources[change.source]
        source.state = change.state
        if change.state not in _LOST:
            return
        self._pending.pop(change.source, None)
        if self._mosaic is not None:
            self._mosaic.put(change.source, source.draw_lost(self._device))
        elif self._live[change.source] and self._screen is not None:
            self._screen.show(source.draw_lost(self._device))

    def prediction(self, prediction: Prediction, detector: Detector) -> None:
        """Take a prediction, drawn with the smoothed scores of its source's detector."""
        smoothed = detector.smoothed
        if smoothed is not None:
            prediction = replace(prediction, scores=smoothed)
        # The display does not wait until an event is certain.
        ongoing = tuple(event.label for event in detector.ongoing)
        shown = tuple(x for x in shown_labels(prediction, self._spec) if detector.counts(x))
        actions = tuple(dict.fromkeys((*ongoing, *shown))) if self._spec.multi_label else ongoing
        self._sources[prediction.source].take(prediction, actions or shown)

    def people(self, seen: Sequence[PeopleSeen], left: Sequence[Leave]) -> None:
        """Take who was seen in the newest pictures, and who has left."""
        for picture in seen:
            self._sources[picture.source].see(picture.people)
        for one in left:
            self._sources[one.source].leave(one.person)

    def frames(self, frames: Sequence[FrameLike]) -> None:
        """Draw the newest frames."""
        for frame in frames:
            # The last frame of a source may come together with the news that it is lost.
            if self._sources[frame.source].state not in _LOST:
                self._pending[frame.source] = frame
        now = time.monotonic()
        if self._mosaic is not None and now < self._mosaic_due_seconds:
            return
        pending, self._pending = self._pending, {}
        for frame in pending.values():
            num_frames = self._stats.of(frame.source).num_frames
            try:
                image = self._sources[frame.source].draw(
                    frame, num_frames, self._device, top_k=self._top_k
                )
            except FrameDamaged:
                continue
            if self._mosaic is not None:
                self._mosaic.put(frame.source, image)
            else:
                self._give(image, frame.captured_at_seconds)
        if self._mosaic is not None:
            self._mosaic_due_seconds = now + 1.0 / _MOSAIC_FRAMES_PER_SECOND
            self._give(self._mosaic.image, now)

    def close(self) -> None:
        """Finish the video."""
        if self._writer is not None:
            self._writer.close()

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
