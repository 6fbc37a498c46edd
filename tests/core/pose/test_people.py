"""Following people with networks that know the made-up figures, and with the bundled ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from rtaction.arrays import Float32Array, Float64Array, UInt8Array
from rtaction.pose.crop import Square
from rtaction.pose.keypoints import HIPS, NUM_JOINTS, Pose
from rtaction.pose.people import FollowOptions, PeopleFollower
from tests.core.pose.figures import SIZE_HW, figure, seen

PICTURES_PER_SECOND = 8.0


class Networks:
    """Both pose networks, reading the number of the moment off a picture's first pixel."""

    def __init__(self, people: Sequence[Float32Array]) -> None:
        self.people = people
        self.num_found = 0
        self.squares: list[int] = []
        self.whose: dict[int, int] = {}
        self._poses: list[Pose] = []  # kept, so that no id() is given twice

    def _seen(self, picture: UInt8Array, salt: int) -> list[Pose]:
        moment = int(picture[0, 0, 0])
        found = seen(self.people, moment, np.random.default_rng([moment, salt]))
        self.whose |= {id(pose): person for person, pose in found}
        self._poses += [pose for _, pose in found]
        return [pose for _, pose in found]

    def people_in(self, picture: UInt8Array) -> list[Pose]:
        if picture.shape[:2] != SIZE_HW:
            return []  # of a part, the moment is not known
        self.num_found += 1
        return self._seen(picture, 0)

    def poses_in(self, picture: UInt8Array, squares: Sequence[Square]) -> list[Pose]:
        """Like MoveNet: whoever is nearest to the middle of a square."""
        self.squares.append(len(squares))
        people = self._seen(picture, 1)
        return [_nearest(people, square) for square in squares]


def _nearest(people: list[Pose], square: Square) -> Pose:
    middle = np.array([square.top, square.left]) + square.side / 2

    def distance(pose: Pose) -> float:
        return float(np.linalg.norm(pose.points[HIPS, :2].mean(axis=0) - middle))

    nearest = min(people, key=distance, default=None)
    if nearest is None or distance(nearest) > square.side / 2:
        return Pose(np.full((NUM_JOINTS, 3), 0.1, np.float32), 0.1)
    return nearest


def _picture(moment: int, people: Sequence[Float32Array]) -> UInt8Array:
    """Grey, with a bright patch at everybody's shoulders: something that moves."""
    picture = np.full((*SIZE_HW, 3), 60, np.uint8)
    for person in people:
        y, x = person[moment, 5, :2].astype(int)
        picture[max(y - 20, 0) : max(y + 20, 0), max(x - 20, 0) : max(x + 20, 0)] = 250
    picture[0, 0] = moment
    return picture


def _follow(
    people: Sequence[Float32Array], times: Float64Array, options: FollowOptions | None = None
) -> tuple[list[dict[int, int]], Networks]:
    """Whose pose each id has in each picture: {person: id}."""
    networks = Networks(people)
    follower = PeopleFollower(networks, networks, SIZE_HW, options)
    ids = []
    for moment, time in enumerate(times):
        now, _ = follower.look_at(_picture(moment, people), float(time))
        ids.append({networks.whose[id(one.pose)]: one.number for one in now})
    return ids, networks


def _path(
    times: Float64Array, start: tuple[float, float], speed: tuple[float, float]
) -> Float64Array:
    return np.asarray(np.array(start) + times[:, np.newaxis] * np.array(speed))


def test_two_who_cross_keep_their_ids_though_both_squares_show_the_nearer_one() -> None:
    switched = []
    times = np.arange(0.0, 3.2, 1 / PICTURES_PER_SECOND)
    for seed in range(20):
        near = figure(times, _path(times, (-1.6, 0.8), (1.0, 0.0)), seed=seed)
        far_path = _path(times, (1.6, -0.8), (-1.0, 0.0))
        far = figure(times, far_path, label="punch", seed=seed + 50)
        ids, _ = _follow([near, far], times)
        numbers = [{now[person] for now in ids if person in now} for person in (0, 1)]
        if [len(one) for one in numbers] != [1, 1]:
            switched.append(seed)
    assert switched == []


def test_the_whole_picture_is_searched_once_a_second_and_people_in_every_picture() -> None:
    times = np.arange(0.0, 4.0, 1 / PICTURES_PER_SECOND)
    person = figure(times, _path(times, (-1.0, 0.0), (0.5, 0.0)))
    ids, networks = _follow([person], times)
    assert ids == [{0: 1}] * len(times)
    assert networks.num_found == 4
    assert networks.squares == [0] + [1] * (len(times) - 1)


def test_who_comes_in_is_found_at_once_because_they_move() -> None:
    times = np.arange(0.0, 4.0, 1 / PICTURES_PER_SECOND)
    known = figure(times, _path(times, (-1.2, 0.0), (0.0, 0.0)), label="nothing")
    comes = figure(times, _path(times, (6.3, 0.0), (-1.6, 0.0)), label="nothing", seed=3)
    ids, _ = _follow([known, comes], times)
    begins = next(moment for moment in range(len(times)) if comes[moment, :, 1].max() < SIZE_HW[1])
    found = next(moment for moment, now in enumerate(ids) if 1 in now)
    assert times[found] - times[begins] <= 0.4
    assert {now.get(0) for now in ids} == {1}


