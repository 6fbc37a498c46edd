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
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from rtaction.model_spec import ModelSpec
from rtaction.prediction import Box, Prediction
from rtaction.realtime.actions.mean_over_time import MeanOverTime
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
        zones: names of the camera's zones in which they have stood meanwhile, in the order in which
            they came there. Default none.
    """

    source: str
    label: str
    start_seconds: float
    end_seconds: float | None
    peak_score: float
    number: int
    person: int | None = None
    box: Box | None = None
    zones: tuple[str, ...] = ()


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

    Attributes:
        rules: others hold from the next window on, also for an event that goes on.
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
        self.rules = rules
        self._labels = labels or spec.labels
        self._background = spec.background_label
        self._mean = MeanOverTime()
        self._counting: Collection[str] | None = None
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

    def counts(self, label: str) -> bool:
        """Whether a label could be an event in the last window."""
        return label != self._background and (self._counting is None or label in self._counting)

    def see(
        self, prediction: Prediction, counting: Collection[str] | None = None
    ) -> list[ActionEvent]:
        """Take the next window. A gap in time, or a time that goes backwards, is an interruption.

        Args:
            prediction: its scores.
            counting: labels that may be events here and now; an event of another one ends. Default
                None: all.

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
        self._counting = counting
        self._mean.seconds = self.rules.smoothing_seconds
        smoothed, span_seconds = self._mean.push(middle_seconds, prediction.scores)
        # A mean over an interval counts at the middle of the interval.
        self._now_seconds = middle_seconds - span_seconds / 2
        self._scores = dict(zip(self._labels, smoothed.tolist(), strict=True))
        if self._first_seconds is None:
            self._first_seconds = self._now_seconds
        self._choose_newcomer(prediction)
        return events + self._advance(prediction)

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
            half_seconds = self.rules.of(newcomer.label).min_seconds / 2
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
        rule = self.rules.of(label)
        rested_seconds = self._now_seconds - self._ended_seconds.get(label, -math.inf)
        enters = (
            self.counts(label)
            and _reaches(self._scores[label], rule.enter)
            and rested_seconds + TIME_TOLERANCE_SECONDS >= rule.cooldown_seconds
        )
        return label if enters else None

    def _advance(self, prediction: Prediction) -> list[ActionEvent]:
        events = []
        if self._ongoing is not None and not self._stays(self._ongoing):
            events += self._end_ongoing()
        elif self._ongoing is not None and self._newcomer is None:
            self._ongoing = self._extended(self._ongoing, prediction)
        if self._newcomer is not None:
            self._newcomer = self._extended(self._newcomer, prediction)
            min_seconds = self.rules.of(self._newcomer.label).min_seconds
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

    def _extended(self, run: ActionEvent, prediction: Prediction) -> ActionEvent:
        return replace(
            run,
            end_seconds=self._now_seconds,
            peak_score=max(run.peak_score, self._scores[run.label]),
            box=prediction.box,
            zones=tuple(dict.fromkeys((*run.zones, *prediction.zones))),
        )

    def _stays(self, run: ActionEvent) -> bool:
        exit_score = self.rules.of(run.label).exit
        return self.counts(run.label) and _reaches(self._scores[run.label], exit_score)


def _reaches(score: float, threshold: float) -> bool:
    # Scores are float32, in which 0.7 is less than the float64 0.7.
    return score >= float(np.float32(threshold))
