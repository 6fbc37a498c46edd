"""Figures stay true and small, however long a run lasts."""

from __future__ import annotations

import json
import math
import re
import sys
import threading
import time
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtaction.prediction import Prediction
from rtaction.realtime.watching.stats import Histogram, SourceStats, WatchStats

DURATIONS = st.lists(st.floats(1e-5, 3900.0), min_size=1, max_size=300) | st.lists(
    st.floats(0.001, 0.2), min_size=1, max_size=300
)


def prediction(latency_seconds: float, frame_age_seconds: float) -> Prediction:
    scores = np.array([0.5, 0.5], np.float32)
    return Prediction(scores, ("a", "b"), 0.0, 1.0, latency_seconds, "test", frame_age_seconds)


def filled(*seconds: float) -> Histogram:
    histogram = Histogram()
    for one in seconds:
        histogram.add(one)
    return histogram


@given(durations=DURATIONS, percent=st.sampled_from([1.0, 25.0, 50.0, 90.0, 95.0, 99.0, 100.0]))
def test_percentiles_are_those_of_numpy(durations: list[float], percent: float) -> None:
    expected = np.percentile(durations, percent, method="inverted_cdf")

    assert filled(*durations).percentile(percent) == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize("seed", range(3))
def test_percentiles_of_many_values(seed: int) -> None:
    durations = np.random.default_rng(seed).lognormal(np.log(0.02), 0.5, 50_000)
    histogram = filled(*durations)

    for percent in (50, 95, 99):
        expected = np.percentile(durations, percent)
        assert histogram.percentile(percent) == pytest.approx(expected, rel=0.02)
    assert histogram.num_values == 50_000


@given(durations=DURATIONS, bounds=st.lists(st.floats(1e-4, 3900.0), min_size=1, max_size=20))
def test_counts_up_to_a_bound_are_right_to_two_percent(
    durations: list[float], bounds: list[float]
) -> None:
    histogram = filled(*durations)
    values = np.array(durations)

    counts = histogram.counts_up_to(bounds)
    for bound, count in zip(bounds, counts, strict=True):
        assert (values <= bound * 0.979).sum() <= count <= (values <= bound * 1.021).sum()
    assert histogram.counts_up_to(sorted(bounds)) == sorted(counts)
    assert histogram.counts_up_to([0.0, math.inf]) == [0, len(durations)]
    assert histogram.sum_seconds == pytest.approx(values.sum())


def test_nothing_has_no_percentiles() -> None:
    assert Histogram().percentile(50) is None
    assert Histogram().to_dict() == {"p50": None, "p95": None, "p99": None}


@pytest.mark.parametrize("seconds", [0.0, -1.0, 1e-9, 1e5, 1e12])
def test_durations_beyond_the_scale_are_counted_at_its_ends(seconds: float) -> None:
    histogram = filled(seconds)

    value = histogram.percentile(50)

    assert histogram.num_values == 1
    assert value is not None
    assert value == pytest.approx(1e-5 if seconds < 1 else 4000.0, rel=0.03)


def test_memory_does_not_grow() -> None:
    histogram = Histogram()
    size = sys.getsizeof(histogram._counts)

    for number in range(10_000):
        histogram.add(number / 1000)

    assert sys.getsizeof(histogram._counts) == size
    assert histogram.num_values == 10_000


def test_percentiles_by_name() -> None:
    told = filled(*np.arange(1, 101) / 1000).to_dict()

    assert list(told) == ["p50", "p95", "p99"]
    assert list(told.values()) == pytest.approx([0.050, 0.095, 0.099], rel=0.02)
    assert all(value is not None and value == round(value, 6) for value in told.values())


def test_a_source_counts_its_predictions() -> None:
    one = SourceStats()

    one.count(prediction(0.020, 0.005))
    one.count(prediction(0.020, 0.005))

    assert one.num_predictions == 2
    assert one.latency.percentile(50) == pytest.approx(0.020, rel=0.02)
    assert one.frame_age.percentile(99) == pytest.approx(0.005, rel=0.02)


