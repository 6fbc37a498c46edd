"""Actions in time: when they happen, and how arms are mixed into a motion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rtaction.train.motions.skeleton import (
    Motion,
)
from rtaction.train.motions.timing import (
    Numbers,
    Rng,
    between,
    happens,
    ramp,
)


@dataclass(eq=False, slots=True)
class Acted:
    """A motion and when its action happens.

    Args:
        motion: of the bodies.
        share: float32, shape (num_windows, num_times): of an action that lasts, 1 while it does;
            of one that leads from one state to another, how much of the way is done.
        leads: whether it leads from one state to another.
        strokes: of an action of strokes with pauses, how far each stroke is out at each time, as
            `share`. Default None: there are no pauses.
    """

    motion: Motion
    share: Numbers
    leads: bool = False
    strokes: Numbers | None = None

    @property
    def tells(self) -> Numbers:
        """From 0 to 1, at which times something tells the action: (num_windows, num_times)."""
        if self.leads:
            return np.asarray(self.share < 0.5, np.float32)
        return self.share if self.strokes is None else self.strokes


def episode(rng: Rng, times: Numbers, *, ease_seconds: float = 0.5) -> Numbers:
    """1 while an action lasts, else 0: it may begin before a window, or end within it."""
    num = len(times)
    long = happens(rng, num, 0.6)
    start = between(rng, num, -3.0, 0.9)
    lasts = between(rng, num, 1.0, 3.0) + long * between(rng, num, 1.0, 8.0)
    ease = between(rng, num, 0.2, ease_seconds)
    return ramp(times, start, ease) * (1 - ramp(times, start + lasts, ease))


def with_arms(motion: Motion, arms: Numbers, weight: Numbers) -> None:
    """Mix other arms into a motion, by (num, num_times)."""
    motion.arms += weight[..., np.newaxis, np.newaxis] * (arms - motion.arms)


def arm(*angles: Numbers) -> Numbers:
    """One arm from its four angles: (num, num_times, 4)."""
    return np.stack(np.broadcast_arrays(*angles), axis=-1).astype(np.float32)


def both(one: Numbers, other: Numbers) -> Numbers:
    """Left and right arm from two; (num, num_times, 2, 4)."""
    return np.stack(np.broadcast_arrays(one, other), axis=-2)
