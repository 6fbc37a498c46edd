"""Events paired with intervals, by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from rtaction.evaluation.event_pairs import Event, WatchedTime, match_events, temporal_iou
from rtaction.evaluation.intervals import Interval

Span = tuple[float, float]


def event(span: Span, label: str = "wave") -> Event:
    return Event(label, *span, reported_seconds=span[0] + 0.5)


def interval(span: Span, label: str = "wave") -> Interval:
    return Interval(label, *span, line=2)


def watched(events: list[Event], intervals: list[Interval]) -> WatchedTime:
    return WatchedTime(Path("x.mp4"), tuple(events), tuple(intervals), 60.0, "x")


@pytest.mark.parametrize(
    ("found", "true", "expected"),
    [
        ((1, 3), (1, 3), 1.0),
        ((1, 3), (2, 4), 1 / 3),
        ((1, 5), (2, 4), 0.5),
        ((2, 4), (1, 5), 0.5),
        ((1, 2), (2, 4), 0.0),
        ((1, 2), (3, 4), 0.0),
        ((3, 3), (2, 4), 0.0),  # of a single window
    ],
)
def test_intersection_over_union(found: Span, true: Span, expected: float) -> None:
    assert temporal_iou(event(found), interval(true)) == pytest.approx(expected)


def test_the_best_fit_goes_first() -> None:
    # The second event fits both intervals, and the first of them best.
    pairs = match_events(
        watched([event((0, 2)), event((2, 6))], [interval((1, 5)), interval((5, 6))])
    )

    assert [(pair.event, pair.interval) for pair in pairs] == [
        (event((2, 6)), interval((1, 5))),
        (event((0, 2)), None),
        (None, interval((5, 6))),
    ]
    assert [pair.iou for pair in pairs] == pytest.approx([3 / 5, 0, 0])
    # The first event overlaps an interval: an event too many, but no false alarm.
    assert [pair.is_false_alarm for pair in pairs] == [False, False, False]


@pytest.mark.parametrize(
    ("found", "is_false_alarm"),
    [
        (event((8, 9)), True),
        (event((1, 2), "clap"), True),
        (event((1.5, 1.5)), False),  # one window, within the interval
        (event((6, 6)), True),
    ],
)
def test_false_alarms(found: Event, is_false_alarm: bool) -> None:
    pairs = match_events(watched([found], [interval((1, 5))]))
    assert [pair.is_false_alarm for pair in pairs if pair.event] == [is_false_alarm]
    assert len(pairs) == 2


def test_each_is_used_once() -> None:
    pairs = match_events(watched([event((0, 4)), event((0.1, 4))], [interval((0, 4))]))
    assert [pair.event for pair in pairs] == [event((0, 4)), event((0.1, 4))]
    assert [pair.interval is not None for pair in pairs] == [True, False]


def test_nothing_happens() -> None:
    assert match_events(watched([], [])) == []


def test_json() -> None:
    told = watched([event((0, 4))], [interval((1, 5))]).to_dict()
    assert told["events"] == [
        {"label": "wave", "start_seconds": 0, "end_seconds": 4, "told_seconds": 0.5}
    ]
    assert told["intervals"] == [{"label": "wave", "start_seconds": 1, "end_seconds": 5}]
    assert (told["path"], told["group"], told["duration_seconds"]) == ("x.mp4", "x", 60.0)
