from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import fields, replace
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from rtaction.errors import DatasetError, ModelSpecError, TrainingFailed, UsageError
from rtaction.keras_tensorflow import keras
from rtaction.model_spec import ModelSpec
from rtaction.train.learning import fit
from rtaction.train.learning.fit import train
from rtaction.train.learning.result import TrainResult
from rtaction.train.settings.config import TrainConfig
from rtaction.train.settings.run_folder import RunFolder
from tests.train.small_training import (
    mean_loss,
    quiet_training,
    small_config,
    untraced,
    validation_clips,
    write_squares,
)


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_squares(tmp_path_factory.mktemp("work") / "videos")


@pytest.fixture(scope="module")
def result(videos: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainResult, str]:
    output = StringIO()
    folder = tmp_path_factory.mktemp("work") / "run"
    console, config = Console(file=output, width=100), small_config(videos)
    with untraced(config):
        return train(config, folder, console=console), output.getvalue()


def test_it_learns(result: tuple[TrainResult, str]) -> None:
    found, _ = result
    assert found.num_epochs == 6
    assert found.validation.by_clip.accuracy.value >= 0.9
    assert found.test is None


def test_it_says_what_it_reached(result: tuple[TrainResult, str]) -> None:
    _, output = result
    assert "train: " in output
    assert "epoch 6/6" in output
    assert "accuracy on " in output
    assert all(label in output for label in ("down", "right", "precision", "recall"))


def test_the_folder_holds_what_it_should(result: tuple[TrainResult, str]) -> None:
    folder = result[0].model.parent
    assert sorted(path.name for path in folder.iterdir()) == [
        "confusion.png",
        "curves.png",
        "history.csv",
        "model.keras",
        "model_spec.json",
        "report.html",
        "resume-0006.keras",
        "sample_clips.npz",
        "split.json",
        "summary.json",
        "tensorflow.log",
        "train_config.json",
        "validated.keras",
    ]
    spec = ModelSpec.load(folder / "model_spec.json")
    assert spec.labels == ("down", "right")
    assert spec.clip_shape == (2, 32, 32, 3)
    rows = list(csv.DictReader((folder / "history.csv").open()))
    assert [float(row["epoch"]) for row in rows] == [1, 2, 3, 4, 5, 6]
    best = min(rows, key=lambda row: float(row["val_loss"]))
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["best_epoch"] == float(best["epoch"])
    with np.load(folder / "sample_clips.npz") as archive:
        assert archive["clips"].shape[1:] == spec.clip_shape


def test_model_is_the_best_epochs(videos: Path, result: tuple[TrainResult, str]) -> None:
    folder = result[0].model.parent
    losses = [row["val_loss"] for row in RunFolder(folder).read_history()]
    clips = validation_clips(small_config(videos), folder)
    validated = keras.models.load_model(folder / "validated.keras")
    assert mean_loss(validated, clips) == pytest.approx(min(losses), rel=1e-4)
    assert sorted(losses)[1] > min(losses) * 1.01


def test_a_second_training_does_not_overwrite_the_first(
    videos: Path, result: tuple[TrainResult, str]
) -> None:
    with pytest.raises(UsageError, match="--resume"):
        train(small_config(videos), result[0].model.parent)


def test_resuming_with_other_settings_is_refused(
    videos: Path, result: tuple[TrainResult, str]
) -> None:
    with pytest.raises(UsageError, match="learning_rate"):
        train(small_config(videos, learning_rate=0.5), result[0].model.parent, resume=True)


def test_a_resumed_training_may_keep_its_pictures_elsewhere(videos: Path, tmp_path: Path) -> None:
    config = small_config(videos, epochs=1, cache_dir=str(tmp_path / "first"))
    quiet_training(config, tmp_path / "run")
    assert len(list((tmp_path / "first").iterdir())) == 12
    other = replace(config, epochs=2, cache_dir=str(tmp_path / "second"), cache_gb=1.0)
    assert len(quiet_training(other, tmp_path / "run", resume=True)) == 2
    assert len(list((tmp_path / "second").iterdir())) == 12


