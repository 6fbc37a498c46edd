"""What remains of the labels if a machine has too little processor time for its cameras.

    .venv/bin/python -m benchmarks.little_cpu                       # this code
    .venv/bin/python -m benchmarks.little_cpu --beside ../old       # and another checkout, by turns

`rtaction cam` with the starter model, because nobody is in the pictures, watches 1, 4 and 16 RTSP
cameras (640x480, 25 frames per second, a key frame every 2 s) on real sockets. Once all are
watched, it gets only a share of one core; the cameras are served by another process outside of that
limit. The share is a quota of a cgroup, which takes root on Linux; elsewhere the process is stopped
and continued by signals.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import psutil

from benchmarks.share_of_a_core import limited
from rtaction.models import STARTER_MODEL
from rtaction.realtime.bench.simulated import SimulatedVideo
from tests.realtime.servers import rtp
from tests.realtime.servers.fault_server import FaultServer
from tests.realtime.servers.steered_server import Connection

FRAMES_PER_SECOND = 25.0
KEY_FRAME_SECONDS = 2.0
SHARES = (1.0, 0.5, 0.25, 0.1, 0.05)
CAMERAS = (1, 4, 16)
SETTLE_SECONDS = 15.0
START_SECONDS = 60.0


class EncodedServer(FaultServer):
    """An RTSP camera that plays frames encoded beforehand in a loop, so that serving costs little.

    Args:
        units: H.264 frames; the first one is a key frame.
    """

    def __init__(self, units: Sequence[bytes]) -> None:
        super().__init__(frames_per_second=FRAMES_PER_SECOND)
        self._payloads = [rtp.h264_payloads(unit) for unit in units]

    async def _play(self, connection: Connection, stream: rtp.RtpStream) -> None:
        begun_seconds = seconds = self._stream_seconds()
        number = 0
        while True:
            seconds = await self._moment(seconds, begun_seconds)
            timestamp = rtp.CLOCK_HZ + round((seconds - begun_seconds) * rtp.CLOCK_HZ)
            payloads = self._payloads[number % len(self._payloads)]
            await self._send(connection, stream, stream.packets(payloads, timestamp))
            number += 1
            seconds = self._after(seconds)


def serve() -> None:
    """Print an address, and serve cameras there until stdin is closed."""
    video = SimulatedVideo.make(frames_per_second=FRAMES_PER_SECOND)
    with EncodedServer(encoded(video.images)) as server:
        print(server.url(), flush=True)
        sys.stdin.read()


def encoded(images: Sequence[npt.NDArray[Any]]) -> list[bytes]:
    """H.264 frames of uint8 RGB images, for `EncodedServer`."""
    gop = round(KEY_FRAME_SECONDS * FRAMES_PER_SECOND)
    encoder = rtp.H264Encoder(images[0].shape[:2], gop=gop)
    return [
        encoder.encode(image, number / FRAMES_PER_SECOND) for number, image in enumerate(images)
    ]


@dataclass(frozen=True, slots=True)
class Row:
    """What one run gave.

    Args:
        labels_per_second: per camera, on average.
        fewest_labels_per_second: of the camera that got the fewest.
        longest_wait_seconds: longest time without a label, of any camera.
        frames_per_second: decoded, per camera.
        age_seconds: age of a window's newest frame when computing began, p95; NaN without labels.
        unlabelled: share of the time in which cameras were in another state than "ok".
        reconnects: of all cameras.
        cores: processor time used per second.
    """

    labels_per_second: float
    fewest_labels_per_second: float
    longest_wait_seconds: float
    frames_per_second: float
    age_seconds: float
    unlabelled: float
    reconnects: int
    cores: float

    HEAD = "labels/s  fewest  longest wait s  frames/s  age p95 s  not ok  reconnects  cores"

    def __str__(self) -> str:
        return (
            f"{self.labels_per_second:8.2f}{self.fewest_labels_per_second:8.2f}"
            f"{self.longest_wait_seconds:16.1f}{self.frames_per_second:10.1f}"
            f"{self.age_seconds:11.2f}{self.unlabelled:8.0%}{self.reconnects:12d}{self.cores:7.2f}"
        )


class Watched:
    """A running `rtaction cam`, with its lines and when they came."""

    def __init__(self, code: Path, urls: Sequence[str], more: Sequence[str] = ()) -> None:
        sources = [part for url in urls for part in ("--source", url)]
        command = [
            sys.executable,
            "-m",
            "rtaction",
            "cam",
            *sources,
            "--headless",
            "-o",
            "-",
            *more,
        ]
        self.process = subprocess.Popen(
            command,
            cwd=code,
            env=os.environ | {"PYTHONPATH": str(code), "CUDA_VISIBLE_DEVICES": "-1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.lines: list[tuple[float, dict[str, Any]]] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append((time.monotonic(), json.loads(line)))

    def of_type(self, kind: str) -> list[tuple[float, dict[str, Any]]]:
        return [(at, line) for at, line in list(self.lines) if line["type"] == kind]

    def wait_for_labels(self, num_cameras: int) -> None:
        deadline_seconds = time.monotonic() + START_SECONDS
        while len({line["source"] for _, line in self.of_type("prediction")}) < num_cameras:
            if self.process.poll() is not None or time.monotonic() > deadline_seconds:
                raise SystemExit(f"{num_cameras} cameras are too much even without a limit")
            time.sleep(0.1)

    def summary(self) -> tuple[float, dict[str, Any]]:
        """Ask for the figures so far, and wait for them."""
        before = len(self.of_type("summary"))
        self.process.send_signal(signal.SIGUSR1)
        deadline_seconds = time.monotonic() + START_SECONDS
        while len(summaries := self.of_type("summary")) == before:
            if time.monotonic() > deadline_seconds:
                raise SystemExit("no summary came")
            time.sleep(0.05)
        return summaries[-1]

    def processor_seconds(self) -> float:
        times = psutil.Process(self.process.pid).cpu_times()
        return float(times.user + times.system)

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join()


def measure(code: Path, url: str, num_cameras: int, share: float, seconds: float) -> Row:
    """One run of `rtaction cam`."""
    watched = Watched(code, [url] * num_cameras, ["--model", str(STARTER_MODEL)])
    try:
        watched.wait_for_labels(num_cameras)
        with limited(watched.process.pid, share):
            time.sleep(SETTLE_SECONDS)
            _, before = watched.summary()
            began_seconds, cpu_before = time.monotonic(), watched.processor_seconds()
            time.sleep(seconds)
            ended_seconds, cpu_after = time.monotonic(), watched.processor_seconds()
            _, after = watched.summary()
    finally:
        watched.end()
    span_seconds = ended_seconds - began_seconds
    predictions = [
        (at, line)
        for at, line in watched.of_type("prediction")
        if began_seconds <= at < ended_seconds
    ]
    moments = {
        name: [at for at, line in predictions if line["source"] == name]
        for name in after["sources"]
    }
    waits = [
        later - earlier
        for times in moments.values()
        for earlier, later in pairwise([began_seconds, *times, ended_seconds])
    ]
    ages = [line["frame_age_seconds"] for _, line in predictions]
    frames, reconnects = (
        sum(after["sources"][name][key] - before["sources"][name][key] for name in after["sources"])
        for key in ("frames", "reconnects")
    )
    states = watched.of_type("state")
    unlabelled_seconds = sum(
        _seconds_not_ok(
            [(at, one["state"]) for at, one in states if one["source"] == name],
            began_seconds,
            ended_seconds,
        )
        for name in after["sources"]
    )
    return Row(
        len(predictions) / num_cameras / span_seconds,
        min(len(times) for times in moments.values()) / span_seconds,
        max(waits),
        frames / num_cameras / span_seconds,
        float(np.percentile(ages, 95)) if ages else float("nan"),
        unlabelled_seconds / num_cameras / span_seconds,
        reconnects,
        (cpu_after - cpu_before) / span_seconds,
    )


def _seconds_not_ok(
    changes: Sequence[tuple[float, str]], began_seconds: float, ended_seconds: float
) -> float:
    total_seconds = 0.0
    for (at, state), (until, _) in pairwise([*changes, (ended_seconds, "")]):
        if state != "ok":
            total_seconds += max(min(until, ended_seconds) - max(at, began_seconds), 0.0)
    return total_seconds


@contextmanager
def served() -> Iterator[str]:
    """The address of cameras that another process serves."""
    server = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.little_cpu", "--serve"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
    finally:
        server.communicate()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--beside", type=Path, help="another checkout, measured by turns")
    parser.add_argument("--shares", type=float, nargs="+", default=SHARES)
    parser.add_argument("--cameras", type=int, nargs="+", default=CAMERAS)
    parser.add_argument("--seconds", type=float, default=30.0, help="of each run. Default 30.0.")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve()
        return
    trees = {"this": Path.cwd()} | ({"beside": options.beside.resolve()} if options.beside else {})
    print(f"cameras  share  code    {Row.HEAD}")
    with served() as url:
        for num_cameras in options.cameras:
            for share in options.shares:
                for name, code in trees.items():
                    row = measure(code, url, num_cameras, share, options.seconds)
                    print(f"{num_cameras:7d}{share:7.0%}  {name:6}  {row}", flush=True)


if __name__ == "__main__":
    main()
