"""Who is who from picture to picture: ids that outlast crossings and a second of occlusion.

Everybody's place is predicted at constant velocity, and the poses of a picture are given to those
whose predicted joints they resemble most (object keypoint similarity, as COCO defines it). This
file knows nothing of networks or pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from rtaction.arrays import Float32Array, Float64Array
from rtaction.pose.keypoints import HIPS, NUM_JOINTS, SHOULDERS, Pose
from rtaction.pose.normal import normalised

# COCO's spread of human annotations for each joint, as a share of the root of a person's area.
_SIGMAS = np.array(
    [26, 25, 25, 35, 35, 79, 79, 72, 72, 62, 62, 107, 107, 87, 87, 89, 89], np.float64
)
_SIGMAS /= 1000
_ROOT_AREA_UNITS = 2.0  # root of a person's area, in shoulder widths
_TRUNK = np.zeros(NUM_JOINTS, bool)
_TRUNK[SHOULDERS] = _TRUNK[HIPS] = True


@dataclass(frozen=True, slots=True)
class TrackerOptions:
    """How people are told apart.

    Args:
        occlusion_seconds: somebody unseen for longer has left. Default 1.
        least_similarity: of a pose and the person it is given to, 0 to 1. Default 0.15.
        same_similarity: two poses of one picture that are more alike are of one person. Default
            0.5.
        velocity_seconds: over which the velocity is averaged. Default 0.3.
        most_people: to follow at once; more are ignored. Default 6.
    """

    occlusion_seconds: float = 1.0
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
        """The body, moved at constant velocity."""
        points = self.body.points.copy()
        points[:, :2] += self.velocity * (time_seconds - self.last_seen_seconds)
        return replace(self.body, points=points)


class PersonTracker:
    """Follows people through the pictures of one camera.

    Args:
        size_hw: height and width of the pictures.
        options: default `TrackerOptions()`.
    """

    def __init__(self, size_hw: tuple[int, int], options: TrackerOptions | None = None) -> None:
        self._size_hw = size_hw
        self._options = options or TrackerOptions()
        self._people: list[Person] = []
        self._num_people = 0
        self._time_seconds = -np.inf

    @property
    def people(self) -> list[Person]:
        """All who are followed, the hidden ones too, in the order of their ids."""
        return list(self._people)

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
        given = _greedy(likeness, self._options.least_similarity)
        crowded = self._crowded(expected)
        for number, column in given.items():
            self._people[number] = self._moved(
                self._people[number],
                poses[distinct[column]],
                time_seconds,
                keeps_velocity=crowded[number],
            )
        left_over = set(range(len(distinct))) - set(given.values())
        for index in (distinct[column] for column in sorted(left_over)):
            if allowed[index] and len(self._people) < self._options.most_people:
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
            now = _shift(person.body, pose) / passed
            velocity = velocity + share * (now - velocity)
        carried = person.body.points.copy()
        carried[:, :2] += _shift(person.body, pose)
        body = Pose(np.where(pose.visible[:, np.newaxis], pose.points, carried), pose.score)
        return replace(
            person, pose=pose, body=body, velocity=velocity, last_seen_seconds=time_seconds
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


def similarity(
    one: Pose, other: Pose, size_hw: tuple[int, int], *, tolerance: float = 1.0
) -> float:
    """Object keypoint similarity of two poses, over the joints that are seen in both.

    Args:
        one: its size counts.
        other: what is compared.
        size_hw: height and width of the picture.
        tolerance: by which COCO's spread of each joint is multiplied. Default 1.

    Returns:
        0 to 1; 0 if they share fewer than three seen joints.
    """
    both = one.visible & other.visible
    if both.sum() < 3:
        return 0.0
    unit = float(normalised(one.points, size_hw).unit)
    apart = (one.points[both, :2].astype(np.float64) - other.points[both, :2]) ** 2
    spread = 2 * _SIGMAS[both] * _ROOT_AREA_UNITS * unit * tolerance
    return float(np.exp(-apart.sum(axis=-1) / (2 * spread**2)).mean())


def _greedy(likeness: Float64Array, least: float) -> dict[int, int]:
    """Pairs of row and column, the most alike first; each row and column once."""
    pairs: dict[int, int] = {}
    order: npt.NDArray[Any] = np.argsort(-likeness, axis=None, kind="stable")
    for flat in order:
        row, column = divmod(int(flat), likeness.shape[1])
        if likeness[row, column] < least:
            break
        if row not in pairs and column not in pairs.values():
            pairs[row] = column
    return pairs


def _shift(before: Pose, after: Pose) -> Float32Array:
    """How far somebody has moved, (2,): the trunk, or else all joints that are seen in both."""
    both = before.visible & after.visible
    chosen = both & _TRUNK if (both & _TRUNK).any() else both
    if not chosen.any():
        return np.zeros(2, np.float32)
    return np.asarray(np.median(after.points[chosen, :2] - before.points[chosen, :2], axis=0))
