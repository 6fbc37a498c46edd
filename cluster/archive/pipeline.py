"""Pieces of videos through Ray Data: decoded by tasks, scored by actors, streamed to the driver.

Ray holds back tasks whose results are not fetched, so that memory stays bounded however much faster
one side is than the other.
"""

from __future__ import annotations

import logging
import pickle
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt

from rtaction.cluster.archive.decode import MOST_BYTES, decode
from rtaction.cluster.archive.messages import Job, Piece, Scored
from rtaction.cluster.archive.score import ChunkScorer
from rtaction.errors import RtactionError

_RETRIES = 2  # of a task whose process or machine has died
_MOST_TOGETHER = 16
_TASKS_PER_CORE = 8

Batch = dict[str, npt.NDArray[Any]]


class Pipeline:
    """Runs pieces through the machines of a cluster.

    Args:
        ray: connected.
        model: the bytes of an ONNX file.
        job: what pieces have in common.
        num_decoders: tasks that decode at once. Default None: as many as there are cores.
    """

    def __init__(self, ray: Any, model: bytes, job: Job, num_decoders: int | None = None) -> None:
        self._ray = ray
        self._job = job
        self._model = ray.put(model)
        self._num_decoders = num_decoders
        resources = ray.cluster_resources()
        self._num_cores = max(int(resources.get("CPU", 1)), 1)
        self._num_gpus = int(resources.get("GPU", 0)) if job.device != "cpu" else 0
        _quiet(ray)

    def run(self, pieces: Sequence[Piece], *, alone: bool) -> Iterator[Scored]:
        """What comes of pieces, in any order; some may be lost with the process that had them.

        Args:
            pieces: not done before.
            alone: whether each has a task of its own, so that none is lost with another.
        """
        from ray.data import ActorPoolStrategy, from_items

        num_tasks = len(pieces)
        if not alone:
            together = len(pieces) // (_TASKS_PER_CORE * self._num_cores)
            num_tasks = -(-len(pieces) // min(max(together, 1), _MOST_TOGETHER))
        num_scorers = self._num_gpus or min(self._num_cores, num_tasks)
        chunks = from_items(
            [{"piece": pickle.dumps(piece)} for piece in pieces], override_num_blocks=num_tasks
        ).flat_map(
            partial(_decoded, job=self._job),
            num_cpus=1,
            max_retries=_RETRIES,
            concurrency=self._num_decoders,
        )
        follows = self._job.spec.follows_people
        scored = chunks.map_batches(
            _Scorer,
            fn_constructor_args=(self._model, self._job, bool(self._num_gpus)),
            batch_size=None,
            compute=ActorPoolStrategy(size=num_scorers),
            # A scorer shares a core with a decoder, which waits while the scorer is behind. With
            # cores of their own, scorers of a machine that has died could take the last ones.
            num_cpus=0,
            num_gpus=1 if self._num_gpus else 0,
            max_task_retries=_RETRIES if follows else -1,
            scheduling_strategy="SPREAD",
        )
        for batch in scored.iter_batches(batch_size=None, batch_format="numpy"):
            for content in batch["scored"]:
                yield pickle.loads(content)


def _decoded(row: dict[str, Any], *, job: Job) -> Iterator[dict[str, Any]]:
    for chunk in decode(pickle.loads(row["piece"]), job):
        yield {"chunk": pickle.dumps(chunk, protocol=5)}


class _Scorer:
    """An actor that scores chunks; what goes wrong is told with each, as Ray would begin again."""

    def __init__(self, model: Any, job: Job, has_gpu: bool) -> None:
        import ray

        self._error: RtactionError | None = None
        self._scorer: ChunkScorer | None = None
        with TemporaryDirectory(prefix="rtaction-") as folder:
            path = Path(folder) / "model.onnx"
            path.write_bytes(ray.get(model))
            try:
                self._scorer = ChunkScorer(path, job, num_threads=None if has_gpu else 1)
            except RtactionError as error:
                self._error = error

    def __call__(self, batch: Batch) -> Batch:
        scored = []
        for content in batch["chunk"]:
            chunk = pickle.loads(content)
            if self._scorer is None:
                no_scores = np.zeros((0, 0), np.float32)
                one = Scored(
                    *(chunk.piece, chunk.number, no_scores, chunk.times_seconds),
                    chunk.end,
                    self._error,
                )
            else:
                one = self._scorer.score(chunk)
            scored.append(pickle.dumps(one, protocol=5))
        return {"scored": np.array(scored, object)}


def _quiet(ray: Any) -> None:
    """Have Ray Data keep to small blocks, go on past what is lost, and leave the terminal alone."""
    from ray.data import DataContext

    context = DataContext.get_current()
    context.target_max_block_size = MOST_BYTES
    context.max_errored_blocks = -1
    context.enable_progress_bars = False
    for name in ("ray.data", "ray.data._internal"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
