"""What one new frame costs: rtaction beside TSM online (MobileNetV2) and MoViNet-A0-stream.

    .venv/bin/python -m benchmarks.peers                               # clip and networks at hand
    .venv/bin/python -m benchmarks.peers --peers peers/ --clips clips/ --threads 1
    .venv/bin/python -m benchmarks.peers --model taught/model.onnx     # beside a model of yours

All see the same decoded frames on as many threads, by turns in one run; resizing them is part of
the time. The networks of others are not part of rtaction: docs/peers.md tells where to get them and
what to call them. What is not there is left out, with the reason. rtaction's own networks are the
bundled starter and two untrained ones, which cost what trained ones do.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import onnxruntime

from benchmarks.peers.comparing import Clip, Cost, OwnStream, compare
from benchmarks.peers.files import open_network
from benchmarks.peers.streams import CarryingStream, Pixels, Stream, imagenet, zero_to_one
from rtaction.errors import RtactionError
from rtaction.models import SAMPLE_CLIP, STARTER_MODEL
from rtaction.realtime.bench.model import num_cores
from rtaction.train.choices import NetworkName
from rtaction.video.clips import find_video_files
from rtaction.video.file import read_video

FRAMES_PER_CLIP = 60
UNTRAINED: tuple[tuple[NetworkName, int], ...] = (("light", 112), ("mobilenet_v2", 224))
"""Networks of rtaction and the sides of their pictures; the second has TSM's encoder."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A network of others.

    Args:
        name: for a person.
        files: the names that its file or folder may have; all that are there are compared.
        size: height and width of its pictures in pixels.
        pixels: what it was trained on.
    """

    name: str
    files: tuple[str, ...]
    size: int
    pixels: Pixels


PEERS = (
    Peer("TSM online, MobileNetV2", ("tsm_online.onnx",), 224, imagenet),
    Peer(
        "MoViNet-A0-stream",
        ("movinet_a0_stream.onnx", "movinet_a0_stream.tflite", "movinet_a0_stream"),
        172,
        zero_to_one,
    ),
)


def own_streams(models: list[Path], folder: Path, num_threads: int) -> Iterator[tuple[str, Stream]]:
    """The given models, or the starter and two untrained networks."""
    for path in models or [STARTER_MODEL]:
        yield f"rtaction {path.stem}", OwnStream(path, num_threads)
    if models:
        return
    try:
        from benchmarks.streaming import write_model
    except RtactionError as error:
        print(f"left out: untrained networks of rtaction: {error}")
        return
    for network, size in UNTRAINED:
        path = folder / f"{network}.onnx"
        write_model(path, network, 8, size=size)
        yield f"rtaction {network}", OwnStream(path, num_threads)


def peer_streams(folder: Path, num_threads: int) -> Iterator[tuple[str, Stream]]:
    """The networks of others that are in a folder; what is not there or unusable is told."""
    for peer in PEERS:
        there = [folder / name for name in peer.files if (folder / name).exists()]
        if not there:
            names = " or ".join(peer.files)
            print(
                f"left out: {peer.name}: no {names} in {folder}; docs/peers.md tells how to get it"
            )
        for path in there:
            try:
                network = open_network(path, size=peer.size, num_threads=num_threads)
                yield f"{peer.name} ({path.name})", CarryingStream(network, peer.size, peer.pixels)
            except RtactionError as error:
                print(f"left out: {peer.name} ({path.name}): {error}")


def read_clip(path: Path) -> Clip:
    """The first frames of a video."""
    return [frame.image for frame in islice(read_video(path), FRAMES_PER_CLIP)]


def table(costs: dict[str, Cost], streams: dict[str, Stream]) -> Iterator[str]:
    """Lines of Markdown; the ratios are to the first network."""
    yield "| network | picture | median ms | p95 ms | processor ms | frames/s | ratio |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    first = next(iter(costs.values())).median_seconds
    for name, cost in costs.items():
        stream = streams[name]
        high, wide = stream.size_hw if isinstance(stream, OwnStream) else (0, 0)
        if isinstance(stream, CarryingStream):
            high, wide = stream.picture.size_hw
        yield (
            f"| {name} | {wide}x{high} | {cost.median_seconds * 1e3:.2f} | "
            f"{cost.p95_seconds * 1e3:.2f} | {cost.processor_seconds * 1e3:.2f} | "
            f"{1 / cost.median_seconds:.0f} | {cost.median_seconds / first:.2f} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--peers", type=Path, default=Path("peers"), help="default: peers/")
    parser.add_argument("--clips", type=Path, nargs="+", default=[SAMPLE_CLIP], help="or folders")
    parser.add_argument("--model", type=Path, action="append", default=[], help="of rtaction")
    parser.add_argument("--threads", type=int, default=num_cores(), help="default: %(default)s")
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    clips = {path.name: read_clip(path) for path in find_video_files(asked.clips)}
    print(
        f"{platform.machine()}, {num_cores()} cores, {asked.threads} threads each; load "
        f"{os.getloadavg()[0]:.1f}; Python {platform.python_version()}, "
        f"onnxruntime {onnxruntime.__version__}"
    )
    if os.getloadavg()[0] > num_cores() / 2:
        print("other programs use this machine: trust the processor time more than the clock")
    for name, clip in clips.items():
        print(f"{name}: {len(clip)} frames of {clip[0].shape[1]}x{clip[0].shape[0]}")
    with TemporaryDirectory() as folder:
        # First, as TensorFlow takes a number of threads only before it has run anything.
        peers = dict(peer_streams(asked.peers, asked.threads))
        streams = dict(own_streams(asked.model, Path(folder), asked.threads)) | peers
        costs = compare(streams, list(clips.values()), asked.rounds)
    print("\n".join(["", *table(costs, streams)]))


if __name__ == "__main__":
    try:
        main()
    except RtactionError as error:
        sys.exit(f"error: {error}")
