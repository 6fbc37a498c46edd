"""Statistics of a run that may last for months, in constant memory."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

import psutil

from rtaction.prediction import Prediction

_SMALLEST_SECONDS = 1e-5
_RATIO = 1.02
_NUM_BUCKETS = 1000  # up to 4,000 s


class Histogram:
    """Durations, counted in buckets of 2 % width."""

    def __init__(self) -> None:
        self.num_values = 0
        self.sum_seconds = 0.0
        self._counts = [0] * _NUM_BUCKETS

    def add(self, seconds: float) -> None:
        """Count one duration."""
        self.sum_seconds += max(seconds, 0.0)
        ratio = max(seconds, _SMALLEST_SECONDS) / _SMALLEST_SECONDS
        self._counts[min(int(math.log(ratio, _RATIO)), _NUM_BUCKETS - 1)] += 1
        self.num_values += 1

    def add_all(self, other: Histogram) -> None:
        """Count all durations of another."""
        self._counts = [a + b for a, b in zip(self._counts, other._counts, strict=True)]
        self.num_values += other.num_values

    def percentile(self, percent: float) -> float | None:
        """The seconds that `percent` of the durations do not exceed; None if there are none."""
        wanted = self.num_values * percent / 100
        seen = 0
        for bucket, count in enumerate(self._counts):
            seen += count
            if count and seen >= wanted:
                return float(_SMALLEST_SECONDS * _RATIO ** (bucket + 0.5))
        return None

    def counts_up_to(self, bounds_seconds: Iterable[float]) -> list[int]:
        """How many durations do not exceed each bound, to 2 % of it; for any thread.

        Args:
            bounds_seconds: in seconds, in any order; infinity is that of all durations.
        """
        below = [0, *accumulate(self._counts)]  # of all buckets before one
        return [below[_num_buckets_up_to(bound)] for bound in bounds_seconds]

    def to_dict(self) -> dict[str, float | None]:
        """p50, p95 and p99 in seconds."""
        return {
            f"p{percent}": None if (value := self.percentile(percent)) is None else round(value, 6)
            for percent in (50, 95, 99)
        }


def _num_buckets_up_to(seconds: float) -> int:
    """How many buckets have at least half of their width up to this bound."""
    ratio = max(seconds, _SMALLEST_SECONDS) / _SMALLEST_SECONDS
    if not math.isfinite(ratio):
        return _NUM_BUCKETS
    return min(round(math.log(ratio, _RATIO)), _NUM_BUCKETS)


@dataclass(slots=True)
class SourceStats:
    """Statistics of one source.

    Args:
        started_seconds: time of its start, on the monotonic clock. Default now.
        ended_seconds: time of its end, None before.
        first_seconds: time of its first frame, None before.
        last_seconds: time of its newest frame.
        num_frames: number of frames.
        num_predictions: number of predictions.
        num_events: number of events started.
        num_reconnects: number of recoveries after a loss.
        frames_per_second: the rate that the source declares; 0.0 if it declares none.
        drops: number of frames and windows that were not used, by reason.
        latency: from capture to prediction.
        frame_age: age of the newest frame when computing began.
    """

    started_seconds: float = field(default_factory=time.monotonic)
    ended_seconds: float | None = None
    first_seconds: float | None = None
    last_seconds: float = 0.0
    num_frames: int = 0
    num_predictions: int = 0
    num_events: int = 0
    num_reconnects: int = 0
    frames_per_second: float = 0.0
    drops: Counter[str] = field(default_factory=Counter)
    latency: Histogram = field(default_factory=Histogram)
    frame_age: Histogram = field(default_factory=Histogram)

    def count(self, prediction: Prediction) -> None:
        """Count a prediction."""
        self.num_predictions += 1
        self.latency.add(prediction.latency_seconds)
        if prediction.frame_age_seconds > 0:  # frames of a file have no age
            self.frame_age.add(prediction.frame_age_seconds)

    def count_frame(self, at_seconds: float) -> None:
        """Count a frame with this time."""
        if self.first_seconds is None:
            self.first_seconds = at_seconds
        self.last_seconds = at_seconds
        self.num_frames += 1

    @property
    def elapsed_seconds(self) -> float:
        """How long it has been watched, above 0."""
        ended_seconds = time.monotonic() if self.ended_seconds is None else self.ended_seconds
        return max(ended_seconds - self.started_seconds, 1e-9)

    def to_dict(self) -> dict[str, Any]:
        """The statistics, with units in the names."""
        span_seconds = self.elapsed_seconds
        return {
            "frames": self.num_frames,
            "frames_per_second": round(self.num_frames / span_seconds, 3),
            "predictions": self.num_predictions,
            "predictions_per_second": round(self.num_predictions / span_seconds, 3),
            "events": self.num_events,
            "reconnects": self.num_reconnects,
            "drops": {reason: count for reason, count in sorted(self.drops.items()) if count},
            "latency_seconds": self.latency.to_dict(),
            "frame_age_seconds": self.frame_age.to_dict(),
        }


class WatchStats:
    """Statistics of all sources of a run, by name."""

    def __init__(self) -> None:
        self.sources: dict[str, SourceStats] = {}
        self._started_seconds = time.monotonic()
        self._process = psutil.Process()

    def of(self, source: str) -> SourceStats:
        """The statistics of one source."""
        return self.sources.setdefault(source, SourceStats())

    def restart(self, source: str) -> SourceStats:
        """New statistics of one source, in place of those before."""
        self.sources[source] = SourceStats()
        return self.sources[source]

    def count(self, predictions: Iterable[Prediction]) -> None:
        """Count predictions, each for its source."""
        for prediction in predictions:
            self.of(prediction.source).count(prediction)

    def restart_clock(self) -> None:
        """Restart the clock, once the model is loaded and the sources are open."""
        self._started_seconds = time.monotonic()

    @property
    def elapsed_seconds(self) -> float:
        """Time since the run began."""
        return time.monotonic() - self._started_seconds

    def total(self, what: str) -> int:
        """The sum of one of the counts, such as "num_frames", over all sources."""
        return sum(int(getattr(one, what)) for one in self.sources.values())

    def to_dict(self) -> dict[str, Any]:
        """All statistics."""
        return {
            "elapsed_seconds": round(self.elapsed_seconds, 3),
            "memory_bytes": self._process.memory_info().rss,
            "threads": self._process.num_threads(),
            "sources": {name: one.to_dict() for name, one in self.sources.items()},
        }

    def to_text(self) -> str:
        """All statistics for a person: one line per source, and one for the process."""
        lines = [_source_line(name, one) for name, one in self.sources.items()]
        memory = self._process.memory_info().rss / 1e6
        lines.append(f"{self.elapsed_seconds:.1f} s, {memory:.0f} MB of memory")
        return "\n".join(lines)


def _source_line(name: str, one: SourceStats) -> str:
    span_seconds = one.elapsed_seconds
    parts = [
        f"{one.num_frames} frames ({one.num_frames / span_seconds:.1f}/s)",
        f"{one.num_predictions} predictions ({one.num_predictions / span_seconds:.1f}/s)",
    ]
    if one.frame_age.num_values:
        parts += [
            f"latency {_milliseconds(one.latency)}",
            f"frame age {_milliseconds(one.frame_age)}",
        ]
    elif one.num_predictions:
        parts.append(f"computing {_milliseconds(one.latency)}")
    if one.num_reconnects:
        parts.append(f"{one.num_reconnects} reconnects")
    drops = {reason: count for reason, count in one.drops.most_common() if count}
    if drops:
        parts.append("dropped: " + ", ".join(f"{count} {what}" for what, count in drops.items()))
    return f"{name}: " + "; ".join(parts)


def _milliseconds(histogram: Histogram) -> str:
    values = [histogram.percentile(percent) for percent in (50, 95, 99)]
    texts = ["n/a" if value is None else f"{value * 1000:.0f}" for value in values]
    return "/".join(texts) + " ms (p50/p95/p99)"
