"""A `rtaction serve` to be measured: its cameras, and the way to its broker."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
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
        [sys.executable, "-m", "benchmarks.served"],
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


if __name__ == "__main__":
    serve_cameras()
