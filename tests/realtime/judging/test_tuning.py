"""Events of stored predictions are those of `rtaction.watch`; tuning finds the right scores."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import rtaction
from rtaction.evaluation.event_figures import mean_f1
from rtaction.evaluation.event_pairs import WatchedTime
from rtaction.evaluation.intervals import Interval
from rtaction.model_spec import ModelSpec
from rtaction.prediction import Prediction
from rtaction.realtime.actions.detector import ActionEvent
from rtaction.realtime.actions.rules import ActionRules
from rtaction.realtime.judging.tuning import (
    ENTERS,
    Thresholds,
    Watched,
    find_events,
    tune_thresholds,
    with_events,
)
from tests.realtime.conftest import prediction_of

SPEC = ModelSpec(("wave", "clap", "nothing"), 5, 1.0, 8, 8, background_label="nothing")
STRIDE_SECONDS = 0.25


def predictions_of(
    scores_at: Callable[[float], tuple[float, float]], seconds: float
) -> tuple[Prediction, ...]:
    """Windows whose scores of wave and clap are those of their middle."""
    found = []
    for end in np.arange(1.0, seconds, STRIDE_SECONDS).tolist():
        wave, clap = scores_at(end - 0.5)
        scores = (wave, clap, 1 - wave - clap)
        found.append(prediction_of(SPEC, scores, start_seconds=end - 1.0, end_seconds=end))
    return tuple(found)


def watched(
    scores_at: Callable[[float], tuple[float, float]], intervals: list[tuple[str, float, float]]
) -> Watched:
    """Two minutes."""
    truth = WatchedTime(
        Path("x.mp4"), (), tuple(Interval(*one, line=2) for one in intervals), 120.0, "x"
    )
    return Watched(predictions_of(scores_at, 120.0), truth)


def test_events_as_live_files_give_them(halves_video: Path, tiny_model: Path) -> None:
    told: list[tuple[int, ActionEvent]] = []
    predictions: list[Prediction] = []

    def on_event(one: ActionEvent) -> None:
        told.append((len(predictions), one))

    for one in rtaction.watch(halves_video, tiny_model, device="cpu", on_event=on_event):
        predictions += [one]
    spec = ModelSpec(("bright", "dark"), 5, 1.0, 8, 8)

    found = find_events(predictions, ActionRules.for_model(spec), spec)

    ended = [one for _, one in told if one.end_seconds is not None]
    assert [(one.label, one.start_seconds, one.end_seconds) for one in found] == [
        (one.label, one.start_seconds, one.end_seconds) for one in ended
    ]
    assert [one.label for one in found] == ["dark", "bright"]
    # An event is told with the window that makes it certain.
    begun_at = [number for number, one in told if one.end_seconds is None]
    assert [one.reported_seconds for one in found] == [
        predictions[number].end_seconds for number in begun_at
    ]
    assert all(one.reported_seconds > one.start_seconds for one in found)


def test_a_whole_short_file_is_one_event() -> None:
    predictions = predictions_of(lambda at: (0.8, 0.1), 1.1)

    (event,) = find_events(predictions, ActionRules.for_model(SPEC), SPEC)

    assert (event.label, event.start_seconds, event.end_seconds) == ("wave", 0.0, 1.0)
    assert event.reported_seconds == 1.0


def true_and_weak(true_score: float, weak_score: float, label: str = "wave") -> Watched:
    """An action of 4 s every 20 s, and half way between something alike with another score."""
    intervals = [(label, 20.0 * n + 2, 20.0 * n + 6) for n in range(6)]

    def scores_at(at: float) -> tuple[float, float]:
        since = at % 20.0
        score = true_score if 2 <= since < 6 else weak_score if 12 <= since < 16 else 0.05
        return (score, 0.0) if label == "wave" else (0.0, score)

    return watched(scores_at, intervals)


def test_thresholds_tell_true_from_weak() -> None:
    video = true_and_weak(0.9, 0.7)

    found = tune_thresholds([video], SPEC, stride_seconds=STRIDE_SECONDS)

    assert found.by_label[0][0] == "wave"
    assert 0.7 < found.by_label[0][1] <= 0.9
    own = ActionRules.for_model(SPEC)
    tuned = ActionRules.for_model(SPEC, overrides=found.to_overrides())
    before, after = (
        mean_f1(with_events([video], rules, SPEC, stride_seconds=STRIDE_SECONDS))
        for rules in (own, tuned)
    )
    assert before == pytest.approx(2 * 6 / 18)
    assert after == 1.0


def test_each_label_gets_its_own() -> None:
    videos = [true_and_weak(0.9, 0.75), true_and_weak(0.5, 0.3, "clap")]

    found = tune_thresholds(videos, SPEC, stride_seconds=STRIDE_SECONDS)

    by_label = dict(found.by_label)
    assert 0.75 < by_label["wave"] <= 0.9
    assert 0.3 < by_label["clap"] <= 0.5
    rules = ActionRules.for_model(SPEC, overrides=found.to_overrides())
    assert mean_f1(with_events(videos, rules, SPEC, stride_seconds=STRIDE_SECONDS)) == 1.0


def test_the_threshold_to_leave_bears_a_dip() -> None:
    def scores_at(at: float) -> tuple[float, float]:
        since = at % 20.0
        score = 0.45 if 4 <= since < 6 else 0.9 if 2 <= since < 8 else 0.75 if since >= 14 else 0.05
        return score, 0.0

    video = watched(scores_at, [("wave", 20.0 * n + 2, 20.0 * n + 8) for n in range(6)])

    found = tune_thresholds([video], SPEC, stride_seconds=STRIDE_SECONDS)

    # Above what is weaker, and half of that is below the dip.
    assert found.enter > 0.75
    assert found.exit_fraction == 0.5
    rules = ActionRules.for_model(SPEC, overrides=found.to_overrides())
    assert mean_f1(with_events([video], rules, SPEC, stride_seconds=STRIDE_SECONDS)) == 1.0


def test_a_label_with_few_intervals_gets_none() -> None:
    few = watched(lambda at: (0.9 if 2 <= at < 6 else 0.05, 0.0), [("wave", 2.0, 6.0)])

    found = tune_thresholds([few], SPEC, stride_seconds=STRIDE_SECONDS)

    assert found.by_label == ()
    # All up to 0.9 are equally good, within what smoothing leaves: the middle is taken.
    assert found.enter == pytest.approx(0.6, abs=0.051)
    assert found.enter in ENTERS
    assert found.exit_fraction == 0.7


@pytest.mark.parametrize(
    "thresholds",
    [
        Thresholds(0.5, 0.7),
        Thresholds(0.35, 0.85, (("wave", 0.95), ("clap", 0.3))),
        Thresholds(0.95, 1.0, (('say "hi", größe', 0.5),)),
    ],
)
def test_the_table_for_a_cameras_file(thresholds: Thresholds) -> None:
    labels = ("wave", "clap", 'say "hi", größe', "nothing")
    spec = ModelSpec(labels, 5, 1.0, 8, 8, background_label="nothing")

    table = tomllib.loads(thresholds.to_toml())["actions"]

    assert table == thresholds.to_overrides()
    rules = ActionRules.for_model(spec, overrides=table)
    assert rules.default.enter == thresholds.enter
    for label, enter in thresholds.by_label:
        assert rules.of(label).enter == enter
        assert rules.of(label).exit == pytest.approx(enter * thresholds.exit_fraction, abs=1e-4)


def test_each_person_has_events_of_their_own() -> None:
    """Side by side: taken for one, their scores would take turns and never make an event."""
    first = predictions_of(lambda t: (0.9 * (20 <= t < 24), 0.0), 60.0)
    second = predictions_of(lambda t: (0.0, 0.9 * (22 <= t < 26)), 40.0)
    both = [replace(one, person=1) for one in first] + [replace(one, person=2) for one in second]
    both.sort(key=lambda one: one.end_seconds)
    rules = ActionRules.for_model(SPEC)
    events = find_events(both, rules, SPEC, stride_seconds=STRIDE_SECONDS)
    apart = [
        event
        for predictions in (first, second)
        for event in find_events(predictions, rules, SPEC, stride_seconds=STRIDE_SECONDS)
    ]
    assert [event.label for event in events] == ["wave", "clap"]
    assert list(events) == apart
