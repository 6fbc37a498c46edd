"""What is unsure: the two best labels near each other, for a while, and not too often."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from rtaction.prediction import Box, Prediction
from rtaction.realtime.actions.doubts import Doubt, DoubtRule, Doubts

LABELS = ("wave", "clap", "nothing")
SURE, UNSURE = (0.7, 0.2, 0.1), (0.45, 0.4, 0.15)
RULE = DoubtRule(margin=0.2, lasting_seconds=0.3, rest_seconds=2.0)
STEP_SECONDS = 0.1
BOX: Box = (0.1, 0.2, 0.9, 0.5)


def window(
    end_seconds: float, scores: Sequence[float], *, source: str = "cam", person: int | None = None
) -> Prediction:
    """A window of one second."""
    start_seconds = end_seconds - 1.0
    array = np.array(scores, np.float32)
    box = None if person is None else BOX
    return Prediction(
        array, LABELS, start_seconds, end_seconds, source=source, person=person, box=box
    )


def seen(doubts: Doubts, windows: Sequence[Prediction]) -> list[Doubt]:
    found = [doubts.see(one, one.scores) for one in windows]
    return [one for one in found if one is not None]


def run_of(
    number: int, scores: Sequence[float], *, first: int = 0, **who: object
) -> list[Prediction]:
    return [
        window(10.0 + STEP_SECONDS * (first + i), scores, **who)  # type: ignore[arg-type]
        for i in range(number)
    ]


@pytest.mark.parametrize(
    ("scores", "num_windows", "is_unsure"),
    [
        (UNSURE, 4, True),  # 0.3 s from the first middle to the last
        (UNSURE, 3, False),
        (SURE, 30, False),
        ((0.5, 0.31, 0.19), 4, True),  # 0.19 apart
        ((0.5, 0.29, 0.21), 4, False),  # 0.21 apart
        ((0.2, 0.1, 0.7), 4, False),
        ((0.4, 0.1, 0.5), 4, True),  # a background label counts as well
    ],
)
def test_near_scores_that_last(
    scores: tuple[float, ...], num_windows: int, is_unsure: bool
) -> None:
    assert bool(seen(Doubts(RULE), run_of(num_windows, scores))) == is_unsure


def test_what_is_told_of_it() -> None:
    (doubt,) = seen(Doubts(RULE), run_of(2, SURE) + run_of(4, UNSURE, first=2, person=None))
    assert (doubt.source, doubt.why, doubt.number) == ("cam", "unsure", 1)
    assert [label for label, _ in doubt.top] == ["wave", "clap"]
    assert [score for _, score in doubt.top] == pytest.approx([0.45, 0.4])
    # From the start of the first unsure window to the end of the last.
    assert (doubt.start_seconds, doubt.end_seconds) == pytest.approx((9.2, 10.5))


def test_a_sure_window_and_a_gap_begin_anew() -> None:
    doubts = Doubts(RULE)
    assert seen(doubts, run_of(3, UNSURE) + run_of(1, SURE, first=3)) == []
    assert seen(doubts, run_of(3, UNSURE, first=4)) == []
    # The last ended at 10.6 s; the next begins after that.
    assert seen(doubts, run_of(3, UNSURE, first=17)) == []
    (doubt,) = seen(doubts, run_of(1, UNSURE, first=20))
    assert doubt.start_seconds == pytest.approx(10.7)


def test_not_more_often_than_the_rule_says() -> None:
    doubts = seen(Doubts(RULE), run_of(60, UNSURE))
    ends = [one.end_seconds for one in doubts]
    # After the rest of 2 s, it must last 0.3 s again.
    assert ends == pytest.approx([10.3, 12.6, 14.9])
    assert [one.number for one in doubts] == [1, 2, 3]
    assert all(one.end_seconds - one.start_seconds == pytest.approx(1.3) for one in doubts)


def test_people_and_sources_count_apart() -> None:
    doubts = Doubts(RULE)
    mixed = zip(
        run_of(4, UNSURE, person=1),
        run_of(4, SURE, person=2),
        run_of(4, UNSURE, person=3),
        run_of(4, UNSURE, source="other"),
        strict=True,
    )
    found = seen(doubts, [one for together in mixed for one in together])
    assert [(one.source, one.person, one.number) for one in found] == [
        ("cam", 1, 1),
        ("cam", 3, 2),
        ("other", None, 1),
    ]
    assert found[0].box == BOX


def test_time_that_goes_backwards_begins_anew() -> None:
    doubts = Doubts(RULE)
    assert len(seen(doubts, run_of(4, UNSURE, first=50))) == 1
    assert len(seen(doubts, run_of(4, UNSURE))) == 1  # without the rest


def test_said_to_be_wrong_is_the_last_window_of_whoever_is_there() -> None:
    doubts = Doubts(RULE)
    seen(doubts, run_of(3, SURE, person=1) + run_of(3, SURE, person=2))
    seen(doubts, run_of(1, SURE, source="other"))
    doubts.leave("cam", 2)
    found = doubts.wrong()
    assert [(one.source, one.person, one.why) for one in found] == [
        ("cam", 1, "wrong"),
        ("other", None, "wrong"),
    ]
    assert (found[0].start_seconds, found[0].end_seconds) == pytest.approx((9.2, 10.2))
    assert [label for label, _ in found[0].top] == ["wave", "clap"]
    assert doubts.wrong() == []  # the same windows are not kept twice
    seen(doubts, run_of(1, SURE, first=3, person=1))
    assert [one.person for one in doubts.wrong()] == [1]
    # Nor is what was kept as wrong kept as unsure right after.
    assert seen(doubts, run_of(10, UNSURE, first=4, person=1)) == []


def test_one_label_is_never_in_doubt() -> None:
    only = Prediction(np.array([0.5], np.float32), ("wave",), 0.0, 1.0, source="cam")
    doubts = Doubts(DoubtRule(lasting_seconds=0.0))
    assert doubts.see(only, only.scores) is None
    (wrong,) = doubts.wrong()
    assert wrong.top == (("wave", 0.5),)
