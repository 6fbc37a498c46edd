"""What is drawn as an action is one that counts."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from rtaction.model_spec import ModelSpec
from rtaction.realtime.actions.detector import ActionDetector
from rtaction.realtime.actions.rules import ActionRules
from rtaction.realtime.outputs.drawn.drawing import Drawing
from rtaction.realtime.outputs.drawn.drawn_source import DrawnSource
from rtaction.realtime.watching.stats import WatchStats
from tests.realtime.conftest import prediction_of

SPEC = ModelSpec(("wave", "clap", "nothing"), 5, 1.0, 8, 8, background_label="nothing")


@pytest.mark.parametrize(
    ("counting", "shown"), [(None, ("wave",)), ({"wave"}, ("wave",)), ({"clap"}, ()), ((), ())]
)
def test_a_label_that_makes_no_event_here_is_not_shown_as_one(
    monkeypatch: pytest.MonkeyPatch, counting: Collection[str] | None, shown: tuple[str, ...]
) -> None:
    taken = []
    monkeypatch.setattr(DrawnSource, "take", lambda self, _, actions: taken.append(actions))
    drawing = Drawing(SPEC, {"test": True}, WatchStats(), device="CPU", screen=None, save=None)
    detector = ActionDetector(ActionRules.for_model(SPEC), SPEC)
    prediction = prediction_of(SPEC, (0.9, 0.05, 0.05))
    detector.see(prediction, counting)
    drawing.prediction(prediction, detector)
    assert taken == [shown]
