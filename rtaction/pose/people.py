"""People in the pictures of one camera, each with an id: found seldom, followed closely.

Whoever is known is looked at in a square around where they are expected, in every picture. The
whole picture is searched about once a second, sooner while nobody is known, somebody is hidden or
something moves where nobody is, and hardly ever while nothing moves at all. Where something moves
and nobody is found, that part is searched by itself, as people may be small. Each picture is looked
at once, however many windows it is part of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from rtaction.arrays import UInt8Array
from rtaction.opencv import cv2
from rtaction.pose.crop import Square, square_around
from rtaction.pose.keypoints import Pose
from rtaction.pose.tracker import Person, PersonTracker, TrackerOptions

_THUMB_SIDE = 64
_CHANGED_LEVELS = 20  # of 255, beyond the noise of cameras at this size
_LEAST_CHANGED_CELLS = 4
_RESTING_LEVELS = 6  # of a cell in which not even a finger moves
# Whoever is read less surely is looked at turned, and from then on, if that is sure: pose networks
# have seen few people who lie.
_SURE_SCORE = 0.4
_MARGIN = 0.25  # of a person's box, in which movement is theirs
# A part of the picture that is searched by itself is so many times as large as what moves there,
# and so large at least and at most, as shares of the picture's longer side.
_PART_SIZE, _LEAST_PART, _MOST_PART = 2.0, 0.2, 0.6


class LooksClosely(Protocol):
    """See `rtaction.pose.network.CloseNetwork`."""

    def poses_in(self, picture: UInt8Array, squares: Sequence[Square]) -> list[Pose]:
        """The pose in each square."""


class FindsPeople(Protocol):
    """See `rtaction.pose.network.FindNetwork`."""

    def people_in(self, picture: UInt8Array) -> list[Pose]:
        """The people in a picture, surest first."""


@dataclass(frozen=True, slots=True)
class PoseNetworks:
    """The two networks that people are followed with; they may serve many cameras and threads.

    Args:
        close: reads the joints of one person.
        find: finds people in a whole picture.
        identity: changes whenever the networks do, so that joints that others read are not used
            again. Default "": joints are not kept.
    """

    close: LooksClosely
    find: FindsPeople
    identity: str = ""


@dataclass(frozen=True, slots=True)
class FollowOptions:
    """How often to look.

    Args:
        find_seconds: between two searches of the whole picture. Default 1.
        hurried_seconds: the same while there is a reason to hurry. Default 0.25.
        idle_seconds: the same while nothing moves. Default 5.
        least_score: of a pose that is looked at closely, the mean over its joints. Default 0.15:
            somebody who falls is seen less surely for a while.
        rest_seconds: between two close looks at somebody around whom nothing changes. Default 0:
            everybody is looked at in every picture.
        around_seconds: between two looks in all directions, if they show no more, at somebody who
            is hardly seen or lost; doubled with each. Default 0.25.
    """

    find_seconds: float = 1.0
    hurried_seconds: float = 0.25
    idle_seconds: float = 5.0
    least_score: float = 0.15
    rest_seconds: float = 0.0
    around_seconds: float = 0.25


class PeopleFollower:
    """Finds and follows the people in front of one camera.

    Args:
        close: reads the joints of one person.
        find: finds people in a whole picture.
        size_hw: height and width of the pictures.
        options: default `FollowOptions()`.
        tracker_options: default `TrackerOptions()`.
        num_before: see `rtaction.pose.tracker.PersonTracker`. Default 0.
    """

    def __init__(
        self,
        close: LooksClosely,
        find: FindsPeople,
        size_hw: tuple[int, int],
        options: FollowOptions | None = None,
        tracker_options: TrackerOptions | None = None,
        *,
        num_before: int = 0,
    ) -> None:
        self._close = close
        self._find = find
        self._size_hw = size_hw
        self._options = options or FollowOptions()
        self._tracker = PersonTracker(size_hw, tracker_options, num_before=num_before)
        self._squares: dict[int, Square] = {}
        self._found_at_seconds = -np.inf
        self._thumb: npt.NDArray[Any] | None = None
        # What the picture was like when each person was last looked at closely, and when.
        self._rests: dict[int, tuple[float, npt.NDArray[Any]]] = {}
        # When to look at whoever is hardly seen in all directions again, and how long to wait then.
        self._in_vain: dict[int, tuple[float, float]] = {}

    @property
    def people(self) -> list[Person]:
        """All who are followed, those hidden at the moment too."""
        return self._tracker.people

    @property
    def num_people(self) -> int:
        """How many people have had an id so far."""
        return self._tracker.num_people

    def look_at(
        self, picture: UInt8Array, time_seconds: float
    ) -> tuple[list[Person], list[Person]]:
        """Take the next picture.

        Args:
            picture: uint8 RGB, shape (height, width, 3).
            time_seconds: when it was taken.

        Returns:
            Those who are seen in it, by their ids, and those who have left.

        Raises:
            ValueError: the time is not after that of the last picture.
        """
        thumb = _thumb_of(picture)
        poses = self._follow(picture, thumb, time_seconds)
        may_be_new = [False] * len(poses)
        changed = self._changed_since_search(thumb)
        if self._is_due(changed, time_seconds, num_seen=len(poses)):
            self._found_at_seconds, self._thumb = time_seconds, thumb
            found = self._find_in(picture, changed)
            poses += found
            may_be_new += [True] * len(found)
        left = self._tracker.update(poses, time_seconds, may_be_new=may_be_new)
        for person in left:
            self._squares.pop(person.number, None)
            self._rests.pop(person.number, None)
            self._in_vain.pop(person.number, None)
        return self._tracker.seen_at(time_seconds), left

    def _follow(
        self, picture: UInt8Array, thumb: npt.NDArray[Any], time_seconds: float
    ) -> list[Pose]:
        """The poses of those who are known, if they are where they are expected."""
        squares: dict[int, Square] = {}
        resting = []
        for person in self._tracker.people:
            if self._rests_at(person, thumb, time_seconds):
                resting.append(person.pose)
                continue
            expected = person.expected_at(time_seconds)
            before = self._squares.get(person.number)
            square = square_around(expected, self._size_hw, before=before)
            if square is not None:
                squares[person.number] = square
                self._rests[person.number] = (time_seconds, thumb)
        self._squares |= squares
        poses = self._close.poses_in(picture, list(squares.values()))
        for place, (number, square) in enumerate(squares.items()):
            around = self._look_around(picture, square, poses[place], number, time_seconds)
            if around is not None:
                poses[place], self._squares[number] = around
        return [*resting, *(one for one in poses if one.score >= self._options.least_score)]

    def _look_around(
        self, picture: UInt8Array, square: Square, pose: Pose, number: int, time_seconds: float
    ) -> tuple[Pose, Square] | None:
        """Look again, with the square turned each way, at somebody who is hardly seen.

        Returns:
            The surest pose, and its square; None if there was no need to look, or it was in vain.
        """
        if pose.score >= _SURE_SCORE:
            self._in_vain.pop(number, None)
            return None
        again_seconds, wait_seconds = self._in_vain.get(
            number, (-np.inf, self._options.around_seconds)
        )
        if time_seconds < again_seconds:
            return None
        turned = [replace(square, turns=(square.turns + more) % 4) for more in (1, 2, 3)]
        seen = list(zip(self._close.poses_in(picture, turned), turned, strict=True))
        surest = max(seen, key=lambda one: one[0].score)
        if surest[0].score >= _SURE_SCORE:
            return surest
        self._in_vain[number] = time_seconds + wait_seconds, 2 * wait_seconds
        return None

    def _rests_at(self, person: Person, thumb: npt.NDArray[Any], time_seconds: float) -> bool:
        """Whether somebody was looked at a moment ago, and nothing has changed around them."""
        looked_at_seconds, before = self._rests.get(person.number, (-np.inf, thumb))
        if time_seconds - looked_at_seconds >= self._options.rest_seconds:
            return False
        if person.last_seen_seconds < looked_at_seconds:  # that look has not found them
            return False
        cells = _cells_of(person.body, thumb.shape, self._size_hw)
        changed = np.abs(thumb[cells].astype(np.int16) - before[cells])
        return bool(changed.max(initial=0) <= _RESTING_LEVELS)

    def _find_in(self, picture: UInt8Array, changed: npt.NDArray[np.bool_]) -> list[Pose]:
        """The people in a picture, and in the part of it where nobody is and something moves."""
        found = self._find.people_in(picture)
        for body in [*found, *(person.body for person in self._tracker.people)]:
            changed[_cells_of(body, changed.shape, self._size_hw)] = False
        part = _part_around(changed, self._size_hw)
        if part is None:
            return found
        rows, columns = part
        corner = np.array([rows.start, columns.start, 0], np.float32)
        near = self._find.people_in(np.ascontiguousarray(picture[rows, columns]))
        return found + [replace(pose, points=pose.points + corner) for pose in near]

    def _changed_since_search(self, thumb: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
        """The cells that have changed since the last search, bool (rows, columns)."""
        if self._thumb is None:
            return np.zeros(thumb.shape, np.bool_)
        return np.asarray(np.abs(thumb.astype(np.int16) - self._thumb) > _CHANGED_LEVELS)

    def _is_due(
        self, changed: npt.NDArray[np.bool_], time_seconds: float, *, num_seen: int
    ) -> bool:
        """Whether to search the whole picture."""
        passed = time_seconds - self._found_at_seconds
        if self._thumb is None or passed >= self._options.idle_seconds:
            return True
        if passed < self._options.hurried_seconds:
            return False
        if changed.sum() < _LEAST_CHANGED_CELLS:
            return False
        if passed >= self._options.find_seconds:
            return True
        people = self._tracker.people
        elsewhere = changed.copy()
        for person in people:
            elsewhere[_cells_of(person.body, changed.shape, self._size_hw)] = False
        is_somebody_hidden = num_seen < len(people)
        return is_somebody_hidden or bool(elsewhere.sum() >= _LEAST_CHANGED_CELLS)


def _thumb_of(picture: UInt8Array) -> npt.NDArray[Any]:
    """The picture's brightness in a few cells, uint8 (rows, columns)."""
    scale = _THUMB_SIDE / max(picture.shape[:2])
    size = [max(round(side * scale), 1) for side in picture.shape[1::-1]]
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA)[..., 1])


