"""What does a batch over cameras gain, and how many cameras does a GPU serve?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks.gpu.results import Result, Row, compared
from rtaction.realtime.bench.cameras import PREDICTIONS_PER_SECOND, bench_cameras
from rtaction.realtime.bench.model import take_turns
from rtaction.realtime.model.action_model import ActionModel

# A GPU keeps up if it gives nearly all labels that are asked for.
ENOUGH = 0.95


def measure_batches(
    paths: list[Path], devices: Sequence[str], batches: Sequence[int], rounds: int
) -> Iterator[Result]:
    """Milliseconds for one camera's frame in a batch over cameras; with several devices, shared."""
    for path in paths:
        for device in devices:
            model = ActionModel(path, device=device)
            random = np.random.default_rng(0)
            ways: dict[str, Callable[[], object]] = {}
            for batch in batches:
                frames = random.integers(0, 256, (batch, *model.spec.frame_shape), np.uint8)
                ways[str(batch)] = lambda frames=frames, model=model: model.encode(frames)  # type: ignore[misc]
            seconds = take_turns(ways, rounds=rounds)
            each = {f"batch of {name}": value / int(name) for name, value in seconds.items()}
            yield from compared("batch", f"{path.stem} on {device}, frame: ", each)


def measure_cameras(
    paths: list[Path], device: str, counts: Sequence[int], seconds: float
) -> Iterator[Result]:
    """Labels a second of each camera, for more and more cameras, until the device is full.

    The frames cost nothing to read and decode, so that only the GPU and what feeds it are seen.
    """
    for path in paths:
        model = ActionModel(path, device=device)
        most = 0
        for count in counts:
            (row,) = bench_cameras(model, [count], kinds=[("ready", False)], seconds=seconds)
            p50, p95, _ = row.latency_seconds
            share = row.predictions_per_second / PREDICTIONS_PER_SECOND
            note = f"latency p50 {p50 * 1000:.0f}, p95 {p95 * 1000:.0f} ms; {row.cores:.1f} cores"
            what = f"{path.stem}, labels a second of each of {count}"
            yield Row("cameras", what, row.predictions_per_second, "1/s", share, note)
            if share < ENOUGH:
                break
            most = count
        yield Row("cameras", f"{path.stem}: most that it keeps up with", most, "", None)
