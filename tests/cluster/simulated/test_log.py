"""What was told is compared with what happened."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from rtaction.cluster.simulated.log import Gap, Log, Told
from rtaction.cluster.simulated.scene import LABEL, Action, Scene
from rtaction.cluster.simulated.worker import BEGIN
from rtaction.serve.house.record import EventRecord

NOTHING = Told(once=0, unseen=0, missed=0, twice=0, unended=0, made_up=0)


@pytest.fixture
def scene() -> Scene:
    """Two actions, of 10 s each."""
    scene = Scene("c", mean_rest_seconds=30.0, seconds=0.0)
    scene.actions = [Action(10.0, 20.0), Action(50.0, 60.0)]
    return scene


def event(start_seconds: float, id: str = "") -> EventRecord:
    return EventRecord(
        id=id or f"at {start_seconds}",
        camera="c",
        camera_name="C",
        label=LABEL,
        started_at=BEGIN + timedelta(seconds=start_seconds),
        peak_score=0.9,
        model="made up",
    )


def of(scene: Scene, *starts: float, ends: tuple[float, ...] = (), dark: bool = False) -> Told:
    log = Log()
    log.labels("c", is_given=True, now_seconds=1.0)
    if dark:
        log.labels("c", is_given=False, now_seconds=49.0)
        log.labels("c", is_given=True, now_seconds=59.0)
    for seconds in starts:
        log.tell(event(seconds), "start")
    for seconds in ends:
        log.tell(replace(event(seconds), ended_at=BEGIN), "end")
    return log.told({"c": scene}, least_seconds=3.0, until=100.0)


def test_each_way_to_be_wrong_is_counted(scene: Scene) -> None:
    assert of(scene, 10.0, 52.0, ends=(10.0, 52.0)) == replace(NOTHING, once=2)
    assert of(scene, 10.0, 52.0, ends=(10.0,)) == replace(NOTHING, once=2, unended=1)
    assert of(scene, 10.0, 12.0, ends=(10.0, 12.0)) == replace(NOTHING, twice=1, missed=1)
    assert of(scene, 30.0, ends=(30.0,)) == replace(NOTHING, missed=2, made_up=1)
    assert of(scene, 10.0, ends=(10.0,), dark=True) == replace(NOTHING, once=1, unseen=1)


def test_gaps_and_doubles() -> None:
    log = Log()
    for seconds, is_given in ((5, True), (9, False), (12, True), (14, True), (17, False)):
        log.labels("c", is_given=is_given, now_seconds=float(seconds))

    assert log.first_seconds == {"c": 5.0}
    assert log.gaps == [Gap("c", 9.0, 12.0)]
    assert log.double_seconds == 3.0
    assert log.dark() == []
    log.labels("c", is_given=False, now_seconds=20.0)
    assert log.dark() == ["c"]


def test_a_scene_is_the_same_each_time_and_has_rests() -> None:
    one, other = (Scene("c", mean_rest_seconds=60.0, seconds=1000.0) for _ in range(2))

    assert one.actions == other.actions != Scene("d", mean_rest_seconds=60.0, seconds=1e3).actions
    assert 5 < len(one.actions) < 30
    rests = [
        after.start_seconds - before.end_seconds
        for before, after in zip(one.actions, one.actions[1:], strict=False)
    ]
    assert min(rests) > 25.0
    first = one.actions[0]
    assert one.next(0.0) == one.next(first.end_seconds - 0.1) == first
    assert one.next(first.end_seconds) == one.actions[1]
    assert one.next(1e6) is None
