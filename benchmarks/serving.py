"""What viewers, and a broker that is down, cost `rtaction serve`; and what it takes in memory.

    .venv/bin/python -m benchmarks.serving                      # some five minutes
    .venv/bin/python -m benchmarks.serving --soak-minutes 30    # memory only

One `rtaction serve` watches RTSP cameras on real sockets (640x480, 25 frames per second), of which
some show the drawn person of the demo, and the others an empty room. It tells a real Mosquitto.
Four phases of the same length follow each other, twice, in turn: nobody looks; three viewers, one
of whom does not read; the same while the broker is down; and nobody again. Labels and latency are
those of each phase, from the counters that Prometheus reads. In the end, every event of the index
must have come at the broker, its start and its end once.
"""

from __future__ import annotations

import argparse
import json
import math
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import psutil

from benchmarks.served import Relay, Service, cameras
from tests.serve.sinks.mosquitto import Mosquitto, Onlooker

START_SECONDS = 90.0
SETTLE_SECONDS = 5.0
SIZE_WH = (640, 480)


@dataclass(frozen=True, slots=True)
class Row:
    """What one phase gave."""

    labels_per_second: float
    p50_seconds: float
    p95_seconds: float
    cores: float
    memory_bytes: int

    HEAD = f"{'':28}labels/s  p50 ms  p95 ms  cores  memory MB"

    def __str__(self) -> str:
        return (
            f"{self.labels_per_second:8.1f}{self.p50_seconds * 1000:8.0f}"
            f"{self.p95_seconds * 1000:8.0f}{self.cores:7.2f}{self.memory_bytes / 1e6:11.0f}"
        )


def measured(service: Service, seconds: float) -> Row:
    time.sleep(SETTLE_SECONDS)
    before = service.counts()
    time.sleep(seconds)
    after = service.counts()
    passed = after.at_seconds - before.at_seconds
    buckets = {le: after.buckets[le] - before.buckets.get(le, 0.0) for le in after.buckets}
    return Row(
        (after.labels - before.labels) / passed,
        _percentile(buckets, 0.5),
        _percentile(buckets, 0.95),
        (after.processor_seconds - before.processor_seconds) / passed,
        service.memory_bytes(),
    )


def _percentile(buckets: dict[float, float], share: float) -> float:
    """Between the bounds of a bucket, by its share, as Prometheus does it."""
    wanted = share * buckets.get(math.inf, 0.0)
    low, below = 0.0, 0.0
    for bound in sorted(buckets):
        if buckets[bound] >= wanted and buckets[bound] > below:
            high = low if math.isinf(bound) else bound
            return low + (high - low) * (wanted - below) / (buckets[bound] - below)
        low, below = bound, buckets[bound]
    return math.nan


@contextmanager
def viewers(service: Service, num_cameras: int) -> Iterator[None]:
    """One who looks at all cameras, one at the news and a large picture, and one who stalls."""
    stop = threading.Event()
    port = int(service.url.rstrip("/").rpartition(":")[2])

    def read(path: str) -> None:
        with httpx.stream("GET", service.url + path, timeout=60) as answer:
            for _ in answer.iter_raw():
                if stop.is_set():
                    return

    paths = [f"api/cameras/{n}/stream.mjpg?width=480&fps=5" for n in range(num_cameras)]
    paths += ["api/news", "api/cameras/0/stream.mjpg"]
    threads = [threading.Thread(target=read, args=[path], daemon=True) for path in paths]
    with ExitStack() as stack:
        for thread in threads:
            thread.start()
        for path in paths[:2]:
            stalled = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            stalled.sendall(f"GET /{path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
        yield
        stop.set()


def phases(service: Service, relay: Relay, arguments: argparse.Namespace) -> None:
    print(Row.HEAD, flush=True)
    for _ in range(arguments.rounds):
        print(f"{'nobody looks':28}{measured(service, arguments.seconds)}", flush=True)
        with viewers(service, arguments.cameras):
            print(
                f"{'3 viewers, one stalled':28}{measured(service, arguments.seconds)}", flush=True
            )
            relay.cut()
            print(f"{'the same, broker down':28}{measured(service, arguments.seconds)}", flush=True)
            relay.mend()
        print(f"{'nobody again':28}{measured(service, arguments.seconds)}", flush=True)


def soak(service: Service, minutes: float) -> None:
    """Memory and threads, once a minute."""
    process = psutil.Process(service.process.pid)
    began_seconds = time.monotonic()
    while (passed := time.monotonic() - began_seconds) < 60 * minutes:
        memory = service.memory_bytes() / 1e6
        events = len(service.events())
        print(
            f"{passed / 60:5.1f} min  {memory:6.0f} MB  {process.num_threads()} threads  "
            f"{process.num_fds()} files  {events} events",
            flush=True,
        )
        time.sleep(60)


def compare(service: Service, onlooker: Onlooker) -> None:
    """Whether every start and end of the index came at the broker, once."""
    time.sleep(15)  # what waits is sent
    told: Counter[tuple[str, str]] = Counter()
    for payload in onlooker.history["rtaction/events"]:
        one = json.loads(payload)
        told[one["id"], one["phase"]] += 1
    wanted = Counter[tuple[str, str]]()
    for event in service.events():
        wanted[event["id"], "start"] += 1
        if event["ended_at"] is not None:
            wanted[event["id"], "end"] += 1
    missing, more = wanted - told, told - wanted
    print(
        f"{sum(wanted.values())} starts and ends in the index; at the broker "
        f"{sum(missing.values())} missing, {sum(more.values())} more"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--cameras", type=int, default=8)
    parser.add_argument("--acting", type=int, default=2, help="Those that show somebody.")
    parser.add_argument("--seconds", type=float, default=30.0, help="Of each phase.")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--soak-minutes", type=float, default=0.0)
    arguments = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        broker = Mosquitto(folder)
        stack.callback(broker.end)
        acting, empty = stack.enter_context(cameras())
        urls = [acting] * arguments.acting + [empty] * (arguments.cameras - arguments.acting)
        onlooker = Onlooker(broker.port)
        stack.callback(onlooker.close)
        relay = Relay(broker.port)
        service = Service(folder, urls, relay.port)
        stack.callback(service.end)
        if arguments.soak_minutes:
            soak(service, arguments.soak_minutes)
        else:
            phases(service, relay, arguments)
        compare(service, onlooker)


if __name__ == "__main__":
    main()
