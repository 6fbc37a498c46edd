"""Search the thresholds with the best F1.

They fit the videos they are searched on too well, so those videos are not reported on.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from rtaction.evaluation.event_figures import mean_f1
from rtaction.evaluation.event_pairs import Event, WatchedTime
from rtaction.model_spec import ModelSpec
from rtaction.prediction import Prediction
from rtaction.realtime.actions.replay import replay
from rtaction.realtime.actions.rules import EXIT_FRACTION, ActionRules

ENTERS = tuple(round(0.30 + 0.05 * step, 2) for step in range(14))
"""Enter thresholds to try, 0.30 to 0.95."""
EXIT_FRACTIONS = (0.5, EXIT_FRACTION, 0.85, 1.0)
"""Exit thresholds to try, as fractions of the enter threshold."""
MIN_INTERVALS = 5
"""A label with fewer intervals gets no threshold of its own: it would fit them by chance."""


@dataclass(frozen=True, slots=True)
class Watched:
    """One video with its predictions and its truth.

    Args:
        predictions: those of the model, in order.
        truth: the true intervals; its events are not used.
    """

    predictions: tuple[Prediction, ...]
    truth: WatchedTime


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The result of the search.

    Args:
        enter: enter threshold of all labels.
        exit_fraction: exit threshold of all labels, as a fraction of the enter threshold.
        by_label: enter thresholds of labels that have their own.
    """

    enter: float
    exit_fraction: float
    by_label: tuple[tuple[str, float], ...] = ()

    def to_overrides(self) -> dict[str, Any]:
        """The table `[actions]`, as `ActionRules.for_model` takes it."""
        table: dict[str, Any] = self._pair(self.enter)
        if self.by_label:
            table["labels"] = {label: self._pair(enter) for label, enter in self.by_label}
        return table

    def to_toml(self) -> str:
        """The table `[actions]` for a cameras.toml."""
        lines = ["[actions]", f"enter = {self.enter:g}", f"exit = {self._exit(self.enter):g}"]
        for label, enter in self.by_label:
            values = f"enter = {enter:g}, exit = {self._exit(enter):g}"
            lines.append(f"labels.{_key(label)} = {{ {values} }}")
        return "\n".join(lines)

    def _pair(self, enter: float) -> dict[str, float]:
        return {"enter": enter, "exit": self._exit(enter)}

    def _exit(self, enter: float) -> float:
        return round(self.exit_fraction * enter, 4)


def find_events(
    predictions: Sequence[Prediction],
    rules: ActionRules,
    spec: ModelSpec,
    *,
    stride_seconds: float | None = None,
) -> tuple[Event, ...]:
    """The events in the predictions of one file, for figures; see `replay`."""
    events = []
    for one in replay(predictions, rules, spec, stride_seconds=stride_seconds):
        found = one.event
        assert found.end_seconds is not None
        events.append(
            Event(found.label, found.start_seconds, found.end_seconds, one.reported_seconds)
        )
    return tuple(events)


def with_events(
    watched: Sequence[Watched],
    rules: ActionRules,
    spec: ModelSpec,
    *,
    stride_seconds: float | None = None,
) -> list[WatchedTime]:
    """The true and the detected events of each video; see `find_events`."""
    return [
        replace(
            one.truth,
            events=find_events(one.predictions, rules, spec, stride_seconds=stride_seconds),
        )
        for one in watched
    ]


def tune_thresholds(
    watched: Sequence[Watched],
    spec: ModelSpec,
    *,
    stride_seconds: float | None = None,
) -> Thresholds:
    """Search the thresholds with the highest F1 over all events, averaged over the IoUs.

    First the enter and exit thresholds of all labels, then an enter threshold for each label that
    has `MIN_INTERVALS`. Among equally good ones, the default exit fraction and the middle enter
    threshold are chosen, as the least accidental.

    Args:
        watched: the videos to tune on.
        spec: of the model.
        stride_seconds: see `ActionDetector`.
    """

    def f1_of(thresholds: Thresholds) -> float:
        rules = ActionRules.for_model(spec, overrides=thresholds.to_overrides())
        return mean_f1(with_events(watched, rules, spec, stride_seconds=stride_seconds))

    def best(tried: Sequence[Thresholds]) -> Thresholds:
        f1s = [f1_of(one) for one in tried]
        equal = [one for one, f1 in zip(tried, f1s, strict=True) if f1 == max(f1s)]
        parts = [one.exit_fraction for one in equal]
        usual = min(parts, key=lambda part: abs(part - EXIT_FRACTION))
        equal = [one for one in equal if one.exit_fraction == usual]
        return equal[len(equal) // 2]

    found = best([Thresholds(enter, part) for part in EXIT_FRACTIONS for enter in ENTERS])
    for label in _labels_to_tune(watched):
        others = tuple(pair for pair in found.by_label if pair[0] != label)
        found = best([replace(found, by_label=(*others, (label, enter))) for enter in ENTERS])
    return found


def _labels_to_tune(watched: Sequence[Watched]) -> list[str]:
    counts = Counter(interval.label for one in watched for interval in one.truth.intervals)
    return sorted(label for label, count in counts.items() if count >= MIN_INTERVALS)


def _key(label: str) -> str:
    """A label as a TOML key; JSON strings are valid there."""
    is_bare = re.fullmatch(r"[A-Za-z0-9_-]+", label) is not None
    return label if is_bare else json.dumps(label, ensure_ascii=False)
