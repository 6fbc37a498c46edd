"""What happens in front of cameras, whoever watches them."""

from __future__ import annotations

import random
from bisect import bisect_right
from dataclasses import dataclass

LABEL = "wave"
# Longer than a camera is without a worker, so that two actions in a row are never taken for one.
_LEAST_REST_SECONDS = 25.0


@dataclass(frozen=True, slots=True)
class Action:
    """Somebody does something in front of a camera, from a time to a time."""

    start_seconds: float
    end_seconds: float


class Scene:
    """The actions in front of one camera, the same for each seed.

    Args:
        camera: its id.
        mean_rest_seconds: time between two actions, on average; at least 30.
        seconds: of all of it.
        lasting_seconds: of an action: from, to. Default 3 to 20.
    """

    def __init__(
        self,
        camera: str,
        *,
        mean_rest_seconds: float,
        seconds: float,
        lasting_seconds: tuple[float, float] = (3.0, 20.0),
    ) -> None:
        chance = random.Random(camera)
        self.actions: list[Action] = []
        more_seconds = mean_rest_seconds - _LEAST_REST_SECONDS
        at_seconds = chance.uniform(0.0, mean_rest_seconds)
        while at_seconds < seconds:
            end_seconds = at_seconds + chance.uniform(*lasting_seconds)
            self.actions.append(Action(at_seconds, end_seconds))
            at_seconds = end_seconds + _LEAST_REST_SECONDS + chance.expovariate(1 / more_seconds)
        self._ends = [action.end_seconds for action in self.actions]

    def next(self, seconds: float) -> Action | None:
        """The action that goes on at a time, or the first one after it."""
        place = bisect_right(self._ends, seconds)
        return self.actions[place] if place < len(self.actions) else None
