from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from rtaction.cluster.fleet.continuity import Continuity
from rtaction.prediction import Box
from rtaction.serve.house.record import EventRecord, Phase

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
SETTLE, COOLDOWN, GIVE_UP = 5.0, 2.0, 30.0
LEFT: Box = (0.2, 0.0, 0.9, 0.3)
RIGHT: Box = (0.2, 0.6, 0.9, 0.9)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


class Desk:
    """A camera at several workers, with one clock for all."""

    def __init__(self) -> None:
        self.told: list[tuple[EventRecord, Phase]] = []
        self.number = 0
        self.term = 0
        self.continuity = Continuity(
            lambda record, phase: self.told.append((record, phase)),
            settle_seconds=lambda camera: SETTLE,
            cooldown_seconds=lambda camera, label: COOLDOWN,
            give_up_seconds=GIVE_UP,
        )

    def move(self, seconds: float, *, labels_from: float | None = None) -> None:
        self.term += 1
        self.continuity.term("door", self.term, seconds)
        if labels_from is not None:
            self.labels(labels_from, labels_from)

    def labels(self, since: float, now: float) -> None:
        self.continuity.labelled("door", self.term, at(since), at(now), now)

    def start(self, seconds: float, label: str = "wave", **more: object) -> EventRecord:
        self.number += 1
        record = EventRecord(
            id=f"{self.term}-{self.number}",
            camera="door",
            camera_name="Front door",
            label=label,
            started_at=at(seconds),
            peak_score=0.7,
            model="m.onnx",
        )
        record = replace(record, **more)  # type: ignore[arg-type]
        self.continuity.see(record, self.term, seconds, is_cut=False)
        return record

    def end(self, record: EventRecord, seconds: float, *, is_cut: bool = False) -> None:
        record = replace(record, ended_at=at(seconds), peak_score=0.9)
        self.continuity.see(record, self.term, seconds, is_cut=is_cut)

    def look(self, seconds: float) -> None:
        self.continuity.look(at(seconds), seconds)

    def lines(self) -> list[tuple[str, str, float, float | None]]:
        return [
            (
                phase,
                record.label,
                (record.started_at - NOON).total_seconds(),
                None if record.ended_at is None else (record.ended_at - NOON).total_seconds(),
            )
            for record, phase in self.told
        ]


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    desk.move(0, labels_from=0.5)
    return desk


def test_an_event_at_one_worker_is_told_as_it_is(desk: Desk) -> None:
    desk.end(desk.start(1), 4)
    assert desk.lines() == [("start", "wave", 1, None), ("end", "wave", 1, 4)]
    assert desk.told[0][0].id == desk.told[1][0].id


def test_an_action_that_goes_on_at_another_worker_is_one_event_with_its_true_start(
    desk: Desk,
) -> None:
    desk.start(1)
    desk.labels(0.5, 3)
    desk.move(7, labels_from=9)
    again = desk.start(8.5)
    desk.look(20)
    desk.end(again, 21)
    assert desk.lines() == [("start", "wave", 1, None), ("end", "wave", 1, 21)]
    assert desk.told[0][0].id == desk.told[1][0].id
    assert desk.told[1][0].peak_score == 0.9


def test_an_action_goes_on_over_several_moves_and_a_planned_one(desk: Desk) -> None:
    first = desk.start(1)
    desk.labels(0.5, 3)
    desk.end(first, 3, is_cut=True)
    desk.look(10)
    desk.move(4, labels_from=5)
    desk.start(4.5)
    desk.labels(5, 6)
    desk.move(7)
    desk.move(8, labels_from=9)
    desk.end(desk.start(8.5), 12)
    desk.look(100)
    assert desk.lines() == [("start", "wave", 1, None), ("end", "wave", 1, 12)]


def test_an_action_that_was_over_meanwhile_ended_when_it_was_last_seen(desk: Desk) -> None:
    desk.start(1)
    desk.labels(0.5, 3)
    desk.move(7, labels_from=9)
    desk.look(9 + SETTLE)
    assert desk.lines() == [("start", "wave", 1, None)]
    desk.look(9.1 + SETTLE)
    assert desk.lines()[1:] == [("end", "wave", 1, 3)]


