"""How many cameras this machine can handle, measured with simulated ones and the whole runtime."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

import psutil

from rtaction.realtime.bench.simulated import (
    Kind,
    SimulatedCamera,
    SimulatedVideo,
    simulated_cameras,
)
from rtaction.realtime.bench.simulated_people import simulated_people
from rtaction.realtime.cameras.camera import Camera
from rtaction.realtime.model.action_model import ActionModel
from rtaction.realtime.watching.live import LiveWatch
from rtaction.realtime.watching.options import WatchOptions
from rtaction.realtime.watching.stats import Histogram, WatchStats
from rtaction.realtime.windows.engine import Scorer

FRAMES_PER_SECOND = 25.0
PREDICTIONS_PER_SECOND = 5.0


@dataclass(frozen=True, slots=True)
class CamerasRow:
    """The result for a number of cameras.

    Args:
        num_cameras: number of cameras.
        kind: what decoding their frames costs; see `SimulatedCamera`.
        decode_all: whether every frame was decoded and converted, or only those needed.
        predictions_per_second: per camera, on average.
        latency_seconds: p50, p95 and p99, from capture to label.
        first_half_seconds, second_half_seconds: median latency in each half of the run; the second
            is higher if latency grows.
        cores: processor time used per second.
        frames_per_second: per camera, on average; below the cameras' own rate if reading falls
            behind.
    """

    num_cameras: int
    kind: Kind
    decode_all: bool
    predictions_per_second: float
    latency_seconds: tuple[float, float, float]
    first_half_seconds: float
    second_half_seconds: float
    cores: float
    frames_per_second: float


def bench_cameras(
    model: Scorer,
    counts: Sequence[int],
    *,
    kinds: Sequence[tuple[Kind, bool]] = (("ready", False), ("h264", True), ("h264", False)),
    seconds: float = 6.0,
    size_hw: tuple[int, int] = (480, 640),
) -> Iterator[CamerasRow]:
    """Run cameras with 25 frames and 5 predictions per second each.

    In front of each camera of a model of people, one person is simulated: the pose networks run on
    its pictures, and what they see is replaced.

    Args:
        model: the model.
        counts: numbers of cameras to try.
        kinds: what decoding costs, and whether all frames are decoded. Default: frames without
            decoding cost; H.264, all converted; H.264, converted when needed.
        seconds: length of each measurement. Default 6.0, after a clip and a second of warm-up.
        size_hw: height and width of the frames. Default (480, 640).

    Yields:
        A row per kind and count.
    """
    video = SimulatedVideo.make(size_hw, FRAMES_PER_SECOND)
    for kind, decode_all in kinds:
        for num_cameras in counts:
            yield _bench(model, video, num_cameras, kind, seconds, decode_all=decode_all)


def _bench(
    model: Scorer,
    video: SimulatedVideo,
    num_cameras: int,
    kind: Kind,
    seconds: float,
    *,
    decode_all: bool,
) -> CamerasRow:
    cameras = simulated_cameras(num_cameras)
    places = {camera.name: place for place, camera in enumerate(cameras)}

    def open_camera(camera: Camera) -> SimulatedCamera:
        # Cameras are not synchronised, so each starts at a different time.
        delay_seconds = places[camera.name] / num_cameras / PREDICTIONS_PER_SECOND
        return SimulatedCamera(
            camera, video, kind, decode_all=decode_all, delay_seconds=delay_seconds
        )

    options = WatchOptions(stride_seconds=1.0 / PREDICTIONS_PER_SECOND, keep_frames=False)
    if isinstance(model, ActionModel) and model.spec.follows_people:
        options = replace(options, networks=simulated_people(model.pose_networks))
    watch = LiveWatch(model, cameras, WatchStats(), options, open_with=open_camera)
    halves = Histogram(), Histogram()
    whole = Histogram()
    process = psutil.Process()
    begin_seconds = time.monotonic() + model.spec.window_seconds + 1.0
    num_frames = used_seconds = 0.0
    begun = False
    with closing(watch.moments()) as moments:
        for moment in moments:
            now = time.monotonic()
            if now < begin_seconds:
                continue
            if not begun:
                begun, begin_seconds = True, now
                used_seconds = _used_seconds(process)
                num_frames = sum(feed.num_frames for feed in watch.feeds)
            elapsed_seconds = now - begin_seconds
            for prediction in moment.predictions:
                whole.add(prediction.latency_seconds)
                halves[elapsed_seconds > seconds / 2].add(prediction.latency_seconds)
            if elapsed_seconds >= seconds:
                break
        used_seconds = _used_seconds(process) - used_seconds
        num_frames = sum(feed.num_frames for feed in watch.feeds) - num_frames
    return CamerasRow(
        num_cameras=num_cameras,
        kind=kind,
        decode_all=decode_all,
        predictions_per_second=whole.num_values / elapsed_seconds / num_cameras,
        latency_seconds=(_at(whole, 50), _at(whole, 95), _at(whole, 99)),
        first_half_seconds=_at(halves[0], 50),
        second_half_seconds=_at(halves[1], 50),
        cores=used_seconds / elapsed_seconds,
        frames_per_second=num_frames / elapsed_seconds / num_cameras,
    )


def _at(histogram: Histogram, percent: float) -> float:
    value = histogram.percentile(percent)
    return float("nan") if value is None else value


def _used_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system
