"""How long to wait before the next try to reach a camera."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BackOff:
    """Waits that double from one failure to the next, each a little off by chance.

    The chance keeps the cameras of one failed switch from all coming back in the same moment
    (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).

    Args:
        first_seconds: the first wait. Default 0.5.
        longest_seconds: the longest. Default 30.0.
        lasting_seconds: the least wait where a soon try is pointless: wrong password, no such
            stream. Cameras lock out who asks too often. Default 30.0.
        jitter: largest share by which a wait is off. Default 0.2.
    """

    first_seconds: float = 0.5
    longest_seconds: float = 30.0
    lasting_seconds: float = 30.0
    jitter: float = 0.2

    def wait_seconds(self, num_failures: int, *, is_lasting: bool = False) -> float:
        """The wait after so many failures in a row, counted from 1.

        A lasting failure may take the wait beyond `longest_seconds`, up to ten times
        `lasting_seconds`.
        """
        doublings = min(max(num_failures - 1, 0), 30)
        first = self.lasting_seconds if is_lasting else self.first_seconds
        longest = 10 * self.lasting_seconds if is_lasting else self.longest_seconds
        wait = min(first * 2.0**doublings, longest)
        # A lasting failure's wait is the least that it may be.
        earliest = 1.0 if is_lasting else 1 - self.jitter
        return min(wait * random.uniform(earliest, 1 + self.jitter), longest)
