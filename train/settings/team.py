"""The workers of one training: processes, on one host or on several, that share each batch.

Each takes its part of every batch. TensorFlow's collective operations, by which
MultiWorkerMirroredStrategy works, add up what the parts give, so that all workers take the same
step, which is that of a single device. Keras's own `fit` does not run under that strategy; here it
only connects the workers, and each has variables of its own.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from rtaction.errors import DeviceUnavailable, TrainingFailed, UsageError
from rtaction.keras_tensorflow import tensorflow

VARIABLE = "TF_CONFIG"
_EXAMPLE = (
    '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, "task": {"type": "worker", "index": 0}}'
)
_NUM_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Team:
    """One worker's view of all of them.

    Args:
        number: of this worker, from 0; that one is the chief, the only one that writes.
        count: of all workers. Default 1.
        strategy: connects them; None for a single worker.
    """

    number: int = 0
    count: int = 1
    strategy: Any = None

    @property
    def is_chief(self) -> bool:
        """Whether this worker writes and reports."""
        return self.number == 0

    def sums(self, tensors: Sequence[Any]) -> list[Any]:
        """Each tensor, added up over all workers; to be called in a replica of `strategy`.

        All travel as one: what a step costs is mostly how often it waits for the others.

        Args:
            tensors: float32, of known shapes, the same ones in all workers.
        """
        flat = tensorflow.concat([tensorflow.reshape(one, [-1]) for one in tensors], 0)
        flat = tensorflow.distribute.get_replica_context().all_reduce("SUM", flat)
        parts = tensorflow.split(flat, [one.shape.num_elements() for one in tensors])
        return [
            tensorflow.reshape(part, one.shape) for part, one in zip(parts, tensors, strict=True)
        ]

    def require_shares(self, batch_sizes: Sequence[int]) -> None:
        """Check that each worker has a clip of each batch.

        Raises:
            UsageError: one would have none.
        """
        if self.count > 1 and self.count > min(batch_sizes):
            raise UsageError(
                f"the smallest batch has {min(batch_sizes)} clips, too few for {self.count} "
                "workers; use fewer, raise --batch-size, or add videos to validate on"
            )

    def begin_alike(self, weights: Sequence[Any], *facts: Any) -> None:
        """Give all workers the chief's weights.

        Args:
            weights: variables of the network.
            facts: what must be the same in all workers, as their `repr` says it.

        Raises:
            TrainingFailed: the facts differ.
        """
        if self.strategy is None:
            return
        digest = np.frombuffer(hashlib.sha256(repr(facts).encode()).digest(), np.uint8)
        digests = np.zeros((self.count, _NUM_DIGITS), np.float32)
        digests[self.number] = digest[:_NUM_DIGITS]
        floats = [one for one in weights if one.dtype == "float32"]
        mine = [one.value if self.is_chief else tensorflow.zeros_like(one.value) for one in floats]
        found, *chiefs = self._summed([tensorflow.constant(digests), *mine])
        if (found.numpy() != found.numpy()[0]).any():
            raise TrainingFailed(
                "the workers of this training do not have the same videos and settings, or not the "
                "same run to go on with; give all of them the same command, and folders with the "
                "same content"
            )
        for variable, value in zip(floats, chiefs, strict=True):
            variable.assign(value)

    def _summed(self, tensors: list[Any]) -> list[Any]:
        run = tensorflow.function(lambda: self.strategy.run(lambda: self.sums(tensors)))
        return list(run())

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Say that a worker is lost if the block fails for that.

        Raises:
            TrainingFailed: it does.
        """
        try:
            yield
        except tensorflow.errors.OpError as error:
            if self.strategy is None or not isinstance(error, _lost()):
                raise
            raise TrainingFailed(
                f"worker {self.number + 1} of {self.count} has lost another one, which has ended "
                "or cannot be reached; start all of them again, with --resume"
            ) from None


def _lost() -> tuple[type[Exception], ...]:
    """What TensorFlow raises where another worker does not answer any more."""
    errors = tensorflow.errors
    return (
        errors.UnavailableError,
        errors.AbortedError,
        errors.CancelledError,
        errors.DeadlineExceededError,
        errors.InternalError,
    )


@functools.cache
def joined_team() -> Team:
    """The workers that the environment's `TF_CONFIG` names; a single one without it.

    TensorFlow connects them only before it has computed anything, so this comes first. It waits
    until all are there.

    Raises:
        UsageError: `TF_CONFIG` says something else.
        DeviceUnavailable: this host has GPUs, but fewer than workers.
    """
    text = os.environ.get(VARIABLE, "")
    if not text:
        return Team()
    addresses, number = _read(text)
    if len(addresses) == 1:
        return Team()
    _take_one_gpu(addresses, number)
    return Team(number, len(addresses), tensorflow.distribute.MultiWorkerMirroredStrategy())


def _read(text: str) -> tuple[list[str], int]:
    """The addresses of all workers, and the number of this one."""
    try:
        config = json.loads(text)
        cluster, task = config["cluster"], config["task"]
        if not set(cluster) <= {"chief", "worker"}:
            raise ValueError(f"tasks of the kinds {', '.join(cluster)}")
        chiefs, workers = cluster.get("chief", []), cluster.get("worker", [])
        addresses = [str(one) for one in (*chiefs, *workers)]
        number = int(task["index"]) + (len(chiefs) if task["type"] == "worker" else 0)
        addresses[number]
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise UsageError(
            f"{VARIABLE} must name all workers and this one, such as {_EXAMPLE}; got {text} "
            f"({error!r})"
        ) from None
    return addresses, number


def _take_one_gpu(addresses: Sequence[str], number: int) -> None:
    """Leave the GPUs of this host to the other workers on it, except for one."""
    gpus = tensorflow.config.list_physical_devices("GPU")
    if not gpus:
        return
    hosts = [one.rpartition(":")[0] for one in addresses]
    place = hosts[:number].count(hosts[number])
    if place >= len(gpus):
        raise DeviceUnavailable(
            f"{hosts.count(hosts[number])} workers are to share {len(gpus)} GPU of "
            f"{hosts[number]}, and each needs one of its own; use fewer workers"
        )
    tensorflow.config.set_visible_devices(gpus[place], "GPU")
