"""Detect events, actions that start and end, in the scores of overlapping windows.

All decisions use the times of the windows, so they do not depend on the number of windows per
second. This module knows nothing about frames, models or threads.

The rule is that of voice activity detectors (Gelly and Gauvain, "Minimum Word Error Training of
RNN-based Voice Activity Detection", Interspeech 2015): a threshold to enter, a lower one to
leave, a minimum duration, and a cooldown after the end.
"""

from __future__ import annotations

import itertools
import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from rtaction.model_spec import ModelSpec
from rtaction.prediction import Box, Prediction
from rtaction.realtime.actions.rules import ActionRules
from rtaction.sampling import TIME_TOLERANCE_SECONDS


@dataclass(frozen=True, slots=True)
class ActionEvent:
    """One event, from its start to its end.

    Args:
        source: display name of the source.
        label: the action.
        start_seconds: the time of the event's first scores: the middle of the window or, with
            smoothing, of the averaged interval. On the source's clock.
        end_seconds: the time of its last scores, or None while it is ongoing.
        peak_score: highest smoothed score so far.
        number: count of the source's events, from 1.
        person: id of who did it. Default None: the model sees whole pictures.
        box: where they were last seen. Default None.
    """

    source: str
    label: str
    start_seconds: float
    end_seconds: float | None
    peak_score: float
    number: int
    person: int | None = None
    box: Box | None = None


class ActionDetector:
    """Detects the events of one source, or of one person.

    A window counts at its middle. A label enters when its smoothed score is the highest of all
    labels, the background label included, and reaches its `enter` threshold; it stays while the
    score reaches its `exit` threshold. If another label enters meanwhile, both run side by side
    until the newcomer has lasted its `min_seconds` or the first one is ahead again.

    Args:
        rules: when scores make an event.
        spec: labels, background label and clip length.
        stride_seconds: expected time between windows. Windows whose middles are further apart
            than a clip and a stride are not joined. Default: the frame interval of a clip.
        numbers: of the events to come, where several people of a source share them. Default: from
            1.
        labels: of the predictions. Default None: all of the model.
    """

    def __init__(
        self,
        rules: ActionRules,
        spec: ModelSpec,
        *,
        stride_seconds: float | None = None,
        numbers: Iterator[int] | None = None,
        labels: tuple[str, ...] | None = None,
    ) -> None:
        stride = spec.frame_interval_seconds if stride_seconds is None else stride_seconds
        self._max_gap_seconds = spec.window_seconds + stride + TIME_TOLERANCE_SECONDS
        self._rules = rules
        self._labels = labels or spec.labels
        self._background = spec.background_label
        self._mean = _MeanOverTime(rules.smoothing_seconds)
        self._scores: dict[str, float] = {}
        self._last_middle_seconds = -math.inf
        # -inf once the source has been interrupted.
        self._first_seconds: float | None = None
        self._now_seconds = -math.inf
        self._window_seconds = 0.0, 0.0  # start and end of the last one
        # Until they are known to be over, both end at the last window that showed them.
        self._ongoing: ActionEvent | None = None
        self._newcomer: ActionEvent | None = None
        self._ended_seconds: dict[str, float] = {}
        self._numbers = itertools.count(1) if numbers is None else numbers

    @property
    def ongoing(self) -> tuple[ActionEvent, ...]:
        """The ongoing event; none, or one."""
        return (replace(self._ongoing, end_seconds=None),) if self._ongoing else ()

    @property
    def smoothed(self) -> npt.NDArray[np.float32] | None:
        """Smoothed scores: float32, shape (num_labels,); None before the first window of a run."""
        return np.array(list(self._scores.values()), np.float32) if self._scores else None

    def see(self, prediction: Prediction) -> list[ActionEvent]:
        """Take the next window. A gap in time, or a time that goes backwards, is an interruption.

        Returns:
            Events that are now known to have ended, then those known to have started.

        Raises:
            ValueError: the labels of the prediction are not the model's.
        """
        if prediction.labels != self._labels:
            raise ValueError(f"expected scores of {self._labels}, got {prediction.labels}")
        middle_seconds = (prediction.start_seconds + prediction.end_seconds) / 2
        gap_seconds = middle_seconds - self._last_middle_seconds
        if gap_seconds == 0:
            # A camera slower than the stride fills two windows with the same frames.
            return []
        events = [] if 0 < gap_seconds <= self._max_gap_seconds else self.interrupt()
        if gap_seconds < 0:
            self._ended_seconds.clear()
        self._last_middle_seconds = middle_seconds
        self._window_seconds = prediction.start_seconds, prediction.end_seconds
        smoothed, span_seconds = self._mean.push(middle_seconds, prediction.scores)
        # A mean over an interval counts at the middle of the interval.
        self._now_seconds = middle_seconds - span_seconds / 2
        self._scores = dict(zip(self._labels, smoothed.tolist(), strict=True))
        if self._first_seconds is None:
            self._first_seconds = self._now_seconds
        self._choose_newcomer(prediction)
        return events + self._advance(prediction.box)

    def interrupt(self) -> list[ActionEvent]:
        """The source is interrupted: an ongoing event ends at the last window that showed it.

        Returns:
            The event that ends, if any.
        """
        self._newcomer = None
        self._mean.clear()
        self._scores = {}
        if self._first_seconds is not None:
            self._first_seconds = -math.inf
        return self._end_ongoing()

    def leave(self) -> list[ActionEvent]:
        """Whoever is watched is seen no longer.

        Of somebody who falls out of sight, or whom the pose network loses on the floor, less is
        seen than of others: half of `min_seconds` is enough.

        Returns:
            As `interrupt`. If an event was about to begin, its start and its end.
        """
        events = []
        newcomer = self._newcomer
        if newcomer is not None:
            half_seconds = self._rules.of(newcomer.label).min_seconds / 2
            if self._lasted_seconds(newcomer) + TIME_TOLERANCE_SECONDS >= half_seconds:
                events = self._end_ongoing() + self._begin(newcomer)
        return events + self.interrupt()

    def finish(self) -> list[ActionEvent]:
        """The source has ended.

        Returns:
            As `interrupt`. If the whole source is one action, too short for `min_seconds`, its
            start and its end; if it is a single window, these are the window's.
        """
        events = []
        newcomer = self._newcomer
        if newcomer is not None and newcomer.start_seconds == self._first_seconds:
            if self._now_seconds == self._first_seconds:
                start_seconds, end_seconds = self._window_seconds
                newcomer = replace(newcomer, start_seconds=start_seconds, end_seconds=end_seconds)
            events = self._begin(newcomer)
        return events + self.interrupt()

    def _choose_newcomer(self, prediction: Prediction) -> None:
        ongoing, newcomer = self._ongoing, self._newcomer
        if newcomer is not None and not self._stays(newcomer):
            newcomer = None
        label = self._entering_label()
        if label is not None:
            score = self._scores[label]
            if ongoing is not None and ongoing.label == label:
                newcomer = None
            elif all(run is None or score > self._scores[run.label] for run in (ongoing, newcomer)):
                now = self._now_seconds
                newcomer = ActionEvent(
                    prediction.source, label, now, now, score, 0, prediction.person
                )
        self._newcomer = newcomer

    def _entering_label(self) -> str | None:
        label = max(self._scores, key=self._scores.__getitem__)
        rule = self._rules.of(label)
        rested_seconds = self._now_seconds - self._ended_seconds.get(label, -math.inf)
        enters = (
            label != self._background
            and _reaches(self._scores[label], rule.enter)
            and rested_seconds + TIME_TOLERANCE_SECONDS >= rule.cooldown_seconds
        )
        return label if enters else None

    def _advance(self, box: Box | None) -> list[ActionEvent]:
        events = []
        if self._ongoing is not None and not self._stays(self._ongoing):
            events += self._end_ongoing()
        elif self._ongoing is not None and self._newcomer is None:
            self._ongoing = self._extended(self._ongoing, box)
        if self._newcomer is not None:
            self._newcomer = self._extended(self._newcomer, box)
            min_seconds = self._rules.of(self._newcomer.label).min_seconds
            if self._lasted_seconds(self._newcomer) + TIME_TOLERANCE_SECONDS >= min_seconds:
                events += self._end_ongoing() + self._begin(self._newcomer)
                self._newcomer = None
        return events

    def _lasted_seconds(self, run: ActionEvent) -> float:
        return self._now_seconds - run.start_seconds

    def _begin(self, newcomer: ActionEvent) -> list[ActionEvent]:
        self._ongoing = replace(newcomer, number=next(self._numbers))
        return [replace(self._ongoing, end_seconds=None)]

    def _end_ongoing(self) -> list[ActionEvent]:
        event, self._ongoing = self._ongoing, None
        if event is None or event.end_seconds is None:
            return []
        self._ended_seconds[event.label] = event.end_seconds
        return [event]

    def _extended(self, run: ActionEvent, box: Box | None) -> ActionEvent:
        peak_score = max(run.peak_score, self._scores[run.label])
        return replace(run, end_seconds=self._now_seconds, peak_score=peak_score, box=box)

    def _stays(self, run: ActionEvent) -> bool:
        return _reaches(self._scores[run.label], self._rules.of(run.label).exit)


