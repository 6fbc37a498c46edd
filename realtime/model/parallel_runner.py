"""The same network on several processors, as if it were one. It knows nothing about frames."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from rtaction.arrays import Float32Array

_LEAST_SHARE = 4  # items; a smaller share costs a GPU as much time as this


class Runs(Protocol):
    """What runs a network on a batch; see `BatchRunner`."""

    def run(self, values: npt.NDArray[Any]) -> Float32Array:
        """Run the network: (batch, ...) to float32, (batch, ...)."""


class ParallelRunner:
    """Runs a network on several processors.

    A large batch is split between all of them; a small one goes to whichever has least to do, so
    that calls from several threads are spread. `run` is thread-safe.

    Args:
        runners: one for each processor, of the same network; at least one.
    """

    def __init__(self, runners: Sequence[Runs]) -> None:
        self._runners = list(runners)
        self._busy = [0] * len(self._runners)  # items that each works on
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(len(self._runners), "processor")

    def run(self, values: npt.NDArray[Any]) -> Float32Array:
        """Run the network; see `BatchRunner.run`."""
        num_parts = max(min(len(self._runners), len(values) // _LEAST_SHARE), 1)
        parts = np.array_split(values, num_parts)
        if num_parts == 1:
            return self._run_on_idlest(values)
        # The first part that fails raises; the others' results are of no use then.
        return np.concatenate(list(self._threads.map(self._run_on_idlest, parts)))

    def _run_on_idlest(self, values: npt.NDArray[Any]) -> Float32Array:
        with self._lock:
            place = min(range(len(self._busy)), key=self._busy.__getitem__)
            self._busy[place] += len(values)
        try:
            return self._runners[place].run(values)
        finally:
            with self._lock:
                self._busy[place] -= len(values)
