"""`rtaction bench` measures; what it tells is checked against what must hold on any machine."""

from __future__ import annotations

import math
import time
from pathlib import Path

import pytest

from rtaction.realtime.bench.cameras import bench_cameras
from rtaction.realtime.bench.model import bench_model, measure_peaks, take_turns
from rtaction.realtime.model.action_model import ActionModel
from rtaction.realtime.model.inspect import inspect_model
from tests.realtime.conftest import assert_one_error, rtaction


def test_a_row_for_each_setting(tiny_model: Path) -> None:
    flops = inspect_model(tiny_model).flops_per_frame

    rows = list(bench_model(tiny_model, threads=[1, 2], batches=[1, 3], peaks={1: 1e9, 2: 2e9}))

    assert [(row.device, row.num_threads, row.batch) for row in rows] == [
        ("CPU", 1, 1),
        ("CPU", 1, 3),
        ("CPU", 2, 1),
        ("CPU", 2, 3),
    ]
    for row in rows:
        assert min(row.encoder_seconds, row.head_seconds, row.full_seconds) > 0
        assert row.encoder_flops_per_second == pytest.approx(flops / row.encoder_seconds)
        assert row.share_of_peak == row.encoder_flops_per_second / (1e9 * row.num_threads)
        assert row.streaming_seconds == row.encoder_seconds + row.head_seconds
        assert row.gain == row.full_seconds / row.streaming_seconds


def test_ways_take_turns() -> None:
    order: list[str] = []

    def slow() -> None:
        order.append("slow")
        time.sleep(0.02)

    seconds = take_turns({"slow": slow, "fast": lambda: order.append("fast")}, rounds=3)

    assert order == ["slow", "slow", "fast", "fast"] * 3
    assert seconds["slow"] >= 0.02 > seconds["fast"]


def test_the_peak_of_one_thread_is_that_of_a_computer() -> None:
    (peak,) = measure_peaks([1]).values()

    assert 1e8 < peak < 1e14


@pytest.mark.slow
def test_cameras(tiny_model: Path) -> None:
    rows = list(
        bench_cameras(
            ActionModel(tiny_model, device="cpu"),
            (1, 3),
            kinds=[("mjpeg", False)],
            seconds=2.0,
            size_hw=(48, 64),
        )
    )

    assert [(row.num_cameras, row.kind, row.decode_all) for row in rows] == [
        (1, "mjpeg", False),
        (3, "mjpeg", False),
    ]
    for row in rows:
        # On a busy machine fewer windows are judged, never more than there are.
        assert 1.0 < row.predictions_per_second < 7.0
        assert 5.0 < row.frames_per_second < 30.0
        assert sorted(row.latency_seconds) == list(row.latency_seconds)
        assert not any(map(math.isnan, row.latency_seconds))
        assert row.cores > 0


@pytest.mark.slow
def test_the_tables(tiny_model: Path) -> None:
    finished = rtaction("bench", tiny_model, "--cameras", "1", "--seconds", "1")

    assert finished.returncode == 0, finished.stderr
    lines = finished.stdout.splitlines()
    assert "matrix product" in lines[1]
    rows = [line.split() for line in lines if line.startswith("CPU ")]
    assert {row[2] for row in rows} == {"1", "4", "16"}
    kinds = [line.split(" 1 ")[0].strip() for line in lines[-3:]]
    assert kinds == ["ready", "h264, all", "h264, needed"]


@pytest.mark.parametrize("cameras", ["0", "x", "1,,2", "-1"])
def test_numbers_of_cameras_that_cannot_be_meant(tiny_model: Path, cameras: str) -> None:
    finished = rtaction("bench", tiny_model, f"--cameras={cameras}")

    assert "--cameras" in assert_one_error(finished.returncode, finished.stderr, 2)


def test_no_cameras(tiny_model: Path) -> None:
    finished = rtaction("bench", tiny_model, "--cameras", "none")

    assert finished.returncode == 0, finished.stderr
    assert "Simulated" not in finished.stdout
