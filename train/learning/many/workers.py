"""`rtaction train --workers`: one training by several processes of this machine.

This process only starts them and waits: it loads no network, and sees at once if one is gone.
"""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path

from rtaction.errors import RtactionError, TrainingFailed, UsageError
from rtaction.jobs import Failed, Job
from rtaction.processes import Processes
from rtaction.train.settings.config import TrainConfig
from rtaction.train.settings.run_folder import RunFolder

_log = logging.getLogger(__name__)

Assist = Callable[..., object]


def train_with_workers(
    config: TrainConfig,
    output: Path,
    count: int,
    *,
    resume: bool = False,
    quiet: bool = False,
    begin: Callable[[], None] | None = None,
    open_networks: Callable[[], object] | None = None,
) -> Path:
    """Train as `train` does, by several processes that share each batch.

    Args:
        config: the settings.
        output: folder for the result.
        count: number of processes, 2 or more.
        resume: continue an earlier training in that folder, by however many. Default False.
        quiet: show no progress. Default False.
        begin: called first in each process; can be pickled. Default None.
        open_networks: see `train`; can be pickled. Default None.

    Returns:
        Path of the final network.

    Raises:
        RtactionError: what `train` raises.
        TrainingFailed: a process was killed; the others are ended, and the run can be resumed.
    """
    if count < 2:
        raise UsageError(f"--workers must be 2 or more, got {count}; leave it out for one")
    if not resume:
        RunFolder(output).check(config, resume=False)  # before minutes of starting
    names = [f"worker {number + 1}" for number in range(count)]
    jobs: dict[str, Job] = {
        name: partial(_work, config, output, resume, quiet, open_networks) for name in names
    }
    run = Processes(
        count,
        environment=environment_of(names),
        speaks=names[0],
        **({} if begin is None else {"begin": begin}),
    )
    model = RunFolder(output).model
    for name, result in run(jobs, _log.debug):
        if isinstance(result, Failed):
            raise error_of(name, result, count, output)
    return model


def _work(
    config: TrainConfig,
    output: Path,
    resume: bool,
    quiet: bool,
    open_networks: Callable[[], object] | None,
) -> None:
    from rtaction.train.learning.fit import assist, train
    from rtaction.train.learning.progress import CleanConsole
    from rtaction.train.settings.team import joined_team

    is_chief = joined_team().is_chief
    console = CleanConsole(stderr=True, quiet=quiet or not is_chief)
    do: Assist = train if is_chief else assist
    do(config, output, resume=resume, console=console, open_networks=open_networks)


def environment_of(names: Sequence[str]) -> dict[str, dict[str, str]]:
    """The variable by which TensorFlow connects workers of this machine, for each of them."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(closing(socket.socket())) for _ in names]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        cluster = {"worker": [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]}
    tasks = [{"type": "worker", "index": number} for number in range(len(names))]
    return {
        name: {"TF_CONFIG": json.dumps({"cluster": cluster, "task": task})}
        for name, task in zip(names, tasks, strict=True)
    }


def error_of(name: str, failed: Failed, count: int, output: Path) -> RtactionError:
    """What the whole training ends with if one worker fails."""
    if failed.exit_code != RtactionError.exit_code:  # it has said what to do
        error = RtactionError(failed.reason)
        error.exit_code = failed.exit_code
        return error
    num_epochs = len(RunFolder(output).read_history())
    kept = (
        f"up to epoch {num_epochs} is kept; go on with --resume" if num_epochs else "has no epoch"
    )
    return TrainingFailed(
        f"{name} of {count} is lost: {failed.reason}; the others were ended. The training in "
        f"{output} {kept}"
    )