class _MeanOverTime:
    """The mean of the scores over the last `seconds`, with linear interpolation between scores.

    This is the moving average "SMA linear" of Eckner, "Algorithms for Unevenly Spaced Time Series:
    Moving Averages and Other Rolling Operators": more windows per second only trace the same curve
    more finely. An exponential average never forgets: a score just above a high threshold could
    take seconds to lift the average over it; this mean takes at most `seconds`.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._points: deque[tuple[float, npt.NDArray[np.float64]]] = deque()

    def clear(self) -> None:
        """Forget everything."""
        self._points.clear()

    def push(
        self, at_seconds: float, scores: npt.NDArray[Any]
    ) -> tuple[npt.NDArray[np.float32], float]:
        """Add scores; returns their mean (float32, so that equal scores stay equal) and the
        seconds that it covers."""
        self._points.append((at_seconds, scores.astype(np.float64)))
        start_seconds = at_seconds - self._seconds
        while len(self._points) > 1 and self._points[1][0] <= start_seconds:
            self._points.popleft()
        times = np.array([seconds for seconds, _ in self._points])
        values = np.stack([value for _, value in self._points])
        if len(times) == 1:
            return np.asarray(values[0], np.float32), 0.0
        if times[0] < start_seconds:
            part = (start_seconds - times[0]) / (times[1] - times[0])
            values[0] += part * (values[1] - values[0])
            times[0] = start_seconds
        span_seconds = float(times[-1] - times[0])
        area = np.trapezoid(values, times, axis=0)
        return np.asarray(area / span_seconds, np.float32), span_seconds


def _reaches(score: float, threshold: float) -> bool:
    # Scores are float32, in which 0.7 is less than the float64 0.7.
    return score >= float(np.float32(threshold))
