"""The cost of a model on this machine: encoder, head, whole window, and the share of peak FLOP/s.

The variants take turns in every round, so that noise on the machine affects all alike. Medians are
reported.
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
_LEAST_ROUNDS, _ENOUGH_SECONDS = 3, 10.0
# A pause lets the processor's clock and caches settle as in live use.
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
    """The cost of a model with one setting.

    Args:
        device: the processor in use.
        num_threads: of the encoder, if it runs on the CPU.
        batch: number of frames, and of windows, computed at once.
        encoder_seconds: for one frame.
        head_seconds: for one window whose frames are encoded.
        full_seconds: for one whole window, without the split into encoder and head.
        encoder_flops_per_second: floating-point operations per second of the encoder; of the whole
            model if it is not split.
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
        """For one new frame that completes a window."""
        return self.encoder_seconds + self.head_seconds

    @property
    def gain(self) -> float:
        """How many times cheaper one new frame is than a whole window."""
        return self.full_seconds / self.streaming_seconds


def bench_model(
    path: Path,
    *,
    devices: Sequence[str] = ("cpu",),
    threads: Sequence[int] | None = None,
    batches: Sequence[int] | None = None,
    peaks: Mapping[int, float] | None = None,
) -> Iterator[ModelRow]:
    """Measure a model.

    Args:
        path: an ONNX file.
        devices: see `ActionModel`. Default: the CPU.
        threads: numbers of CPU threads to try. Default: one, and one per core.
        batches: batch sizes. Default: 1, 4 and 16; of a model of people, 1 and 4.
        peaks: result of `measure_peaks`. Default None: it is measured.

    Yields:
        A row per device, number of threads and batch size.

    Raises:
        RtactionError: see `ActionModel`.
    """
    threads = threads or sorted({1, num_cores()})
    peaks = peaks or measure_peaks(threads)
    found = inspect_model(path)
    if batches is None:
        assert found.spec is not None
        batches = (1, 4) if found.spec.follows_people else (1, 4, 16)
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
    """Median seconds of each function; a warm-up call precedes each timed one.

    After ten seconds, three rounds are enough.
    """
    times: dict[str, list[float]] = {name: [] for name in ways}
    begun_seconds = time.perf_counter()
    for number in range(rounds):
        if number >= _LEAST_ROUNDS and time.perf_counter() - begun_seconds > _ENOUGH_SECONDS:
            break
        for name, run in ways.items():
            time.sleep(_PAUSE_SECONDS)
            run()
            started = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - started)
    return {name: median(values) for name, values in times.items()}


def measure_peaks(threads: Sequence[int]) -> dict[int, float]:
    """Floating-point operations per second of a product of two large float32 matrices on this
    machine, by number of threads.

    NumPy's BLAS reads its number of threads when it is loaded, so each number runs in its own
    process.
    """
    peaks = {}
    for number in threads:
        limits = dict.fromkeys(_THREAD_VARIABLES, str(number))
        finished = subprocess.run(
            [sys.executable, "-c", _MATRIX_PRODUCT],
            env=os.environ | limits,
            capture_output=True,
            text=True,
            check=True,
        )
        peaks[number] = float(finished.stdout)
    return peaks


def num_cores() -> int:
    """Number of cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
