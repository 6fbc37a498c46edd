"""What each thing costs of which a plan for many cameras is made; docs/scale.md uses it.

    python -m benchmarks.capacity        # some three minutes; a machine that does nothing else

Decoding, what a model computes, a camera's memory and its network, an event's disk and messages,
and what it costs to decide who watches what. Costs of a core are processor time, medians of several
rounds; they do not count the time that somebody else had the core.
"""

from __future__ import annotations

import argparse
import os
import pickle
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

import av
import numpy as np
import psutil

from benchmarks.capacity_events import event_lines
from benchmarks.thousand_cameras import decision_line
from rtaction.cluster.fleet.cost import measure_cost
from rtaction.models import ACTIONS_MODEL, STARTER_MODEL
from rtaction.realtime.bench.simulated import SimulatedCamera, SimulatedVideo, simulated_cameras
from rtaction.realtime.model.action_model import ActionModel
from rtaction.realtime.watching.live import LiveWatch
from rtaction.realtime.watching.options import WatchOptions
from rtaction.realtime.watching.stats import WatchStats
from rtaction.video.pixels import prepare_image
from rtaction.video.rgb_converter import RgbConverter

# Sub-streams, then full ones, each with the bits a second that cameras usually take for it.
STREAMS = {
    (360, 640): 500_000,
    (480, 640): 1_000_000,
    (720, 1280): 2_000_000,
    (1080, 1920): 4_000_000,
    (1440, 2560): 8_000_000,
}
MODELS = (STARTER_MODEL, ACTIONS_MODEL)
FRAMES_PER_SECOND = 25.0
MEMORY_FRAMES = 60
ROUNDS = 5


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.capacity", description=__doc__)
    parser.add_argument("--memory", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.memory:
        print(memory_with(given.memory, pickle.load(sys.stdin.buffer)))
        return
    print(f"{datetime.now():%Y-%m-%d %H:%M}, {_machine()}")
    for lines in (decode_lines, model_lines, watch_lines, memory_lines, event_lines, driver_lines):
        print(f"\n{(lines.__doc__ or '').splitlines()[0]}")
        for line in lines():
            print(f"  {line}", flush=True)
    print(f"\nload in the end: {psutil.getloadavg()[0]:.2f}")


def decode_lines() -> Iterator[str]:
    """H.264, 25 frames a second, a moving shape over a still, noisy background."""
    for size_hw in STREAMS:
        packets = _packets(size_hw)
        decode_seconds = median(_decode_seconds(packets) for _ in range(ROUNDS))
        needed_seconds = _needed_seconds(packets, (192, 192))
        mbit = 8e-6 * sum(map(len, packets)) / len(packets) * FRAMES_PER_SECOND
        yield (
            f"{_size(size_hw):<11} decode {decode_seconds * 1000:6.2f} ms a frame, "
            f"{decode_seconds * FRAMES_PER_SECOND:5.3f} cores a camera; a frame that is needed "
            f"{needed_seconds * 1000:5.2f} ms more; {mbit:.1f} Mbit/s"
        )


def model_lines() -> Iterator[str]:
    """Models, on one thread."""
    for path in MODELS:
        model = ActionModel(path, device="cpu", num_threads=1)
        spec, name = model.spec, f"{path.stem:<8}"
        clip = np.random.default_rng(0).integers(0, 256, spec.clip_shape, np.uint8)
        for batch in (1, 8):
            seconds = _cpu_seconds(model.encode, np.resize(clip, (batch, *spec.frame_shape)))
            yield f"{name} encoder, batch of {batch}: {seconds / batch * 1000:.2f} ms a picture"
        seconds = _cpu_seconds(model.score, model.encode(clip)[np.newaxis])
        yield f"{name} head: {seconds * 1000:.2f} ms a window"
        if spec.follows_people:
            picture = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
            seconds = _cpu_seconds(model.pose_networks.find.people_in, picture)
            yield f"{name} people found: {seconds * 1000:.1f} ms a picture"


def watch_lines() -> Iterator[str]:
    """All of a camera together, 640x480, as `rtaction fleet` measures it."""
    for path in MODELS:
        cost = measure_cost(ActionModel(path, device="cpu", num_threads=1))
        yield (
            f"{path.stem:<8} {cost.decoding_cores:.3f} cores to decode, {cost.model_cores:.3f} for "
            "all else, a camera"
        )


def driver_lines() -> Iterator[str]:
    """What the driver of a fleet itself takes."""
    yield decision_line(1_000)


def memory_lines() -> Iterator[str]:
    """Memory of a process that watches with the starter model."""
    for size_hw in ((360, 640), (1080, 1920)):
        packets = _packets(size_hw)
        few, many = (_memory_of_child(count, packets) for count in (2, 10))
        each, rest = (many - few) / 8, few - (many - few) / 4
        yield f"{_size(size_hw):<11} {each / 1e6:6.1f} MB a camera, {rest / 1e6:.0f} MB without"


def _memory_of_child(count: int, packets: list[bytes]) -> int:
    words = [sys.executable, "-m", "benchmarks.capacity", "--memory", str(count)]
    done = subprocess.run(words, input=pickle.dumps(packets), capture_output=True, check=True)
    return int(done.stdout)


def memory_with(count: int, packets: list[bytes]) -> int:
    """Bytes of this process once it has watched so many cameras for a while."""
    video = SimulatedVideo([], {"h264": packets})
    watch = LiveWatch(
        ActionModel(STARTER_MODEL, device="cpu", num_threads=1),
        simulated_cameras(count),
        WatchStats(),
        WatchOptions(stride_seconds=0.2, keep_frames=False),
        open_with=lambda camera: SimulatedCamera(camera, video, "h264"),
    )
    with closing(watch.moments()) as moments:
        for _ in moments:
            if all(feed.num_frames >= MEMORY_FRAMES for feed in watch.feeds):
                break
        return int(psutil.Process().memory_info().rss)


def _packets(size_hw: tuple[int, int]) -> list[bytes]:
    bits = STREAMS[size_hw]
    video = SimulatedVideo.make(size_hw, FRAMES_PER_SECOND, h264_bits_per_second=bits)
    return video.packets["h264"]


def _decoded(packets: list[bytes]) -> Iterator[Any]:
    decoder: Any = av.CodecContext.create("h264", "r")
    decoder.thread_count = 1
    for data in packets:
        yield from decoder.decode(av.Packet(data))


def _decode_seconds(packets: list[bytes]) -> float:
    started = time.thread_time()
    count = sum(1 for _ in _decoded(packets))
    return (time.thread_time() - started) / count


def _needed_seconds(packets: list[bytes], size_hw: tuple[int, int]) -> float:
    """To make a network's input of a picture that is decoded."""
    picture = next(_decoded(packets))
    to_rgb = RgbConverter().to_rgb
    return _cpu_seconds(lambda: prepare_image(to_rgb(picture), size_hw))


def _cpu_seconds(run: Callable[..., object], *given: Any) -> float:
    """Processor time of this thread for one call, the median of some dozens."""
    times = []
    for _ in range(30):
        started = time.thread_time()
        run(*given)
        times.append(time.thread_time() - started)
    return median(times)


def _size(size_hw: tuple[int, int]) -> str:
    return f"{size_hw[1]}x{size_hw[0]}"


def _machine() -> str:
    about = Path("/proc/cpuinfo")
    lines = about.read_text().splitlines() if about.exists() else []
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    memory = psutil.virtual_memory().total / 1e9
    return (
        f"{os.cpu_count()} cores ({names[0] if names else platform.processor()}), {memory:.0f} GB, "
        f"Python {platform.python_version()}, load {psutil.getloadavg()[0]:.2f}"
    )


if __name__ == "__main__":
    main()
