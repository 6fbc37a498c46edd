"""Run jobs in processes of this machine, each in a new one.

A job that is killed takes no other with it, and each begins as a job that runs alone would.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from typing import Any

from rtaction.errors import RtactionError
from rtaction.jobs import Failed, Job, stderr_to

_LINE, _DONE = "line", "done"
# A process that is alone would take all memory of a GPU.
_ENVIRONMENT = {"TF_FORCE_GPU_ALLOW_GROWTH": "true"}


def _nothing() -> None:
    """What to do first in a process, if nothing."""


@dataclass(frozen=True)
class Processes:
    """A `RunJobs` that starts a process for each job.

    Args:
        at_once: the most that run at the same time, 1 or more.
        begin: called first in each process, such as to set up logging; can be pickled. Default:
            nothing.
        environment: variables of each job's process, by the job's name. Default: none.
        speaks: a job whose process writes to this one's stderr by itself, so that a terminal can
            show its progress. Default None.
    """

    at_once: int
    begin: Callable[[], None] = _nothing
    environment: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    speaks: str | None = None

    def __call__(
        self, jobs: Mapping[str, Job], say: Callable[[str], None]
    ) -> Iterator[tuple[str, Any]]:
        """Run all jobs, see `RunJobs`."""
        waiting, running = deque(jobs.items()), dict[Connection, tuple[str, Any]]()
        try:
            while waiting or running:
                while waiting and len(running) < self.at_once:
                    name, job = waiting.popleft()
                    connection, process = self._started(name, job)
                    running[connection] = name, process
                ready = set(wait(list(running)))
                for connection in [one for one in running if one in ready]:
                    name, process = running[connection]
                    try:
                        kind, content = connection.recv()
                    except (EOFError, OSError):
                        process.join()
                        kind, content = _DONE, Failed(_end_of(process.exitcode))
                    if kind == _LINE:
                        say(f"{name}: {content}")
                        continue
                    del running[connection]
                    connection.close()
                    process.join()
                    yield name, content
        finally:
            for _, process in running.values():
                process.kill()
            for connection, (_, process) in running.items():
                process.join()
                connection.close()

    def _started(self, name: str, job: Job) -> tuple[Connection, Any]:
        context = multiprocessing.get_context("spawn")
        mine, its = context.Pipe()
        environment = _ENVIRONMENT | dict(self.environment.get(name, {}))
        process = context.Process(
            target=_run, args=(job, its, self.begin, environment, name == self.speaks)
        )
        with _ignoring_interrupts():
            process.start()
        its.close()
        return mine, process


@contextmanager
def _ignoring_interrupts() -> Iterator[None]:
    """Processes started inside leave Ctrl-C to this one, which ends them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _run(
    job: Job,
    connection: Connection,
    begin: Callable[[], None],
    environment: Mapping[str, str],
    speaks: bool,
) -> None:
    """The whole life of a job's process."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.environ.update(environment)
    sending = threading.Lock()

    def send(kind: str, content: Any) -> None:
        with sending:
            connection.send((kind, content))

    def result() -> Any:
        begin()
        try:
            return job()
        except Exception as error:
            if not isinstance(error, RtactionError):
                traceback.print_exc()
            return Failed.of(error)

    if speaks:
        found = result()
    else:
        with stderr_to(lambda line: send(_LINE, line)):
            found = result()
    send(_DONE, found)
    os._exit(0)  # TensorFlow's threads would wait for workers that are gone


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _end_of(exit_code: int | None) -> str:
    """How a process ended that left no result."""
    if exit_code is not None and exit_code < 0:
        try:
            name = signal.Signals(-exit_code).name
        except ValueError:
            name = f"signal {-exit_code}"
        hint = ", perhaps as the memory is used up" if name == "SIGKILL" else ""
        return f"its process was killed ({name}{hint})"
    return f"its process ended with exit code {exit_code}, and gave no reason"
