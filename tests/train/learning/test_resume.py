"""A run folder may come from someone else: what is resumed is vetted, and may be changed."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from rtaction.errors import ModelMissing, ModelUnreadable, ModelUnsafe, UsageError
from rtaction.keras_tensorflow import keras
from rtaction.train.settings.config import TrainConfig
from rtaction.train.settings.run_folder import RunFolder
from tests.train.small_training import quiet_training, small_config, write_squares

_PADDED = {"class_name": "__numpy__", "config": {"value": ["a"] * 40, "dtype": "<U25000000"}}


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainConfig, Path]:
    """A training of one epoch, and its folder."""
    folder = tmp_path_factory.mktemp("begun")
    config = small_config(write_squares(folder / "videos"), epochs=1, precision="mixed_float16")
    quiet_training(config, folder / "run")
    return config, folder / "run"


@pytest.fixture
def run(begun: tuple[TrainConfig, Path], tmp_path: Path) -> tuple[TrainConfig, Path]:
    """A copy of it."""
    return begun[0], Path(shutil.copytree(begun[1], tmp_path / "run"))


def _rewrite(path: Path, member: str, change: Callable[[Path], None]) -> None:
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    loose = path.with_suffix(".loose")
    loose.write_bytes(members[member])
    change(loose)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in (members | {member: loose.read_bytes()}).items():
            archive.writestr(name, content)
    loose.unlink()


def _pad(path: Path) -> None:
    config = json.loads(path.read_text())
    dense = next(one for one in config["config"]["layers"] if one["class_name"] == "Dense")
    dense["config"]["bias_initializer"] = _PADDED
    path.write_text(json.dumps(config))


def _run_code(path: Path) -> None:
    config = json.loads(path.read_text())
    dense = next(one for one in config["config"]["layers"] if one["class_name"] == "Dense")
    dense |= {"class_name": "Lambda", "config": {"name": "x", "function": "id"}}
    path.write_text(json.dumps(config))


def _swell(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        # One gigabyte, of which nothing is stored.
        file["optimizer/vars"].create_dataset("99", (16_000, 16_000), "f4", chunks=(1000, 1000))


@pytest.mark.parametrize("file", ["resume-0001.keras", "validated.keras"])
@pytest.mark.parametrize(
    ("member", "change", "error", "message"),
    [
        ("config.json", _pad, ModelUnreadable, "a constant has the type '<U25000000'"),
        ("config.json", _run_code, ModelUnsafe, r"'x' \(Lambda\) needs Python code"),
    ],
)
def test_what_export_refuses_is_not_resumed(
    run: tuple[TrainConfig, Path],
    file: str,
    member: str,
    change: Callable[[Path], None],
    error: type[Exception],
    message: str,
) -> None:
    config, folder = run
    _rewrite(folder / file, member, change)
    with pytest.raises(error, match=f"cannot resume: .*{message}.*; train into a new folder") as at:
        quiet_training(config, folder, resume=True)
    assert "--trust" not in str(at.value)


def test_a_resume_point_holds_no_more_than_its_network_needs(
    run: tuple[TrainConfig, Path],
) -> None:
    config, folder = run
    _rewrite(folder / "resume-0001.keras", "model.weights.h5", _swell)
    with pytest.raises(ModelUnreadable, match=r"declares weights of 1\.0 GB; its layers and its"):
        quiet_training(config, folder, resume=True)


def test_a_missing_or_cut_resume_point_is_told(run: tuple[TrainConfig, Path]) -> None:
    config, folder = run
    point = folder / "resume-0001.keras"
    point.write_bytes(point.read_bytes()[:5000])
    with pytest.raises(ModelUnreadable, match=r"is not a \.keras file, or is damaged"):
        quiet_training(config, folder, resume=True)
    point.unlink()
    with pytest.raises(ModelMissing, match="train into a new folder"):
        quiet_training(config, folder, resume=True)


def test_a_damaged_history_is_told(run: tuple[TrainConfig, Path]) -> None:
    config, folder = run
    (folder / "history.csv").write_text("epoch,loss,val_loss,learning_rate\n1,2,much,0.1\n")
    with pytest.raises(UsageError, match=r"history\.csv.*much.*train into a new folder"):
        quiet_training(config, folder, resume=True)


def test_precision_and_optimizer_are_those_of_before(run: tuple[TrainConfig, Path]) -> None:
    config, folder = run
    before = keras.models.load_model(folder / "resume-0001.keras")
    quiet_training(replace(config, epochs=2), folder, resume=True)
    after = keras.models.load_model(folder / "resume-0002.keras")
    policies = [[layer.dtype_policy.name for layer in one.layers] for one in (before, after)]
    assert policies[0] == policies[1]
    assert "mixed_float16" in policies[1]
    assert type(after.optimizer) is type(before.optimizer)
    assert len(after.optimizer.variables) == len(before.optimizer.variables)
    steps = [int(np.asarray(one.optimizer.iterations)) for one in (before, after)]
    assert steps[1] == 2 * steps[0] > 0


def test_a_run_with_auto_takes_what_is_given_anew(run: tuple[TrainConfig, Path]) -> None:
    config, folder = run
    config = replace(config, chosen_but=("videos",))
    config.save(RunFolder(folder).config)
    quiet_training(replace(config, cache_gb=0.25, epochs=2), folder, resume=True)
    saved = TrainConfig.load(RunFolder(folder).config)
    assert (saved.cache_gb, saved.epochs, saved.chosen_but) == (0.25, 2, ("videos",))
    with pytest.raises(UsageError, match=r"other settings \(learning_rate\)"):
        quiet_training(replace(config, learning_rate=0.5), folder, resume=True)


def test_picks_do_not_replace_what_was_given() -> None:
    given: dict[str, Any] = {"epochs": 7, "cache_gb": 2.0}
    config = TrainConfig("videos", chosen_but=("videos", "epochs"), **given)
    run = TrainConfig("videos", epochs=90, modality="diff", cache_gb=9.0, chosen_but=("videos",))
    found = config.with_picks_of(run)
    assert (found.epochs, found.modality, found.cache_gb) == (7, "diff", 2.0)
    assert found.chosen_but == ("videos", "epochs")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("epochs", "ten", 'epochs: expected a whole number, got "ten"'),
        ("network", "huge", "--network must be one of .*; got 'huge'"),
        ("keep_sides", [1], r"keep_sides: expected a list of texts, got \[1\]"),
    ],
)
def test_damaged_settings_are_told(tmp_path: Path, name: str, value: Any, message: str) -> None:
    path = tmp_path / "train_config.json"
    TrainConfig("videos", keep_sides=("left",), chosen_but=("videos",)).save(path)
    assert TrainConfig.load(path).keep_sides == ("left",)
    path.write_text(json.dumps(json.loads(path.read_text()) | {name: value}))
    with pytest.raises(UsageError, match=f"cannot resume from .*: {message}"):
        TrainConfig.load(path)
