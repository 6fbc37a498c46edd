"""What only a GPU can show, measured in one run.

    make bench-gpu
    python -m benchmarks.gpu --cpu            # the same code on the CPU, where it makes sense
    python -m benchmarks.gpu --parts binding precision --json results.json

placement: is what onnxruntime says it runs on what it runs on, operation by operation.
binding: buffers kept on the device; features that stay there between encoder and head.
precision: TF32, float16 and TensorRT against float32, and whether their scores agree.
batch: one pass for the frames of many cameras; shared by several GPUs, if there are.
cameras: how many cameras a GPU serves.
decoding: H.264 on the GPU (NVDEC), if this PyAV can.
tests: those marked `gpu`.

What this machine lacks is skipped, with the reason.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnxruntime
import psutil

from benchmarks.gpu.binding import measure_binding
from benchmarks.gpu.cameras import measure_batches, measure_cameras
from benchmarks.gpu.decoding import measure_decoding
from benchmarks.gpu.placement import measure_placement
from benchmarks.gpu.precision import measure_precision
from benchmarks.gpu.results import Result, Row, Skipped, print_results, write_json
from benchmarks.gpu.sessions import Parts
from rtaction.models import ACTIONS_MODEL, STARTER_MODEL
from rtaction.realtime.model.devices import CUDA
from rtaction.realtime.model.nvidia import num_gpus

PARTS = ("placement", "binding", "precision", "batch", "cameras", "decoding", "tests")
_ROOT = Path(__file__).resolve().parents[2]
_MODELS = [STARTER_MODEL, ACTIONS_MODEL]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured on which device, and how long."""

    device: str
    num_gpus: int
    rounds: int
    seconds: float
    counts: tuple[int, ...]
    models: list[Path]

    def placed_on(self) -> list[str]:
        return [self.device] if self.device == "cpu" else [self.device, "tensorrt"]

    def parts(self) -> dict[str, Callable[[], Iterator[Result]]]:
        many = ",".join(map(str, range(self.num_gpus)))
        devices = [self.device, *([f"cuda:{many}"] if self.num_gpus > 1 else [])]
        batches = (1, 4, 16, 64) if self.device == "cpu" else (1, 4, 16, 64, 256)
        loaded = [Parts(path) for path in self.models]
        return {
            "placement": lambda: measure_placement(loaded, self.placed_on()),
            "binding": lambda: measure_binding(loaded, self.device, self.rounds),
            "precision": lambda: measure_precision(loaded, self.device, self.rounds),
            "batch": lambda: measure_batches(self.models, devices, batches, self.rounds),
            "cameras": lambda: measure_cameras(self.models, self.device, self.counts, self.seconds),
            "decoding": lambda: measure_decoding(min(self.rounds, 3)),
            "tests": run_tests,
        }


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.gpu", description=__doc__.split("\n")[0])
    parser.add_argument("--cpu", action="store_true", help="run the same code on the CPU")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--models", nargs="+", type=Path, default=_MODELS, help="ONNX files")
    parser.add_argument("--rounds", type=int, default=15, help="turns of each way")
    parser.add_argument("--seconds", type=float, default=6.0, help="for each number of cameras")
    parser.add_argument("--json", type=Path, default=Path("bench-gpu.json"))
    given = parser.parse_args(words)
    print(f"{platform.platform()}, onnxruntime {onnxruntime.__version__}, {gpu_names()}")
    results = print_results(results_of(given), lambda line: print(line, flush=True))
    write_json(given.json, machine(), results)
    print(f"written to {given.json}")


def results_of(given: argparse.Namespace) -> Iterator[Result]:
    """Measure each part that was asked for; where there is no GPU, say so instead."""
    reason = None if given.cpu else why_no_gpu()
    if reason is not None:
        for part in given.parts:
            yield Skipped(part, "all of it", reason)
        return
    plan = Plan(
        device="cpu" if given.cpu else "cuda",
        num_gpus=0 if given.cpu else num_gpus(),
        rounds=given.rounds,
        seconds=given.seconds,
        counts=(1, 4, 16) if given.cpu else (16, 64, 128, 256, 512, 1024),
        models=given.models,
    )
    parts = plan.parts()
    for part in given.parts:
        yield from parts[part]()


def why_no_gpu() -> str | None:
    """Why nothing can be measured; None if there is a GPU for onnxruntime."""
    if CUDA not in onnxruntime.get_available_providers():
        return "this onnxruntime is built without CUDA; install onnxruntime-gpu"
    if not num_gpus():
        return "CUDA's driver finds no GPU on this machine; --cpu runs the same code without"
    return None


def run_tests() -> Iterator[Result]:
    """The tests marked `gpu`, in a process of their own."""
    words = [sys.executable, "-m", "pytest", "-q", "-n0", "-m", "gpu", "tests/realtime/model"]
    done = subprocess.run(words, cwd=_ROOT, capture_output=True, text=True, check=False)
    last = (done.stdout.strip().splitlines() or [done.stderr.strip()])[-1]
    if done.returncode != 0:
        print(done.stdout)
    yield Row("tests", "exit code of those marked gpu", done.returncode, "", note=last)


def gpu_names() -> str:
    """The GPUs by name, as nvidia-smi says; a Jetson may lack it."""
    words = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return f"{num_gpus()} GPUs"
    return "; ".join(done.stdout.strip().splitlines())


def machine() -> dict[str, Any]:
    return {
        "platform": platform.platform(),
        "python": platform.python_version(),
        "onnxruntime": onnxruntime.__version__,
        "gpus": gpu_names(),
        "cores": os.cpu_count(),
        "load": psutil.getloadavg(),
    }


if __name__ == "__main__":
    main()