def test_an_empty_still_picture_is_hardly_ever_searched() -> None:
    times = np.arange(0.0, 11.0, 1 / PICTURES_PER_SECOND)
    _, networks = _follow([], times, FollowOptions(idle_seconds=5.0))
    assert networks.num_found == 3
    assert set(networks.squares) == {0}


def test_somebody_at_rest_is_looked_at_twice_a_second_and_at_once_when_they_move() -> None:
    """Two stand; the right one begins to walk after 4 s."""
    times = np.arange(0.0, 6.0, 1 / PICTURES_PER_SECOND)
    still = figure(times, _path(times, (-1.5, 0.0), (0.0, 0.0)), label="nothing")
    walks = figure(
        times, _path(np.maximum(times - 4.0, 0), (1.0, 0.0), (0.8, 0.0)), label="nothing"
    )
    # Those who rest do not stir at all.
    still[:] = still[0]
    walks[times < 4.0] = walks[0]
    ids, networks = _follow([still, walks], times, FollowOptions(rest_seconds=0.5))
    assert ids == [{0: 1, 1: 2}] * len(times) or ids == [{0: 2, 1: 1}] * len(times)
    looks = np.array(networks.squares)
    assert looks[times < 4.0].sum() == pytest.approx(2 * 2 * 4, abs=2)
    assert (looks[times > 4.2] >= 1).all(), "who walks is looked at in each picture"
    assert looks[times > 4.2].sum() < 1.5 * (times > 4.2).sum()

    _, at_all_times = _follow([still, walks], times)
    assert at_all_times.squares == [0] + [2] * (len(times) - 1)


class Nearsighted:
    """Finds a bright patch, but only in a picture of which it is an eighth."""

    def __init__(self) -> None:
        self.sizes_hw: list[tuple[int, ...]] = []

    def people_in(self, picture: UInt8Array) -> list[Pose]:
        self.sizes_hw.append(picture.shape[:2])
        places = np.argwhere(picture[..., 1] > 200)
        if not len(places) or np.ptp(places[:, 0]) < picture.shape[0] / 8:
            return []
        joints = np.linspace(places.min(axis=0), places.max(axis=0), NUM_JOINTS)
        scores = np.full((NUM_JOINTS, 1), 0.9)
        return [Pose(np.concatenate([joints, scores], axis=1).astype(np.float32), 0.9)]

    def poses_in(self, picture: UInt8Array, squares: Sequence[Square]) -> list[Pose]:
        return [Pose(np.full((NUM_JOINTS, 3), 0.1, np.float32), 0.1) for _ in squares]


def test_where_something_small_moves_people_are_looked_for_in_that_part() -> None:
    networks, height, width = Nearsighted(), 480, 640
    follower = PeopleFollower(networks, networks, (height, width))
    for number in range(2):
        picture = np.full((height, width, 3), 60, np.uint8)
        left = 400 + 20 * number
        picture[300:330, left : left + 20] = 255
        people, _ = follower.look_at(picture, number * 0.3)
    (person,) = people
    assert person.pose.box == pytest.approx((300, left, 329, left + 19), abs=1)
    assert networks.sizes_hw[:2] == [(height, width), (height, width)]
    part = networks.sizes_hw[2]
    assert 0.19 * width < part[0] == part[1] < 0.3 * width


class KnowsOneDirection:
    """Reads somebody surely in squares turned one way, and unsurely in all others."""

    def __init__(self, turns: int, otherwise: float) -> None:
        self.turns = turns
        self.otherwise = otherwise
        self.looks: list[list[int]] = []
        points = np.full((NUM_JOINTS, 3), 0.9, np.float32)
        points[:, 0], points[:, 1] = np.linspace(100, 200, NUM_JOINTS), 150
        self._points = points

    def people_in(self, picture: UInt8Array) -> list[Pose]:
        return [Pose(self._points, 0.9)]

    def poses_in(self, picture: UInt8Array, squares: Sequence[Square]) -> list[Pose]:
        self.looks += [[square.turns for square in squares]] if squares else []
        scores = [0.8 if one.turns == self.turns else self.otherwise for one in squares]
        return [Pose(self._points, score) for score in scores]


def _looks(networks: KnowsOneDirection, num: int) -> list[list[int]]:
    """Ways in which somebody is looked at in a picture after the first, for so many pictures."""
    follower = PeopleFollower(networks, networks, (300, 300))
    for moment in range(num + 1):
        people, _ = follower.look_at(np.full((300, 300, 3), 60, np.uint8), moment / 8)
        assert len(people) == 1 or networks.otherwise < 0.15
    return networks.looks


def test_whoever_is_hardly_seen_is_looked_at_turned_and_stays_turned_if_that_is_sure() -> None:
    """And is looked at all ways again as soon as they are hardly seen that way."""
    networks = KnowsOneDirection(3, otherwise=0.3)
    assert _looks(networks, 4) == [[0], [1, 2, 3], [3], [3], [3]]
    assert _looks(KnowsOneDirection(0, otherwise=0.3), 4) == [[0], [0], [0], [0]]


@pytest.mark.parametrize("score", [0.3, 0.1])
def test_a_look_all_ways_in_vain_is_repeated_more_and_more_seldom(score: float) -> None:
    """After .25 s, .5 s and so on, also for somebody who is lost."""
    again, (once,) = [1, 2, 3], [[0]]
    expected = [once, again, once, once, again, once, once, once, once, again, once]
    assert _looks(KnowsOneDirection(-1, otherwise=score), 8) == expected
