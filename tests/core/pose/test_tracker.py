from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from rtaction.arrays import Float32Array, Float64Array
from rtaction.pose.keypoints import Pose
from rtaction.pose.matching import similarity
from rtaction.pose.tracker import Person, PersonTracker, TrackerOptions
from tests.core.pose.figures import SIZE_HW, figure, seen

PICTURES_PER_SECOND = 8.0


def _times(seconds: float) -> Float64Array:
    return np.arange(0.0, seconds, 1 / PICTURES_PER_SECOND)


def _path(
    times: Float64Array, start: tuple[float, float], speed: tuple[float, float]
) -> Float64Array:
    return np.asarray(np.array(start) + times[:, np.newaxis] * np.array(speed))


def _follow(
    people: Sequence[Float32Array], times: Float64Array, *, seed: int = 0
) -> list[dict[int, int]]:
    """Whose pose each id has, in each picture: {person: id}."""
    rng = np.random.default_rng(seed)
    tracker = PersonTracker(SIZE_HW)
    ids = []
    for moment, time in enumerate(times):
        found = seen(people, moment, rng)
        tracker.update([pose for _, pose in found], float(time))
        whose = {id(pose): person for person, pose in found}
        now = tracker.seen_at(float(time))
        ids.append({whose[id(one.pose)]: one.number for one in now})
    return ids


def _ids_of(ids: list[dict[int, int]], person: int) -> set[int]:
    return {now[person] for now in ids if person in now}


@pytest.mark.parametrize("speed", [0.5, 1.0, 1.6])
def test_two_who_cross_keep_their_ids(speed: float) -> None:
    """20 pairs of people; the farther one is hidden for .1 to .8 s."""
    times = _times(3.2 / speed)
    switched = []
    for seed in range(20):
        near = figure(times, _path(times, (-1.6, 0.8), (speed, 0.0)), label="wave", seed=seed)
        far_path = _path(times, (1.6, -0.8), (-speed, 0.0))
        far = figure(times, far_path, label="punch", seed=seed + 50)
        ids = _follow([near, far], times, seed=seed)
        assert any(1 not in now for now in ids), "nobody was hidden"
        if [len(_ids_of(ids, person)) for person in (0, 1)] != [1, 1]:
            switched.append(seed)
    assert switched == []


def test_three_in_a_row_stay_who_they_are() -> None:
    times = _times(4.0)
    people = [
        figure(times, _path(times, (x, 0.0), (0.0, 0.0)), label=label, seed=seed)
        for seed, (x, label) in enumerate([(-1.4, "wave"), (0.0, "clap"), (1.4, "arms_raise")])
    ]
    ids = _follow(people, times)
    assert [len(_ids_of(ids, person)) for person in range(3)] == [1, 1, 1]
    assert all(len(now) == 3 for now in ids)


def _standing(times: Float64Array, *, hidden: tuple[float, float]) -> list[list[Pose]]:
    points = figure(times, _path(times, (0.3, 0.0), (0.0, 0.0)))
    return [
        [] if hidden[0] <= time < hidden[1] else [Pose(one, 0.9)]
        for one, time in zip(points, times, strict=True)
    ]


@pytest.mark.parametrize(
    ("hidden_seconds", "expected_ids"), [(1.25, [1]), (1.75, [1, 2])], ids=["short", "long"]
)
def test_an_id_outlasts_a_second_of_occlusion_and_no_more(
    hidden_seconds: float, expected_ids: list[int]
) -> None:
    times = _times(4.0)
    tracker = PersonTracker(SIZE_HW)
    ids, left = [], []
    moments = _standing(times, hidden=(1.0, 1.0 + hidden_seconds))
    for time, poses in zip(times, moments, strict=True):
        left += tracker.update(poses, float(time))
        ids += [one.number for one in tracker.seen_at(float(time))]
    assert sorted(set(ids)) == expected_ids
    assert [one.number for one in left] == expected_ids[:-1]


def test_who_walks_out_has_left_and_comes_back_as_somebody_new() -> None:
    times = _times(7.0)
    there = _path(times, (1.2, 0.0), (1.2, 0.0))
    back = _path(times, (1.2 + 1.2 * 7, 0.0), (-1.2, 0.0))
    path = np.where(times[:, np.newaxis] < 3.5, there, back)
    person = figure(times, path)
    tracker = PersonTracker(SIZE_HW)
    rng = np.random.default_rng(0)
    left: list[tuple[float, Person]] = []
    for moment, time in enumerate(times):
        poses = [pose for _, pose in seen([person], moment, rng)]
        left += [(float(time), one) for one in tracker.update(poses, float(time))]
    assert [one.number for _, one in left] == [1]
    assert left[0][0] - left[0][1].last_seen_seconds <= 1.7
    assert [one.number for one in tracker.people] == [2]


