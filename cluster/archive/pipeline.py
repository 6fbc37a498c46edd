"""Pieces of videos through Ray Data: decoded by tasks, scored by actors, streamed to the driver.

Ray holds back tasks whose results are not fetched, so that memory stays bounded however much faster
one side is than the other.
"""

from __future__ import annotations

import logging
import pickle
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt

from rtaction.cluster.archive.decode import MOST_BYTES, decode
from rtaction.cluster.archive.messages import Chunk, Job, Piece, Scored
from rtaction.cluster.archive.score import ChunkScorer
from rtaction.errors import RtactionError

_RETRIES = 1  # of a task whose process or machine has died; by default, Ray Data never gives up
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
        self._job = job
        self._model = ray.put(model)
        self._num_decoders = num_decoders
        resources = ray.cluster_resources()
        self._num_cores = max(int(resources.get("CPU", 1)), 1)
        self._num_gpus = int(resources.get("GPU", 0)) if job.device != "cpu" else 0
        _set_up()

    def run(self, pieces: Sequence[Piece], *, alone: bool) -> Iterator[Scored]:
        """What comes of pieces, in any order; some may be lost with the process that had them.

        Args:
            pieces: not done before.
            alone: whether each has a task of its own, so that none is lost with another.
        """
        from ray.data import from_items

        num_tasks = len(pieces)
        if not alone:
            together = len(pieces) // (_TASKS_PER_CORE * self._num_cores)
            num_tasks = -(-len(pieces) // min(max(together, 1), _MOST_TOGETHER))
        items = from_items(
            [{"piece": pickle.dumps(piece)} for piece in pieces], override_num_blocks=num_tasks
        )
        through = self._people if self._job.spec.follows_people else self._pictures
        for batch in through(items, num_tasks).iter_batches(batch_size=None, batch_format="numpy"):
            for content in batch["scored"]:
                yield pickle.loads(content)

    def _pictures(self, items: Any, num_tasks: int) -> Any:
        """Decoded by tasks and scored by actors."""
        from ray.data import ActorPoolStrategy

        num_scorers = self._num_gpus or min(self._num_cores, num_tasks)
        chunks = self._by_tasks(items, _decoded, job=self._job)
        return chunks.map_batches(
            _Scorer,
            fn_constructor_args=(self._model, self._job, self._num_gpus > 0),
            batch_size=None,
            compute=ActorPoolStrategy(size=num_scorers),
            # A scorer shares a core with a decoder, which waits while the scorer is behind. With
            # cores of their own, scorers of a machine that has died could take the last ones.
            num_cpus=0,
            num_gpus=1 if self._num_gpus else 0,
        )

    def _people(self, items: Any, num_tasks: int) -> Any:
        """By tasks alone: who is seen in a picture decides where the next is looked at. And Ray
        would begin a call of an actor again for ever, if the video kills it."""
        has_gpu = self._num_gpus > 0
        return self._by_tasks(
            items, _judged, has_gpu, model=self._model, job=self._job, has_gpu=has_gpu
        )

    def _by_tasks(
        self, items: Any, function: Callable[..., Any], on_gpu: bool = False, /, **arguments: Any
    ) -> Any:
        with warnings.catch_warnings():
            # There is no other way yet to say how often: ray.data refuses it from 2.64 on.
            warnings.simplefilter("ignore", DeprecationWarning)
            return items.flat_map(
                function,
                fn_kwargs=arguments,
                num_cpus=1,
                num_gpus=1 if on_gpu else 0,
                concurrency=self._num_decoders,
                max_retries=_RETRIES,
            )


def _decoded(row: dict[str, Any], *, job: Job) -> Iterator[dict[str, Any]]:
    for chunk in decode(pickle.loads(row["piece"]), job):
        yield {"chunk": pickle.dumps(chunk, protocol=5)}


_loaded: dict[str, _Scorer] = {}  # of a process that judges people


def _judged(
    row: dict[str, Any], *, model: Any, job: Job, has_gpu: bool
) -> Iterator[dict[str, Any]]:
    key = model.hex()
    if key not in _loaded:
        _loaded.clear()
        _loaded[key] = _Scorer(model, job, has_gpu)
    for chunk in decode(pickle.loads(row["piece"]), job):
        yield {"scored": pickle.dumps(_loaded[key].score(chunk))}


class _Scorer:
    """Scores chunks with a model that is fetched and loaded once. Whatever keeps it from that is
    told with each chunk, as Ray would begin again."""

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
        chunks = (pickle.loads(content) for content in batch["chunk"])
        scored = [pickle.dumps(self.score(chunk), protocol=5) for chunk in chunks]
        return {"scored": np.array(scored, object)}

    def score(self, chunk: Chunk) -> Scored:
        """See `ChunkScorer.score`."""
        if self._scorer is not None:
            return self._scorer.score(chunk)
        none = np.zeros((0, 0), np.float32)
        times = chunk.times_seconds
        return Scored(chunk.piece, chunk.number, none, times, chunk.end, self._error)


def _set_up() -> None:
    """Have Ray Data keep to small blocks, go on past what is lost, and leave the terminal alone."""
    from ray.data import DataContext

    context = DataContext.get_current()
    context.target_max_block_size = MOST_BYTES
    context.max_errored_blocks = -1
    context.enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
