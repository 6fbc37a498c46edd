"""Who is who from picture to picture: ids that outlast crossings and a second of occlusion.

Everybody's place is predicted at constant velocity, and the poses of a picture are given to those
whose predicted joints they resemble most (object keypoint similarity, as COCO defines it). This
file knows nothing of networks or pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from rtaction.arrays import Float64Array
from rtaction.pose.keypoints import Pose
from rtaction.pose.matching import covered, greedy_pairs, middle_of, shift_between, similarity
from rtaction.pose.normal import normalised

# How far somebody may be from where they are expected, in shoulder widths, and how much larger.
_REACH_UNITS, _REACH_UNITS_A_SECOND, _SIZE_CHANGE = 1.5, 5.0, 2.0
_VERTICAL_SECONDS = 0.25
_REMEMBERED_SECONDS = 0.5  # in which the score of an unseen joint falls to 1/e
_COVERED = 0.6  # of the smaller of two boxes, by the other


@dataclass(frozen=True, slots=True)
class TrackerOptions:
    """How people are told apart.

    Args:
        occlusion_seconds: somebody unseen for longer has left. Default 1.5: somebody covered for a
            second is half covered before and after it.
        least_similarity: of a pose and the person it is given to, 0 to 1. Default 0.15.
        same_similarity: two poses of one picture that are more alike are of one person. Default
            0.5.
        velocity_seconds: over which the velocity is averaged. Default 0.3.
        most_people: to follow at once; more are ignored. Default 6.
    """

    occlusion_seconds: float = 1.5
    least_similarity: float = 0.15
    same_similarity: float = 0.5
    velocity_seconds: float = 0.3
    most_people: int = 6


@dataclass(frozen=True, eq=False, slots=True)
class Person:
    """Somebody who is followed.

    Args:
        number: the id, from 1; never given twice.
        pose: the last one seen.
        body: the same with joints that were seen earlier, moved along.
        velocity: float64, shape (2,): y and x, pixels a second.
        first_seen_seconds, last_seen_seconds: times of their first picture and of `pose`.
    """

    number: int
    pose: Pose
    body: Pose
    velocity: Float64Array
    first_seen_seconds: float
    last_seen_seconds: float

    def expected_at(self, time_seconds: float) -> Pose:
        """The body, moved at constant velocity sideways; falls and jumps end soon."""
        unseen = time_seconds - self.last_seen_seconds
        lasting = _VERTICAL_SECONDS * (1 - np.exp(-unseen / _VERTICAL_SECONDS))
        points = self.body.points.copy()
        points[:, :2] += self.velocity * np.array([lasting, unseen])
        return replace(self.body, points=points)


class PersonTracker:
    """Follows people through the pictures of one camera.

    Args:
        size_hw: height and width of the pictures.
        options: default `TrackerOptions()`.
        num_before: how many people have an id already, who are not in these pictures. Default 0.
    """

    def __init__(
        self,
        size_hw: tuple[int, int],
        options: TrackerOptions | None = None,
        *,
        num_before: int = 0,
    ) -> None:
        self._size_hw = size_hw
        self._options = options or TrackerOptions()
        self._people: list[Person] = []
        self._num_people = num_before
        self._time_seconds = -np.inf

    @property
    def people(self) -> list[Person]:
        """All who are followed, the hidden ones too, in the order of their ids."""
        return list(self._people)

    @property
    def num_people(self) -> int:
        """How many people have had an id so far."""
        return self._num_people

    def seen_at(self, time_seconds: float) -> list[Person]:
        """Those who are seen in the picture of that time."""
        return [one for one in self._people if one.last_seen_seconds == time_seconds]

    def update(
        self,
        poses: Sequence[Pose],
        time_seconds: float,
        *,
        may_be_new: Sequence[bool] | None = None,
    ) -> list[Person]:
        """Take the poses of the next picture.

        Args:
            poses: the most trusted first; several may be of one person.
            time_seconds: of the picture.
            may_be_new: whether each may be somebody new, if it is nobody known. Default: all.

        Returns:
            Those who have left since the last picture: they were unseen too long, or walked out.

        Raises:
            ValueError: the time is not after that of the last picture.
        """
        if not time_seconds > self._time_seconds:
            raise ValueError(
                f"pictures must come in order of time, got {time_seconds} s "
                f"after {self._time_seconds} s"
            )
        self._time_seconds = time_seconds
        allowed = [True] * len(poses) if may_be_new is None else list(may_be_new)
        distinct = self._distinct(poses)
        expected = [one.expected_at(time_seconds) for one in self._people]
        likeness = self._likeness(expected, [poses[index] for index in distinct], time_seconds)
        given = greedy_pairs(likeness, self._options.least_similarity)
        near = self._by_nearness(expected, [poses[index] for index in distinct], given)
        crowded = self._crowded(expected)
        for number, column in near.items():
            self._people[number] = self._elsewhere(
                self._people[number], poses[distinct[column]], time_seconds
            )
        for number, column in given.items():
            self._people[number] = self._moved(
                self._people[number],
                poses[distinct[column]],
                time_seconds,
                keeps_velocity=crowded[number],
            )
        left_over = set(range(len(distinct))) - set(given.values()) - set(near.values())
        for index in (distinct[column] for column in sorted(left_over)):
            has_room = len(self._people) < self._options.most_people
            if allowed[index] and has_room and not self._is_part_of_somebody(poses[index]):
                self._begin(poses[index], time_seconds)
        return self._those_who_left(time_seconds)

    def _distinct(self, poses: Sequence[Pose]) -> list[int]:
        """Which poses to keep so that each person has one: the first."""
        kept: list[int] = []
        for index, pose in enumerate(poses):
            if not any(self._are_same(pose, poses[other]) for other in kept):
                kept.append(index)
        return kept

    def _are_same(self, one: Pose, other: Pose) -> bool:
        alike = similarity(one, other, self._size_hw, tolerance=2.0)
        return alike > self._options.same_similarity

    def _is_part_of_somebody(self, pose: Pose) -> bool:
        """Whether a pose lies on somebody known: another reading of the same person."""
        known = (one.expected_at(self._time_seconds) for one in self._people)
        return any(covered(pose, one) > _COVERED for one in known)

    def _begin(self, pose: Pose, time_seconds: float) -> None:
        self._num_people += 1
        nowhere = np.zeros(2)
        self._people.append(
            Person(self._num_people, pose, pose, nowhere, time_seconds, time_seconds)
        )

    def _likeness(
        self, expected: Sequence[Pose], poses: Sequence[Pose], time_seconds: float
    ) -> Float64Array:
        """How well each pose fits each person, (people, poses)."""
        likeness = np.zeros((len(expected), len(poses)))
        for row, (person, there) in enumerate(zip(self._people, expected, strict=True)):
            unseen = time_seconds - person.last_seen_seconds
            # Limbs move, and the longer, the less their place is known.
            tolerance = 2.0 + 2.0 * unseen
            for column, pose in enumerate(poses):
                likeness[row, column] = similarity(there, pose, self._size_hw, tolerance=tolerance)
        return likeness

    def _by_nearness(
        self, expected: Sequence[Pose], poses: Sequence[Pose], given: dict[int, int]
    ) -> dict[int, int]:
        """Who is left over, with a pose that is left over too and near them, like it or not.

        Whoever falls or sits down has other joints elsewhere within half a second.
        """
        nearness = np.zeros((len(expected), len(poses)))
        for row, (person, there) in enumerate(zip(self._people, expected, strict=True)):
            unseen = self._time_seconds - person.last_seen_seconds
            unit = float(normalised(there.points, self._size_hw).unit)
            reach = (_REACH_UNITS + _REACH_UNITS_A_SECOND * unseen) * unit
            for column, pose in enumerate(poses):
                if row not in given and column not in given.values():
                    size = float(normalised(pose.points, self._size_hw).unit) / unit
                    if 1 / _SIZE_CHANGE < size < _SIZE_CHANGE:
                        distance = float(np.linalg.norm(middle_of(there) - middle_of(pose)))
                        nearness[row, column] = 1 - distance / reach
        return greedy_pairs(nearness, 1e-6)

    def _crowded(self, expected: Sequence[Pose]) -> list[bool]:
        """Who stands so near somebody else that a pose may be the other's."""
        return [
            any(
                similarity(one, other, self._size_hw, tolerance=4.0) > 0.1
                for other in expected
                if other is not one
            )
            for one in expected
        ]

    def _moved(
        self, person: Person, pose: Pose, time_seconds: float, *, keeps_velocity: bool
    ) -> Person:
        velocity = person.velocity
        passed = time_seconds - person.last_seen_seconds
        if not keeps_velocity and passed <= self._options.velocity_seconds:
            share = 1 - np.exp(-passed / self._options.velocity_seconds)
            now = shift_between(person.body, pose) / passed
            velocity = velocity + share * (now - velocity)
        carried = person.body.points.copy()
        carried[:, :2] += shift_between(person.body, pose)
        carried[:, 2] *= np.exp(-passed / _REMEMBERED_SECONDS)
        body = Pose(np.where(pose.visible[:, np.newaxis], pose.points, carried), pose.score)
        return replace(
            person, pose=pose, body=body, velocity=velocity, last_seen_seconds=time_seconds
        )

    def _elsewhere(self, person: Person, pose: Pose, time_seconds: float) -> Person:
        """Somebody whose joints are not where they were: what is known of them begins anew."""
        return replace(
            person, pose=pose, body=pose, velocity=np.zeros(2), last_seen_seconds=time_seconds
        )

    def _those_who_left(self, time_seconds: float) -> list[Person]:
        left = [one for one in self._people if self._has_left(one, time_seconds)]
        self._people = [one for one in self._people if one not in left]
        return left

    def _has_left(self, person: Person, time_seconds: float) -> bool:
        unseen = time_seconds - person.last_seen_seconds
        if unseen > self._options.occlusion_seconds:
            return True
        top, left, bottom, right = person.expected_at(time_seconds).box
        height, width = self._size_hw
        is_outside = bottom < 0 or top > height or right < 0 or left > width
        return unseen > 0 and is_outside