def test_who_falls_keeps_the_id_though_every_joint_is_elsewhere() -> None:
    """Upright, unseen for half a second, then lying, the feet where they were."""
    standing = figure(np.array([0.0, 0.5]), np.zeros((2, 2)), label="nothing")[0]
    ankles = standing[15:17, :2].mean(axis=0)
    lying = standing.copy()
    lying[:, :2] = ankles + (standing[:, 1::-1] - ankles[::-1]) * 0.9
    assert similarity(Pose(standing, 0.9), Pose(lying, 0.9), SIZE_HW, tolerance=2.0) < 0.15
    tracker = PersonTracker(SIZE_HW)
    for time, poses in [(0.0, [standing]), (0.25, []), (0.5, [lying]), (0.625, [lying])]:
        tracker.update([Pose(one, 0.9) for one in poses], time)
    (person,) = tracker.people
    assert person.number == 1
    assert np.array_equal(person.body.points, lying)


def test_somebody_as_large_as_a_house_or_far_away_is_nobody_known() -> None:
    standing = figure(np.array([0.0, 0.5]), np.zeros((2, 2)), label="nothing")[0]
    for points in (standing * np.array([0.4, 0.4, 1]), standing + np.array([0, 250, 0])):
        tracker = PersonTracker(SIZE_HW)
        tracker.update([Pose(standing, 0.9)], 0.0)
        tracker.update([Pose(points.astype(np.float32), 0.9)], 0.125)
        assert [one.number for one in tracker.seen_at(0.125)] == [2]


def test_another_reading_of_somebody_known_is_nobody_new() -> None:
    standing = figure(np.array([0.0, 0.5]), np.zeros((2, 2)), label="nothing")[0]
    tracker = PersonTracker(SIZE_HW)
    tracker.update([Pose(standing, 0.9)], 0.0)
    swapped = standing.copy()
    swapped[5:, :2] = standing[:4:-1, :2]  # upside down, in the same place
    tracker.update([Pose(standing, 0.9), Pose(swapped, 0.8)], 0.125)
    assert [one.number for one in tracker.people] == [1]


def test_who_sinks_is_not_expected_below_the_floor() -> None:
    standing = figure(np.array([0.0, 0.5]), np.zeros((2, 2)), label="nothing")[0]
    tracker = PersonTracker(SIZE_HW)
    for moment in range(8):
        points = standing + np.array([12 * moment, 12 * moment, 0], np.float32)
        tracker.update([Pose(points.astype(np.float32), 0.9)], moment / 8)
    (person,) = tracker.people
    later = person.expected_at(7 / 8 + 0.8).points - person.pose.points
    assert later[5, 1] == pytest.approx(0.8 * 96, rel=0.1)
    assert 0 < later[5, 0] < 0.25 * 96


def test_several_poses_of_one_person_are_one_and_the_first_counts() -> None:
    points = figure(np.array([0.0, 0.5]), np.zeros((2, 2)))[0]
    moved = points.copy()
    moved[:, :2] += 2.0
    tracker = PersonTracker(SIZE_HW)
    tracker.update([Pose(points, 0.5), Pose(moved, 0.9)], 0.0)
    (person,) = tracker.people
    assert person.pose.score == 0.5


def test_who_is_half_hidden_is_known_by_joints_that_were_seen_before() -> None:
    """Legs alone, then head and arms alone: no joint is seen in two pictures that follow."""
    points = figure(np.array([0.0, 0.5]), np.zeros((2, 2)))[0]
    tracker = PersonTracker(SIZE_HW)
    for moment, seen_joints in enumerate([slice(0, 17), slice(11, 17), slice(0, 11)]):
        part = points.copy()
        part[:, 2] = 0.0
        part[seen_joints, 2] = 0.9
        tracker.update([Pose(part, 0.9)], float(moment) / 8)
    assert [one.number for one in tracker.seen_at(0.25)] == [1]


def test_only_poses_that_may_be_new_begin_a_person() -> None:
    points = figure(np.array([0.0, 0.5]), np.array([[-1.0, 0.0], [1.0, 0.0]]))
    tracker = PersonTracker(SIZE_HW)
    tracker.update([Pose(one, 0.9) for one in points], 0.0, may_be_new=[False, True])
    (person,) = tracker.people
    assert np.array_equal(person.pose.points, points[1])


def test_similarity_is_one_for_the_same_pose_and_falls_with_distance_and_not_with_size() -> None:
    points = figure(np.array([0.0, 0.5]), np.zeros((2, 2)))[0]
    size_hw = (4 * SIZE_HW[0], 4 * SIZE_HW[1])
    similarities = []
    for scale in (1.0, 2.0):
        one = points * np.array([scale, scale, 1.0], np.float32)
        other = one.copy()
        other[:, 1] += 10 * scale
        pose, shifted = Pose(one, 0.9), Pose(other, 0.9)
        assert similarity(pose, pose, size_hw) == 1.0
        similarities.append(similarity(pose, shifted, size_hw))
    assert similarities[0] == pytest.approx(similarities[1], abs=1e-5)
    assert 0.1 < similarities[0] < 0.9
    far = points.copy()
    far[:, 1] += 300
    assert similarity(Pose(points, 0.9), Pose(far, 0.9), size_hw) < 0.01


def test_pictures_must_come_in_order() -> None:
    tracker = PersonTracker(SIZE_HW, TrackerOptions(occlusion_seconds=0.5))
    tracker.update([], 2.0)
    with pytest.raises(ValueError, match=r"got 2\.0 s after 2\.0 s"):
        tracker.update([], 2.0)
