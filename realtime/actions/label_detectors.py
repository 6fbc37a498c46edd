"""Events of a model that scores each label by itself: several labels may have one at once."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from rtaction.model_spec import ModelSpec
from rtaction.prediction import Prediction
from rtaction.realtime.actions.detector import ActionDetector, ActionEvent
from rtaction.realtime.actions.rules import ActionRules


class LabelDetectors:
    """An `ActionDetector` for each label; no label ends the event of another.

    Args:
        rules, spec, stride_seconds, numbers: see `ActionDetector`.
    """

    def __init__(
        self,
        rules: ActionRules,
        spec: ModelSpec,
        *,
        stride_seconds: float | None = None,
        numbers: Iterator[int] | None = None,
    ) -> None:
        numbers = itertools.count(1) if numbers is None else numbers
        self._labels = spec.labels
        self._detectors = [
            ActionDetector(
                rules, spec, stride_seconds=stride_seconds, numbers=numbers, labels=(label,)
            )
            for label in spec.labels
        ]

    @property
    def rules(self) -> ActionRules:
        """See `ActionDetector.rules`."""
        return self._detectors[0].rules

    @rules.setter
    def rules(self, rules: ActionRules) -> None:
        for detector in self._detectors:
            detector.rules = rules

    @property
    def ongoing(self) -> tuple[ActionEvent, ...]:
        """The ongoing events, in the order of the labels."""
        return tuple(event for one in self._detectors for event in one.ongoing)

    @property
    def smoothed(self) -> npt.NDArray[np.float32] | None:
        """See `ActionDetector.smoothed`."""
        scores = [one.smoothed for one in self._detectors]
        known = [score for score in scores if score is not None]
        return np.concatenate(known) if len(known) == len(scores) else None

    def counts(self, label: str) -> bool:
        """See `ActionDetector.counts`."""
        return self._detectors[self._labels.index(label)].counts(label)

    def see(
        self, prediction: Prediction, counting: Collection[str] | None = None
    ) -> list[ActionEvent]:
        """See `ActionDetector.see`."""
        if prediction.labels != self._labels:
            raise ValueError(f"expected scores of {self._labels}, got {prediction.labels}")
        alone = {
            label: replace(prediction, labels=(label,), scores=prediction.scores[n : n + 1])
            for n, label in enumerate(self._labels)
        }
        pairs = zip(self._detectors, alone.values(), strict=True)
        # Ends first, as of a single label.
        return sorted(
            (event for detector, one in pairs for event in detector.see(one, counting)),
            key=lambda event: event.end_seconds is None,
        )

    def interrupt(self) -> list[ActionEvent]:
        """See `ActionDetector.interrupt`."""
        return self._of_each(ActionDetector.interrupt)

    def leave(self) -> list[ActionEvent]:
        """See `ActionDetector.leave`."""
        return self._of_each(ActionDetector.leave)

    def finish(self) -> list[ActionEvent]:
        """See `ActionDetector.finish`."""
        return self._of_each(ActionDetector.finish)

    def _of_each(self, step: Callable[[ActionDetector], list[ActionEvent]]) -> list[ActionEvent]:
        return [event for detector in self._detectors for event in step(detector)]


Detector = ActionDetector | LabelDetectors


def detector_of(
    rules: ActionRules,
    spec: ModelSpec,
    *,
    stride_seconds: float | None = None,
    numbers: Iterator[int] | None = None,
) -> Detector:
    """The detector for the events of one source, or of one person, with a model."""
    kind = LabelDetectors if spec.multi_label else ActionDetector
    return kind(rules, spec, stride_seconds=stride_seconds, numbers=numbers)
