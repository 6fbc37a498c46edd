"""Several processes that train one network: as one would, even if one of them is killed."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from rtaction.errors import TrainingFailed, UsageError
from rtaction.jobs import Failed
from rtaction.train.learning.many.workers import error_of, train_with_workers
from rtaction.train.settings.config import TrainConfig
from rtaction.train.settings.run_folder import RunFolder
from tests.train.shared_network import NAME
from tests.train.small_training import quiet_training, write_squares

# 20 clips in batches of 7 and 6, which neither 2 nor 4 workers share evenly.
_UNEVEN = {"down": 5, "right": 4}


_OPTIONS = (
    f"--network {NAME} --frames 2 --clip-seconds 0.6 --stride-seconds 0.3 --height 32 --width 32 "
    "--batch-size 7 --ema 0.5 --weight-decay 0.01 --validation-fraction 0.34 --cache-gb 0"
)


@dataclass(frozen=True)
class _Trained:
    """A training by four workers, one of which is killed, and what the same command then says."""

    folder: Path
    workers: list[psutil.Process]
    ended: subprocess.Popen[str]
    said: str
    cut: list[Any]
    resumed: subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> _Trained:
    folder = tmp_path_factory.mktemp("workers")
    write_squares(folder / "videos", _UNEVEN)
    command = [sys.executable, "-m", "rtaction", "train", str(folder / "videos")]
    command += ["-o", str(folder / "run")]
    begin = [*_OPTIONS.split(), "--epochs", "500", "--workers", "4"]
    said = ""
    with subprocess.Popen([*command, *begin], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            said += line
            if line.startswith("epoch 2/"):
                break
        children = psutil.Process(process.pid).children()
        workers = [one for one in children if any("spawn_main" in word for word in one.cmdline())]
        assert len(workers) == 4, said
        workers[3].kill()
        said += process.stderr.read()
    cut = RunFolder(folder / "run").read_history()
    more = ["--resume", "--network", NAME, "--epochs", str(len(cut) + 2), "--workers", "2"]
    resumed = subprocess.run([*command, *more], capture_output=True, text=True, check=False)
    return _Trained(folder, workers, process, said, cut, resumed)


@pytest.mark.slow
def test_workers_take_the_steps_of_one_device(trained: _Trained) -> None:
    assert trained.resumed.returncode == 0, trained.resumed.stderr
    rows = RunFolder(trained.folder / "run").read_history()
    assert len(rows) == len(trained.cut) + 2
    config = TrainConfig.load(RunFolder(trained.folder / "run").config)
    alone = quiet_training(replace(config, epochs=len(rows)), trained.folder / "alone")
    for name in ("loss", "val_loss", "accuracy", "val_accuracy", "learning_rate"):
        ours, its = ([row[name] for row in one] for one in (rows, alone))
        np.testing.assert_allclose(ours, its, rtol=0, atol=1e-5, err_msg=name)
    assert rows[-1]["loss"] < rows[0]["loss"]
    assert "training by 4 workers (CPU), which share each batch of 7 clips" in trained.said
    assert f"resuming after epoch {len(trained.cut)}" in trained.resumed.stderr
    assert "training by 2 workers" in trained.resumed.stderr
    for name in ("model.keras", "report.html", "summary.json"):
        assert (trained.folder / "run" / name).exists()


@pytest.mark.slow
def test_a_killed_worker_ends_all_with_one_message(trained: _Trained) -> None:
    assert trained.ended.returncode == 16
    assert len(trained.workers) == 4
    assert not any(one.is_running() for one in trained.workers)
    (error,) = [line for line in trained.said.splitlines() if line.startswith("error: ")]
    assert error.startswith("error: worker 4 of 4 is lost: its process was killed (SIGKILL")
    assert error.endswith(f"up to epoch {len(trained.cut)} is kept; go on with --resume")
    assert "Traceback" not in trained.said


def test_what_cannot_begin_is_told_before_anything_starts(tmp_path: Path) -> None:
    RunFolder(tmp_path).history.write_text("epoch\n")
    with pytest.raises(UsageError, match="already holds a training; add --resume"):
        train_with_workers(TrainConfig("videos"), tmp_path, 2)
    with pytest.raises(UsageError, match="--workers must be 2 or more, got 1"):
        train_with_workers(TrainConfig("videos"), tmp_path, 1)


def test_a_mistake_keeps_its_words_and_its_exit_code(tmp_path: Path) -> None:
    told = error_of("worker 1", Failed("no videos there", 12), 2, tmp_path)
    assert (str(told), told.exit_code) == ("no videos there", 12)
    lost = error_of("worker 1", Failed("KeyError: 'x'"), 2, tmp_path)
    assert str(lost).startswith("worker 1 of 2 is lost: KeyError: 'x'; the others were ended.")
    assert lost.exit_code == TrainingFailed.exit_code
