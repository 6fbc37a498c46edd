"""The events in the predictions of a video that has been watched to its end."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from rtaction.model_spec import ModelSpec
from rtaction.prediction import Prediction
from rtaction.realtime.actions.detector import ActionEvent
from rtaction.realtime.actions.label_detectors import Detector, detector_of
from rtaction.realtime.actions.rules import ActionRules


@dataclass(frozen=True, slots=True)
class Reported:
    """An event, and when it was known.

    Args:
        event: from its start to its end.
        reported_seconds: time of the newest frame seen when its start was reported.
    """

    event: ActionEvent
    reported_seconds: float


def replay(
    predictions: Sequence[Prediction],
    rules: ActionRules,
    spec: ModelSpec,
    *,
    stride_seconds: float | None = None,
) -> list[Reported]:
    """The events in the predictions of one file, as `rtaction cam` would report them.

    Of a model of people, each person's events are found apart.

    Args:
        predictions: all of them, in order.
        rules: when scores make an event.
        spec: of the model.
        stride_seconds: see `ActionDetector`.

    Returns:
        In the order in which they ended.
    """
    detectors: dict[int | None, Detector] = {}
    seen_seconds: dict[int | None, float] = {}
    numbers = itertools.count(1)
    reported_seconds: dict[int, float] = {}
    found = []
    now_seconds = 0.0
    for prediction in [*predictions, None]:
        if prediction is None:
            news = [
                # Whoever was not seen in the last window had left.
                event
                for who, detector in detectors.items()
                for event in (
                    detector.finish() if seen_seconds[who] == now_seconds else detector.leave()
                )
            ]
        else:
            person, now_seconds = prediction.person, prediction.end_seconds
            seen_seconds[person] = now_seconds
            if person not in detectors:
                detectors[person] = detector_of(
                    rules, spec, stride_seconds=stride_seconds, numbers=numbers
                )
            news = detectors[person].see(prediction)
        for one in news:
            if one.end_seconds is None:
                reported_seconds[one.number] = now_seconds
            else:
                found.append(Reported(one, reported_seconds[one.number]))
    return found
