"""The mean of scores over the last moments. This module knows nothing about labels."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np
import numpy.typing as npt


class MeanOverTime:
    """The mean of the scores over the last `seconds`, with linear interpolation between scores.

    This is the moving average "SMA linear" of Eckner, "Algorithms for Unevenly Spaced Time Series:
    Moving Averages and Other Rolling Operators": more windows per second only trace the same curve
    more finely. An exponential average never forgets: a score just above a high threshold could
    take seconds to lift the average over it; this mean takes at most `seconds`.

    Attributes:
        seconds: 0 for the last scores alone; it may be changed. Default 0.0.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self._points: deque[tuple[float, npt.NDArray[np.float64]]] = deque()

    def clear(self) -> None:
        """Forget everything."""
        self._points.clear()

    def push(
        self, at_seconds: float, scores: npt.NDArray[Any]
    ) -> tuple[npt.NDArray[np.float32], float]:
        """Add scores; returns their mean (float32, so that equal scores stay equal) and the
        seconds that it covers."""
        self._points.append((at_seconds, scores.astype(np.float64)))
        start_seconds = at_seconds - self.seconds
        while len(self._points) > 1 and self._points[1][0] <= start_seconds:
            self._points.popleft()
        times = np.array([seconds for seconds, _ in self._points])
        values = np.stack([value for _, value in self._points])
        if len(times) == 1:
            return np.asarray(values[0], np.float32), 0.0
        if times[0] < start_seconds:
            part = (start_seconds - times[0]) / (times[1] - times[0])
            values[0] += part * (values[1] - values[0])
            times[0] = start_seconds
        span_seconds = float(times[-1] - times[0])
        area = np.trapezoid(values, times, axis=0)
        return np.asarray(area / span_seconds, np.float32), span_seconds
