"""Each label has events of its own, whatever the others do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from rtaction.model_spec import ModelSpec
from rtaction.prediction import Prediction
from rtaction.realtime.actions.detector import ActionDetector, ActionEvent
from rtaction.realtime.actions.label_detectors import LabelDetectors, detector_of
from rtaction.realtime.actions.replay import replay
from rtaction.realtime.actions.rules import ActionRule, ActionRules

SPEC = ModelSpec(("wave", "sit"), 5, 1.0, 8, 8, multi_label=True)
RULES = ActionRules(ActionRule(0.5, 0.25, 0.5, 1.0), smoothing_seconds=0.0)


def window(middle: float, scores: Sequence[float]) -> Prediction:
    return Prediction(
        np.array(scores, np.float32), SPEC.labels, middle - 0.5, middle + 0.5, source="test"
    )


def test_two_events_at_once() -> None:
    detector = LabelDetectors(RULES, SPEC)
    scores = [(0.75, 0.0)] * 3 + [(0.75, 0.875)] * 3 + [(0.0, 0.75)] * 2 + [(0.0, 0.0)]
    told = [detector.see(window(0.25 * n, one)) for n, one in enumerate(scores)]

    wave = ActionEvent("test", "wave", 0.0, None, 0.75, 1)
    sit = ActionEvent("test", "sit", 0.75, None, 0.875, 2)
    assert told[2] == [wave]
    assert told[5] == [sit]
    assert told[6] == [ActionEvent("test", "wave", 0.0, 1.25, 0.75, 1)]
    assert told[8] == [ActionEvent("test", "sit", 0.75, 1.75, 0.875, 2)]
    assert [told[n] for n in (0, 1, 3, 4, 7)] == [[]] * 5


def test_what_goes_on_and_the_smoothed_scores() -> None:
    detector = LabelDetectors(RULES, SPEC)
    assert (detector.ongoing, detector.smoothed) == ((), None)
    for n in range(3):
        detector.see(window(0.25 * n, (0.75, 0.625)))
    assert [event.label for event in detector.ongoing] == ["wave", "sit"]
    smoothed = detector.smoothed
    assert smoothed is not None
    assert smoothed.tolist() == [0.75, 0.625]
    assert [event.label for event in detector.interrupt()] == ["wave", "sit"]
    assert (detector.ongoing, detector.smoothed) == ((), None)


def test_a_file_that_is_one_short_part_of_both() -> None:
    found = replay([window(0.5, (0.75, 0.625))], RULES, SPEC)
    assert [(one.event.label, one.event.start_seconds) for one in found] == [
        ("wave", 0.0),
        ("sit", 0.0),
    ]
    assert {one.event.end_seconds for one in found} == {1.0}


def test_who_leaves_ends_all() -> None:
    detector = LabelDetectors(RULES, SPEC)
    for n in range(2):  # half of the least time
        detector.see(window(0.25 * n, (0.75, 0.625)))
    told = detector.leave()
    assert [(one.label, one.end_seconds) for one in told] == [
        ("wave", None),
        ("wave", 0.25),
        ("sit", None),
        ("sit", 0.25),
    ]


def test_the_contract_decides() -> None:
    assert isinstance(detector_of(RULES, SPEC), LabelDetectors)
    plain = ModelSpec(SPEC.labels, 5, 1.0, 8, 8)
    assert isinstance(detector_of(RULES, plain), ActionDetector)
    with pytest.raises(ValueError, match="expected scores of"):
        LabelDetectors(RULES, SPEC).see(Prediction(np.zeros(2, np.float32), ("a", "b"), 0.0, 1.0))
