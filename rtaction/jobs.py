"""Jobs that do not wait for each other, and what may run them at once.

A job is a function without arguments that can be pickled, and so can what it returns. Who has jobs
takes a `RunJobs` and knows nothing of processes and clusters: `rtaction.processes` has one for this
machine, and `rtaction.cluster.tasks` one for a Ray cluster.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from rtaction.errors import RtactionError

Job = Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Failed:
    """A job that has no result.

    Args:
        reason: for a person, a sentence without its full stop.
        exit_code: of the error. Default 1.
    """

    reason: str
    exit_code: int = RtactionError.exit_code

    @classmethod
    def of(cls, error: BaseException) -> Failed:
        """What an exception says; one that is not rtaction's is named as well."""
        if isinstance(error, RtactionError):
            return cls(str(error), error.exit_code)
        return cls(f"{type(error).__name__}: {error}")


class RunJobs(Protocol):
    """Runs jobs, some at once."""

    def __call__(
        self, jobs: Mapping[str, Job], say: Callable[[str], None]
    ) -> Iterator[tuple[str, Any]]:
        """Run all jobs; those that are still running when the iteration is left are ended.

        Args:
            jobs: by name.
            say: prints a line that a job has written, behind the job's name.

        Yields:
            The name of a job that has ended and its result, or why it `Failed`, in the order in
            which they end.
        """


@contextmanager
def stderr_to(say: Callable[[str], None]) -> Iterator[None]:
    """Give each line that this process writes to stderr to a function, called in a thread.

    That includes what C and C++ code writes. Both stdout and stderr of Python go there.
    """
    reading, writing = os.pipe()
    kept, before = os.dup(2), (sys.stdout, sys.stderr)
    os.dup2(writing, 2)
    os.close(writing)

    def read() -> None:
        with os.fdopen(reading, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if line.strip():
                    say(line.rstrip())

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    sys.stdout = sys.stderr = os.fdopen(os.dup(2), "w", buffering=1, encoding="utf-8")
    try:
        yield
    finally:
        sys.stderr.close()
        sys.stdout, sys.stderr = before
        os.dup2(kept, 2)
        os.close(kept)
        reader.join(timeout=1)  # not for ever: a process of the job may have kept the pipe
