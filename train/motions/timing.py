"""Curves over time for many windows at once.

Arrays are float32 with a row for each window; a number that holds for a whole window has the shape
(num_windows, 1). This module knows nothing about bodies.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Rng = np.random.Generator
Numbers = npt.NDArray[np.floating[Any]]
"""Numbers of which only the shape matters; what is large is float32."""


def between(rng: Rng, num: int, low: float, high: float) -> Numbers:
    """A number for each window, evenly from low to high; (num, 1)."""
    return rng.uniform(low, high, (num, 1)).astype(np.float32)


def around(rng: Rng, num: int, middle: float, spread: float) -> Numbers:
    """A number for each window, normally distributed; (num, 1)."""
    return rng.normal(middle, spread, (num, 1)).astype(np.float32)


def happens(rng: Rng, num: int, probability: float) -> Numbers:
    """1 for windows in which something happens, else 0; (num, 1)."""
    return (rng.random((num, 1)) < probability).astype(np.float32)


def eased(share: Numbers) -> Numbers:
    """From 0 to 1 with a soft start and end, as hands move from place to place."""
    cut = share.clip(0.0, 1.0)
    return np.asarray(cut * cut * (3 - 2 * cut))


def ramp(times: Numbers, start: Numbers, takes: Numbers) -> Numbers:
    """From 0 before `start` softly to 1 after `takes` seconds; (num, num_times)."""
    return eased((times - start) / takes)


def bump(
    times: Numbers,
    start: Numbers,
    rise: Numbers,
    hold: Numbers,
    fall: Numbers,
) -> Numbers:
    """From 0 to 1, some seconds there, and back; (num, num_times)."""
    return ramp(times, start, rise) * (1 - ramp(times, start + rise + hold, fall))


def phase(rng: Rng, times: Numbers, hertz: Numbers) -> Numbers:
    """Angle of something that repeats, from a random one, at a pace that varies a little."""
    num = len(times)
    drift = around(rng, num, 0.0, 0.12) * np.sin(1.7 * times + between(rng, num, 0, 6.28))
    return np.asarray(2 * np.pi * (hertz * times + between(rng, num, 0, 1) + drift), np.float32)


def strokes(angle: Numbers, share: Numbers) -> Numbers:
    """Quick strokes out and back: 0 to 1 to 0 within `share` of each turn of an angle."""
    turn = (angle / (2 * np.pi)) % 1.0
    out = (turn / share).clip(0.0, 1.0)
    return np.asarray(np.sin(np.pi * out) ** 2, np.float32)


def wander(rng: Rng, times: Numbers, size: Numbers | float, hertz: float, axes: int) -> Numbers:
    """Smooth noise: (num, num_times, axes), of a spread `size` ((num, 1) or a number)."""
    num = len(times)
    total = np.zeros((*times.shape, axes), np.float32)
    now = np.asarray(times, np.float32)[..., np.newaxis]
    draws = rng.random((3, 2, num, 1, axes), np.float32)
    for share, (pace, start) in zip((0.5, 1.0, 1.7), draws, strict=True):
        total += np.sin(
            now * np.float32(2 * np.pi * hertz * share) * (0.7 + 0.6 * pace) + 6.28 * start
        )
    total *= np.float32(0.8)
    scale = np.asarray(size, np.float32)
    return np.asarray(total * (scale[..., np.newaxis] if scale.ndim else scale))
