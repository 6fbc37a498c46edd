"""What a new frame costs: the whole window again, or one encoder pass and one head pass.

    make bench

Prints, for each network and clip length, medians over rounds in which the ways take turns, so that
a noisy machine slows them alike; and how near the encoder comes to this machine's matrix product.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np

from rtaction.export.convert import to_onnx
from rtaction.export.keras_parts import divide
from rtaction.model_spec import ModelSpec
from rtaction.realtime.action_model import ActionModel
from rtaction.realtime.inspect import inspect_model
from rtaction.train.networks import NetworkName, build_network

ROUNDS = 15
PAUSE_SECONDS = 0.1
CASES: tuple[tuple[NetworkName, int], ...] = (
    ("light", 5),
    ("light", 16),
    ("motion", 5),
    ("motion", 16),
    ("convnet", 5),
    ("convnet", 16),
)


def main() -> None:
    peak = matrix_product_flops_per_second()
    print(f"matrix product: {peak / 1e9:.0f} GFLOP/s, float32, all cores\n")
    print("network   F   full window    encoder       head   streaming   ratio   encoder/peak")
    for network, frames_per_clip in CASES:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.onnx"
            write_model(path, network, frames_per_clip)
            print(compare(path, network, peak))


def write_model(path: Path, network: NetworkName, frames_per_clip: int) -> None:
    """An untrained network at 112x112: its speed is that of a trained one."""
    spec = ModelSpec(
        labels=tuple(f"action {number}" for number in range(6)),
        frames_per_clip=frames_per_clip,
        clip_seconds=1.0,
        height=112,
        width=112,
    )
    model = to_onnx(divide(build_network(spec, network=network)), spec)
    path.write_bytes(model.SerializeToString())


def compare(path: Path, network: str, peak_flops_per_second: float) -> str:
    """One line of the table."""
    model = ActionModel(path, device="cpu")
    rng = np.random.default_rng(0)
    clip = rng.integers(0, 256, (1, *model.spec.clip_shape), dtype=np.uint8)
    features = model.encode(clip[0])[np.newaxis]
    ways: dict[str, Callable[[], object]] = {
        "full": lambda: model.score_clips(clip),
        "encoder": lambda: model.encode(clip[0, :1]),
        "head": lambda: model.score(features),
    }
    milliseconds = {name: median(times) for name, times in take_turns(ways).items()}
    streaming = milliseconds["encoder"] + milliseconds["head"]
    flops = inspect_model(path).flops_per_frame
    share = flops / (milliseconds["encoder"] / 1000) / peak_flops_per_second
    return (
        f"{network:<8} {model.spec.frames_per_clip:>2} {milliseconds['full']:>10.2f} ms "
        f"{milliseconds['encoder']:>7.2f} ms {milliseconds['head']:>7.2f} ms {streaming:>8.2f} ms "
        f"{milliseconds['full'] / streaming:>6.1f}x {share:>13.0%}"
    )


def take_turns(ways: dict[str, Callable[[], object]]) -> dict[str, list[float]]:
    """Milliseconds of each way, one after the other in every round, each after a run to warm up."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, run in ways.items():
            # onnxruntime's threads spin for a while after each run, and slow another session's.
            time.sleep(PAUSE_SECONDS)
            run()
            started = time.perf_counter()
            run()
            times[name].append((time.perf_counter() - started) * 1000)
    return times


def matrix_product_flops_per_second(size: int = 1536) -> float:
    """The best of several products of two float32 matrices."""
    a = np.random.default_rng(0).normal(size=(size, size)).astype(np.float32)
    best = min(take_turns({"product": lambda: a @ a})["product"])
    return 2 * size**3 / (best / 1000)


if __name__ == "__main__":
    main()
