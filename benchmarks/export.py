"""The cost of exporting, and the gain of int8 and float16, in one run.

    make bench-export
    python -m benchmarks.export --models a.onnx b.onnx --calibrate videos/ --check others/

1. The tutorial's network: conversion time and number of operations, for 5, 16 and 32 frames.
2. Milliseconds per frame in the encoder, float, int8 and float16, in turns, on one thread and on
   two. Weights are random: a trained network is as fast.
3. With models and videos: the loss of accuracy with int8, on real clips.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from rtaction.export.agreement.clips import make_clips
from rtaction.export.agreement.compare import time_encoders
from rtaction.export.keras.convert import to_onnx
from rtaction.export.keras.graph import flattened
from rtaction.export.keras.parts import divide
from rtaction.export.options import SmallerOptions
from rtaction.export.smaller.half import halve
from rtaction.export.smaller.make import make_files
from rtaction.export.smaller.quantize import quantize, weight_range_here
from rtaction.model_spec import ModelSpec
from rtaction.train.choices import NetworkName
from rtaction.train.data.known_clips import read_known_clips
from rtaction.train.networks.build import build_network

NETWORKS: tuple[NetworkName, ...] = ("convnet", "light", "small", "mobilenet_v2", "lite0")
FRAMES_PER_CLIP = (5, 16, 32)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure export, int8 and float16.")
    parser.add_argument("--models", type=Path, nargs="*", default=[], help="float ONNX files")
    parser.add_argument("--calibrate", help="folders of videos")
    parser.add_argument("--check", help="labelled videos")
    given = parser.parse_args()
    print_conversion()
    print_speed()
    for path in given.models:
        print(f"\n{path}")
        options = SmallerOptions(
            quantize="int8", calibrate=given.calibrate, check=given.check, max_drop=100
        )
        output = path.with_suffix(".int8.onnx")
        make_files(path.read_bytes(), output, options, read_clips=read_known_clips, say=print)


def spec_of(frames_per_clip: int) -> ModelSpec:
    labels = tuple(f"action {number}" for number in range(6))
    return ModelSpec(labels, frames_per_clip, clip_seconds=1.0, height=112, width=112)


def exported(network: NetworkName, spec: ModelSpec) -> tuple[bytes, int, float]:
    """An untrained network's file, its number of operations, and the seconds to convert it."""
    model = build_network(spec, network=network)
    started = time.perf_counter()
    converted = to_onnx(divide(flattened(model)), spec)
    seconds = time.perf_counter() - started
    return converted.SerializeToString(deterministic=True), len(converted.graph.node), seconds


def print_conversion() -> None:
    print("convnet, 112x112   frames   seconds to convert   operations")
    for frames_per_clip in FRAMES_PER_CLIP:
        _, num_nodes, seconds = exported("convnet", spec_of(frames_per_clip))
        print(f"{frames_per_clip:>25}{seconds:>21.1f}{num_nodes:>13}", flush=True)


def print_speed() -> None:
    chosen = weight_range_here()
    print(f"\nint8 with weights of {7 if chosen.is_reduced else 8} bits: {chosen.reason}")
    print("ms per frame   threads     float      int8   ratio      half   ratio")
    spec = spec_of(5)
    clips = make_clips(spec, num_clips=4)
    for network in NETWORKS:
        plain, _, _ = exported(network, spec)
        files = [plain, quantize(plain, clips), halve(plain)]
        for threads in (1, 2):
            old, int8, half = time_encoders(files, clips[0, :1], threads)
            print(
                f"{network:<13}{threads:>9}{old:>10.2f}{int8:>10.2f}{old / int8:>7.2f}x"
                f"{half:>9.2f}{old / half:>7.2f}x",
                flush=True,
            )


if __name__ == "__main__":
    main()
