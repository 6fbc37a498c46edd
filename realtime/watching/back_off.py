"""How long to wait before reconnecting to a camera."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BackOff:
    """Waits that double from one failure to the next, with random jitter.

    The jitter keeps the cameras behind a failed switch from all reconnecting at the same moment
    (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).

    Args:
        first_seconds: the first wait. Default 0.5.
        longest_seconds: the longest wait. A try costs a camera little, and one that comes back must
            not be left waiting. Default 5.0.
        lasting_seconds: the shortest wait if an early retry is pointless: wrong password, no such
            stream. Cameras lock out clients that try too often. Default 30.0.
        jitter: largest relative deviation of a wait. Default 0.2.
    """

    first_seconds: float = 0.5
    longest_seconds: float = 5.0
    lasting_seconds: float = 30.0
    jitter: float = 0.2

    def wait_seconds(self, num_failures: int, *, is_lasting: bool = False) -> float:
        """The wait after a number of failures of this kind in a row, counted from 1.

        A lasting failure may take the wait beyond `longest_seconds`, up to ten times
        `lasting_seconds`.
        """
        doublings = min(max(num_failures - 1, 0), 30)
        first = self.lasting_seconds if is_lasting else self.first_seconds
        longest = 10 * self.lasting_seconds if is_lasting else self.longest_seconds
        wait = min(first * 2.0**doublings, longest)
        # For a lasting failure, `lasting_seconds` is the minimum.
        earliest = 1.0 if is_lasting else 1 - self.jitter
        return min(wait * random.uniform(earliest, 1 + self.jitter), longest)