def test_an_action_that_begins_later_is_another_event(desk: Desk) -> None:
    desk.start(1)
    desk.labels(0.5, 3)
    desk.move(7, labels_from=9)
    second = desk.start(11)
    desk.look(9.1 + SETTLE)
    desk.end(second, 15)
    assert desk.lines() == [
        ("start", "wave", 1, None),
        ("start", "wave", 11, None),
        ("end", "wave", 1, 3),
        ("end", "wave", 11, 15),
    ]


def test_an_action_of_another_label_does_not_go_on(desk: Desk) -> None:
    desk.start(1)
    desk.labels(0.5, 3)
    desk.move(7, labels_from=9)
    desk.start(8.5, "clap")
    desk.look(9.1 + SETTLE)
    assert desk.lines()[1:] == [("start", "clap", 8.5, None), ("end", "wave", 1, 3)]


def test_a_camera_that_never_comes_back_ends_its_events(desk: Desk) -> None:
    desk.start(1)
    desk.labels(0.5, 3)
    desk.continuity.lose("door", 7)
    desk.look(7 + GIVE_UP)
    assert len(desk.told) == 1
    desk.look(7.1 + GIVE_UP)
    assert desk.lines()[1:] == [("end", "wave", 1, 3)]


def test_news_of_an_earlier_turn_are_ignored(desk: Desk) -> None:
    first = desk.start(1)
    desk.move(7, labels_from=9)
    desk.continuity.see(replace(first, ended_at=at(9)), 1, 9, is_cut=False)
    desk.continuity.see(replace(first, id="late", label="clap"), 1, 9, is_cut=False)
    assert desk.lines() == [("start", "wave", 1, None)]


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        (7.5, []),  # within the cooldown: one worker alone would not have started it
        (9, [("start", "wave", 8, None), ("end", "wave", 8, 9)]),
    ],
)
def test_the_cooldown_of_a_label_holds_over_a_move(
    desk: Desk, ends: float, expected: list[tuple[str, str, float, float]]
) -> None:
    desk.end(desk.start(1), 6)
    desk.move(6.1, labels_from=7)
    second = desk.start(6.9)
    desk.look(min(ends, 8.1))
    desk.end(second, ends)
    assert desk.lines()[2:] == expected


def test_people_keep_their_ids_where_their_events_go_on_and_others_get_new_ones(
    desk: Desk,
) -> None:
    desk.start(1, person=1, box=LEFT)
    desk.start(2, person=2, box=RIGHT)
    desk.labels(0.5, 3)
    desk.move(7, labels_from=9)
    right = desk.start(8.5, person=1, box=RIGHT)
    left = desk.start(8.6, person=2, box=LEFT)
    desk.start(10, person=3, box=LEFT)
    desk.end(right, 12)
    desk.end(left, 13)
    people = [(phase, record.person) for record, phase in desk.told]
    assert people == [("start", 1), ("start", 2), ("start", 5), ("end", 2), ("end", 1)]


def test_what_went_on_when_the_process_ended_goes_on_or_ends(desk: Desk) -> None:
    before = EventRecord(
        id="old",
        camera="door",
        camera_name="Front door",
        label="wave",
        started_at=at(-60),
        ended_at=at(-10),
        peak_score=0.7,
        model="m.onnx",
    )
    desk.continuity.resume(before, at(-10), 0)
    desk.continuity.resume(replace(before, id="gone", label="clap"), at(-10), 0)
    desk.end(desk.start(0.2), 4)
    desk.look(0.6 + SETTLE)
    assert desk.lines() == [("end", "wave", -60, 4), ("end", "clap", -60, -10)]
    assert desk.told[0][0].id == "old"


def test_all_has_ended_in_the_end(desk: Desk) -> None:
    desk.start(1)
    desk.labels(0.5, 3)
    assert [one.label for one in desk.continuity.ongoing()] == ["wave"]
    desk.continuity.finish()
    assert desk.lines()[1:] == [("end", "wave", 1, 3)]
    assert list(desk.continuity.ongoing()) == []
