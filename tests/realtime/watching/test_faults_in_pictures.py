"""What cameras and networks do to pictures and their times, and which labels come of it.

`pytest -s` prints the margins.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from rtaction.model_spec import ModelSpec
from rtaction.realtime.sources import network
from rtaction.sampling import sliding_selections
from tests.realtime.clock_picture import clock_picture
from tests.realtime.servers.fault_server import FaultServer
from tests.realtime.servers.rtp import Picture
from tests.realtime.servers.stream_server import StreamServer
from tests.realtime.watcher import (
    SLACK_SECONDS,
    ClockScorer,
    Watching,
    scores_of,
    serving,
    tell,
)


@pytest.fixture
def scorer(tiny_spec: ModelSpec) -> ClockScorer:
    return ClockScorer(tiny_spec)


@pytest.mark.slow
def test_a_network_ten_times_too_slow(tiny_spec: ModelSpec) -> None:
    """Labels speak of the present, windows span their time, and what is left out is counted."""
    period_seconds = 0.04
    scorer = ClockScorer(tiny_spec, wait_seconds=10 * period_seconds)
    with serving(1) as (server,), Watching(scorer, [server.url()]) as watch:
        watch.until_labels(count=12)
    predictions, drops = watch.of(), watch.drops()

    ages = [p.frame_age_seconds for p in predictions]
    tell("frame age", median=statistics.median(ages), largest=max(ages))
    assert statistics.median(ages) <= period_seconds + 0.05
    assert max(ages) <= period_seconds + 0.05 + 0.1
    assert drops["skipped"] >= 3
    assert_honest(scorer.rows, tiny_spec, period_seconds)
    for prediction, row in zip(predictions, scorer.rows, strict=False):
        span_seconds = prediction.end_seconds - prediction.start_seconds
        assert span_seconds == pytest.approx(row[-1] - row[0], abs=0.03)


def assert_honest(rows: Sequence[Sequence[float]], spec: ModelSpec, period_seconds: float) -> float:
    """Pictures of each window lie where they should, by the sender's clock; the largest error.

    A window may be off as a whole by half of what its pictures may be off.
    """
    interval_seconds = spec.frame_interval_seconds
    allowed_seconds = max(interval_seconds, period_seconds) / 2
    worst_seconds = 0.0
    for row in rows:
        offsets = [at - number * interval_seconds for number, at in enumerate(row)]
        worst_seconds = max(worst_seconds, (max(offsets) - min(offsets)) / 2)
    assert worst_seconds <= allowed_seconds
    return worst_seconds


RATES: dict[str, float | Callable[[], Callable[[], float]]] = {
    **{f"{rate}": rate for rate in (5.0, 10.0, 15.0, 24.0, 30.0, 60.0)},
    "variable": lambda: itertools.cycle([0.02, 0.06, 0.04, 0.1]).__next__,
}


@pytest.mark.slow
def test_labels_are_those_of_the_same_pictures_offline(tiny_spec: ModelSpec) -> None:
    scorer = ClockScorer(tiny_spec)
    made: list[list[float]] = [[] for _ in RATES]

    def noted(times: list[float]) -> Picture:
        def picture(seconds: float, size_hw: tuple[int, int]) -> npt.NDArray[Any]:
            times.append(seconds)
            return clock_picture(seconds, size_hw)

        return picture

    with ExitStack() as stack:
        servers = [
            stack.enter_context(
                FaultServer(
                    frames_per_second=rate() if callable(rate) else rate,
                    picture=noted(times),
                )
            )
            for rate, times in zip(RATES.values(), made, strict=True)
        ]
        watch = stack.enter_context(Watching(scorer, [server.url() for server in servers]))
        watch.until_labels(*range(len(RATES)), count=24)

    given = [p for _, p in watch.predictions]
    num_equal = num_windows = 0
    for name, source_name, times in zip(RATES, watch.names, made, strict=True):
        rows = [
            (p, row) for p, row in zip(given, scorer.rows, strict=False) if p.source == source_name
        ]
        period_seconds = float(np.median(np.diff(times)))
        worst_seconds = assert_honest([row for _, row in rows], tiny_spec, period_seconds)
        first_seconds = rows[0][1][0]
        # A live clock is known to a few milliseconds, which decides between two equally near.
        offline = [
            offline_labels(times, first_seconds, tiny_spec, shift) for shift in (0.0, -0.003, 0.003)
        ]
        numbers = [
            round((row[0] - first_seconds) / tiny_spec.frame_interval_seconds) for _, row in rows
        ]
        equal = [
            [labels.get(number) == p.label for labels in offline]
            for number, (p, _) in zip(numbers, rows, strict=True)
        ]
        tell(
            f"{name} a second",
            equal=float(np.mean([one[0] for one in equal])),
            equal_but_for_ties=float(np.mean([any(one) for one in equal])),
            windows=len(equal),
            worst_spacing=worst_seconds,
        )
        num_equal, num_windows = num_equal + sum(map(any, equal)), num_windows + len(equal)
    assert num_equal >= 0.99 * num_windows


def offline_labels(
    times: Sequence[float], first_seconds: float, spec: ModelSpec, shift_seconds: float
) -> dict[int, str]:
    """The label of each window over these pictures, by its number.

    The windows are laid `shift_seconds` off the first picture.
    """
    seen = [round(at, 3) for at in times if at > first_seconds - 0.001]
    shifted = [seen[0] + shift_seconds, *seen[1:]]
    selections = sliding_selections(
        shifted,
        frames_per_clip=spec.frames_per_clip,
        clip_seconds=spec.clip_seconds,
        stride_seconds=spec.frame_interval_seconds,
    )
    return {
        number: spec.labels[int(np.argmax(scores_of([seen[i] for i in selection.indices])))]
        for number, selection in enumerate(selections)
        if selection.problem is None
    }


@pytest.mark.slow
def test_a_picture_that_grows_in_mid_stream(
    scorer: ClockScorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From 320x240 to 1920x1080, beyond what is allowed, and back."""
    small, large, oversized = (240, 320), (1080, 1920), (1096, 1920)
    monkeypatch.setattr(network, "MAX_PIXELS", large[0] * large[1])
    with (
        serving(1, size_hw=small, frames_per_second=5.0) as (server,),
        Watching(scorer, [server.url()]) as watch,
    ):
        watch.until_labels()
        changes = []
        for size_hw in (large, oversized, small):
            server.change_size(size_hw)
            changes.append(time.monotonic() - server.started_at_seconds)
            if size_hw == oversized:
                watch.until(lambda: watch.drops()["oversized"] >= 3)
            else:
                watch.until(partial(has_row_since, scorer, changes[-1]))

    # The picture of the moment may have been made already.
    for changed_seconds in changes:
        assert not [row for row in scorer.rows if row[0] < changed_seconds < row[-1] - 0.2]
    assert_honest(scorer.rows, scorer.spec, 0.2)
    assert watch.feeds[0].num_tries == 1


