"""Thresholds of the model of people: high enough that made-up other movements hardly ever count."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rtaction.arrays import Float32Array
from rtaction.model_spec import ModelSpec
from rtaction.prediction import Prediction
from rtaction.realtime.actions.detector import ActionDetector
from rtaction.realtime.actions.rules import ActionRules
from rtaction.train.motions.others import other
from rtaction.train.motions.windows import film

Scorer = Callable[[Float32Array], Float32Array]
"""From joints in windows, (n, frames_per_clip, 17, 3), to scores, (n, num_labels)."""

FALSE_EVENTS_AN_HOUR = 1.0  # of each label, among people who do other things all the time
# Real people move in more ways than made ones.
ENTERS = tuple(round(0.6 + 0.05 * step, 2) for step in range(8))
_SEQUENCES, _SECONDS, _AT_ONCE = 720, 20.0, 60
_SEED = 7  # no training has it


def choose_thresholds(score: Scorer, spec: ModelSpec) -> dict[str, float]:
    """For each action, the lowest threshold with few false events.

    People hardly ever do as many things that resemble actions as in these sequences.

    Args:
        score: the trained network.
        spec: labels and times of the model.
    """
    sequences = [one for part in _sequences(spec) for one in scores_of(score, spec, part)]
    actions = [label != spec.background_label for label in spec.labels]
    hours = len(sequences) * _SECONDS / 3600
    thresholds: dict[str, float] = {}
    for enter in ENTERS:
        rules = ActionRules.for_model(spec, threshold=enter)
        reach = [one for one in sequences if one[:, actions].max() >= enter]
        false = [label for one in reach for label in events_of(one, spec, rules)]
        for label in spec.labels:
            few = false.count(label) <= FALSE_EVENTS_AN_HOUR * hours or enter == ENTERS[-1]
            if label != spec.background_label and few:
                thresholds.setdefault(label, enter)
    return thresholds


def _sequences(spec: ModelSpec) -> list[Float32Array]:
    """Joints of people who do other things: (num, num_times, 17, 3) each."""
    rng = np.random.default_rng(_SEED)
    num_times = round(_SECONDS / spec.frame_interval_seconds)
    even = np.arange(num_times, dtype=np.float32) * np.float32(spec.frame_interval_seconds)
    times = np.broadcast_to(even, (_AT_ONCE, num_times))
    return [film(rng, other(rng, times), times) for _ in range(_SEQUENCES // _AT_ONCE)]


def scores_of(score: Scorer, spec: ModelSpec, points: Float32Array) -> list[Float32Array]:
    """Scores of all windows of each sequence, (num_windows, num_labels).

    Args:
        score: the model.
        spec: its times.
        points: joints in sequences, (num, num_times, 17, 3).
    """
    size = spec.frames_per_clip
    windows = np.lib.stride_tricks.sliding_window_view(points, size, axis=1)
    windows = np.moveaxis(windows, -1, 2)  # (num, num_windows, size, 17, 3)
    return [score(np.ascontiguousarray(one)) for one in windows]


def events_of(scores: Float32Array, spec: ModelSpec, rules: ActionRules) -> list[str]:
    """The labels of the events in a sequence, from the scores of its windows."""
    detector = ActionDetector(rules, spec)
    labels = []
    for number, row in enumerate(scores):
        start = number * spec.frame_interval_seconds
        prediction = Prediction(
            scores=np.asarray(row, np.float32),
            labels=spec.labels,
            start_seconds=start,
            end_seconds=start + spec.clip_seconds,
            latency_seconds=0.0,
            source="",
            frame_age_seconds=0.0,
            frame=None,
        )
        labels += [one.label for one in detector.see(prediction) if one.end_seconds is None]
    return labels
