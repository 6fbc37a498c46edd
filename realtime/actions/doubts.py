"""Moments in which a model is unsure which of two labels it sees, or is told that it was wrong.

Margin sampling: the examples whose two most likely labels are nearest to each other are those
whose true label teaches a model most (Scheffer, Decomain and Wrobel, "Active Hidden Markov Models
for Information Extraction", IDA 2001; Settles, "Active Learning Literature Survey", 2009, 3.1).
From one action to the next the scores always cross, so only what lasts counts.

All decisions use the times of the windows. This module knows nothing about frames or files.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from rtaction.prediction import Box, Prediction
from rtaction.sampling import TIME_TOLERANCE_SECONDS

Why = Literal["unsure", "wrong"]
"""Why a moment is kept: the model was unsure, or a person said that it was wrong."""


@dataclass(frozen=True, slots=True)
class DoubtRule:
    """When a model counts as unsure.

    Args:
        margin: the two highest scores lie closer than this, 0 to 1. Default 0.2.
        lasting_seconds: for this long, from the middle of the first such window to that of the
            last. Default 0.3.
        rest_seconds: shortest time from the end of one moment to that of the next. Default 10.0.
    """

    margin: float = 0.2
    lasting_seconds: float = 0.3
    rest_seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class Doubt:
    """A moment whose true label is worth knowing.

    Args:
        source: display name of the source.
        why: "unsure" or "wrong".
        top: the two highest smoothed scores with their labels, best first; one if there is only
            one label.
        start_seconds: start of its first window, on the source's clock.
        end_seconds: end of its last window.
        number: count of the source's moments, from 1.
        person: id of who is meant. Default None: the model sees whole pictures.
        box: where they were last seen. Default None.
    """

    source: str
    why: Why
    top: tuple[tuple[str, float], ...]
    start_seconds: float
    end_seconds: float
    number: int
    person: int | None = None
    box: Box | None = None


class Doubts:
    """Finds the doubts about all sources of a run, about each person apart.

    Windows that do not touch are not of one moment.

    Args:
        rule: when a model counts as unsure. Default: `DoubtRule()`.
    """

    def __init__(self, rule: DoubtRule | None = None) -> None:
        self._rule = rule or DoubtRule()
        self._watched: dict[tuple[str, int | None], _Watched] = {}
        self._numbers = Counter[str]()

    def see(self, prediction: Prediction, smoothed: npt.NDArray[Any]) -> Doubt | None:
        """Take the next window.

        Args:
            prediction: of the window.
            smoothed: the smoothed scores at its time, shape (num_labels,).

        Returns:
            The moment that is now known to be unsure, if any.
        """
        key = prediction.source, prediction.person
        one = self._watched.get(key)
        is_next = one is not None and one.is_followed_by(prediction)
        if one is None or prediction.end_seconds < one.prediction.end_seconds:
            one = self._watched[key] = _Watched(prediction, smoothed)
        one.prediction, one.smoothed = prediction, smoothed
        if not is_next:
            one.unsure_since = None
        is_rested = prediction.end_seconds - one.kept_seconds >= self._rule.rest_seconds
        if not (is_rested and self._is_unsure(smoothed)):
            one.unsure_since = None
            return None
        if one.unsure_since is None:
            one.unsure_since = prediction
        lasted_seconds = _middle_seconds(prediction) - _middle_seconds(one.unsure_since)
        if lasted_seconds + TIME_TOLERANCE_SECONDS < self._rule.lasting_seconds:
            return None
        return self._doubt(one, one.unsure_since.start_seconds, "unsure")

    def wrong(self) -> list[Doubt]:
        """A person says that what is shown now is wrong.

        Returns:
            The last window of each source, or of each person who is there; none twice.
        """
        return [
            self._doubt(one, one.prediction.start_seconds, "wrong")
            for one in self._watched.values()
            if one.said_wrong_seconds < one.prediction.end_seconds
        ]

    def leave(self, source: str, person: int | None) -> None:
        """Forget somebody who has left."""
        self._watched.pop((source, person), None)

    def _is_unsure(self, smoothed: npt.NDArray[Any]) -> bool:
        if len(smoothed) < 2:
            return False
        second, first = np.partition(smoothed.astype(np.float64), -2)[-2:]
        return bool(first - second < self._rule.margin)

    def _doubt(self, one: _Watched, start_seconds: float, why: Why) -> Doubt:
        last = one.prediction
        one.kept_seconds = last.end_seconds
        one.unsure_since = None
        if why == "wrong":
            one.said_wrong_seconds = last.end_seconds
        self._numbers[last.source] += 1
        order = np.argsort(-one.smoothed, kind="stable")[:2]
        top = tuple((last.labels[i], float(one.smoothed[i])) for i in order)
        return Doubt(
            last.source,
            why,
            top,
            start_seconds,
            last.end_seconds,
            self._numbers[last.source],
            last.person,
            last.box,
        )


@dataclass(slots=True)
class _Watched:
    """What is known of one source, or of one person."""

    prediction: Prediction
    smoothed: npt.NDArray[Any]
    unsure_since: Prediction | None = None
    kept_seconds: float = -math.inf
    said_wrong_seconds: float = -math.inf

    def is_followed_by(self, prediction: Prediction) -> bool:
        """Whether a window is no earlier than the last one, and touches it."""
        last = self.prediction
        return (
            last.end_seconds <= prediction.end_seconds
            and prediction.start_seconds <= last.end_seconds + TIME_TOLERANCE_SECONDS
        )


def _middle_seconds(prediction: Prediction) -> float:
    return (prediction.start_seconds + prediction.end_seconds) / 2