def _part_around(
    changed: npt.NDArray[np.bool_], size_hw: tuple[int, int]
) -> tuple[slice, slice] | None:
    """Rows and columns of the part of a picture around cells; None if they are few or all over."""
    if changed.sum() < _LEAST_CHANGED_CELLS:
        return None
    cell, limits = size_hw[0] / changed.shape[0], np.array(size_hw)
    ends = np.array([[where.min(), where.max() + 1] for where in changed.nonzero()]) * cell
    longer_side = max(size_hw)
    side = max(_PART_SIZE * float(np.diff(ends).max()), _LEAST_PART * longer_side)
    if side > _MOST_PART * longer_side:
        return None
    starts = (ends.mean(axis=1) - side / 2).clip(0, np.maximum(limits - side, 0))
    rows, columns = (
        slice(int(start), int(min(start + side, limit)))
        for start, limit in zip(starts, limits, strict=True)
    )
    return rows, columns


def _cells_of(body: Pose, shape: tuple[int, ...], size_hw: tuple[int, int]) -> tuple[slice, slice]:
    """The cells of a thumb in which somebody moves."""
    top, left, bottom, right = body.box
    scale = shape[0] / size_hw[0]
    spare = _MARGIN * max(bottom - top, right - left)
    edges = [(top - spare, bottom + spare), (left - spare, right + spare)]
    rows, columns = (
        slice(max(int(low * scale), 0), max(int(np.ceil(high * scale)), 0)) for low, high in edges
    )
    return rows, columns
