"""Cameras on real sockets, and a machine that cannot decode all of them."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import pytest

from rtaction.model_spec import ModelSpec
from rtaction.realtime.sources.network import StreamSource
from rtaction.realtime.watching import live
from rtaction.realtime.windows.tracker import MAX_AGE_SECONDS
from tests.realtime.watcher import SLACK_SECONDS, ClockScorer, Watching, serving, tell

NUM_CAMERAS = 4
WINDOW_SECONDS = 1.0
# A tenth more than two cameras need.
DECODE_SECONDS = 1 / 25 / 2.2


@contextmanager
def one_decoder(monkeypatch: pytest.MonkeyPatch, decode_seconds: float) -> Iterator[None]:
    """All cameras share one decoder, which takes this long for a frame."""
    busy, decode = threading.Lock(), StreamSource._decode

    def slowly(source: StreamSource, packet: Any) -> Any:
        with busy:
            time.sleep(decode_seconds)
        return decode(source, packet)

    with monkeypatch.context() as patched:
        patched.setattr(StreamSource, "_decode", slowly)
        yield


def turns_of(watch: Watching, source: int, since_seconds: float) -> list[int]:
    """How many labels a source got in each of its turns."""
    ends = [one.end_seconds for one in watch.of(source, since_seconds)]
    breaks = [number for number, (a, b) in enumerate(pairwise(ends), 1) if b - a > WINDOW_SECONDS]
    return [b - a for a, b in pairwise([0, *breaks, len(ends)])]


@pytest.mark.slow
def test_cameras_that_cannot_all_be_decoded_are_judged_by_turns(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Neither their key frames alone, one in 0.4 s, nor what comes before all are behind, fill a
    window of 5 frames in 1 s."""
    monkeypatch.setattr(live, "_WINDOWS_PER_TURN", 3.0)
    scorer = ClockScorer(ModelSpec(("bright", "dark"), 5, WINDOW_SECONDS, 48, 64))
    cameras = range(NUM_CAMERAS)
    with serving(NUM_CAMERAS) as servers, Watching(scorer, [s.url() for s in servers]) as watch:
        watch.until_labels(*cameras)
        with one_decoder(monkeypatch, DECODE_SECONDS):
            for source in cameras:
                watch.changed("overloaded", source=source)
            short_seconds = time.monotonic()
            # Two seconds of windows 0.25 s apart in each; without turns two or three, by chance.
            watch.until(lambda: all(len(turns_of(watch, n, short_seconds)) > 1 for n in cameras))
            watch.until(lambda: all(max(turns_of(watch, n, short_seconds)) >= 5 for n in cameras))
            turns = [turns_of(watch, n, short_seconds) for n in cameras]
        judged = [one for n in cameras for one in watch.of(n, short_seconds)]
        # Nobody waits once there is time again.
        watch.until(lambda: all(feed.state == "ok" for feed in watch.feeds))

    tell("labels in each turn", **{f"camera {n}": statistics.mean(turns[n]) for n in cameras})
    assert all(one.frame_age_seconds < MAX_AGE_SECONDS + SLACK_SECONDS for one in judged)
    states = {change.state for change in watch.changes}
    assert states <= {"connecting", "warming_up", "ok", "degraded", "overloaded", "ended"}
    assert all(watch.drops(n)["behind"] > 0 for n in cameras)
    assert sum(feed.num_reconnects for feed in watch.feeds) == 0
