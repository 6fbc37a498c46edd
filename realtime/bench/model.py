"""What a model costs on this machine: encoder, head, full window, and how near that is to its peak.

Ways to compute take turns in every round, so that a noisy machine slows them alike, and medians are
told.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np

from rtaction.realtime.model.action_model import ActionModel
from rtaction.realtime.model.inspect import Inspection, inspect_model

_ROUNDS = 15
# A pause lets the processor's clock and caches be as they are in live use.
_PAUSE_SECONDS = 0.02
_THREAD_VARIABLES = (
    "OPENBLAS_NUM_THREADS",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
_MATRIX_PRODUCT = """
import time, numpy as np
a = np.random.default_rng(0).normal(size=(1536, 1536)).astype(np.float32)
times = []
for _ in range(12):
    started = time.perf_counter()
    a @ a
    times.append(time.perf_counter() - started)
print(2 * 1536**3 / min(times))
"""


@dataclass(frozen=True, slots=True)
class ModelRow:
    """What a model costs in one setting.

    Args:
        device: the processor in use.
        num_threads: of the encoder, where it runs on the CPU.
        batch: pictures, and windows, computed at once.
        encoder_seconds: for one picture.
        head_seconds: for one window whose pictures are encoded.
        full_seconds: for one whole window, uncut.
        encoder_flops_per_second: floating-point operations in a second of the encoder; of a model
            that runs whole, of all of it.
        share_of_peak: of this machine's matrix product with as many threads.
    """

    device: str
    num_threads: int
    batch: int
    encoder_seconds: float
    head_seconds: float
    full_seconds: float
    encoder_flops_per_second: float
    share_of_peak: float

    @property
    def streaming_seconds(self) -> float:
        """For one new picture that completes a window."""
        return self.encoder_seconds + self.head_seconds

    @property
    def gain(self) -> float:
        """How many times cheaper a new picture is than a whole window."""
        return self.full_seconds / self.streaming_seconds


def bench_model(
    path: Path,
    *,
    devices: Sequence[str] = ("cpu",),
    threads: Sequence[int] | None = None,
    batches: Sequence[int] = (1, 4, 16),
    peaks: Mapping[int, float] | None = None,
) -> Iterator[ModelRow]:
    """Measure a model.

    Args:
        path: an ONNX file.
        devices: see `ActionModel`. Default: the CPU.
        threads: numbers of threads to try on the CPU. Default: one, and one for each core.
        batches: numbers of pictures at once. Default 1, 4 and 16.
        peaks: from `measure_peaks`; measured where it is None.

    Yields:
        A row for each device, number of threads and batch.

    Raises:
        RtactionError: see `ActionModel`.
    """
    threads = threads or sorted({1, num_cores()})
    peaks = peaks or measure_peaks(threads)
    found = inspect_model(path)
    for device in devices:
        for num_threads in threads if device == "cpu" else threads[-1:]:
            model = ActionModel(path, device=device, num_threads=num_threads)
            for batch in batches:
                yield _measure(model, num_threads, batch, found, peaks[num_threads])


def _measure(
    model: ActionModel, num_threads: int, batch: int, found: Inspection, peak: float
) -> ModelRow:
    random = np.random.default_rng(0)
    clips = random.integers(0, 256, (batch, *model.spec.clip_shape), dtype=np.uint8)
    images = np.ascontiguousarray(clips[:, 0])
    features = np.stack([model.encode(clip) for clip in clips])
    seconds = take_turns(
        {
            "full": lambda: model.score_clips(clips),
            "encoder": lambda: model.encode(images),
            "head": lambda: model.score(features),
        }
    )
    encoder_seconds, head_seconds = seconds["encoder"] / batch, seconds["head"] / batch
    if model.is_cut:
        flops_per_second = found.flops_per_frame / encoder_seconds
    else:
        flops_per_second = found.flops_per_window / head_seconds
    return ModelRow(
        device=model.device_in_use,
        num_threads=num_threads,
        batch=batch,
        encoder_seconds=encoder_seconds,
        head_seconds=head_seconds,
        full_seconds=seconds["full"] / batch,
        encoder_flops_per_second=flops_per_second,
        share_of_peak=flops_per_second / peak,
    )


def take_turns(
    ways: Mapping[str, Callable[[], object]], *, rounds: int = _ROUNDS
) -> dict[str, float]:
    """Median seconds of each way; each is timed after a run of its own to warm up."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, run in ways.items():
            time.sleep(_PAUSE_SECONDS)
            run()
            started = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - started)
    return {name: median(values) for name, values in times.items()}


def measure_peaks(threads: Sequence[int]) -> dict[int, float]:
    """Floating-point operations a second of this machine's product of two large float32 matrices,
    by number of threads.

    NumPy's library reads its number of threads when it is loaded, so each is tried in a process of
    its own.
    """
    peaks = {}
    for number in threads:
        limits = dict.fromkeys(_THREAD_VARIABLES, str(number))
        told = subprocess.run(
            [sys.executable, "-c", _MATRIX_PRODUCT],
            env=os.environ | limits,
            capture_output=True,
            text=True,
            check=True,
        )
        peaks[number] = float(told.stdout)
    return peaks


def num_cores() -> int:
    """Cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