def test_resuming_nothing_is_told(videos: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot resume"):
        train(small_config(videos), tmp_path / "none", resume=True)


def test_nothing_to_validate_on_is_told(videos: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no videos are left for validation"):
        train(small_config(videos, validation_fraction=0.0), tmp_path / "run")


def test_two_groups_and_no_share_for_one_of_them_is_told_with_a_way_out(
    videos: Path, tmp_path: Path
) -> None:
    # Takes 0 to 2 of each label are one group, 3 to 5 the other; a fifth is less than half of one.
    folder = tmp_path / "videos"
    for path in sorted(videos.rglob("*.mp4")):
        person = "anna" if int(path.stem) < 3 else "max"
        (folder / path.parent.name).mkdir(parents=True, exist_ok=True)
        (folder / path.parent.name / f"{person}-{path.name}").symlink_to(path)
    config = small_config(folder, group="anna|max", validation_fraction=0.2)
    with pytest.raises(DatasetError, match=r"found 2 groups; .* such as --validate-on max, raise"):
        train(config, tmp_path / "run")


def test_frames_too_small_are_refused_before_anything_is_decoded(
    videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def decode(*_: Any) -> Any:
        raise AssertionError("it was decoded")

    monkeypatch.setattr(fit, "decode", decode)
    with pytest.raises(UsageError, match="frames must be at least 32x32, got 16x32"):
        train(small_config(videos, height=16), tmp_path / "run")


def test_auto_with_every_setting_given_says_so(
    videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: Any) -> Any:
        raise _Stop

    monkeypatch.setattr(fit, "decode", stop)
    given = tuple(one.name for one in fields(TrainConfig))
    output = StringIO()
    with pytest.raises(_Stop):
        train(
            small_config(videos, chosen_but=given),
            tmp_path / "run",
            console=Console(file=output, width=100),
        )
    assert output.getvalue() == "auto: nothing left to choose: every setting is given\n"


class _Stop(Exception):
    pass


def _impatient(videos: Path, **changes: Any) -> TrainConfig:
    """A rate so high that the loss gets no better, and a plateau after each epoch."""
    return small_config(videos, learning_rate=0.3, patience=4, **changes)


@pytest.fixture(scope="module")
def ended(videos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a training that ended before its last epoch."""
    folder = tmp_path_factory.mktemp("work") / "ended"
    quiet_training(_impatient(videos, epochs=40), folder)
    return folder


def test_a_plateau_lowers_the_rate_and_then_ends_the_training(ended: Path) -> None:
    history = RunFolder(ended).read_history()
    losses = [row["val_loss"] for row in history]
    rates = [row["learning_rate"] for row in history]
    assert rates[0] == pytest.approx(0.3)
    assert rates[-1] <= 0.3 / 4
    assert len(history) == losses.index(min(losses)) + 1 + 4 < 40


def test_an_ended_training_is_not_trained_on(videos: Path, ended: Path) -> None:
    history = RunFolder(ended).read_history()
    model = (ended / "validated.keras").read_bytes()
    assert quiet_training(_impatient(videos, epochs=40), ended, resume=True) == history
    assert (ended / "validated.keras").read_bytes() == model


@pytest.mark.parametrize("make_config", [small_config, _impatient])
def test_resumed_in_the_middle_it_ends_as_if_never_cut(
    videos: Path,
    tmp_path: Path,
    result: tuple[TrainResult, str],
    make_config: Callable[..., TrainConfig],
) -> None:
    if make_config is small_config:
        whole = RunFolder(result[0].model.parent).read_history()
    else:
        whole = quiet_training(make_config(videos), tmp_path / "whole")
    quiet_training(make_config(videos, epochs=3), tmp_path / "cut")
    cut = quiet_training(make_config(videos), tmp_path / "cut", resume=True)
    assert [row["epoch"] for row in cut] == [row["epoch"] for row in whole]
    for name in ("loss", "val_loss", "learning_rate"):
        np.testing.assert_allclose(
            [row[name] for row in cut], [row[name] for row in whole], rtol=1e-3, atol=1e-5
        )


def test_a_resumed_training_keeps_its_split(videos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "videos"
    shutil.copytree(videos, folder)
    config = small_config(folder, epochs=1)
    quiet_training(config, tmp_path / "run")
    before = RunFolder(tmp_path / "run").read_split()
    for number in range(4):
        shutil.copy(folder / "down" / "0.mp4", folder / "down" / f"0_{number}.mp4")
    quiet_training(replace(config, epochs=2), tmp_path / "run", resume=True)
    assert RunFolder(tmp_path / "run").read_split() == before


def test_a_loss_that_is_no_number_is_told(videos: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingFailed, match="--learning-rate"):
        train(small_config(videos, learning_rate=1e38), tmp_path / "run")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"background_label": "nothin"}, ModelSpecError),
        ({"height": 16}, UsageError),
        ({"clip_seconds": 60.0}, DatasetError),
    ],
)
def test_a_mistake_at_the_start_does_not_take_the_folder(
    videos: Path, tmp_path: Path, changes: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        train(small_config(videos, **changes), tmp_path / "run")
    assert len(quiet_training(small_config(videos, epochs=1), tmp_path / "run")) == 1


def test_a_validation_without_some_label_is_told(
    videos: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "videos"
    shutil.copytree(videos, folder)
    split = RunFolder(tmp_path / "run")
    quiet_training(small_config(folder, epochs=1), split.path)
    for video in split.read_split().validation:
        if video.label == "down":
            video.path.write_bytes(b"")
    quiet_training(small_config(folder, epochs=1), tmp_path / "again")
    assert "validation has no clip of down" in caplog.text


@pytest.mark.slow
def test_a_training_that_was_cut_goes_on(
    videos: Path, tmp_path: Path, here: Callable[..., tuple[int, str, str]]
) -> None:
    folder = RunFolder(tmp_path / "run")
    arguments = ["train", str(videos), "-o", str(folder.path)]
    settings = [
        *(
            "--network",
            "small",
            "--head",
            "average",
            "--frames",
            "2",
            "--clip-seconds",
            "0.6",
            "--height",
            "32",
        ),
        *("--width", "32", "--validation-fraction", "0.34", "--patience", "100"),
        *("--cache-dir", str(tmp_path / "cache"), "--epochs", "500"),
    ]
    exit_code, _ = _cut([*arguments, *settings], folder, signal.SIGKILL)
    assert exit_code == -signal.SIGKILL
    done = len(folder.read_history())
    # What was given at the start need not be given again.
    exit_code, said = _cut([*arguments, "--resume"], folder, signal.SIGINT)
    assert exit_code == 130
    assert f"resuming after epoch {done}" in said
    assert "interrupted; to go on" in said
    assert "Traceback" not in said
    done = len(folder.read_history())
    exit_code, _, said = here(*arguments, "--epochs", str(done + 2), "--resume")
    assert exit_code == 0, said
    assert f"resuming after epoch {done}" in said
    assert [row["epoch"] for row in folder.read_history()] == list(range(1, done + 3))
    assert keras.models.load_model(folder.model).output_shape == (None, 2)


def _cut(arguments: list[str], folder: RunFolder, number: signal.Signals) -> tuple[int, str]:
    """Run the command, and end it three epochs later; returns its exit code and what it said."""
    log = folder.path.with_name("stderr.txt")
    last = len(folder.read_history()) + 3
    with log.open("w") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "rtaction", *arguments],
            stderr=stderr,
            preexec_fn=_heed_sigint,
            env=os.environ | {"COLUMNS": "100"},
        )
    try:
        deadline = time.monotonic() + 120
        while len(folder.read_history()) < last:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        process.send_signal(number)
        process.wait(60)
    return process.returncode, log.read_text()


def _heed_sigint() -> None:
    # A shell lets its background jobs ignore it, and children inherit that.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
