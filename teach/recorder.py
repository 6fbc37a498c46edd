"""State machine of a recording session, driven by the times of the camera's frames.

Each take is preceded by a countdown; both vary in length, so that the model learns the action and
not its timing. This file knows nothing about pixels, files or keys.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Phase = Literal["countdown", "recording", "paused", "over"]
Step = Literal["begin", "end", "drop", "delete"]
"""What to do: begin a take, save it, discard it; or delete the last one that was saved."""

_FIRST_COUNTDOWN_SECONDS = 5.0
_COUNTDOWNS_SECONDS = (1.5, 2.5)
_LENGTHS = (0.85, 1.3)  # of the wanted length


@dataclass(slots=True)
class Quota:
    """How many takes of a label are wanted.

    Args:
        label: the action to perform.
        done: takes recorded so far.
        wanted: takes wanted in all.
    """

    label: str
    done: int
    wanted: int

    @property
    def is_met(self) -> bool:
        """Whether there are enough."""
        return self.done >= self.wanted


class Recorder:
    """Goes through the labels, take by take.

    Args:
        quotas: what to record, in order.
        take_seconds: approximate length of a take, above 0; it varies by a factor of 0.85 to 1.3.
            Default 3.0.
        seed: of the variation. Default None: a random one.

    Attributes:
        refused: why the last take was refused, until the next one begins; else "".
    """

    def __init__(
        self, quotas: Sequence[Quota], *, take_seconds: float = 3.0, seed: int | None = None
    ) -> None:
        self.quotas = list(quotas)
        self._take_seconds = take_seconds
        self._random = random.Random(seed)
        self.refused = ""
        self._recorded: list[int] = []  # positions of the labels of this session's takes
        self._phase: Phase = "countdown"
        self._until_seconds: float | None = None
        self._length_seconds = 1.0
        self._now = 0.0
        self._enter(0)

    @property
    def phase(self) -> Phase:
        """The current phase."""
        return self._phase

    @property
    def is_over(self) -> bool:
        """Whether there is nothing left to record."""
        return self._phase == "over"

    @property
    def quota(self) -> Quota:
        """Quota of the current label, or of the last one when the session is over."""
        return self.quotas[min(self._position, len(self.quotas) - 1)]

    @property
    def seconds_left(self) -> float:
        """Time left of the countdown or the take."""
        return 0.0 if self._until_seconds is None else max(self._until_seconds - self._now, 0.0)

    @property
    def share_done(self) -> float:
        """Elapsed share of the countdown or the take, 0 to 1."""
        return 1 - min(self.seconds_left / self._length_seconds, 1.0)

    def see(self, at_seconds: float) -> Step | None:
        """Advance to the time of a frame.

        Args:
            at_seconds: its time, on one clock that never goes back.

        Returns:
            "begin" if the frame is the first of a take, "end" if it is the first after one.
        """
        self._now = at_seconds
        if self._phase == "countdown":
            self._skip_met()  # fewer may be wanted than before
        if self._phase in ("over", "paused"):
            return None
        if self._until_seconds is None:
            self._count_down()
        if self.seconds_left > 0:
            return None
        if self._phase == "countdown":
            self._phase = "recording"
            self.refused = ""
            self._wait(self._take_seconds * self._random.uniform(*_LENGTHS))
            return "begin"
        self.quota.done += 1
        self._recorded.append(self._position)
        self._restart("countdown")
        self._skip_met()
        return "end"

    def again(self) -> Step | None:
        """Repeat the current take or, between takes, the last one of this session.

        After "delete", `quota` is that of the take.
        """
        if self._phase == "recording":
            self._restart("countdown")
            return "drop"
        return self._delete()

    def delete(self) -> Step | None:
        """Delete the last take of this session, without recording another in its place.

        After "delete", `quota` is that of the take.
        """
        step = self._delete()
        self.quota.wanted -= step is not None
        return step

    def refuse(self, reason: str) -> None:
        """Do not count the take that has just ended; another is recorded in its place.

        Args:
            reason: shown until then.
        """
        self._position = self._recorded.pop()
        self.quota.done -= 1
        self.refused = reason
        self._is_first = True  # time to read the reason, and to do something about it
        self._restart("countdown")

    def next_label(self) -> Step | None:
        """Continue with the next label, even if takes of this one are missing."""
        was_recording = self._phase == "recording"
        if self._phase != "over":
            self._enter(self._position + 1)
        return "drop" if was_recording else None

    def pause(self) -> Step | None:
        """Pause, or continue after a pause; the current take is dropped."""
        was_recording = self._phase == "recording"
        if self._phase != "over":
            self._restart("countdown" if self._phase == "paused" else "paused")
        return "drop" if was_recording else None

    def _delete(self) -> Step | None:
        if self._phase not in ("countdown", "paused") or not self._recorded:
            return None
        self._position = self._recorded.pop()
        self.quota.done -= 1
        self._restart(self._phase)
        return "delete"

    def _restart(self, phase: Phase) -> None:
        self._phase, self._until_seconds = phase, None

    def _enter(self, position: int) -> None:
        """Start a label."""
        self._position, self._is_first = position, True
        self._restart("countdown")
        self._skip_met()

    def _skip_met(self) -> None:
        if self._position == len(self.quotas):
            self._phase = "over"
        elif self.quotas[self._position].is_met:
            self._enter(self._position + 1)

    def _count_down(self) -> None:
        low, high = _COUNTDOWNS_SECONDS
        varied_seconds = self._random.uniform(low, high)
        self._wait(_FIRST_COUNTDOWN_SECONDS if self._is_first else varied_seconds)
        self._is_first = False

    def _wait(self, seconds: float) -> None:
        self._length_seconds = seconds
        self._until_seconds = self._now + seconds
