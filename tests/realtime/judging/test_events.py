"""Which videos are tuned on and which reported, and what becomes of those that cannot be used."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from rtaction.errors import DatasetError, RtactionError, UsageError
from rtaction.evaluation.intervals import Interval, LabelledTime
from rtaction.model_spec import ModelSpec
from rtaction.realtime.judging.events import EventEvaluation, evaluate_events, is_tuned_on
from rtaction.realtime.judging.watched import Judged
from tests.realtime.conftest import prediction_of

SPEC = ModelSpec(("wave", "clap", "nothing"), 5, 1.0, 8, 8, background_label="nothing")
WAVE = (("wave", 2.0, 6.0),)
Spans = tuple[tuple[str, float, float], ...]


def truth_of(name: str, spans: Spans = WAVE, part: str | None = None) -> LabelledTime:
    intervals = tuple(Interval(*span, line=n) for n, span in enumerate(spans, 2))
    return LabelledTime(Path(name), intervals, part)


def judged_of(name: str, score: float = 0.9, weak_score: float = 0.0) -> Judged:
    """A minute with one wave from 2 to 6 s, and something weaker from 12 to 16 s."""
    predictions = []
    for end in np.arange(1.0, 60.0, 0.25).tolist():
        middle = end - 0.5
        wave = score if 2 <= middle < 6 else weak_score if 12 <= middle < 16 else 0.02
        predictions.append(
            prediction_of(
                SPEC, (wave, 0.0, 1 - wave), start_seconds=end - 1.0, end_seconds=end, source=name
            )
        )
    return Judged(Path(name), tuple(predictions), 60.0)


UNREADABLE = Judged(Path("bad.mp4"), (), 0.0, "cannot be read as a video")
SHORT = Judged(Path("short.mp4"), (), 0.5, "too short")


def evaluated(
    times: list[LabelledTime], judged: list[Judged], tuned_on: list[bool] | None = None
) -> EventEvaluation:
    groups = [str(number) for number in range(len(times))]
    return evaluate_events(times, judged, groups, SPEC, tuned_on=tuned_on, stride_seconds=0.25)


def test_with_the_models_own_thresholds() -> None:
    found = evaluated([truth_of("a.mp4"), truth_of("b.mp4", ())], [judged_of("a"), judged_of("b")])

    assert [one.label for one in found.figures] == ["", "wave", "clap"]
    every = found.figures[0]
    assert (every.num_events, every.num_intervals) == (2, 1)
    assert every.at_iou[0.7].recall.value == 1.0
    assert every.at_iou[0.7].precision.value == 0.5
    # In the second video nothing happens: one false alarm in two minutes.
    assert every.false_alarms_an_hour.value == pytest.approx(30.0)
    assert found.watched_seconds == 120.0
    assert found.num_groups == 2
    assert found.tuning is None


def test_tuned_on_one_part_and_reported_on_the_other() -> None:
    times = [truth_of(f"{n}.mp4", part="tune" if n < 6 else "test") for n in range(9)]
    judged = [judged_of(str(n), 0.9, 0.7) for n in range(9)]

    found = evaluated(times, judged, is_tuned_on(times, list("abcdefghi"), None))

    assert found.tuning is not None
    assert [one.path.name for one in found.watched] == ["6.mp4", "7.mp4", "8.mp4"]
    assert (found.tuning.num_videos, found.tuning.num_intervals) == (6, 6)
    ((label, enter),) = found.tuning.thresholds.by_label
    assert label == "wave"
    assert 0.7 < enter <= 0.9
    assert found.tuning.before.at_iou[0.5].precision.value == 0.5
    assert found.tuning.before.num_events == 6
    assert found.tuning.tuned_on.num_intervals == 6
    assert found.figures[0].at_iou[0.5].precision.value == 1.0
    assert found.figures[0].num_events == 3
    told = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert told["tuning"]["actions"]["labels"] == {
        "wave": {
            "enter": enter,
            "exit": pytest.approx(enter * found.tuning.thresholds.exit_fraction),
        }
    }
    assert len(told["videos"]) == told["num_videos"] == 3


def test_what_is_reported_does_not_change_the_thresholds() -> None:
    times = [truth_of(f"{n}.mp4") for n in range(8)]
    sides = [True] * 6 + [False] * 2
    tuned = [judged_of(str(n), 0.9, 0.7) for n in range(6)]

    one, other = (
        evaluated(times, [*tuned, judged_of("6", score), judged_of("7", score)], sides)
        for score in (0.9, 0.4)
    )

    assert one.tuning is not None
    assert other.tuning is not None
    assert one.tuning.thresholds == other.tuning.thresholds
    assert other.figures[0].at_iou[0.3].recall.value == 0.0


def test_what_cannot_be_used_is_told() -> None:
    times = [
        truth_of(
            "a.mp4", (*WAVE, ("dance", 1.0, 2.0), ("nothing", 7.0, 9.0), ("clap", 61.0, 63.0))
        ),
        truth_of("bad.mp4"),
        truth_of("short.mp4", (("wave", 0.0, 0.4),)),
    ]

    found = evaluated(times, [judged_of("a"), UNREADABLE, SHORT])

    # An unreadable video is left out; a short one was watched, and its wave missed.
    assert len(found.watched) == 2
    assert found.problems == (UNREADABLE, SHORT)
    assert found.ignored_intervals == {"dance": 1, "nothing": 1}
    wave = found.figures[1]
    assert (wave.num_intervals, wave.at_iou[0.3].recall.value) == (2, 0.5)
    assert found.notes == ("line 5: starts at 61 s, but a.mp4 ends at 60.00 s",)


@pytest.mark.parametrize(
    ("times", "judged", "tuned_on", "message"),
    [
        ([truth_of("bad.mp4")], [UNREADABLE], None, "nothing to report on"),
        (
            [truth_of("a.mp4"), truth_of("bad.mp4")],
            [judged_of("a"), UNREADABLE],
            [False, True],
            "nothing to tune on",
        ),
        (
            [truth_of("a.mp4", (("dance", 1.0, 2.0),))],
            [judged_of("a")],
            None,
            r"can detect \(wave, clap\); it has dance",
        ),
        (
            [truth_of("a.mp4"), truth_of("b.mp4", ())],
            [judged_of("a"), judged_of("b")],
            [False, True],
            "the tuning part has no interval",
        ),
    ],
)
def test_nothing_to_tell(
    times: list[LabelledTime], judged: list[Judged], tuned_on: list[bool] | None, message: str
) -> None:
    with pytest.raises(DatasetError, match=message):
        evaluated(times, judged, tuned_on)


def test_videos_without_any_action_tell_false_alarms() -> None:
    found = evaluated([truth_of("b.mp4", ())], [judged_of("b")])
    assert found.figures[0].false_alarms_an_hour.value == pytest.approx(60.0)
    assert not found.figures[0].at_iou[0.5].recall.is_defined


@pytest.mark.parametrize(
    ("parts", "tune_on", "expected"),
    [
        ((None, None), None, None),
        (("tune", "test"), None, [True, False]),
        ((None, None), r"v0\.", [True, False]),
    ],
)
def test_sides(
    parts: tuple[str | None, ...], tune_on: str | None, expected: list[bool] | None
) -> None:
    times = [truth_of(f"dir/v{n}.mp4", part=part) for n, part in enumerate(parts)]
    assert is_tuned_on(times, ["a", "b"], tune_on) == expected


@pytest.mark.parametrize(
    ("parts", "groups", "tune_on", "error", "message"),
    [
        (("tune", "test"), "ab", "v0", UsageError, "both select the videos to tune on"),
        ((None, None), "ab", "(", UsageError, "not a valid regular expression"),
        ((None, None), "ab", "x", DatasetError, "^0 of 2 videos are selected for tuning"),
        ((None, None), "ab", "v", DatasetError, "^2 of 2 videos are selected for tuning"),
        (("tune", "tune"), "ab", None, DatasetError, "^2 of 2 videos are selected for tuning"),
        (("tune", "test"), "aa", None, DatasetError, r"\['a'\] are both tuned on and reported on"),
    ],
)
def test_sides_that_cannot_be_meant(
    parts: tuple[str | None, ...],
    groups: str,
    tune_on: str | None,
    error: type[RtactionError],
    message: str,
) -> None:
    times = [truth_of(f"dir/v{n}.mp4", part=part) for n, part in enumerate(parts)]
    with pytest.raises(error, match=message):
        is_tuned_on(times, list(groups), tune_on)
