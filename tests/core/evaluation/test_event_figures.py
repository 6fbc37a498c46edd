"""Figures of events, by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from rtaction.evaluation.estimate import rate, wilson
from rtaction.evaluation.event_figures import event_figures, mean_f1
from rtaction.evaluation.event_pairs import Event, WatchedTime
from rtaction.evaluation.intervals import Interval

HALF_AN_HOUR = 1800.0


def watched(
    events: list[tuple[str, float, float]],
    intervals: list[tuple[str, float, float]],
    group: str = "x",
) -> WatchedTime:
    """Half an hour; each event is told two seconds after the start that it names."""
    return WatchedTime(
        Path("x.mp4"),
        tuple(Event(*one, reported_seconds=one[1] + 2.0) for one in events),
        tuple(Interval(*one, line=2) for one in intervals),
        HALF_AN_HOUR,
        group,
    )


EXAMPLE = watched(
    [
        ("wave", 10.0, 20.0),  # IoU 1
        ("wave", 31.0, 40.0),  # 9 of 10 seconds
        ("wave", 55.0, 60.0),  # half
        ("wave", 100.0, 101.0),  # a false alarm
        ("clap", 10.0, 20.0),  # and another
    ],
    [("wave", 10.0, 20.0), ("wave", 30.0, 40.0), ("wave", 50.0, 60.0), ("clap", 500.0, 510.0)],
)


def test_a_worked_example() -> None:
    every, wave, clap, hop = event_figures([EXAMPLE], ["wave", "clap", "hop"], grouped=False)

    assert [one.label for one in (every, wave, clap, hop)] == ["", "wave", "clap", "hop"]
    assert (every.num_events, every.num_intervals) == (5, 4)
    assert {iou: (fit.precision.value, fit.recall.value) for iou, fit in every.at_iou.items()} == {
        0.3: (3 / 5, 3 / 4),
        0.5: (3 / 5, 3 / 4),
        0.7: (2 / 5, 2 / 4),
    }
    assert every.at_iou[0.7].f1.value == pytest.approx(2 * 2 / (5 + 4))
    precision = wave.at_iou[0.7].precision
    assert (precision.value, precision.count) == (2 / 4, 4)
    assert (precision.low, precision.high) == wilson(0.5, 4)
    assert clap.at_iou[0.3].precision.value == clap.at_iou[0.3].f1.value == 0.0
    assert not hop.at_iou[0.3].f1.is_defined
    assert hop.false_alarms_an_hour.value == 0.0
    assert every.false_alarms_an_hour == rate([2], [0.5], clustered=False)
    assert wave.false_alarms_an_hour.value == 2.0
    # Starts are named 0, 1 and 5 s late, and told 2 s after that.
    assert wave.start_errors_seconds == pytest.approx((1.0, 4.2))
    assert wave.onset_delays_seconds == pytest.approx((3.0, 6.2))
    assert clap.onset_delays_seconds is None


def test_events_of_a_group_belong_together() -> None:
    right = watched([("wave", 10.0 * n, 10.0 * n + 5) for n in range(10)], [])
    right = WatchedTime(
        right.path,
        right.events,
        tuple(Interval("wave", 10.0 * n, 10.0 * n + 5, 2) for n in range(10)),
        HALF_AN_HOUR,
        "good",
    )
    wrong = watched([("wave", 10.0 * n, 10.0 * n + 5) for n in range(10)], [], "bad")
    videos = [right, right, wrong]

    apart = event_figures(videos, (), grouped=False)[0].at_iou[0.5].precision
    together = event_figures(videos, (), grouped=True)[0]

    assert apart.value == together.at_iou[0.5].precision.value == pytest.approx(2 / 3)
    width = together.at_iou[0.5].precision.high - together.at_iou[0.5].precision.low
    assert width > apart.high - apart.low
    # Two groups; one has all ten false alarms.
    assert together.false_alarms_an_hour.value == pytest.approx(10 / 1.5)
    assert together.false_alarms_an_hour.low == 0.0
    assert together.false_alarms_an_hour.high == pytest.approx(20.0)


def test_the_mean_f1() -> None:
    # 3, 3 and 2 of 9.
    assert mean_f1([EXAMPLE]) == pytest.approx(2 * (3 + 3 + 2) / 3 / 9)
    assert mean_f1([watched([], [])]) == 0.0
    every = event_figures([EXAMPLE], (), grouped=False)[0]
    f1s = [fit.f1.value for fit in every.at_iou.values()]
    assert mean_f1([EXAMPLE]) == pytest.approx(sum(f1s) / 3)


def test_json() -> None:
    told = event_figures([EXAMPLE], ["clap"], grouped=False)[1].to_dict()
    assert told["label"] == "clap"
    assert (told["events"], told["intervals"]) == (1, 1)
    assert list(told["iou"]) == ["0.3", "0.5", "0.7"]
    assert told["iou"]["0.5"]["recall"]["value"] == 0.0
    assert told["onset_delay_seconds"] is None
    assert told["false_alarms_an_hour"]["count"] == 0.5
