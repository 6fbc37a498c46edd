"""Whether somebody is seen while takes are recorded.

A take in which nobody is seen teaches nothing about people, and is better refused at once than
found useless after all are recorded. This file knows nothing of files or screens.
"""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from rtaction.pose.people import PeopleFollower, PoseNetworks
from rtaction.pose.tracker import Person
from rtaction.teach.pace import POSE_INTERVAL_SECONDS

_LEAST_SEEN = 0.5  # of the looks during a take
_SLACK_SECONDS = 0.01  # frames come a little early


class Onlooker:
    """Follows people through the frames of a camera, eight times a second.

    Args:
        networks: read the joints.
    """

    def __init__(self, networks: PoseNetworks) -> None:
        self._networks = networks
        self._follower: PeopleFollower | None = None
        self._size_hw = (0, 0)
        self._due_seconds = float("-inf")
        self._num_looks = self._num_seen = 0
        self.people: list[Person] = []

    def look_at(self, image_rgb: npt.NDArray[Any], at_seconds: float) -> None:
        """Take the next frame; most are skipped.

        Args:
            image_rgb: uint8 RGB, shape (height, width, 3).
            at_seconds: its time, on one clock that never goes back.
        """
        if at_seconds < self._due_seconds - _SLACK_SECONDS:
            return
        size_hw = (image_rgb.shape[0], image_rgb.shape[1])
        if self._follower is None or size_hw != self._size_hw:
            self._size_hw = size_hw
            self._follower = PeopleFollower(self._networks.close, self._networks.find, size_hw)
        self._due_seconds = at_seconds + POSE_INTERVAL_SECONDS
        self.people, _ = self._follower.look_at(image_rgb, at_seconds)
        self._num_looks += 1
        self._num_seen += bool(self.people)

    def begin(self) -> None:
        """Start to count for a new take."""
        self._num_looks = self._num_seen = 0

    @property
    def has_seen_enough(self) -> bool:
        """Whether somebody was seen in half of the looks since `begin`."""
        return self._num_seen >= _LEAST_SEEN * max(self._num_looks, 1)
