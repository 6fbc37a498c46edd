"""The people to draw in the frames of one source."""

from __future__ import annotations

from rtaction.frame import FrameLike
from rtaction.models import PEOPLE_MODEL, POSE_MODEL
from rtaction.pose.network import CloseNetwork, FindNetwork
from rtaction.pose.people import FindsPeople, LooksClosely, PeopleFollower
from rtaction.pose.tracker import Person
from rtaction.realtime.model.session import open_session

_LOOKS_PER_SECOND = 10.0
_SLACK_SECONDS = 0.005  # frames come a little early


class DrawnPeople:
    """Follows the people of one source for the display, ten times a second.

    Args:
        close, find: see `rtaction.pose.people.PeopleFollower`.
    """

    def __init__(self, close: LooksClosely, find: FindsPeople) -> None:
        self._networks = (close, find)
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
            self._follower = PeopleFollower(*self._networks, (image.shape[0], image.shape[1]))
            self._shot = shot
        elif now_seconds < self._due_seconds - _SLACK_SECONDS:
            return self._seen
        self._due_seconds = now_seconds + 1 / _LOOKS_PER_SECOND
        self._seen, _ = self._follower.look_at(image, now_seconds)
        return self._seen


def open_networks() -> tuple[CloseNetwork, FindNetwork]:
    """The bundled pose networks, on the processor that is the default, one thread each.

    Raises:
        DeviceUnavailable: see `rtaction.realtime.model.session.open_session`.
    """
    close, find = (
        open_session(path.read_bytes(), "auto", num_threads=1, strict=False)
        for path in (POSE_MODEL, PEOPLE_MODEL)
    )
    return CloseNetwork(close), FindNetwork(find)