def has_row_since(scorer: ClockScorer, stream_seconds: float) -> bool:
    return any(row[0] > stream_seconds for row in list(scorer.rows))


@pytest.mark.slow
def test_truncated_pictures_of_rtsp(scorer: ClockScorer) -> None:
    """They are counted; what FFmpeg makes of the rest is seen until the next key picture."""
    with serving(1) as (server,), Watching(scorer, [server.url()]) as watch:
        watch.until_labels()
        server.truncate_next(10)
        watch.until(lambda: watch.drops()["damaged"])
        num_before = len(watch.of())
        damaged_seconds = time.monotonic()
        watch.fresh(damaged_seconds + 1.0)
    assert watch.feeds[0].num_tries == 1
    assert num_before >= 1
    assert_honest(scorer.rows[-1:], scorer.spec, 0.04)


@pytest.mark.slow
def test_motion_jpeg_with_damaged_pictures(scorer: ClockScorer) -> None:
    with (
        StreamServer(picture=clock_picture) as server,
        Watching(scorer, [server.url()]) as watch,
    ):
        watch.until_labels()
        server.truncate_next(10)
        server.oversized_next(300_000)
        watch.until(lambda: watch.drops()["damaged"])
        damaged_seconds = time.monotonic()
        server.change_size((96, 128))
        watch.fresh(damaged_seconds)

    assert watch.feeds[0].num_tries == 1
    assert_honest(scorer.rows, scorer.spec, 0.04)


