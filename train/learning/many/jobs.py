"""Many trainings as jobs: in a row, or at once by whatever runs jobs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from rich.console import Console

from rtaction.errors import RtactionError, TrainingFailed
from rtaction.jobs import Failed, Job, RunJobs


def all_done(
    jobs: Mapping[str, Job], run_jobs: RunJobs | None, console: Console, kept: str
) -> list[Any]:
    """Run all jobs, and tell of those that fail.

    Args:
        jobs: by name; each can be called without arguments, and with the console to print to.
        run_jobs: runs them at once. Default None: they run here, in a row.
        console: to print to.
        kept: what is kept if one fails, such as "what is finished is kept in cv".

    Returns:
        The results, in the order of the jobs.

    Raises:
        TrainingFailed: some have failed, after all others have ended.
    """
    results: dict[str, Any] = {}

    def say(line: str) -> None:
        console.print(line, highlight=False, markup=False, soft_wrap=True)

    ended = _in_a_row(jobs, console) if run_jobs is None else run_jobs(jobs, say)
    for name, result in ended:
        results[name] = result
        if isinstance(result, Failed):
            say(f"{name}: failed: {result.reason}")
        elif run_jobs is not None:
            say(f"{name}: finished ({len(results)} of {len(jobs)})")
    failed = {name: one for name, one in results.items() if isinstance(one, Failed)}
    if failed:
        name, first = next(iter(failed.items()))
        error = TrainingFailed(
            f"{len(failed)} of {len(jobs)} trainings failed, such as {name}: {first.reason}; "
            f"{kept}: mend it and add --resume"
        )
        codes = {one.exit_code for one in failed.values()} - {RtactionError.exit_code}
        if len(codes) == 1:
            (error.exit_code,) = codes
        raise error
    return [results[name] for name in jobs]


def _in_a_row(jobs: Mapping[str, Job], console: Console) -> Iterator[tuple[str, Any]]:
    for name, job in jobs.items():
        console.print(f"\n{name}", highlight=False)
        try:
            yield name, cast(Any, job)(console=console)
        except RtactionError as error:
            yield name, Failed.of(error)
