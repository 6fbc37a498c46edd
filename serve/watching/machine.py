"""How this process and its machine are."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import psutil

import rtaction
from rtaction.realtime.watching.stats import Histogram, WatchStats
from rtaction.serve.house.house import SinkView
from rtaction.serve.house.record import iso
from rtaction.serve.house.views import CameraView


class Machine:
    """Measures this process."""

    def __init__(self) -> None:
        self._started_at = datetime.now(UTC)
        self._started_seconds = time.monotonic()
        self._process = psutil.Process()
        self._process.cpu_percent()  # the first says nothing
        self._cores_in_use = 0.0

    def sample(self) -> None:
        """Measure the processor time since the last sample."""
        self._cores_in_use = self._process.cpu_percent() / 100

    def to_dict(
        self,
        cameras: Sequence[CameraView],
        stats: Sequence[WatchStats],
        devices: Sequence[str],
        sinks: Sequence[SinkView],
        *,
        clips_bytes: int,
        num_viewers: int,
    ) -> dict[str, Any]:
        """See `House.machine`."""
        latency, age, drops = Histogram(), Histogram(), Counter[str]()
        for one in stats:
            for source in tuple(one.sources.values()):
                latency.add_all(source.latency)
                age.add_all(source.frame_age)
        for camera in cameras:
            drops.update(camera.drops)
        return {
            "version": rtaction.__version__,
            "started_at": iso(self._started_at),
            "uptime_seconds": round(time.monotonic() - self._started_seconds, 1),
            "providers": sorted(set(devices)),
            "cameras": len(cameras),
            "frames_per_second": round(sum(one.frames_per_second for one in cameras), 1),
            "labels_per_second": round(sum(one.labels_per_second for one in cameras), 1),
            "latency_seconds": latency.to_dict(),
            "picture_age_seconds": age.to_dict(),
            "drops": dict(drops),
            "reconnects": sum(one.num_reconnects for one in cameras),
            "memory_bytes": self._process.memory_info().rss,
            "cores_in_use": round(self._cores_in_use, 2),
            "clips_bytes": clips_bytes,
            "viewers": num_viewers,
            "sinks": [one.to_dict() for one in sinks],
        }
