"""The benchmarks of the streaming runtime, in one run.

    make bench

1. The cost of a new frame compared with a whole window, and of the encoder compared with this
   machine's matrix product.
2. The overhead of the runtime on top of the model, and the frame age if the model is ten times too
   slow.
3. How many cameras this machine can handle, and the cost of decoding them.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rtaction.export.keras.convert import to_onnx
from rtaction.export.keras.graph import flattened
from rtaction.export.keras.parts import divide
from rtaction.model_spec import ModelSpec
from rtaction.prediction import Prediction
from rtaction.realtime.bench.cameras import bench_cameras
from rtaction.realtime.bench.model import bench_model, measure_peaks, num_cores
from rtaction.realtime.bench.report import CAMERAS_HEAD, MODEL_HEAD, cameras_line, model_line
from rtaction.realtime.bench.simulated import SimulatedCamera, SimulatedVideo, simulated_cameras
from rtaction.realtime.model.action_model import ActionModel
from rtaction.realtime.watching.live import LiveWatch
from rtaction.realtime.watching.options import WatchOptions
from rtaction.realtime.watching.stats import Histogram, WatchStats
from rtaction.realtime.windows.engine import Scorer
from rtaction.train.choices import NetworkName
from rtaction.train.networks.build import build_network

NETWORKS: tuple[NetworkName, ...] = ("light", "small", "convnet")
FRAMES_PER_CLIP = (5, 16)
CAMERA_FRAMES_PER_SECOND = 30.0
SECONDS = 20.0


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        compare_costs(Path(folder))
        # A frame every 0.2 s, as for 5 predictions per second.
        light = Path(folder) / "light.onnx"
        write_model(light, "light", 6)
        model = ActionModel(light, device="cpu")
        video = SimulatedVideo.make(frames_per_second=CAMERA_FRAMES_PER_SECOND)
        print_overhead(model, video)
        print_overload(model, video)
        print_cameras(model)


def compare_costs(folder: Path) -> None:
    threads = [num_cores()]
    peaks = measure_peaks(threads)
    print(f"matrix product: {peaks[threads[0]] / 1e9:.0f} GFLOP/s, float32, all cores\n")
    print(f"network   F  {MODEL_HEAD}")
    for network in NETWORKS:
        for frames_per_clip in FRAMES_PER_CLIP:
            path = folder / f"{network}{frames_per_clip}.onnx"
            write_model(path, network, frames_per_clip)
            for row in bench_model(path, threads=threads, batches=(1,), peaks=peaks):
                print(f"{network:<8} {frames_per_clip:>2}  {model_line(row)}")


def write_model(path: Path, network: NetworkName, frames_per_clip: int, *, size: int = 112) -> None:
    """An untrained network of square pictures: its speed is that of a trained one."""
    spec = ModelSpec(
        labels=tuple(f"action {number}" for number in range(6)),
        frames_per_clip=frames_per_clip,
        clip_seconds=1.0,
        height=size,
        width=size,
    )
    model = to_onnx(divide(flattened(build_network(spec, network=network))), spec)
    path.write_bytes(model.SerializeToString())


class TimedScorer:
    """A model that records the time of its last prediction.

    Args:
        model: the model.
        extra_seconds: delay added to each prediction. Default 0.0.
    """

    def __init__(self, model: Scorer, extra_seconds: float = 0.0) -> None:
        self.spec = model.spec
        self.busy_seconds = 0.0
        self._model = model
        self._extra_seconds = extra_seconds

    def encode(self, images: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        started_seconds = time.monotonic()
        features = self._model.encode(images)
        self.busy_seconds = time.monotonic() - started_seconds
        return features

    def score(self, clip_features: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        started_seconds = time.monotonic()
        scores = self._model.score(clip_features)
        time.sleep(self._extra_seconds)
        self.busy_seconds += time.monotonic() - started_seconds
        return scores


def watch_one(
    scorer: TimedScorer, video: SimulatedVideo
) -> Iterator[tuple[LiveWatch, Prediction, float]]:
    """Watch one decoded H.264 camera; yields each prediction and the seconds since the first."""
    (camera,) = simulated_cameras(1)
    watch = LiveWatch(
        scorer,
        [camera],
        WatchStats(),
        WatchOptions(stride_seconds=1.0 / CAMERA_FRAMES_PER_SECOND, keep_frames=False),
        open_with=lambda camera: SimulatedCamera(
            camera, video, "h264", frames_per_second=CAMERA_FRAMES_PER_SECOND
        ),
    )
    first_seconds: float | None = None
    with closing(watch.moments()) as moments:
        for moment in moments:
            for prediction in moment.predictions:
                first_seconds = first_seconds or time.monotonic()
                yield watch, prediction, time.monotonic() - first_seconds
            if first_seconds and time.monotonic() - first_seconds > SECONDS:
                return


def print_overhead(model: Scorer, video: SimulatedVideo) -> None:
    """From the arrival of the frame that completes a window to its label, without the model."""
    overhead, whole = Histogram(), Histogram()
    started_seconds = time.monotonic()
    to_first_label_seconds = 0.0
    scorer = TimedScorer(model)
    for watch, _, _ in watch_one(scorer, video):
        since_arrival_seconds = time.monotonic() - watch.feeds[0].last_seconds
        to_first_label_seconds = to_first_label_seconds or time.monotonic() - started_seconds
        whole.add(since_arrival_seconds)
        overhead.add(max(since_arrival_seconds - scorer.busy_seconds, 0.0))
    print(f"\nA prediction for every frame of a camera at {CAMERA_FRAMES_PER_SECOND:g} per second:")
    print(f"  from decoded frame to label     {_percentiles(whole)}")
    print(f"  of that, outside the model      {_percentiles(overhead)}")
    print(
        f"  first label {to_first_label_seconds:.2f} s after the start; "
        f"the window is {model.spec.clip_seconds:.2f} s"
    )


def print_overload(model: Scorer, video: SimulatedVideo) -> None:
    """Age of the newest frame when computing begins, with a model ten times too slow."""
    period_seconds = 1.0 / CAMERA_FRAMES_PER_SECOND
    halves = Histogram(), Histogram()
    num_predictions = 0
    for _, prediction, elapsed_seconds in watch_one(
        TimedScorer(model, extra_seconds=10 * period_seconds), video
    ):
        halves[elapsed_seconds > SECONDS / 2].add(prediction.frame_age_seconds)
        num_predictions += 1
    print(f"Model ten times too slow; {num_predictions} predictions in {SECONDS:g} s:")
    print(f"  frame age, first half           {_percentiles(halves[0])}")
    print(f"  frame age, second half          {_percentiles(halves[1])}")
    print(f"  bound: {(period_seconds + 0.05) * 1000:.0f} ms, a camera's period + 50 ms")


def print_cameras(model: Scorer) -> None:
    print("\nThe light network, 6 frames; 640x480 cameras, 25 frames and 5 predictions per second:")
    print(CAMERAS_HEAD)
    kinds: list[Any] = [
        ("ready", False),
        ("h264", True),
        ("h264", False),
        ("mjpeg", True),
        ("mjpeg", False),
    ]
    for row in bench_cameras(model, (1, 4, 16, 32), kinds=kinds):
        print(cameras_line(row), flush=True)


def _percentiles(histogram: Histogram) -> str:
    values = [histogram.percentile(percent) or 0.0 for percent in (50, 95, 99, 100)]
    p50, p95, p99, highest = (f"{value * 1000:.1f}" for value in values)
    return f"p50 {p50}, p95 {p95}, p99 {p99}, highest {highest} ms"


if __name__ == "__main__":
    main()
