"""Work on many items in several processes, with results in order, whatever happens to a process.

This module knows nothing about videos or models.
"""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
_AHEAD = 2  # items per process that wait, so that none is idle


class Pool(Generic[Item, Result]):
    """Processes that each prepare once and then work on one item after the other.

    A process that dies (killed for memory, a crash in a decoder) takes only its item with it.

    Args:
        num_processes: at least 1.
        work: what to do with an item, in a process; can be pickled.
        prepare: called once in each process, with `arguments`.
        arguments: can be pickled.
        lost: the result for an item whose process has died, twice.
    """

    def __init__(
        self,
        num_processes: int,
        work: Callable[[Item], Result],
        prepare: Callable[..., None],
        arguments: tuple[Any, ...],
        lost: Callable[[Item], Result],
    ) -> None:
        self._num_processes = num_processes
        self._work = work
        self._prepare = prepare
        self._arguments = arguments
        self._lost = lost

    def results(self, items: Iterable[Item]) -> Generator[Result]:
        """The result of each item, in order, as soon as it and those before it are there."""
        remaining = iter(items)
        waiting: deque[tuple[Item, Future[Result]]] = deque()
        executor = self._started(self._num_processes)
        try:
            while True:
                for item in remaining:
                    waiting.append((item, executor.submit(self._work, item)))
                    if len(waiting) >= _AHEAD * self._num_processes:
                        break
                if not waiting:
                    return
                item, future = waiting.popleft()
                try:
                    yield future.result()
                except BrokenProcessPool:
                    # Which item it was is not known, so each that was in work is done by itself.
                    executor.shutdown(cancel_futures=True)
                    again = [item, *(one for one, _ in waiting)]
                    waiting.clear()
                    for one in again:
                        yield self._alone(one)
                    executor = self._started(self._num_processes)
        except BaseException:  # of whoever asked; a video that is half judged is not waited for
            for process in multiprocessing.active_children():
                process.terminate()
            raise
        finally:
            executor.shutdown(wait=False, cancel_futures=True)

    def _alone(self, item: Item) -> Result:
        with self._started(1) as executor:
            try:
                return executor.submit(self._work, item).result()
            except BrokenProcessPool:
                return self._lost(item)

    def _started(self, num_processes: int) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            num_processes,
            # A forked process would share threads of onnxruntime that do not run in it.
            mp_context=multiprocessing.get_context("spawn"),
            initializer=self._prepare,
            initargs=self._arguments,
        )