def black(seconds: float, size_hw: tuple[int, int]) -> npt.NDArray[Any]:
    return np.zeros((*size_hw, 3), np.uint8)


def frozen(seconds: float, size_hw: tuple[int, int]) -> npt.NDArray[Any]:
    return clock_picture(1.234, size_hw)


@pytest.mark.slow
def test_no_label_from_black_frozen_or_missing_pictures(scorer: ClockScorer) -> None:
    with serving(2) as (goes_black, stalls), StreamServer(picture=clock_picture) as freezes:
        servers = (goes_black, freezes, stalls)
        urls = [server.url() for server in servers]
        with Watching(scorer, urls, read_timeout_seconds=1.0) as watch:
            watch.until_labels(*range(3))
            begun_seconds = time.monotonic()
            goes_black.show(black)
            freezes.show(frozen)
            stalls.stall()
            for source, state in enumerate(("black", "frozen", "down")):
                watch.changed(state, begun_seconds, source)  # type: ignore[arg-type]
            time.sleep(1.0)
            ended_seconds = time.monotonic()
            for server in servers:
                server.show(clock_picture)
            stalls.resume()
            for source in range(3):
                at_seconds, _ = watch.fresh(ended_seconds, source)
                tell(urls[source], seconds_to_first_label=at_seconds - ended_seconds)
                # What is half frozen may be a scene that holds still.
                half_seconds = scorer.spec.clip_seconds / 2 if source == 1 else 0.0
                assert not [
                    p
                    for p in watch.of(source)
                    if begun_seconds + 0.2 + half_seconds < p.end_seconds < ended_seconds - 0.1
                ]
            assert watch.drops(0)["black"] >= 3
            assert watch.drops(1)["frozen"] >= 2


@pytest.mark.slow
def test_no_window_over_a_break_of_the_senders_clock(tiny_spec: ModelSpec) -> None:
    """Jumps, a wrap and a burst, each with a scorer of its own."""
    near_wrap = 2**32 - 4 * 90_000
    cases: list[tuple[str, dict[str, Any], float | None]] = [
        ("jump forwards", {}, 3600.0),
        ("jump backwards", {}, -30.0),
        ("wrap", {"first_rtp_timestamp": near_wrap}, None),
        ("burst", {"burst_seconds": 2.0}, None),
        ("no fault", {}, None),
    ]
    with ExitStack() as stack:
        running = []
        for name, options, jump_seconds in cases:
            (server,) = stack.enter_context(serving(1, **options))
            scorer = ClockScorer(tiny_spec)
            watch = stack.enter_context(Watching(scorer, [server.url()]))
            running.append((name, jump_seconds, server, scorer, watch))
        for name, _, _, _, watch in running:
            watch.until_labels()
            first_seconds = watch.predictions[0][0] - watch.started_seconds
            tell(f"{name}, first label after", seconds=first_seconds)
            assert first_seconds < tiny_spec.clip_seconds + 1.0 + SLACK_SECONDS
        jumped_seconds = {}
        for name, jump_seconds, server, _, _ in running:
            if jump_seconds is not None:
                server.jump_clock(jump_seconds)
                jumped_seconds[name] = time.monotonic() - server.started_at_seconds
        for _, _, _, _, watch in running:
            watch.until_labels(count=14)

        for name, _, server, scorer, watch in running:
            assert_honest(scorer.rows, tiny_spec, 0.04)
            if name in jumped_seconds:
                at = jumped_seconds[name]
                # FFmpeg keeps back one picture of before.
                assert not [row for row in scorer.rows if row[0] < at - 0.1 and at + 0.1 < row[-1]]
                assert len(scorer.rows) > 14 - 1
            for prediction, row in zip(watch.of(), scorer.rows, strict=False):
                lateness = prediction.end_seconds - server.started_at_seconds - row[-1]
                assert -0.05 < lateness < 0.3 + SLACK_SECONDS
