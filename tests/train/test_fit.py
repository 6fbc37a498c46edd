from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from rtaction.errors import DatasetError, UsageError
from rtaction.keras_tensorflow import keras
from rtaction.model_spec import ModelSpec
from rtaction.train.config import TrainConfig
from rtaction.train.fit import TrainResult, train
from rtaction.train.run_folder import RunFolder
from tests.videos import write_video


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A square that moves right, or down: six videos of each."""
    folder = tmp_path_factory.mktemp("videos")
    times = np.arange(16) / 10
    for label, step in (("right", (0, 3)), ("down", (3, 0))):
        for take in range(6):
            images = np.full((len(times), 64, 64, 3), 20 + 5 * take, np.uint8)
            for number, image in enumerate(images):
                top, left = 4 + take + number * step[0], 4 + take + number * step[1]
                image[top : top + 8, left : left + 8] = 230
            write_video(folder / label / f"{take}.mp4", images, times)
    return folder


def _config(videos: Path, **changes: Any) -> TrainConfig:
    config = TrainConfig(
        videos=str(videos),
        network="motion",
        frames_per_clip=4,
        clip_seconds=0.6,
        stride_seconds=0.3,
        height=32,
        width=32,
        epochs=6,
        batch_size=8,
        validation_fraction=0.34,
        dropout=0.1,
    )
    return replace(config, **changes)


@pytest.fixture(scope="module")
def result(videos: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainResult, str]:
    output = StringIO()
    folder = tmp_path_factory.mktemp("work") / "run"
    console = Console(file=output, width=100)
    return train(_config(videos), folder, console=console), output.getvalue()


def test_it_learns(result: tuple[TrainResult, str]) -> None:
    found, _ = result
    assert found.num_epochs == 6
    assert found.validation.clip_accuracy >= 0.9
    assert found.test is None


def test_it_says_what_it_reached(result: tuple[TrainResult, str]) -> None:
    _, output = result
    assert "train: " in output
    assert "epoch 6/6" in output
    assert "right on" in output
    assert all(label in output for label in ("down", "right", "precision", "recall"))


def test_the_folder_holds_what_it_should(result: tuple[TrainResult, str]) -> None:
    folder = result[0].model.parent
    assert sorted(path.name for path in folder.iterdir()) == [
        "confusion.png",
        "curves.png",
        "history.csv",
        "model.keras",
        "model_spec.json",
        "resume-0006.keras",
        "sample_clips.npz",
        "summary.json",
        "tensorflow.log",
        "train_config.json",
    ]
    spec = ModelSpec.load(folder / "model_spec.json")
    assert spec.labels == ("down", "right")
    assert spec.clip_shape == (4, 32, 32, 3)
    rows = list(csv.DictReader((folder / "history.csv").open()))
    assert [float(row["epoch"]) for row in rows] == [1, 2, 3, 4, 5, 6]
    best = min(rows, key=lambda row: float(row["val_loss"]))
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["best_epoch"] == float(best["epoch"])
    with np.load(folder / "sample_clips.npz") as archive:
        assert archive["clips"].shape[1:] == spec.clip_shape


def test_model_is_the_best_epochs(result: tuple[TrainResult, str]) -> None:
    folder = result[0].model.parent
    model = keras.models.load_model(folder / "model.keras")
    iterations = int(model.optimizer.iterations)
    summary = json.loads((folder / "summary.json").read_text())
    last = keras.models.load_model(folder / "resume-0006.keras")
    assert iterations == int(last.optimizer.iterations) // 6 * summary["best_epoch"]


def test_a_second_training_does_not_overwrite_the_first(
    videos: Path, result: tuple[TrainResult, str]
) -> None:
    with pytest.raises(UsageError, match="--resume"):
        train(_config(videos), result[0].model.parent)


def test_resuming_with_other_settings_is_refused(
    videos: Path, result: tuple[TrainResult, str]
) -> None:
    with pytest.raises(UsageError, match="learning_rate"):
        train(_config(videos, learning_rate=0.5), result[0].model.parent, resume=True)


def test_resuming_nothing_is_told(videos: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot resume"):
        train(_config(videos), tmp_path / "none", resume=True)


def test_nothing_to_validate_on_is_told(videos: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="validate on"):
        train(_config(videos, validation_fraction=0.0), tmp_path / "run")


def test_resumed_in_the_middle_it_ends_as_if_never_cut(
    videos: Path, result: tuple[TrainResult, str], tmp_path: Path
) -> None:
    quiet = Console(file=StringIO())
    train(_config(videos, epochs=3), tmp_path / "run", console=quiet)
    train(_config(videos), tmp_path / "run", resume=True, console=quiet)
    whole = RunFolder(result[0].model.parent).read_history()
    cut = RunFolder(tmp_path / "run").read_history()
    assert [row["epoch"] for row in cut] == [1, 2, 3, 4, 5, 6]
    for name in ("loss", "val_loss", "learning_rate"):
        np.testing.assert_allclose(
            [row[name] for row in cut], [row[name] for row in whole], rtol=1e-3, atol=1e-5
        )


def test_a_plateau_lowers_the_rate_and_then_ends_the_training(videos: Path, tmp_path: Path) -> None:
    # With a rate of almost nothing no epoch is better than the first by what counts.
    config = _config(videos, learning_rate=1e-30, patience=3, epochs=30)
    quiet = Console(file=StringIO())
    train(config, tmp_path / "run", console=quiet)
    history = RunFolder(tmp_path / "run").read_history()
    assert len(history) < 30


@pytest.mark.slow
def test_a_killed_training_goes_on(videos: Path, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    arguments = [
        *(sys.executable, "-m", "rtaction", "train", str(videos), "-o", str(folder.path)),
        *("--network", "motion", "--frames", "4", "--clip-seconds", "0.6", "--height", "32"),
        *("--width", "32", "--validation-fraction", "0.34", "--patience", "100"),
    ]
    process = subprocess.Popen([*arguments, "--epochs", "500"], stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 120
        while len(folder.read_history()) < 3:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    done = len(folder.read_history())
    resumed = subprocess.run(
        [*arguments, "--epochs", str(done + 2), "--resume"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"COLUMNS": "100"},
    )
    assert resumed.returncode == 0, resumed.stderr
    assert f"going on after epoch {done}" in resumed.stderr
    assert [row["epoch"] for row in folder.read_history()] == list(range(1, done + 3))
    assert keras.models.load_model(folder.model).output_shape == (None, 2)
