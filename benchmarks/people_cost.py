"""What it costs to watch people: one, three, and sixteen cameras of which two show somebody.

    .venv/bin/python -m benchmarks.people_cost                     # with the bundled model
    .venv/bin/python -m benchmarks.people_cost --model model.onnx  # with another model of people

Drawn people, 480x640, 25 pictures a second. First they are followed without a model, ten poses a
second, on one thread. Then `rtaction cam` watches RTSP cameras on real sockets, which another
process serves; cores are those that `rtaction cam` uses, decoding included.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from benchmarks.little_cpu import FRAMES_PER_SECOND, EncodedServer, Watched, encoded
from rtaction.arrays import UInt8Array
from rtaction.models import PEOPLE_MODEL, POSE_MODEL
from rtaction.pose.network import CloseNetwork, FindNetwork
from rtaction.pose.people import PeopleFollower
from rtaction.realtime.model.session import open_session
from rtaction.train.render.clip import render_sequence

SIZE_HW = (480, 640)
SEEDS = (11, 12, 13)
SECONDS = 8.0
POSES_A_SECOND = 10
CAMERAS = ((1, 0), (1, 3), (2, 14))
"""How many cameras show somebody, and how many an empty room."""


def drawn(num_people: int) -> list[UInt8Array]:
    """People side by side, each in a strip of the picture."""
    width = SIZE_HW[1] // num_people
    acts = (("wave", 3.0), ("nothing", 2.0), ("arms_side", 3.0))
    clips = [
        render_sequence(
            acts, seed=seed, frames_per_second=FRAMES_PER_SECOND, size_hw=(SIZE_HW[0], width)
        )[0].images
        for seed in SEEDS[:num_people]
    ]
    return [np.concatenate(strips, axis=1) for strips in zip(*clips, strict=True)]


def empty_room() -> list[UInt8Array]:
    """The same walls, with the noise of a camera."""
    rng = np.random.default_rng(0)
    walls = (
        rng.integers(60, 200, (SIZE_HW[0] // 32, SIZE_HW[1] // 32, 3)).repeat(32, 0).repeat(32, 1)
    )
    pictures = []
    for _ in range(round(2 * FRAMES_PER_SECOND)):
        noise = rng.normal(0, 2, (*SIZE_HW, 1))
        pictures.append(np.clip(walls + noise, 0, 255).astype(np.uint8))
    return pictures


def print_followed() -> None:
    """Processor time to follow people, without a model."""
    close, find = (
        open_session(path.read_bytes(), "cpu", num_threads=1) for path in (POSE_MODEL, PEOPLE_MODEL)
    )
    step = round(FRAMES_PER_SECOND / POSES_A_SECOND)
    print("people  followed  poses/s  cores")
    for name, pictures in (("nobody", empty_room()), *((n, drawn(n)) for n in (1, 2, 3))):
        follower = PeopleFollower(CloseNetwork(close), FindNetwork(find), SIZE_HW)
        num_seen, began = 0, time.process_time()
        chosen = pictures[::step]
        for number, picture in enumerate(chosen):
            num_seen += len(follower.look_at(picture, number * step / FRAMES_PER_SECOND)[0])
        cores = (time.process_time() - began) / (len(chosen) * step / FRAMES_PER_SECOND)
        rate = FRAMES_PER_SECOND / step
        print(f"{name!s:8}{num_seen / len(chosen):8.2f}{rate:9.1f}{cores:7.2f}", flush=True)


def serve() -> None:
    """Print the addresses of two cameras, with somebody and without; serve until stdin ends."""
    with EncodedServer(encoded(drawn(1))) as people, EncodedServer(encoded(empty_room())) as empty:
        print(people.url(), empty.url(), flush=True)
        sys.stdin.read()


@contextmanager
def served() -> Iterator[list[str]]:
    """The two addresses, which another process serves."""
    command = [sys.executable, "-m", "benchmarks.people_cost", "--serve"]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        yield server.stdout.readline().split()
    finally:
        server.communicate()


def print_watched(urls: Sequence[str], more: Sequence[str], seconds: float) -> None:
    """Labels a second and cores of `rtaction cam`."""
    print("with people  empty  labels/s a person  p95 latency ms  cores")
    for num_people, num_empty in CAMERAS:
        watched = Watched(Path.cwd(), [urls[0]] * num_people + [urls[1]] * num_empty, more)
        try:
            watched.wait_for_labels(num_people)
            time.sleep(10)
            began, cpu = time.monotonic(), watched.processor_seconds()
            time.sleep(seconds)
            cores = (watched.processor_seconds() - cpu) / (time.monotonic() - began)
            lines = [line for at, line in watched.of_type("prediction") if at >= began]
        finally:
            watched.end()
        rate = len(lines) / num_people / seconds
        late = np.percentile([line["latency_seconds"] for line in lines], 95) * 1e3
        print(f"{num_people:11}{num_empty:7}{rate:19.2f}{late:16.0f}{cores:7.2f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", help="of people. Default: the bundled one.")
    parser.add_argument("--seconds", type=float, default=30.0, help="of each run. Default 30.0.")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve()
        return
    print_followed()
    more = ["--model", options.model] if options.model else []
    with served() as urls:
        print_watched(urls, more, options.seconds)


if __name__ == "__main__":
    main()
