"""The people to draw in the frames of one source."""

from __future__ import annotations

from rtaction.frame import FrameLike
from rtaction.pose.people import PeopleFollower, PoseNetworks
from rtaction.pose.tracker import Person

_LOOKS_PER_SECOND = 10.0
_SLACK_SECONDS = 0.005  # frames come a little early


class DrawnPeople:
    """Follows the people of one source for the display, ten times a second.

    Args:
        networks: find and follow people.
    """

    def __init__(self, networks: PoseNetworks) -> None:
        self._networks = networks
        self._follower: PeopleFollower | None = None
        self._shot: tuple[int, tuple[int, ...]] | None = None
        self._due_seconds = 0.0
        self._seen: list[Person] = []

    def people_in(self, frame: FrameLike) -> list[Person]:
        """Those seen in the frame, or in an earlier one less than a tenth of a second before.

        Args:
            frame: later than those before, or of another segment.

        Raises:
            FrameDamaged: the frame cannot be decoded.
        """
        image, now_seconds = frame.image, frame.captured_at_seconds
        shot = (frame.segment, image.shape)
        if self._follower is None or shot != self._shot:
            # After a cut nobody is known, and ids begin anew.
            self._follower = PeopleFollower(
                self._networks.close, self._networks.find, (image.shape[0], image.shape[1])
            )
            self._shot = shot
        elif now_seconds < self._due_seconds - _SLACK_SECONDS:
            return self._seen
        self._due_seconds = now_seconds + 1 / _LOOKS_PER_SECOND
        self._seen, _ = self._follower.look_at(image, now_seconds)
        return self._seen
