"""Run jobs as tasks of a Ray cluster; see `rtaction.jobs`."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from rtaction.cluster.connection import connected
from rtaction.jobs import Failed, Job, RunJobs, stderr_to
from rtaction.redaction import scrub, secrets_of

_RETRIES = 1  # after the loss of a process or a machine; a training resumes where it was
# Ray lets numpy use one core; a job that runs alone uses all, and sums in another order.
_KEPT = ("KERAS_BACKEND", "OMP_NUM_THREADS", "TF_NUM_INTEROP_THREADS", "TF_NUM_INTRAOP_THREADS")


@contextmanager
def ray_jobs(address: str, *, at_once: int | None = None, **options: Any) -> Iterator[RunJobs]:
    """Run jobs on a Ray cluster while the context is open.

    A task takes one core, and one GPU where the cluster has any. What a job prints comes when it
    has ended.

    Args:
        address: see `connected`.
        at_once: the most that run at the same time. Default None, as many as there is room for.
        options: of `ray.init`.

    Raises:
        MissingLibrary, UsageError: see `connected`.
    """
    with connected(address, log_to_driver=False, **options) as ray:
        yield _Tasks(ray, at_once)


@dataclass(frozen=True)
class _Tasks:
    """A `RunJobs` on a connected Ray."""

    ray: Any
    at_once: int | None

    def __call__(
        self, jobs: Mapping[str, Job], say: Callable[[str], None]
    ) -> Iterator[tuple[str, Any]]:
        """Run all jobs, see `RunJobs`."""
        environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
        environment.setdefault("OMP_NUM_THREADS", str(os.cpu_count()))
        task = self.ray.remote(max_calls=1)(_do).options(  # each in a new process, as alone
            num_cpus=1,
            num_gpus=1 if self.ray.cluster_resources().get("GPU") else 0,
            max_retries=_RETRIES,
            runtime_env={"env_vars": environment | {"TF_FORCE_GPU_ALLOW_GROWTH": "true"}},
        )
        waiting, running = deque(jobs.items()), dict[Any, str]()
        try:
            while waiting or running:
                while waiting and (self.at_once is None or len(running) < self.at_once):
                    name, job = waiting.popleft()
                    running[task.remote(job)] = name
                (ended, *_), _ = self.ray.wait(list(running))
                name = running.pop(ended)
                try:
                    result, lines = self.ray.get(ended)
                except self.ray.exceptions.RayError as error:
                    result, lines = Failed(_first_line(error)), []
                for line in lines:
                    say(f"{name}: {line}")
                yield name, result
        finally:
            for one in running:
                self.ray.cancel(one, force=True)


def _do(job: Job) -> tuple[Any, list[str]]:
    """What a task does: a job's result, and the lines that it printed."""
    lines: list[str] = []
    with stderr_to(lines.append):
        try:
            result = job()
        except Exception as error:  # Ray would pickle it, with all that it holds
            result = Failed.of(error)
    return result, lines


def _first_line(error: Exception) -> str:
    text = (str(error).strip().splitlines() or ["no reason given"])[0]
    return scrub(f"{type(error).__name__}: {text}", secrets_of(text))
