"""What is to happen, in the order in which it does; time is a number that jumps ahead."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable


class Queue:
    """Calls that are due at times.

    Attributes:
        now_seconds: the time, from 0.
    """

    def __init__(self) -> None:
        self.now_seconds = 0.0
        self._due: list[tuple[float, int, Callable[[], object]]] = []
        self._numbers = itertools.count()

    def after(self, seconds: float, call: Callable[[], object]) -> None:
        """Call something in so many seconds, at once with 0; what is due first is called first."""
        at_seconds = self.now_seconds + max(seconds, 0.0)
        heapq.heappush(self._due, (at_seconds, next(self._numbers), call))

    def run_until(self, seconds: float) -> None:
        """Let time pass up to this time."""
        while self._due and self._due[0][0] <= seconds:
            self.now_seconds, _, call = heapq.heappop(self._due)
            call()
        self.now_seconds = seconds
