"""PyAV as a client of the test servers, and what its pictures show."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import av
import numpy as np

from tests.realtime.conftest import WAIT_SECONDS
from tests.realtime.servers.rtp import Picture


def opened(url: str, *, open_seconds: float = 3.0, read_seconds: float = 3.0) -> Any:
    options = {"rtsp_transport": "tcp"} if url.startswith("rtsp:") else {}
    return av.open(url, options=options, timeout=(open_seconds, read_seconds))


def frames(container: Any) -> Iterator[Any]:
    """The pictures; FFmpeg gives the first one of an RTSP stream no time."""
    return (frame for frame in container.decode(video=0) if frame.pts is not None)


def some(container: Any, count: int) -> list[Any]:
    return list(itertools.islice(frames(container), count))


def times(seen: list[Any]) -> list[float]:
    return [float(frame.pts * frame.time_base) for frame in seen]


def steps(seen: list[Any]) -> list[float]:
    return [after - before for before, after in pairwise(times(seen))]


def mean(frame: Any) -> float:
    return float(frame.to_ndarray(format="rgb24").mean())


def flat(value: int) -> Picture:
    return lambda seconds, size_hw: np.full((*size_hw, 3), value, np.uint8)


def until(happened: Callable[[], bool]) -> None:
    """Wait for the other side of a socket."""
    limit_seconds = time.monotonic() + WAIT_SECONDS
    while not happened():
        assert time.monotonic() < limit_seconds
        time.sleep(0.01)