def test_pictures_of_a_file_have_no_age() -> None:
    stats = WatchStats()
    one = stats.of("film.mp4")
    one.ended_seconds = one.started_seconds + 2.0
    one.num_frames = 50

    one.count(prediction(0.020, 0.0))

    assert one.to_dict()["frame_age_seconds"] == {"p50": None, "p95": None, "p99": None}
    assert stats.to_text().splitlines()[0] == (
        "film.mp4: 50 frames (25.0/s); 1 predictions (0.5/s); computing 20/20/20 ms (p50/p95/p99)"
    )


def some_stats() -> WatchStats:
    """Of two sources that have ended after 8 and 4 seconds."""
    stats = WatchStats()
    front, back = stats.of("front"), stats.of("back")
    front.ended_seconds = front.started_seconds + 8.0
    back.ended_seconds = back.started_seconds + 4.0
    front.num_frames, front.num_events, front.num_reconnects = 100, 3, 2
    front.drops = Counter({"skipped": 5, "burst": 7, "late": 0})
    for _ in range(4):
        front.count(prediction(0.020, 0.010))
    back.num_frames = 50
    return stats


def test_all_figures_of_a_source() -> None:
    told = some_stats().of("front").to_dict()

    latency, age = told.pop("latency_seconds"), told.pop("frame_age_seconds")
    assert told == {
        "frames": 100,
        "frames_per_second": 12.5,
        "predictions": 4,
        "predictions_per_second": 0.5,
        "events": 3,
        "reconnects": 2,
        "drops": {"burst": 7, "skipped": 5},
    }
    assert latency == pytest.approx({"p50": 0.02, "p95": 0.02, "p99": 0.02}, rel=0.02)
    assert age == pytest.approx({"p50": 0.01, "p95": 0.01, "p99": 0.01}, rel=0.02)


def test_all_figures_of_a_run_are_json() -> None:
    told = some_stats().to_dict()

    assert json.loads(json.dumps(told)) == told
    assert list(told) == ["elapsed_seconds", "memory_bytes", "threads", "sources"]
    assert list(told["sources"]) == ["front", "back"]
    assert told["memory_bytes"] > 10_000_000
    assert told["threads"] >= 1
    assert told["sources"]["back"]["latency_seconds"]["p50"] is None


def test_threads_are_counted() -> None:
    stats, release = WatchStats(), threading.Event()
    before = stats.to_dict()["threads"]
    thread = threading.Thread(target=release.wait)
    thread.start()

    during = stats.to_dict()["threads"]
    release.set()
    thread.join()

    assert during == before + 1


def test_a_source_is_known_by_its_name() -> None:
    stats = WatchStats()

    assert stats.of("front") is stats.of("front")
    assert stats.of("front") is not stats.of("back")
    assert list(stats.sources) == ["front", "back"]


def test_rates_count_from_the_start_of_a_source_to_its_end() -> None:
    one = SourceStats()
    one.num_frames = 10
    time.sleep(0.02)

    running = one.elapsed_seconds
    one.ended_seconds = one.started_seconds + 2.5

    assert 0.02 <= running <= time.monotonic() - one.started_seconds
    assert one.elapsed_seconds == pytest.approx(2.5)
    assert one.to_dict()["frames_per_second"] == pytest.approx(4.0)


@pytest.mark.parametrize(
    ("what", "expected"),
    [("num_frames", 150), ("num_predictions", 4), ("num_events", 3), ("num_reconnects", 2)],
)
def test_totals(what: str, expected: int) -> None:
    assert some_stats().total(what) == expected
    assert WatchStats().total(what) == 0


def test_the_clock_can_begin_anew() -> None:
    stats = WatchStats()
    time.sleep(0.05)
    before = stats.elapsed_seconds
    begun_seconds = time.monotonic()

    stats.restart_clock()

    assert before >= 0.05
    assert 0.0 <= stats.elapsed_seconds <= time.monotonic() - begun_seconds


def test_figures_for_a_person() -> None:
    front, back, run = some_stats().to_text().splitlines()

    assert re.fullmatch(
        r"front: 100 frames \(12\.5/s\); 4 predictions \(0\.5/s\); "
        r"latency 20/20/20 ms \(p50/p95/p99\); frame age 10/10/10 ms \(p50/p95/p99\); "
        r"2 reconnects; dropped: 7 burst, 5 skipped",
        front,
    )
    assert back == "back: 50 frames (12.5/s); 0 predictions (0.0/s)"
    assert re.fullmatch(r"\d+\.\d s, \d+ MB of memory", run)
