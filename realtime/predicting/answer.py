"""What a model says of one video."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import numpy as np

from rtaction.model_spec import ModelSpec
from rtaction.realtime.actions.replay import replay
from rtaction.realtime.actions.rules import ActionRules
from rtaction.realtime.judging.watched import Judged, of_main_person

DIGITS = 4  # of scores
SECOND_DIGITS = 3


@dataclass(frozen=True, slots=True)
class Span:
    """An event in a video.

    Args:
        label: the action.
        start_seconds, end_seconds: from the video's first frame.
        score: the highest of its smoothed scores.
        person: id of who did it; None if the model sees whole pictures.
    """

    label: str
    start_seconds: float
    end_seconds: float
    score: float
    person: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model says of one video.

    Args:
        path: the video, as it was given.
        scores: mean score of each label over all windows, highest first; of a model of people, over
            those of the main person. Empty if there is a `problem`.
        spans: the events in it, in the order of their starts.
        duration_seconds: length of what could be decoded; 0.0 if nothing could.
        is_short: whether it is shorter than a window, so that the answer is less sure.
        problem: why there is no answer, for a person; "" if there is one.
    """

    path: PurePath
    scores: tuple[tuple[str, float], ...]
    spans: tuple[Span, ...]
    duration_seconds: float
    is_short: bool = False
    problem: str = ""

    @property
    def label(self) -> str:
        """The label with the highest mean score; "" if there is a problem."""
        return self.scores[0][0] if self.scores else ""

    @property
    def score(self) -> float | None:
        """Its mean score; None if there is a problem."""
        return self.scores[0][1] if self.scores else None

    def to_dict(self, *, top: int) -> dict[str, Any]:
        """For JSON.

        Args:
            top: how many labels to give with their scores.
        """
        return {
            "video": str(self.path),
            "label": self.label or None,
            "score": self.score,
            "top": [{"label": label, "score": score} for label, score in self.scores[:top]],
            "events": [
                {
                    "label": one.label,
                    "start_seconds": one.start_seconds,
                    "end_seconds": one.end_seconds,
                    "score": one.score,
                }
                | ({} if one.person is None else {"person": one.person})
                for one in self.spans
            ],
            "duration_seconds": self.duration_seconds,
            "is_short": self.is_short,
            "problem": self.problem or None,
        }


def answer_of(
    judged: Judged, spec: ModelSpec, *, stride_seconds: float | None, is_short: bool
) -> Answer:
    """Sum up the predictions for a video.

    Args:
        judged: the predictions.
        spec: of the model.
        stride_seconds: time from one window to the next. None: the frame interval of a clip.
        is_short: see `Answer`.
    """
    duration = round(judged.duration_seconds, SECOND_DIGITS)
    if not judged.predictions:
        return Answer(judged.path, (), (), duration, problem=judged.problem)
    of_main = of_main_person(judged).predictions
    means = np.mean([one.scores for one in of_main], axis=0)
    order = np.argsort(-means, kind="stable")
    scores = tuple((spec.labels[n], round(float(means[n]), DIGITS)) for n in order)
    spans = _spans_of(judged, spec, stride_seconds)
    return Answer(judged.path, scores, tuple(spans), duration, is_short)


def _spans_of(judged: Judged, spec: ModelSpec, stride_seconds: float | None) -> list[Span]:
    rules = ActionRules.for_model(spec)
    spans = []
    for reported in replay(judged.predictions, rules, spec, stride_seconds=stride_seconds):
        one = reported.event
        assert one.end_seconds is not None
        start, end = (
            round(max(seconds, 0.0), SECOND_DIGITS)
            for seconds in (one.start_seconds, one.end_seconds)
        )
        spans.append(Span(one.label, start, end, round(one.peak_score, DIGITS), one.person))
    return sorted(spans, key=lambda one: (one.start_seconds, one.end_seconds))
