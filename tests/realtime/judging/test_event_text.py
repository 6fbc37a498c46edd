"""What is printed of events: every figure there, nothing wider than 100 columns."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from rtaction.evaluation.event_figures import event_figures
from rtaction.evaluation.event_pairs import Event, WatchedTime
from rtaction.evaluation.intervals import Interval
from rtaction.realtime.judging.event_text import event_lines
from rtaction.realtime.judging.events import EventEvaluation, Tuning
from rtaction.realtime.judging.text import MAX_COLUMNS
from rtaction.realtime.judging.tuning import Thresholds
from rtaction.realtime.judging.watched import Judged

LONG = "an action with a very long name indeed"


@pytest.fixture
def found() -> EventEvaluation:
    watched = WatchedTime(
        Path("x.mp4"),
        (Event("wave", 10.5, 20.0, 11.5), Event("wave", 50.0, 51.0, 52.0)),
        (Interval("wave", 10.0, 20.0, 2), Interval(LONG, 1.0, 2.0, 3)),
        900.0,
        "x",
    )
    return EventEvaluation(
        figures=event_figures([watched], ("wave", LONG), grouped=False),
        watched=(watched,),
        ignored_intervals={"dance": 3},
        problems=(Judged(Path("bad.mp4"), (), 0.0, "cannot be read"),),
        notes=("line 9: is odd",),
        tuning=None,
    )


def test_all_is_told(found: EventEvaluation) -> None:
    lines = event_lines(found, grouped=False)

    text = "\n".join(lines)
    for part in (
        "1 video watched, 15.0 minutes, 2 actions, 2 events found",
        "not judged: bad.mp4: cannot be read",
        "line 9: is odd",
        "left out, as the model cannot find 'dance': 3 intervals",
        "wave                           1       2  0.3  0.50 (0.09-0.91)  1.00 (0.21-1.00)  0.67",
        "an action with a very l…       1       0  0.3  -                 0.00 (0.00-0.79)  0.00",
        "wave                      4.0 (0.7-22.7)          +1.50 s, +1.50 s        +0.50 s",
        "without --group each event counts as independent",
    ):
        assert part in text
    assert max(map(len, lines)) <= MAX_COLUMNS
    assert "[actions]" not in text


def test_what_tuning_came_to(found: EventEvaluation) -> None:
    thresholds = Thresholds(0.6, 0.7, (("wave", 0.8),))
    tuning = Tuning(thresholds, 4, 20, found.figures[1], found.figures[2])

    lines = event_lines(replace(found, tuning=tuning), grouped=True)

    text = "\n".join(lines)
    assert "thresholds tuned on 4 other videos with 20 actions" in text
    assert "F1 at IoU 0.5 there: 0.67 (" in text
    assert "F1 at IoU 0.5 here before tuning: 0.00 (" in text
    assert "over 1 group; over fewer than 10 groups they are too narrow" in text
    table = "\n".join(lines[lines.index("[actions]") :])
    assert tomllib.loads(table)["actions"] == thresholds.to_overrides()
    assert max(map(len, lines)) <= MAX_COLUMNS
