"""Jobs in processes: what each says and gives is kept apart, and none takes another with it."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from rtaction.jobs import Failed, Job
from rtaction.processes import Processes
from tests.project import ROOT
from tests.some_jobs import endless, killed, refused, squared, variable, wrong


def _run(jobs: dict[str, Job], run: Processes) -> tuple[dict[str, Any], list[str]]:
    lines: list[str] = []
    return dict(run(jobs, lines.append)), lines


def test_a_job_that_fails_or_is_killed_takes_no_other_with_it() -> None:
    jobs: dict[str, Job] = {
        "killed": killed,
        "refused": refused,
        "wrong": wrong,
        "three": partial(squared, 3),
        "four": partial(squared, 4),
    }
    found, lines = _run(jobs, Processes(at_once=2))
    assert found.pop("three") == 9
    assert found.pop("four") == 16
    assert found.pop("refused") == Failed("no videos there", 12)
    assert found.pop("wrong") == Failed("ZeroDivisionError: by zero", 1)
    killing = found.pop("killed")
    assert killing.reason == ("its process was killed (SIGKILL, perhaps as the memory is used up)")
    assert not found
    for name, number in (("three", 3), ("four", 4)):
        said = [line for line in lines if line.startswith(f"{name}: ")]
        assert said == [f"{name}: squaring {number}", f"{name}: native line"]
    assert "wrong: ZeroDivisionError: by zero" in lines  # the end of its traceback


def test_each_job_has_the_environment_of_its_own() -> None:
    jobs: dict[str, Job] = {name: partial(variable, "TF_CONFIG") for name in ("a", "b")}
    run = Processes(at_once=1, environment={"a": {"TF_CONFIG": "of a"}})
    assert _run(jobs, run)[0] == {"a": "of a", "b": None}


def test_who_leaves_ends_all(tmp_path: Path) -> None:
    class Left(Exception):
        pass

    def leave(line: str) -> None:
        raise Left(line)

    with pytest.raises(Left, match="endless: begun"):
        list(Processes(at_once=2)({"endless": partial(endless, tmp_path)}, leave))
    assert not psutil.pid_exists(int((tmp_path / "pid").read_text()))


_PARENT = """
import sys
from functools import partial
from pathlib import Path
from rtaction.processes import Processes
from tests.project import ROOT
from tests.some_jobs import endless

if __name__ == "__main__":
    list(Processes(1)({"endless": partial(endless, Path(sys.argv[1]))}, partial(print, flush=True)))
"""


def test_jobs_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(_PARENT)
    command = [sys.executable, str(script), str(tmp_path)]
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "endless: begun\n"
        job = psutil.Process(int((tmp_path / "pid").read_text()))
        parent.kill()
        job.wait(timeout=30)
