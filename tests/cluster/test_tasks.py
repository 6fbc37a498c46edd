"""Jobs as tasks of a Ray cluster that is started for them."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from rtaction.jobs import Failed, Job
from tests.some_jobs import killed, killed_once, refused, squared, wrong

pytest.importorskip("ray")

_LEAST_STORE_BYTES = 80 * 1024 * 1024


@pytest.mark.slow
def test_jobs_run_on_ray(tmp_path: Path) -> None:
    from rtaction.cluster.tasks import ray_jobs

    jobs: dict[str, Job] = {
        "refused": refused,
        "three": partial(squared, 3),
        "wrong": wrong,
        "killed": killed,
        "once": partial(killed_once, tmp_path),
    }
    lines: list[str] = []
    with ray_jobs("local", num_cpus=2, object_store_memory=_LEAST_STORE_BYTES) as run_jobs:
        found = dict(run_jobs(jobs, lines.append))
    assert found["three"] == 9
    assert found["refused"] == Failed("no videos there", 12)
    assert found["wrong"] == Failed("ZeroDivisionError: by zero", 1)
    assert found["killed"].reason.startswith("WorkerCrashedError: ")
    assert found["once"] == "went on"
    assert lines == ["three: squaring 3", "three: native line"]
