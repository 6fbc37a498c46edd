"""Overlapping windows become stretches of time that neither overlap nor leave holes."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from rtaction.model_spec import ModelSpec
from rtaction.prediction import Prediction
from rtaction.realtime.actions.detector import ActionEvent
from rtaction.realtime.outputs.drawn.timeline import Segment, actions_to_segments, to_segments
from tests.realtime.conftest import prediction_of

SPEC = ModelSpec(("wave", "clap", "nothing"), 5, 1.0, 8, 8, background_label="nothing")
WAVE, CLAP, NOTHING, UNSURE = (
    (0.75, 0.25, 0.0),
    (0.25, 0.75, 0.0),
    (0.0, 0.25, 0.75),
    (0.375, 0.375, 0.25),
)
Scores = tuple[float, float, float]


def windows(*scores: Scores, stride_seconds: float = 0.5) -> list[Prediction]:
    """Windows of one second."""
    return [
        prediction_of(
            SPEC, one, start_seconds=n * stride_seconds, end_seconds=n * stride_seconds + 1.0
        )
        for n, one in enumerate(scores)
    ]


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([], []),
        ([WAVE], [Segment("wave", 0.0, 1.0, 0.75)]),
        ([NOTHING], [Segment(None, 0.0, 1.0, 0.0)]),
        ([WAVE, WAVE, WAVE], [Segment("wave", 0.0, 2.0, 0.75)]),
        ([NOTHING, UNSURE], [Segment(None, 0.0, 1.5, 0.0)]),
        # The middles are at 0.5, 1.0 and so on; the border is half way between two of them.
        ([WAVE, CLAP], [Segment("wave", 0.0, 0.75, 0.75), Segment("clap", 0.75, 1.5, 0.75)]),
        (
            [NOTHING, WAVE, WAVE, UNSURE],
            [
                Segment(None, 0.0, 0.75, 0.0),
                Segment("wave", 0.75, 1.75, 0.75),
                Segment(None, 1.75, 2.5, 0.0),
            ],
        ),
        (
            [WAVE, CLAP, WAVE],
            [
                Segment("wave", 0.0, 0.75, 0.75),
                Segment("clap", 0.75, 1.25, 0.75),
                Segment("wave", 1.25, 2.0, 0.75),
            ],
        ),
    ],
)
def test_segments(scores: list[Scores], expected: list[Segment]) -> None:
    assert to_segments(windows(*scores), SPEC) == expected


def test_the_peak_is_the_highest_score() -> None:
    (segment,) = to_segments(windows(WAVE, (0.875, 0.125, 0.0), WAVE), SPEC)

    assert segment.peak_score == 0.875


@pytest.mark.parametrize("seed", range(5))
def test_segments_join_without_holes(seed: int) -> None:
    random = np.random.default_rng(seed)
    choices = [WAVE, CLAP, NOTHING, UNSURE]
    scores = [choices[i] for i in random.integers(0, 4, 50)]

    segments = to_segments(windows(*scores, stride_seconds=0.1), SPEC)

    assert len(segments) > 10
    assert segments[0].start_seconds == 0.0
    assert segments[-1].end_seconds == pytest.approx(5.9)
    for before, after in pairwise(segments):
        assert before.end_seconds == after.start_seconds
        assert before.start_seconds < before.end_seconds
        assert before.label != after.label


def test_actions_and_what_is_between_them() -> None:
    events = [
        ActionEvent("0", "wave", 1.0, None, 0.5, 1),
        ActionEvent("0", "wave", 1.0, 2.5, 0.75, 1),
        ActionEvent("0", "clap", 2.5, 4.0, 0.625, 2),
        ActionEvent("0", "wave", 5.0, None, 0.5, 3),
    ]

    assert actions_to_segments(events, end_seconds=6.0) == [
        Segment(None, 0.0, 1.0, 0.0),
        Segment("wave", 1.0, 2.5, 0.75),
        Segment("clap", 2.5, 4.0, 0.625),
        Segment(None, 4.0, 6.0, 0.0),
    ]
    assert actions_to_segments(events[:2], end_seconds=2.5)[-1].label == "wave"
    assert actions_to_segments([], end_seconds=0.0) == []
