"""Does what takes time, such as writing to a disk, while cameras are watched on."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from typing import Any

_MOST_WAITING = 10_000
_log = logging.getLogger(__name__)

Task = Callable[[], Any]


class Clerk:
    """One thread that does tasks in their order.

    Attributes:
        num_lost: tasks that were not done, because too many waited or they failed.
    """

    def __init__(self) -> None:
        self.num_lost = 0
        self._tasks: queue.Queue[Task | None] = queue.Queue(_MOST_WAITING)
        self._thread = threading.Thread(target=self._run, name="rtaction-clerk", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def ask(self, task: Task) -> None:
        """Have a task done; it does not wait. From any thread."""
        try:
            self._tasks.put_nowait(task)
        except queue.Full:
            self.num_lost += 1

    def close(self, timeout_seconds: float) -> None:
        """Do what was asked for so far, in at most this time."""
        if not self._thread.is_alive():
            return
        deadline_seconds = time.monotonic() + timeout_seconds
        try:
            self._tasks.put(None, timeout=timeout_seconds)
        except queue.Full:
            return
        self._thread.join(max(deadline_seconds - time.monotonic(), 0.0))

    def _run(self) -> None:
        while (task := self._tasks.get()) is not None:
            try:
                task()
            except Exception as error:  # one task that fails does not end the others
                self.num_lost += 1
                _log.warning("an event could not be kept: %s: %s", type(error).__name__, error)
                _log.debug("its traceback", exc_info=True)
