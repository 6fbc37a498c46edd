"""Scores of overlapping windows become actions that start once and end once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtaction.errors import UsageError
from rtaction.model_spec import ModelSpec
from rtaction.prediction import Prediction
from rtaction.realtime.actions.detector import ActionDetector, ActionEvent
from rtaction.realtime.actions.rules import ActionRule, ActionRules
from rtaction.sampling import TIME_TOLERANCE_SECONDS
from tests.realtime.conftest import prediction_of

SPEC = ModelSpec(("wave", "clap", "nothing"), 5, 1.0, 8, 8, background_label="nothing")
STRIDE_SECONDS = 0.25
RULE = ActionRule(enter=0.75, exit=0.5, min_seconds=0.5, cooldown_seconds=0.0)
RULES = ActionRules(RULE, smoothing_seconds=0.0)

Scores = tuple[float, float, float]
# Upper case: enough to enter. Lower case: enough to stay.
SCORES: dict[str, Scores] = {
    "W": (0.875, 0.0625, 0.0625),
    "w": (0.5, 0.25, 0.25),
    "C": (0.125, 0.75, 0.125),
    "V": (0.5, 0.8125, 0.0),  # both, the clap ahead
    "U": (0.8125, 0.75, 0.0),  # both, the wave ahead
    "E": (0.75, 0.75, 0.0),  # both alike
    "b": (0.5, 0.0, 0.625),  # the background ahead
    "N": (0.75, 0.0, 0.875),  # the background ahead of what would enter
    ".": (0.125, 0.125, 0.75),
}


def window(middle_seconds: float, scores: Iterable[float], spec: ModelSpec = SPEC) -> Prediction:
    """A window of one second."""
    return prediction_of(
        spec, scores, start_seconds=middle_seconds - 0.5, end_seconds=middle_seconds + 0.5
    )


def events_of(
    detector: ActionDetector, times_seconds: Sequence[float], scores: Sequence[Scores]
) -> list[ActionEvent]:
    """All that a detector tells of a whole source."""
    told = []
    for seconds, one in zip(times_seconds, scores, strict=True):
        told += detector.see(window(seconds, one))
    return told + detector.finish()


def ended(events: Iterable[ActionEvent]) -> list[ActionEvent]:
    """The events that are over."""
    return [event for event in events if event.end_seconds is not None]


def spans(letters: str, rules: ActionRules) -> list[tuple[str, int, int]]:
    """Label, first and last window of each event that `letters` make."""
    times = [number * STRIDE_SECONDS for number in range(len(letters))]
    events = events_of(ActionDetector(rules, SPEC), times, [SCORES[letter] for letter in letters])
    return [
        (e.label, round(e.start_seconds / STRIDE_SECONDS), round(e.end_seconds / STRIDE_SECONDS))
        for e in events
        if e.end_seconds is not None
    ]


@pytest.mark.parametrize(
    ("letters", "expected"),
    [
        ("", []),
        ("......", []),
        ("WWW", [("wave", 0, 2)]),
        ("..WWWW..", [("wave", 2, 5)]),
        # Flicker, and blips shorter than min_seconds.
        ("WW....", []),
        ("W.W.W.W.", []),
        ("WWCCWWCC", []),
        # Hysteresis.
        ("wwwwww", []),
        ("wwWwwww.", [("wave", 2, 6)]),
        ("Www.", [("wave", 0, 2)]),
        # The background neither makes an event nor ends one, but it keeps others out.
        ("WWWbb..", [("wave", 0, 4)]),
        ("NNNNN", []),
        # One action after the other, with and without both at once.
        ("WWWCCC", [("wave", 0, 2), ("clap", 3, 5)]),
        ("WWWUUU", [("wave", 0, 5)]),
        ("WWWVVV", [("wave", 0, 2), ("clap", 3, 5)]),
        ("WWWVVWW.", [("wave", 0, 6)]),
        ("WWWVV...", [("wave", 0, 2)]),
        ("WWWVUVV.", [("wave", 0, 4)]),
        ("CCCEEE", [("clap", 0, 5)]),
        ("WWWVVCC.", [("wave", 0, 2), ("clap", 3, 6)]),
        # Twice the same.
        ("WWW.WWW", [("wave", 0, 2), ("wave", 4, 6)]),
    ],
)
def test_events(letters: str, expected: list[tuple[str, int, int]]) -> None:
    assert spans(letters, RULES) == expected


@pytest.mark.parametrize(
    ("letters", "expected"),
    [
        ("WWW.WWWWWWWW.", [("wave", 0, 2), ("wave", 6, 11)]),
        ("WWW.WWWW...", [("wave", 0, 2)]),
        ("WWW...WWW", [("wave", 0, 2), ("wave", 6, 8)]),
        ("WWW.CCC", [("wave", 0, 2), ("clap", 4, 6)]),
        ("WWWCCCWWWWWW", [("wave", 0, 2), ("clap", 3, 5), ("wave", 6, 11)]),
        # What rests keeps others out that are behind it.
        ("WWW.UUU", [("wave", 0, 2)]),
    ],
)
def test_a_label_rests_after_its_event(letters: str, expected: list[tuple[str, int, int]]) -> None:
    assert spans(letters, ActionRules(replace(RULE, cooldown_seconds=1.0), {}, 0.0)) == expected


@pytest.mark.parametrize(
    ("min_seconds", "expected"),
    [
        (0.0, [("wave", 1, 1), ("clap", 3, 4), ("wave", 6, 8)]),
        (0.25, [("clap", 3, 4), ("wave", 6, 8)]),
        (0.5, [("wave", 6, 8)]),
        (0.75, []),
    ],
)
def test_min_seconds(min_seconds: float, expected: list[tuple[str, int, int]]) -> None:
    rules = ActionRules(replace(RULE, min_seconds=min_seconds), {}, 0.0)

    assert spans(".W.CC.WWW.", rules) == expected


def test_a_label_has_a_rule_of_its_own() -> None:
    rules = replace(RULES, by_label={"clap": replace(RULE, enter=1.0), "wave": RULE})

    assert spans("WWW.CCC", rules) == [("wave", 0, 2)]


def test_the_start_is_told_when_it_is_sure_and_the_end_once() -> None:
    detector = ActionDetector(RULES, SPEC)
    told = [
        detector.see(window(100 + 0.25 * n, SCORES[letter])) for n, letter in enumerate(".WwWW..")
    ]

    start = ActionEvent("test", "wave", 100.25, None, 0.875, 1)
    end = ActionEvent("test", "wave", 100.25, 101.0, 0.875, 1)
    assert told == [[], [], [], [start], [], [end], []]
    assert detector.finish() == []


def test_an_event_gives_way_in_one_answer() -> None:
    detector = ActionDetector(RULES, SPEC)
    for n, letter in enumerate("WWWVV"):
        detector.see(window(0.25 * n, SCORES[letter]))
    assert detector.ongoing == (ActionEvent("test", "wave", 0.0, None, 0.875, 1),)

    told = detector.see(window(1.25, SCORES["V"]))

    assert told == [
        ActionEvent("test", "wave", 0.0, 0.5, 0.875, 1),
        ActionEvent("test", "clap", 0.75, None, 0.8125, 2),
    ]
    assert detector.ongoing == (told[1],)


def test_ongoing_and_smoothed() -> None:
    detector = ActionDetector(RULES, SPEC)
    assert (detector.ongoing, detector.smoothed) == ((), None)

    detector.see(window(0.0, SCORES["W"]))
    smoothed, ongoing = detector.smoothed, detector.ongoing
    assert ongoing == ()
    assert smoothed is not None
    assert smoothed.dtype == np.float32
    assert smoothed.tolist() == [0.875, 0.0625, 0.0625]

    detector.see(window(0.5, SCORES["W"]))
    assert detector.ongoing == (ActionEvent("test", "wave", 0.0, None, 0.875, 1),)


def test_a_source_that_is_one_short_action() -> None:
    """Else a clip hardly longer than a window would never have an event."""
    detector = ActionDetector(RULES, SPEC)
    for seconds in (0.0, 0.25):
        assert detector.see(window(seconds, SCORES["W"])) == []

    assert detector.finish() == [
        ActionEvent("test", "wave", 0.0, None, 0.875, 1),
        ActionEvent("test", "wave", 0.0, 0.25, 0.875, 1),
    ]


@pytest.mark.parametrize("before", [".", "gap"])
def test_a_short_action_at_the_end_of_more_is_none(before: str) -> None:
    detector = ActionDetector(RULES, SPEC)
    detector.see(window(0.0, SCORES["." if before == "." else "W"]))
    for seconds in (5.0, 5.25) if before == "gap" else (0.25, 0.5):
        assert detector.see(window(seconds, SCORES["W"])) == []

    assert detector.finish() == []


def test_an_interruption_ends_what_goes_on() -> None:
    detector = ActionDetector(RULES, SPEC)
    detector.see(window(0.0, SCORES["W"]))
    detector.see(window(0.5, SCORES["W"]))

    assert detector.interrupt() == [ActionEvent("test", "wave", 0.0, 0.5, 0.875, 1)]
    assert (detector.ongoing, detector.smoothed) == ((), None)
    assert detector.interrupt() == []


def test_an_interruption_forgets_what_was_not_sure() -> None:
    detector = ActionDetector(RULES, SPEC)
    detector.see(window(0.0, SCORES["W"]))
    detector.see(window(0.25, SCORES["W"]))
    assert detector.interrupt() == []

    assert detector.see(window(0.5, SCORES["W"])) == []
    assert detector.see(window(1.0, SCORES["W"])) == [
        ActionEvent("test", "wave", 0.5, None, 0.875, 1)
    ]


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        (".W", []),
        (".WW", [("wave", 0.25, 0.5)]),
        (".W.", []),
        ("WWWCC", [("wave", 0.0, 0.5), ("clap", 0.75, 1.0)]),
    ],
)
def test_half_of_the_least_time_is_enough_for_who_is_seen_no_longer(
    scores: str, expected: list[tuple[str, float, float]]
) -> None:
    detector = ActionDetector(RULES, SPEC, stride_seconds=STRIDE_SECONDS)
    told = []
    for number, one in enumerate(scores):
        told += detector.see(window(number * STRIDE_SECONDS, SCORES[one]))
    told += detector.leave()
    assert [(e.label, e.start_seconds, e.end_seconds) for e in ended(told)] == expected
    assert detector.leave() == []


def test_an_interruption_starts_the_mean_anew() -> None:
    detector = ActionDetector(replace(RULES, smoothing_seconds=5.0), SPEC)
    for number in range(4):
        detector.see(window(0.25 * number, SCORES["."]))
    detector.interrupt()
    detector.see(window(1.0, SCORES["W"]))

    assert detector.smoothed is not None
    assert detector.smoothed.tolist() == list(SCORES["W"])


@pytest.mark.parametrize(
    ("times", "stride_seconds", "expected"),
    [
        # A clip is 1 s and its stride 0.25 s, so 1.25 s is the longest gap.
        ([0.0, 0.5, 1.75, 2.0], None, [(0.0, 2.0)]),
        ([0.0, 0.5, 1.875, 2.375], None, [(0.0, 0.5), (1.875, 2.375)]),
        ([0.0, 0.5, 1.875, 2.125], None, [(0.0, 0.5)]),
        ([0.0, 2.0, 4.0, 6.0], None, []),
        ([0.0, 2.0, 4.0, 6.0], 2.0, [(0.0, 6.0)]),
        # Time that runs backwards.
        ([8.0, 8.5, 1.0, 1.5], None, [(8.0, 8.5), (1.0, 1.5)]),
        # Time that stands still, as with a camera slower than the stride.
        ([0.0, 0.0, 0.25, 0.25, 0.5, 0.5], None, [(0.0, 0.5)]),
        # Irregular times.
        ([0.0, 0.0625, 0.125, 0.5, 1.25, 1.3125], None, [(0.0, 1.3125)]),
    ],
)
def test_gaps(
    times: list[float], stride_seconds: float | None, expected: list[tuple[float, float]]
) -> None:
    detector = ActionDetector(RULES, SPEC, stride_seconds=stride_seconds)
    events = ended(events_of(detector, times, [SCORES["W"]] * len(times)))

    assert [(event.start_seconds, event.end_seconds) for event in events] == expected
    assert [event.number for event in events] == list(range(1, len(events) + 1))


def test_a_label_rests_through_an_interruption_but_not_on_another_clock() -> None:
    rules = ActionRules(replace(RULE, cooldown_seconds=60.0), {}, 0.0)
    times = [8.0, 8.5, 20.0, 20.5, 1.0, 1.5]

    events = ended(events_of(ActionDetector(rules, SPEC), times, [SCORES["W"]] * 6))

    assert [event.start_seconds for event in events] == [8.0, 1.0]


@pytest.mark.parametrize(
    ("smoothing_seconds", "expected_wave"),
    [
        (0.0, [0.0, 1.0, 1.0, 0.0, 0.0, 0.0]),
        # The mean of the straight lines over the last half second, less where less is known.
        (0.5, [0.0, 0.5, 0.75, 0.75, 0.25, 0.0]),
        # Shorter than the stride: the end of the last line only.
        (0.125, [0.0, 0.75, 1.0, 0.25, 0.0, 0.0]),
        (10.0, [0.0, 0.5, 0.75, 2 / 3, 0.5, 0.4]),
    ],
)
def test_smoothing(smoothing_seconds: float, expected_wave: list[float]) -> None:
    detector = ActionDetector(replace(RULES, smoothing_seconds=smoothing_seconds), SPEC)
    smoothed = []
    for number, wave in enumerate([0.0, 1.0, 1.0, 0.0, 0.0, 0.0]):
        detector.see(window(0.25 * number, (wave, 0.0, 1 - wave)))
        assert detector.smoothed is not None
        smoothed.append(float(detector.smoothed[0]))

    assert smoothed == pytest.approx(expected_wave, abs=1e-6)


@pytest.mark.parametrize("score", [0.1, 0.3, 0.7, 0.9])
def test_a_score_that_equals_its_threshold_reaches_it(score: float) -> None:
    rules = ActionRules(ActionRule(score, score, 1.0, 0.0), {}, 0.5)
    times = 1e6 + np.cumsum(np.random.default_rng(0).uniform(0.01, 0.1, 100))
    detector = ActionDetector(rules, SPEC)

    events = ended(events_of(detector, times.tolist(), [(score, 0.0, 0.0)] * 100))

    # The last mean is taken over half a second, and speaks for the middle of it.
    ((start_seconds, end_seconds),) = [(event.start_seconds, event.end_seconds) for event in events]
    assert start_seconds == times[0]
    assert end_seconds == pytest.approx(times[-1] - 0.25, abs=1e-6)


def seen_by_windows(
    start_seconds: float, end_seconds: float, times_seconds: Sequence[float]
) -> list[Scores]:
    """Scores of windows of 1 s, by how much of each an action fills."""
    middles = np.asarray(times_seconds)
    overlap = np.minimum(middles + 0.5, end_seconds) - np.maximum(middles - 0.5, start_seconds)
    return [(wave, 0.0, 1 - wave) for wave in overlap.clip(0.0, 1.0).tolist()]


@pytest.mark.parametrize("smoothing_seconds", [0.0, 0.25, 0.5, 1.0])
@pytest.mark.parametrize("start_seconds", [2.0, 2.07, 2.13, 2.21])
def test_the_stride_makes_no_difference(smoothing_seconds: float, start_seconds: float) -> None:
    rules = ActionRules.for_model(SPEC, overrides={"smoothing_seconds": smoothing_seconds})
    found = {}
    for stride_seconds in (0.04, 0.25):
        times = np.arange(0.5, 9.0, stride_seconds).tolist()
        detector = ActionDetector(rules, SPEC, stride_seconds=stride_seconds)
        scores = seen_by_windows(start_seconds, start_seconds + 2.5, times)
        (found[stride_seconds],) = ended(events_of(detector, times, scores))

    fine, coarse = found[0.04], found[0.25]
    assert fine.end_seconds is not None
    assert coarse.end_seconds is not None
    assert abs(fine.start_seconds - coarse.start_seconds) <= 0.25
    assert abs(fine.end_seconds - coarse.end_seconds) <= 0.25
    # Smoothing makes the event known later, and its times no less true.
    assert fine.start_seconds == pytest.approx(start_seconds, abs=0.06)
    assert fine.end_seconds == pytest.approx(start_seconds + 2.5, abs=0.2)
    assert fine.peak_score == pytest.approx(coarse.peak_score, abs=0.1)


def test_smoothing_drops_one_wrong_window() -> None:
    times = (np.arange(100) * 0.04).tolist()
    scores = [SCORES["."]] * 20 + [SCORES["W"]] + [SCORES["."]] * 79
    jumpy = ActionRules(replace(RULE, min_seconds=0.0), {}, 0.0)

    assert len(ended(events_of(ActionDetector(jumpy, SPEC), times, scores))) == 1
    smooth = replace(jumpy, smoothing_seconds=0.5)
    assert events_of(ActionDetector(smooth, SPEC), times, scores) == []


def test_other_labels_are_refused() -> None:
    other = replace(SPEC, labels=("wave", "jump", "nothing"))

    with pytest.raises(ValueError, match="jump"):
        ActionDetector(RULES, SPEC).see(window(0.0, SCORES["W"], other))


@st.composite
def sources(draw: st.DrawFn) -> tuple[ActionRules, list[float], list[Scores]]:
    """Rules, times that increase, and scores."""
    unit = st.floats(0.0, 1.0, width=32)
    enter = draw(unit)
    rule = ActionRule(
        enter, enter * draw(unit), draw(st.floats(0.0, 2.0)), draw(st.floats(0.0, 2.0))
    )
    rules = ActionRules(rule, {}, draw(st.sampled_from([0.0, 0.1, 0.5, 3.0])))
    count = draw(st.integers(0, 40))
    gaps = draw(st.lists(st.floats(0.001, 1.5), min_size=count, max_size=count))
    scores = draw(st.lists(st.tuples(unit, unit, unit), min_size=count, max_size=count))
    return rules, np.cumsum(gaps).tolist(), scores


@settings(max_examples=200, deadline=None)
@given(sources())
def test_events_are_in_order_whatever_comes(
    source: tuple[ActionRules, list[float], list[Scores]],
) -> None:
    rules, times, scores = source
    told = events_of(ActionDetector(rules, SPEC), times, scores)
    middles = [((seconds - 0.5) + (seconds + 0.5)) / 2 for seconds in times]

    over = ended(told)
    assert [event.number for event in over] == list(range(1, len(over) + 1))
    for before, after in pairwise(over):
        assert before.end_seconds is not None
        assert before.end_seconds < after.start_seconds
        if before.label == after.label:
            rest_seconds = after.start_seconds - before.end_seconds
            assert rest_seconds >= rules.default.cooldown_seconds - 1e-5
    for event in over:
        assert event.end_seconds is not None
        is_single = len(middles) == 1
        is_whole_source = len(over) == 1 and (is_single or event.start_seconds == middles[0])
        lasted_seconds = event.end_seconds - event.start_seconds
        assert is_whole_source or lasted_seconds >= rules.default.min_seconds - 1e-5
        assert event.peak_score >= np.float32(rules.default.enter)
        assert event.label != "nothing"
        half_seconds = rules.smoothing_seconds / 2
        if is_single:  # which the event spans, unless its start was told at once
            is_at_once = rules.default.min_seconds <= TIME_TOLERANCE_SECONDS
            assert lasted_seconds == pytest.approx(0.0 if is_at_once else 1.0)
            continue
        for moment in (event.start_seconds, event.end_seconds):
            assert any(-1e-6 <= middle - moment <= half_seconds + 1e-6 for middle in middles)
    # Each is told twice, the start before the end, and nothing in between.
    assert [event.number for event in told] == [n for n in range(1, len(over) + 1) for _ in (1, 2)]
    assert [event.end_seconds is None for event in told] == [True, False] * len(over)


def test_rules_that_suit_a_model() -> None:
    spec = replace(SPEC, clip_seconds=2.0, threshold=0.5, label_thresholds={"clap": 0.75})

    rules = ActionRules.for_model(spec)

    assert rules.smoothing_seconds == 0.5
    assert rules.of("wave") == ActionRule(0.5, 0.35, 0.5, 2.0)
    assert rules.of("clap") == ActionRule(0.75, 0.7 * 0.75, 0.5, 2.0)
    assert rules.default == rules.of("wave")


def test_a_threshold_goes_before_the_contract() -> None:
    spec = replace(SPEC, label_thresholds={"clap": 0.75})

    rules = ActionRules.for_model(spec, threshold=0.25)

    assert (rules.of("wave").enter, rules.of("clap").enter) == (0.25, 0.25)
    assert rules.of("clap").exit == pytest.approx(0.175)


def test_overrides() -> None:
    table = {
        "smoothing_seconds": 0.25,
        "enter": 0.5,
        "cooldown_seconds": 3,
        "labels": {"wave": {"enter": 0.75, "exit": 0.25}, "clap": {"min_seconds": 1}},
    }

    rules = ActionRules.for_model(SPEC, threshold=0.9, overrides=table)

    assert rules.smoothing_seconds == 0.25
    assert rules.of("wave") == ActionRule(0.75, 0.25, 0.25, 3.0)
    assert rules.of("clap") == ActionRule(0.5, 0.35, 1.0, 3.0)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"enterr": 0.5}, r"unknown key actions\.enterr; expected one of enter, exit,"),
        (
            {"labels": {"jump": {}}},
            r"unknown key actions\.labels\.jump; expected one of wave, clap",
        ),
        ({"labels": {"nothing": {"enter": 0.5}}}, r"unknown key actions\.labels\.nothing"),
        (
            {"labels": {"wave": {"smoothing_seconds": 1}}},
            r"unknown key actions\.labels\.wave\.smoothing_seconds",
        ),
        ({"labels": [1]}, r"actions\.labels must be a table, got \[1\]"),
        ({"labels": {"wave": 0.5}}, r"actions\.labels\.wave must be a table, got 0\.5"),
        ({"enter": 1.5}, r"actions\.enter must be a score from 0 to 1, got 1\.5"),
        ({"enter": True}, r"actions\.enter must be a score from 0 to 1, got True"),
        ({"exit": "low"}, r"actions\.exit must be a score from 0 to 1, got 'low'"),
        ({"exit": float("nan")}, r"actions\.exit must be a score from 0 to 1, got nan"),
        ({"min_seconds": -1}, r"actions\.min_seconds must be seconds from 0 to 86400, got -1"),
        ({"smoothing_seconds": float("inf")}, r"actions\.smoothing_seconds must be seconds"),
        ({"exit": 0.6}, r"actions\.exit must be at most the threshold of 'wave', 0\.5; got 0\.6"),
        (
            {"enter": 0.8, "exit": 0.6, "labels": {"clap": {"enter": 0.4}}},
            r"actions\.exit must be at most actions\.labels\.clap\.enter, 0\.4; got 0\.6",
        ),
        (
            {"labels": {"wave": {"enter": 0.3, "exit": 0.4}}},
            r"labels\.wave\.exit must be at most actions\.labels\.wave\.enter, 0\.3; got 0\.4",
        ),
    ],
)
def test_overrides_that_cannot_be_meant(table: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ActionRules.for_model(SPEC, overrides=table)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((1.5, 0.5, 0.0, 0.0), "enter must be a score"),
        ((0.5, 0.75, 0.0, 0.0), r"exit must be at most enter, 0\.5; got 0\.75"),
        ((0.5, 0.5, -1.0, 0.0), "min_seconds must be seconds"),
        ((0.5, 0.5, 0.0, float("inf")), "cooldown_seconds must be seconds"),
    ],
)
def test_a_rule_that_cannot_be_meant(values: tuple[float, ...], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ActionRule(*values)


def test_a_threshold_that_cannot_be_meant() -> None:
    with pytest.raises(UsageError, match="threshold must be a score from 0 to 1, got 2"):
        ActionRules.for_model(SPEC, threshold=2.0)


class Stepped(ActionDetector):
    """A detector of windows that end one stride after another."""

    now_seconds = 0.0

    def step(self, letters: str, counting: Collection[str] | None = None) -> list[ActionEvent]:
        """What it tells of the next windows."""
        told = []
        for letter in letters:
            self.now_seconds += STRIDE_SECONDS
            told += self.see(window(self.now_seconds, SCORES[letter]), counting)
        return told


def test_a_label_that_does_not_count_here_is_no_event() -> None:
    detector = Stepped(RULES, SPEC)
    assert detector.step("WWWW", counting={"clap"}) == []
    assert not detector.counts("wave")
    assert [event.label for event in detector.step("CCCC", counting={"clap"})] == ["clap"]
    assert detector.counts("clap")
    assert not detector.counts("nothing")


def test_an_event_ends_where_it_does_not_count_any_more_and_begins_where_it_does() -> None:
    detector = Stepped(RULES, SPEC)
    (start,) = detector.step("WWWW", counting={"wave"})
    (end,) = detector.step("WWWW", counting=set())
    assert end.end_seconds == pytest.approx(4 * STRIDE_SECONDS)
    assert (end.label, end.number) == (start.label, start.number)
    (again,) = detector.step("WWWW", counting=None)
    assert again.number == 2
    assert again.start_seconds == pytest.approx(9 * STRIDE_SECONDS)


def test_what_does_not_count_still_keeps_others_from_being_the_best() -> None:
    detector = Stepped(RULES, SPEC)
    assert detector.step("UUUU", counting={"clap"}) == [], "a wave is what is seen"


def test_an_event_knows_the_zones_in_which_it_was() -> None:
    detector = ActionDetector(RULES, SPEC)
    told = []
    for number, zones in enumerate([("a",), ("a",), ("b", "a"), (), ("c",)]):
        told += detector.see(replace(window(number * STRIDE_SECONDS, SCORES["W"]), zones=zones))
    told += detector.interrupt()
    assert [event.zones for event in told] == [("a", "b"), ("a", "b", "c")]


@pytest.mark.parametrize(
    ("enter", "leave", "letters", "lasting"),
    [
        (0.95, 0.9, "WW", 0),  # below both: it ends with the next window
        (0.95, 0.8, "WW", 2),  # it would not begin, but it goes on
        (0.4, 0.3, "ww", 2),
        (0.75, 0.6, "Ww", 1),
    ],
)
def test_an_event_that_goes_on_is_held_to_new_rules(
    enter: float, leave: float, letters: str, lasting: int
) -> None:
    detector = Stepped(RULES, SPEC)
    assert len(detector.step("WWWW")) == 1
    detector.rules = ActionRules(replace(RULE, enter=enter, exit=leave), smoothing_seconds=0.0)
    told = detector.step(letters) + detector.finish()
    assert [event.end_seconds for event in told] == [pytest.approx((4 + lasting) * STRIDE_SECONDS)]


def test_new_rules_may_smooth_over_another_time() -> None:
    detector = Stepped(RULES, SPEC)
    detector.step("....")
    detector.rules = ActionRules(RULE, smoothing_seconds=1.0)
    detector.step(".W")
    assert detector.smoothed is not None
    assert detector.smoothed[0] == pytest.approx((0.125 + 0.5) / 2), "the mean since they hold"
