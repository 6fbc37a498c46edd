"""Which cameras are decoded if there is too little processor time to decode all of them.

To judge a window, a camera must be decoded without a gap for as long as the window is. If all of
them skip frames to keep up, none ever fills a window; so some are decoded completely, and the
others wait for their turn. How many are decoded at once is found as TCP finds its rate: fewer when
one of them falls behind within its turn, one more when none has for a while
(https://www.rfc-editor.org/rfc/rfc5681). This module knows nothing about video or models.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

# A camera that is later than this falls behind. Alone, it is given more time, as nobody can wait in
# its place; later still, its windows would be too old to be judged.
_BEHIND_SECONDS, _BEHIND_ALONE_SECONDS = 0.5, 0.9
# Those that fall behind together suffer from the same shortage.
_SAME_SHORTAGE_SECONDS = 2.0
_KEPT_SHARE = 2 / 3
_LONGEST_CALM_SECONDS = 60.0
# Key frames, with which a turn begins, are seldom further apart; then the next one is asked.
_PATIENCE_SECONDS = 12.0
_NAP_SECONDS = 1.0


class Turns:
    """Shares the time of decoding among cameras.

    Args:
        turn_seconds: how long a camera is decoded while others wait; it must be longer than a
            window. Default 5.0.
        clock: seconds that only increase. Default `time.monotonic`.
    """

    def __init__(
        self, turn_seconds: float = 5.0, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._turn_seconds = turn_seconds
        self._clock = clock
        self._lock = threading.RLock()
        self._decoding: list[Turn] = []
        self._waiting: list[Turn] = []
        self._num_at_once: int | None = None
        self._num_before = 0  # how many before one more was tried; 0 if fewer were tried last
        self._calm_seconds = turn_seconds
        self._changed_seconds = float("-inf")
        self._shortage_seconds = float("-inf")
        self._offered_seconds: float | None = None

    @property
    def num_at_once(self) -> int | None:
        """How many cameras are decoded at once; None if all are."""
        return self._num_at_once

    def join(self) -> Turn:
        """The turn of one more camera, which takes part from its first `enter`."""
        return Turn(self)

    def enter(self, turn: Turn) -> None:
        """See `Turn.enter`."""
        with self._lock:
            self.leave(turn)
            # All are decoded until one falls behind.
            if self._num_at_once is None:
                self._begin(turn)
            else:
                self._waiting.append(turn)

    def leave(self, turn: Turn) -> None:
        """See `Turn.leave`."""
        with self._lock:
            for group in (self._decoding, self._waiting):
                if turn in group:
                    group.remove(turn)

    def begin(self, turn: Turn) -> bool:
        """See `Turn.begin`."""
        with self._lock:
            self._pass_over_who_does_not_come()
            if self._is_next(turn):
                self._waiting.remove(turn)
                self._begin(turn)
            return turn in self._decoding

    def goes_on(self, turn: Turn, late_seconds: float) -> bool:
        """See `Turn.goes_on`."""
        with self._lock:
            if turn not in self._decoding:
                return False
            now = self._clock()
            is_alone = self._num_at_once == 1 or len(self._decoding) == 1
            has_had_its_turn = now - turn.began_seconds >= self._turn_seconds
            if late_seconds > (_BEHIND_ALONE_SECONDS if is_alone else _BEHIND_SECONDS):
                # Later than that, it has given labels, and what has piled up is soon skipped.
                if not has_had_its_turn:
                    self._cut(now)
                self._wait(turn, is_first=not (has_had_its_turn or turn.has_failed))
                turn.has_failed = not has_had_its_turn
            elif self._waiting and has_had_its_turn:
                turn.has_failed = False
                self._grow()
                if self._num_free <= 0:
                    self._wait(turn)
            return turn in self._decoding

    def nap_seconds(self, turn: Turn) -> float:
        """See `Turn.nap_seconds`."""
        with self._lock:
            self._grow()
            self._pass_over_who_does_not_come()
            # The one after those whose turn it is must be there when a turn ends.
            is_soon = turn in self._waiting[: max(self._num_free, 0) + 1]
            return 0.0 if is_soon or turn in self._decoding else _NAP_SECONDS

    def is_waiting(self, turn: Turn) -> bool:
        """See `Turn.is_waiting`."""
        return turn in self._waiting

    @property
    def _num_free(self) -> int:
        if self._num_at_once is None:
            return len(self._waiting)
        return self._num_at_once - len(self._decoding)

    def _is_next(self, turn: Turn) -> bool:
        return turn in self._waiting[: max(self._num_free, 0)]

    def _begin(self, turn: Turn) -> None:
        self._offered_seconds = None
        turn.began_seconds = self._clock()
        self._decoding.append(turn)

    def _wait(self, turn: Turn, *, is_first: bool = False) -> None:
        self._decoding.remove(turn)
        self._waiting.insert(0 if is_first else len(self._waiting), turn)
        turn.began_seconds = self._clock()

    def _pass_over_who_does_not_come(self) -> None:
        """Let the next one begin if the first in line gives no key frame."""
        now = self._clock()
        if self._num_free <= 0 or not self._waiting:
            self._offered_seconds = None
        elif self._offered_seconds is None:
            self._offered_seconds = now
        elif now - self._offered_seconds > _PATIENCE_SECONDS:
            self._waiting.append(self._waiting.pop(0))
            self._offered_seconds = now

    def _cut(self, now: float) -> None:
        if now - self._shortage_seconds < _SAME_SHORTAGE_SECONDS:
            return
        self._shortage_seconds = now
        was_tried = self._num_before and now - self._changed_seconds < 2 * self._calm_seconds
        if was_tried:
            # That was one too many: go back, and try it less often.
            self._num_at_once = self._num_before
            self._calm_seconds = min(2 * self._calm_seconds, _LONGEST_CALM_SECONDS)
        else:
            self._num_at_once = max(int(len(self._decoding) * _KEPT_SHARE), 1)
        self._num_before = 0
        self._changed_seconds = now

    def _grow(self) -> None:
        """Decode more at once if all have kept up for a while."""
        now = self._clock()
        if self._num_at_once is None or now - self._changed_seconds < self._calm_seconds:
            return
        num_cameras = len(self._decoding) + len(self._waiting)
        if len(self._decoding) < min(self._num_at_once, num_cameras):
            return  # that fewer keep up says nothing
        if self._num_before:  # what was tried last went well
            self._calm_seconds = max(self._calm_seconds / 2, self._turn_seconds)
        self._num_before = self._num_at_once
        self._num_at_once += max(self._num_at_once // 4, 1)
        if self._num_at_once >= num_cameras:
            self._num_at_once = None
        self._changed_seconds = now


class Turn:
    """The turn of one camera; made by `Turns.join`.

    Attributes:
        began_seconds: when it began to be decoded, or to wait.
        has_failed: whether it fell behind within its last turn.
    """

    def __init__(self, turns: Turns) -> None:
        self.began_seconds = float("-inf")
        self.has_failed = False
        self._turns = turns

    def enter(self) -> None:
        """Take part, once the camera is connected."""
        self._turns.enter(self)

    def leave(self) -> None:
        """Take no part any more: the camera is lost."""
        self._turns.leave(self)

    def begin(self) -> bool:
        """Ask to be decoded from a key frame on; returns whether it is this camera's turn."""
        return self._turns.begin(self)

    def goes_on(self, late_seconds: float) -> bool:
        """Tell how late a decoded frame is because decoding does not keep up.

        Returns:
            Whether to go on decoding; otherwise, wait for the next turn.
        """
        return self._turns.goes_on(self, late_seconds)

    @property
    def nap_seconds(self) -> float:
        """How long the camera need not be looked at; 0.0 if its turn comes soon."""
        return self._turns.nap_seconds(self)

    @property
    def is_waiting(self) -> bool:
        """Whether others are decoded instead."""
        return self._turns.is_waiting(self)
