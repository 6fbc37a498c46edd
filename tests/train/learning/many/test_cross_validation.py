"""Many trainings as one: each video tested once in each repeat, nothing trained twice."""

from __future__ import annotations

import json
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from rtaction.cli.app import app
from rtaction.errors import DatasetError, TrainingFailed, UsageError
from rtaction.processes import Processes
from rtaction.train.learning.fit import train
from rtaction.train.learning.many import cross_validation
from rtaction.train.learning.many.cross_validation import cross_validate, saved_plan
from rtaction.train.report.cross_validation import CrossValidation
from rtaction.train.settings.config import TrainConfig
from tests.train.shared_network import NAME, step_by_step
from tests.train.small_training import small_config, untraced, write_squares


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_squares(tmp_path_factory.mktemp("squares") / "videos")


def _run(config: TrainConfig, output: Path, **options: Any) -> tuple[CrossValidation, str]:
    said = StringIO()
    with untraced(config):
        found = cross_validate(config, output, console=Console(file=said, width=200), **options)
    return found, said.getvalue()


@pytest.mark.slow
def test_every_video_is_tested_once_in_each_repeat(videos: Path, tmp_path: Path) -> None:
    config = small_config(videos, epochs=1)
    found, said = _run(config, tmp_path / "cv", folds=3, repeats=2)
    for repeat in found.repeats.values():
        paths = [one.video.path for one in repeat.videos]
        assert len(paths) == len(set(paths)) == 12
    assert found.num_videos == 12
    confusion, accuracy = found.pooled.by_video.confusion, found.pooled.by_video.accuracy
    assert int(confusion.sum()) == 24
    right = int(confusion[0, 0] + confusion[1, 1])
    assert accuracy.value == pytest.approx(right / 24)
    assert accuracy.low <= right / 24 <= accuracy.high
    mean = sum(found.video_accuracies) / 2
    assert mean == pytest.approx(right / 24)
    report = json.loads((tmp_path / "cv" / "cross_validation.json").read_text())
    assert len(report["folds"]) == 6
    assert "accuracy on videos: " in said
    for number in (1, 2, 3):
        split = json.loads((tmp_path / f"cv/repeat-2/fold-{number}/split.json").read_text())
        groups = [{video[2] for video in side} for side in split.values()]
        assert sum(map(len, groups)) == len(set().union(*groups)) == 12
    assert saved_plan(tmp_path / "cv") == {"folds": 3, "repeats": 2}


@pytest.mark.slow
def test_a_finished_fold_is_not_trained_again_and_another_goes_on(
    videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = []

    class Cut(Exception):
        pass

    def cut_second(config: TrainConfig, output: Path, **options: Any) -> Any:
        trained.append((output.name, options["resume"]))
        if len(trained) == 2:
            train(replace(config, epochs=1), output, **options)
            raise Cut
        return train(config, output, **options)

    monkeypatch.setattr(cross_validation, "train", cut_second)
    config = small_config(videos, epochs=2)
    with pytest.raises(Cut):
        _run(config, tmp_path / "cv", folds=2)
    found, said = _run(config, tmp_path / "cv", folds=2, resume=True)
    assert trained == [("fold-1", False), ("fold-2", False), ("fold-2", True)]
    assert [fold.num_epochs for fold in found.folds] == [2, 2]
    assert "resuming after epoch 1" in said
    assert "already finished" in said
    assert found.num_videos == 12
    with pytest.raises(UsageError, match="already contains a cross-validation; add --resume"):
        _run(config, tmp_path / "cv", folds=2)
    with pytest.raises(UsageError, match="other settings \\(epochs\\)"):
        _run(small_config(videos, epochs=3), tmp_path / "cv", folds=2, resume=True)
    with pytest.raises(UsageError, match="was started with --folds 2"):
        _run(config, tmp_path / "cv", folds=3, resume=True)


@pytest.mark.slow
def test_folds_at_once_have_the_figures_of_folds_in_a_row(videos: Path, tmp_path: Path) -> None:
    config = small_config(videos, network=NAME, head="gru", dropout=0.5, epochs=1)
    row, _ = _run(config, tmp_path / "row", folds=2)
    run_jobs = Processes(at_once=2, begin=step_by_step)
    both, said = _run(config, tmp_path / "both", folds=2, run_jobs=run_jobs)
    assert both.to_dict() == row.to_dict()
    for number in (1, 2):
        histories = [
            tmp_path / name / f"repeat-1/fold-{number}/history.csv" for name in ("row", "both")
        ]
        assert histories[0].read_bytes() == histories[1].read_bytes()
        assert f"fold {number} of 2: epoch 1/1 " in said


def test_a_fold_that_fails_does_not_lose_the_others(
    videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(config: TrainConfig, output: Path, **options: Any) -> Any:
        trained.append(output.name)
        raise DatasetError("the disk is gone")

    trained: list[str] = []
    monkeypatch.setattr(cross_validation, "train", fail)
    with pytest.raises(TrainingFailed) as raised:
        _run(small_config(videos), tmp_path / "cv", folds=3)
    assert trained == ["fold-1", "fold-2", "fold-3"]
    assert str(raised.value).startswith(
        "3 of 3 trainings failed, such as fold 1 of 3: the disk is gone; what is finished is kept "
    )
    assert raised.value.exit_code == DatasetError.exit_code


@pytest.mark.parametrize(
    ("changes", "options", "message"),
    [
        ({}, {"folds": 2, "repeats": 0}, "--repeats must be 1 or more"),
        ({"test_fraction": 0.2}, {"folds": 2}, "--folds and --test-fraction cannot be combined"),
        (
            {"validation_groups": ("x",)},
            {"folds": 2},
            "--folds and --validate-on cannot be combined",
        ),
    ],
)
def test_settings_that_contradict_each_other(
    videos: Path, tmp_path: Path, changes: Any, options: Any, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        _run(small_config(videos, **changes), tmp_path / "cv", **options)
    assert not (tmp_path / "cv").exists()


@pytest.mark.slow
def test_the_command(videos: Path, tmp_path: Path) -> None:
    options = "--folds 2 --epochs 1 --height 32 --width 32 --frames 4 --clip-seconds 0.6"
    arguments = ["train", str(videos), "-o", str(tmp_path / "cv"), *options.split()]
    runner = CliRunner()
    with untraced(small_config(videos, epochs=1)):
        found = runner.invoke(app, arguments)
    assert found.exit_code == 0, found.output
    assert (tmp_path / "cv" / "cross_validation.json").exists()
    again = runner.invoke(app, ["train", str(videos), "-o", str(tmp_path / "cv"), "--resume"])
    assert again.exit_code == 0, again.output
    alone = runner.invoke(app, ["train", str(videos), "-o", str(tmp_path / "x"), "--repeats", "2"])
    assert "--repeats needs --folds" in str(alone.exception)
