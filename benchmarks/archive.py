"""Files a second of `rtaction predict --ray` on local nodes, against one process.

    python -m benchmarks.archive --nodes 1 2 4 --videos 60

Each node has one core of its own account; on a machine with fewer cores than nodes, they share
them, and the efficiency is that of the cores. A rate is that of the videos beyond the first fifth:
what starting takes is told by itself. Memory is that of all processes that this one has started,
and of /dev/shm.
"""

from __future__ import annotations

import argparse
import os
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import psutil

from rtaction.cluster.archive.options import ArchiveOptions
from rtaction.cluster.archive.run import run_archive
from rtaction.cluster.connection import import_ray
from rtaction.models import STARTER_MODEL
from rtaction.realtime.predicting.options import PredictOptions
from rtaction.realtime.predicting.run import run_prediction
from tests.videos import write_video

_STORE_BYTES = 80_000_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--nodes", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--videos", type=int, default=60)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--long-seconds", type=float, default=600.0)
    arguments = parser.parse_args()
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} cores, load {load:.1f} before the start")
    with TemporaryDirectory(prefix="rtaction-bench-") as name:
        folder = Path(name)
        first = _drawn(folder / "few" / "0000.mp4", arguments.seconds)
        (folder / "many").mkdir()
        few = max(arguments.videos // 5, 1)
        for number in range(few + arguments.videos):
            place = folder / ("few" if number < few else "many")
            if number > 0:
                (place / f"{number:04}.mp4").hardlink_to(first)
        long = _drawn(folder / "long" / "long.mp4", arguments.long_seconds)

        def measured(act: Callable[[PredictOptions], object], name: str) -> tuple[float, float]:
            """Files a second, and the seconds that starting takes."""
            few_only = PredictOptions((folder / "few",), folder / f"{name}few.jsonl")
            both = PredictOptions((folder / "few", folder / "many"), folder / f"{name}all.jsonl")
            short, whole = (_seconds(partial(act, asked)) for asked in (few_only, both))
            each = (whole - short) / arguments.videos
            return 1 / each, short - few * each

        rate, start = measured(_alone, "one")
        print(f"one process: {rate:.2f} files a second, after {start:.1f} s")
        for nodes in arguments.nodes:
            with _Cluster(nodes) as cluster:
                of_ray, start = measured(cluster.run, f"ray{nodes}-")
                efficiency = of_ray / rate / min(nodes, os.cpu_count() or 1)
                print(
                    f"{nodes} nodes: {of_ray:.2f} files a second, after {start:.1f} s; "
                    f"efficiency {efficiency:.2f}"
                )
                one = PredictOptions((long,), folder / f"long{nodes}.jsonl")
                with _Peak() as peak:
                    times = arguments.long_seconds / _seconds(partial(cluster.run, one))
                print(
                    f"{nodes} nodes, one video of {arguments.long_seconds:g} s: {times:.0f} times "
                    f"as fast as it lasts; peak {peak.megabytes:.0f} MB of all processes, "
                    f"{peak.store_megabytes:.0f} MB in /dev/shm"
                )


def _alone(options: PredictOptions) -> None:
    run_prediction(
        STARTER_MODEL,
        replace(options, processes=1),
        device="cpu",
        progress=lambda _: nullcontext(lambda: None),
    )


def _drawn(path: Path, seconds: float) -> Path:
    times = np.arange(round(25 * seconds)) / 25
    random = np.random.default_rng(0)
    still = random.integers(0, 255, (144, 192, 3)).astype(np.uint8)
    return write_video(path, (np.roll(still, 3 * n, axis=1) for n in range(len(times))), times)


def _seconds(act: Any) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


class _Cluster:
    """Nodes of one core each on loopback."""

    def __init__(self, nodes: int) -> None:
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # keep to loopback
        os.environ["RAY_BACKEND_LOG_LEVEL"] = "fatal"
        import_ray("the benchmark")
        from ray.cluster_utils import Cluster

        node = {
            "num_cpus": 1,
            "object_store_memory": _STORE_BYTES,
            "node_ip_address": "127.0.0.1",
            "include_dashboard": False,
        }
        self._cluster = Cluster(initialize_head=True, head_node_args=node)
        for _ in range(nodes - 1):
            self._cluster.add_node(**node)

    def __enter__(self) -> _Cluster:
        return self

    def __exit__(self, *_: object) -> None:
        self._cluster.shutdown()

    def run(self, options: PredictOptions) -> None:
        run_archive(
            STARTER_MODEL,
            options,
            ArchiveOptions(self._cluster.address, piece_seconds=60.0),
            device="cpu",
            progress=lambda _what, _number: nullcontext(lambda: None),
        )


class _Peak:
    """The most memory that Ray's workers and stores take while the block lasts."""

    def __enter__(self) -> _Peak:
        self.megabytes = self.store_megabytes = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._store_before = psutil.disk_usage("/dev/shm").used
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(0.25):
            total = 0
            for process in psutil.Process().children(recursive=True):
                try:
                    total += process.memory_info().rss
                except psutil.Error:
                    continue
            used = psutil.disk_usage("/dev/shm").used - self._store_before
            self.megabytes = max(self.megabytes, total / 1e6)
            self.store_megabytes = max(self.store_megabytes, used / 1e6)


if __name__ == "__main__":
    main()
