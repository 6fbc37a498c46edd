"""Who counts, and that it does not flicker."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rtaction.pose.keypoints import JOINTS
from rtaction.pose.region import Region, Zone
from rtaction.pose.tracker import Person
from rtaction.realtime.windows.who_counts import (
    CountOptions,
    Judgements,
    WhoCounts,
    standing_place,
)
from tests.realtime.scripted_people import SIZE_HW, standing

FEET = [JOINTS.index("left_ankle"), JOINTS.index("right_ankle")]
RIGHT_HALF = Region.of([0.5, 0, 1, 1])


def _person(number: int, x: float, seconds: float, size: float = 0.8) -> Person:
    pose = standing(x, size=size)
    return Person(number, pose, pose, np.zeros(2), 0.0, seconds)


def _see(who: WhoCounts, seconds: float, **places: float) -> list[int]:
    people = [_person(int(name[1:]), x, seconds) for name, x in places.items()]
    return who.see(people, seconds, SIZE_HW)


def test_the_first_few_count_until_one_leaves() -> None:
    who = WhoCounts(CountOptions(max_persons=2))
    _see(who, 0.0, p1=0.2, p2=0.5, p3=0.8)
    assert who.numbers == [1, 2]
    assert _see(who, 0.1, p2=0.5, p3=0.8) == [1]
    assert who.numbers == [2, 3]
    assert _see(who, 0.2, p1=0.2, p2=0.5, p3=0.8) == []
    assert who.numbers == [2, 3], "who counts is not pushed out by a lower id"


def test_a_step_out_of_the_region_does_not_end_anything() -> None:
    who = WhoCounts(CountOptions(region=RIGHT_HALF))
    counted = []
    for step, x in enumerate([0.4, 0.6, 0.45, 0.45, 0.6, 0.45, *[0.45] * 10, 0.6]):
        _see(who, step * 0.125, p1=x)
        counted.append(bool(who.numbers))
    # Outside for less than a second, then for more, then inside again.
    assert counted == [False] + [True] * 12 + [False] * 3 + [True]


def test_zones_of_somebody_do_not_flicker_either() -> None:
    zones = (Zone("right", RIGHT_HALF), Zone("middle", Region.of([0.3, 0, 0.7, 1])))
    who = WhoCounts(CountOptions(zones=zones))
    stood = []
    for step, x in enumerate([0.2, 0.4, 0.6, *[0.4] * 10, 0.1]):
        _see(who, step * 0.125, p1=x, p2=0.9)
        stood.append(who.zones_of(1))
        assert who.numbers == [1, 2], "zones do not say who counts"
        assert who.zones_of(2) == ("right",)
    assert stood[:3] == [(), ("middle",), ("right", "middle")]
    assert stood[3:10] == [("right", "middle")] * 7, "for less than a second out of the right"
    assert stood[11:] == [("middle",)] * 3
    assert who.zones_of(3) == ()


def test_who_is_hidden_still_counts() -> None:
    who = WhoCounts(CountOptions(region=RIGHT_HALF))
    _see(who, 0.0, p1=0.7)
    hidden = _person(1, 0.7, 0.0)
    assert who.see([hidden], 1.4, SIZE_HW) == []
    assert who.numbers == [1]
    assert who.see([], 1.6, SIZE_HW) == [1]


def test_of_two_about_equally_large_the_largest_remains_it() -> None:
    who = WhoCounts(CountOptions(person="largest"))
    sizes = [(0.5, 0.6)] * 5 + [(0.7, 0.6)] * 40 + [(0.95, 0.6)] * 40
    chosen = []
    for step, pair in enumerate(sizes):
        people = [_person(n, 0.3 * n, step / 8, size) for n, size in enumerate(pair, 1)]
        who.see(people, step / 8, SIZE_HW)
        chosen += who.numbers
    assert chosen[:45] == [2] * 45
    assert chosen[-1] == 1
    assert sorted(chosen, reverse=True) == chosen, "it changes once"


def test_people_stand_where_their_feet_are_or_else_in_their_middle() -> None:
    pose = standing(0.7)
    x, y = standing_place(pose, SIZE_HW)
    assert [x, y] == pytest.approx([0.7, 0.95])
    points = pose.points.copy()
    points[[JOINTS.index("left_ankle"), JOINTS.index("right_ankle")], 2] = 0
    x, y = standing_place(replace(pose, points=points), SIZE_HW)
    assert [x, y] == pytest.approx([0.7, 0.48], abs=0.02)


@pytest.mark.parametrize("options", [{"max_persons": 0}, {"person": "smallest"}])
def test_what_cannot_be_meant(options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        CountOptions(**options)  # type: ignore[arg-type]


@pytest.mark.parametrize("y", [0.9, 0.99, 1.0, 1.04])
def test_feet_that_the_edge_of_the_picture_cuts_off_stand_at_the_edge(y: float) -> None:
    who = WhoCounts(CountOptions(region=Region.of([0.2, 0.5, 0.8, 1])))
    pose = standing(0.5, y=y)
    pose.points[FEET, 2] = 0.6  # the network guesses them below the picture
    who.see([Person(1, pose, pose, np.zeros(2), 0.0, 0.0)], 0.0, SIZE_HW)
    assert who.numbers == [1]
    assert standing_place(pose, SIZE_HW)[1] == pytest.approx(min(y, 1), abs=0.06)


def test_whose_last_judgement_is_long_ago_is_told_once() -> None:
    judgements = Judgements(1.0)
    assert judgements.see([1, 2], [1, 2, 3], 0.0) == []
    assert judgements.see([2], [1, 2, 3], 1.0) == []
    assert judgements.see([2], [1, 2, 3], 1.125) == [1], "3 was never judged"
    assert judgements.see([2], [1, 2, 3], 1.25) == []
    assert judgements.see([1], [1, 2, 3], 1.375) == []
    assert judgements.see([], [1], 2.5) == [1], "2 has left, which is told elsewhere"
