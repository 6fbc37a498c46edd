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
import os
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import numpy as np
import psutil
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.little_cpu import FRAMES_PER_SECOND, EncodedServer, encoded
from rtaction.models import SAMPLE_CLIP
from rtaction.opencv import cv2
from rtaction.realtime.bench.simulated import SimulatedVideo
from rtaction.video.file import read_video
from tests.serve.sinks.mosquitto import Mosquitto, Onlooker

START_SECONDS = 90.0
SETTLE_SECONDS = 5.0
SIZE_WH = (640, 480)


def serve_cameras() -> None:
    """Print the addresses of an acting person and of an empty room, until stdin is closed."""
    acting = [
        np.asarray(cv2.resize(frame.image, SIZE_WH), np.uint8) for frame in read_video(SAMPLE_CLIP)
    ]
    empty = SimulatedVideo.make(frames_per_second=FRAMES_PER_SECOND).images
    with EncodedServer(encoded(acting)) as one, EncodedServer(encoded(empty)) as other:
        print(one.url(), other.url(), flush=True)
        sys.stdin.read()


@contextmanager
def cameras() -> Iterator[tuple[str, str]]:
    """The addresses of cameras that another process serves."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.serving", "--serve"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        acting, empty = process.stdout.readline().split()
        yield acting, empty
    finally:
        process.kill()
        process.wait()


class Relay:
    """The way from the service to the broker, which can be cut.

    Args:
        broker_port: where it leads.
    """

    def __init__(self, broker_port: int) -> None:
        self._broker_port = broker_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._open: list[socket.socket] = []
        self._is_cut = False
        threading.Thread(target=self._run, daemon=True).start()

    def cut(self) -> None:
        """Connections end, and new ones end at once."""
        self._is_cut = True
        for one in self._open:
            one.close()
        self._open.clear()

    def mend(self) -> None:
        """It leads to the broker again."""
        self._is_cut = False

    def _run(self) -> None:
        while True:
            caller, _ = self._listener.accept()
            if self._is_cut:
                caller.close()
                continue
            broker = socket.create_connection(("127.0.0.1", self._broker_port))
            self._open += [caller, broker]
            for ends in ((caller, broker), (broker, caller)):
                threading.Thread(target=_pass_on, args=ends, daemon=True).start()


def _pass_on(source: socket.socket, to: socket.socket) -> None:
    with suppress(OSError):  # it is cut
        while data := source.recv(65_536):
            to.sendall(data)
    source.close()
    to.close()


class Service:
    """A running `rtaction serve`.

    Args:
        folder: for its files.
        urls: of the cameras.
        broker_port: of the broker.
    """

    def __init__(self, folder: Path, urls: Sequence[str], broker_port: int) -> None:
        file = folder / "cameras.toml"
        tables = [f'[[camera]]\nname = "{n}"\nurl = "{url}"\n' for n, url in enumerate(urls)]
        mqtt = f'[mqtt]\nhost = "127.0.0.1"\nport = {broker_port}\nkeep_seconds = 3600\n'
        file.write_text("\n".join([*tables, mqtt, "[retention]\nmax_bytes = 200_000_000\n"]))
        options = ["--sources", str(file), "--port", "0", "--folder", str(folder / "kept")]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "rtaction", "serve", *options],
            env=os.environ | {"CUDA_VISIBLE_DEVICES": "-1"},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().split()[-1]
        self.client = httpx.Client(base_url=self.url, timeout=30)
        deadline_seconds = time.monotonic() + START_SECONDS
        while any(one["state"] != "ok" for one in self.get("api/cameras")["cameras"]):
            if time.monotonic() > deadline_seconds:
                self.process.kill()
                raise SystemExit("not all cameras can be judged")
            time.sleep(0.5)

    def get(self, path: str) -> Any:
        return self.client.get(path).raise_for_status().json()

    def counts(self) -> Counts:
        families = text_string_to_metric_families(self.client.get("metrics").text)
        labels, buckets = 0.0, dict[float, float]()
        for family in families:
            for sample in family.samples:
                if sample.name == "rtaction_predictions_total":
                    labels += sample.value
                elif sample.name == "rtaction_latency_seconds_bucket":
                    le = float(sample.labels["le"])
                    buckets[le] = buckets.get(le, 0.0) + sample.value
        times = psutil.Process(self.process.pid).cpu_times()
        return Counts(labels, buckets, times.user + times.system, time.monotonic())

    def memory_bytes(self) -> int:
        return int(psutil.Process(self.process.pid).memory_info().rss)

    def events(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            before = f"&before={found[-1]['id']}" if found else ""
            page = self.get(f"api/events?limit=1000{before}")["events"]
            found += page
            if len(page) < 1000:
                return found

    def end(self) -> None:
        self.client.close()
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()


@dataclass(frozen=True, slots=True)
class Counts:
    """Counters at one moment."""

    labels: float
    buckets: dict[float, float]
    processor_seconds: float
    at_seconds: float


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
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--cameras", type=int, default=8)
    parser.add_argument("--acting", type=int, default=2, help="Those that show somebody.")
    parser.add_argument("--seconds", type=float, default=30.0, help="Of each phase.")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--soak-minutes", type=float, default=0.0)
    arguments = parser.parse_args()
    if arguments.serve:
        serve_cameras()
        return
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
