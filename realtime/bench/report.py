"""The tables of `rtaction bench`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from rtaction.realtime.bench.cameras import (
    FRAMES_PER_SECOND,
    PREDICTIONS_PER_SECOND,
    CamerasRow,
    bench_cameras,
)
from rtaction.realtime.bench.model import (
    ModelRow,
    bench_model,
    measure_peaks,
    num_cores,
    take_turns,
)
from rtaction.realtime.model.action_model import ActionModel

Say = Callable[[str], None]

MODEL_HEAD = (
    "device  threads  batch   encoder/frame   head/window   full window   new frame"
    "    gain   GFLOP/s   of peak"
)
CAMERAS_HEAD = (
    "kind                cameras   frames/s   predictions/s   latency p50/p95/p99 ms"
    "   1st, 2nd half   cores"
)


def print_bench(
    path: Path, devices: Sequence[str], counts: Sequence[int], seconds: float, say: Say
) -> None:
    """Measure a model and print the results as they come.

    Args:
        path: an ONNX file.
        devices: see `ActionModel`; the cameras run on the last one.
        counts: numbers of simulated cameras; empty to skip that table.
        seconds: length of each measurement.
        say: prints a line.

    Raises:
        RtactionError: see `ActionModel`.
    """
    model = ActionModel(path, device=devices[-1])
    spec = model.spec
    threads = sorted({1, num_cores()})
    peaks = measure_peaks(threads)
    peaks_text = ", ".join(
        f"{peak / 1e9:.0f} GFLOP/s on {number}" for number, peak in peaks.items()
    )
    say(f"{path}: {spec.frames_per_clip} frames of {spec.height}x{spec.width} per window")
    if not model.is_cut:
        reason = model.file.reason_for_whole or "the file does not say where to cut it"
        say(f"runs whole for each window: {reason}")
    if spec.follows_people:
        say(_people_line(model))
    say(f"matrix product, float32, threads: {peaks_text}\n")
    say(MODEL_HEAD)
    for row in bench_model(path, devices=devices, threads=threads, peaks=peaks):
        say(model_line(row))
    if not counts:
        return
    who = ", one simulated person each" if spec.follows_people else ""
    say(
        f"\nSimulated cameras, 640x480{who}, {FRAMES_PER_SECOND:g} frames and "
        f"{PREDICTIONS_PER_SECOND:g} predictions per second each, on {model.device_in_use}:"
    )
    say(CAMERAS_HEAD)
    for cameras_row in bench_cameras(model, counts, seconds=seconds):
        say(cameras_line(cameras_row))


def _people_line(model: ActionModel) -> str:
    """What a model of people computes, and what finding them costs on top."""
    picture = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    find = model.pose_networks.find
    seconds = take_turns({"find": lambda: find.people_in(picture)})["find"]
    return (
        "encoder: the joints of one person in one picture; head: one window of one person; "
        f"besides, {_ms(seconds)} to find people in a picture, about once a second"
    )


def model_line(row: ModelRow) -> str:
    """A row as text; times are milliseconds."""
    return (
        f"{row.device:<8}{row.num_threads:>6} {row.batch:>7} {_ms(row.encoder_seconds):>15} "
        f"{_ms(row.head_seconds):>13} {_ms(row.full_seconds):>13} "
        f"{_ms(row.streaming_seconds):>11} {row.gain:>6.1f}x "
        f"{row.encoder_flops_per_second / 1e9:>9.0f} {row.share_of_peak:>9.0%}"
    )


def cameras_line(row: CamerasRow) -> str:
    """A row as text."""
    needed = "" if row.kind == "ready" else ", all" if row.decode_all else ", needed"
    latency = "/".join(f"{seconds * 1000:.0f}" for seconds in row.latency_seconds)
    halves = f"{row.first_half_seconds * 1000:.0f}, {row.second_half_seconds * 1000:.0f}"
    return (
        f"{row.kind + needed:<20}{row.num_cameras:>6} {row.frames_per_second:>10.1f} "
        f"{row.predictions_per_second:>15.2f} {latency:>24} {halves:>15} {row.cores:>7.2f}"
    )


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.2f} ms"
