"""What is known of one camera right now."""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np

from rtaction.frame import FrameLike
from rtaction.model_spec import ModelSpec
from rtaction.pose.tracker import Person
from rtaction.prediction import Prediction
from rtaction.realtime.actions.label_detectors import Detector
from rtaction.realtime.watching.moment import StateChange
from rtaction.realtime.watching.stats import SourceStats
from rtaction.serve.house.views import CameraState, CameraView, PersonView
from rtaction.serve.watching.setups import Setup

_TOP = 5
_RATES_SECONDS = 5.0
_NEWS_SECONDS = 0.25
_numbers = itertools.count(1)  # of all: a camera that is changed has a new desk


@dataclass(slots=True)
class _Totals:
    """Counts of the times that a camera was watched before."""

    frames: int = 0
    labels: int = 0
    reconnects: int = 0
    drops: Counter[str] = field(default_factory=Counter)

    def add(self, stats: SourceStats) -> None:
        self.frames += stats.num_frames
        self.labels += stats.num_predictions
        self.reconnects += stats.num_reconnects
        self.drops.update(stats.drops)


class Desk:
    """What is known of one camera. The thread that watches it writes, any thread reads.

    Args:
        setup: the camera.
        spec: the contract of its model.
        is_enabled: as a person set it.
        thresholds: score at which an event of each label starts.

    Attributes:
        frame: the newest frame, None before the first and while it is not watched.
        num_frame: another for each frame, also of other desks.
        seen: the people in the newest picture that was looked at, with joints in its pixels.
    """

    def __init__(
        self, setup: Setup, spec: ModelSpec, *, is_enabled: bool, thresholds: Mapping[str, float]
    ) -> None:
        self.setup = setup
        self.spec = spec
        self.is_enabled = is_enabled
        self.thresholds = dict(thresholds)
        self.frame: FrameLike | None = None
        self.num_frame = 0
        self.seen: tuple[Person, ...] = ()
        self.num_events = 0
        self._lock = threading.Lock()
        self._gate = threading.Lock()
        self._is_watched = False
        self._state: CameraState = "connecting" if is_enabled else "disabled"
        self._reason = ""
        self._since = datetime.now(UTC)
        self._before = _Totals()
        self._stats = SourceStats()
        self._doing: dict[int | None, PersonView] = {}
        self._scores: dict[int | None, tuple[tuple[str, float], ...]] = {}
        self._active: dict[int, str] = {}
        self._told_seconds = 0.0
        self._rates: deque[tuple[float, int, int]] = deque()

    @property
    def state(self) -> CameraState:
        """Whether labels can be given, and if not, why."""
        return self._state

    def begin(self, stats: SourceStats) -> None:
        """It is watched from now on, with counts that begin anew."""
        with self._gate, self._lock:
            self._is_watched = True
            self._before.add(self._stats)
            self._stats = stats
            self._set("connecting", "")

    def rest(self, state: CameraState, reason: str = "") -> None:
        """It is not watched: "disabled", "resting", or "down" for a reason of this machine. No
        picture of it is taken after that, also not by a thread that reads it still."""
        with self._gate, self._lock:
            self._is_watched = False
            self._set(state, reason)
            self.frame, self.seen = None, ()
            self._forget()

    @contextmanager
    def watched(self) -> Iterator[bool]:
        """Whether it is watched, which does not change within the block: `rest` waits for it."""
        with self._gate:
            yield self._is_watched

    def take_frame(self, frame: FrameLike) -> None:
        """The newest frame, while it is `watched`."""
        self.frame = frame
        self.num_frame = next(_numbers)

    def change(self, change: StateChange) -> None:
        """It has changed its state."""
        with self._lock:
            if self._state in ("disabled", "resting"):
                return  # that it has ended is known
            self._set(change.state, change.reason)
            if change.state in ("down", "refused", "ended"):
                self._forget()

    def predict(self, prediction: Prediction, detector: Detector) -> None:
        """Scores have come, of everybody or of a person."""
        smoothed = detector.smoothed
        scores = prediction.scores if smoothed is None else smoothed
        order = np.argsort(-scores, kind="stable")[:_TOP]
        top = tuple((prediction.labels[i], float(scores[i])) for i in order)
        ongoing = detector.ongoing
        label = ongoing[0].label if ongoing else None
        with self._lock:
            self._scores[prediction.person] = top
            if prediction.person is not None:
                score = float(scores[prediction.labels.index(label)]) if label else top[0][1]
                self._doing[prediction.person] = PersonView(
                    person=prediction.person,
                    label=label,
                    score=score,
                    box=prediction.box,
                    joints=prediction.joints,
                )

    def leave(self, person: int) -> None:
        """Somebody has left."""
        with self._lock:
            self._doing.pop(person, None)
            self._scores.pop(person, None)

    def event(self, number: int, label: str, *, is_over: bool) -> None:
        """An event has started or ended."""
        with self._lock:
            if is_over:
                self._active.pop(number, None)
            else:
                self._active[number] = label
                self.num_events += 1

    def captions(self) -> dict[int | None, str]:
        """What stands beside each person, or for the whole picture under None."""
        captions: dict[int | None, str] = {}
        with self._lock:
            for one in self._doing.values():
                if one.label is not None:
                    captions[one.person] = f"{one.label} {one.score:.2f}"
            if self._active and not self.spec.follows_people:
                captions[None] = ", ".join(dict.fromkeys(self._active.values()))
        return captions

    def sample(self) -> None:
        """Measure rates; called once a second."""
        now = time.monotonic()
        with self._lock:
            self._rates.append((now, self._stats.num_frames, self._stats.num_predictions))
            while now - self._rates[0][0] > _RATES_SECONDS:
                self._rates.popleft()

    def is_news_due(self) -> bool:
        """Whether those who look on were told long enough ago; then, that they are told now."""
        now = time.monotonic()
        if now - self._told_seconds < _NEWS_SECONDS:
            return False
        self._told_seconds = now
        return True

    def view(self) -> CameraView:
        """How the camera is right now."""
        setup, spec = self.setup, self.spec
        frame = self.frame
        with self._lock:
            stats, before = self._stats, self._before
            frames_per_second, labels_per_second = self._per_second()
            return CameraView(
                id=setup.id,
                name=setup.camera.name,
                is_enabled=self.is_enabled,
                state=self._state,
                reason=self._reason,
                since=self._since,
                picture_age_seconds=_age_seconds(frame),
                frames_per_second=frames_per_second,
                labels_per_second=labels_per_second,
                scores=_best(self._scores.values()),
                active=tuple(dict.fromkeys(self._active.values())),
                people=tuple(self._doing.values()),
                zones={zone.name: zone.region.corners_xy for zone in setup.camera.zones},
                masks=tuple(mask.corners_xy for mask in setup.camera.view.masks),
                model=setup.model.name,
                labels=tuple(one for one in spec.labels if one != spec.background_label),
                thresholds=dict(self.thresholds),
                drops=dict(before.drops + stats.drops),
                num_frames=before.frames + stats.num_frames,
                num_labels=before.labels + stats.num_predictions,
                num_events=self.num_events,
                num_reconnects=before.reconnects + stats.num_reconnects,
                latency=stats.latency,
                frame_age=stats.frame_age,
            )

    def _set(self, state: CameraState, reason: str) -> None:
        if state != self._state:
            self._since = datetime.now(UTC)
        self._state, self._reason = state, reason

    def _forget(self) -> None:
        self._doing.clear()
        self._scores.clear()
        self._active.clear()

    def _per_second(self) -> tuple[float, float]:
        if len(self._rates) < 2:
            return 0.0, 0.0
        (start, *first), (end, *last) = self._rates[0], self._rates[-1]
        passed = max(end - start, 1e-9)
        # A camera that is watched anew counts from 0.
        frames, labels = (max(b - a, 0) / passed for a, b in zip(first, last, strict=True))
        return frames, labels


def _age_seconds(frame: FrameLike | None) -> float | None:
    return None if frame is None else max(time.monotonic() - frame.captured_at_seconds, 0.0)


def _best(
    all_scores: Iterable[Sequence[tuple[str, float]]],
) -> tuple[tuple[str, float], ...]:
    """The highest score of each label over all people, best first."""
    best: dict[str, float] = {}
    for scores in all_scores:
        for label, score in scores:
            best[label] = max(score, best.get(label, 0.0))
    return tuple(sorted(best.items(), key=lambda pair: -pair[1])[:_TOP])
