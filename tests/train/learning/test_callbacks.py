"""Trainings with every option that has a state, cut and resumed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from rtaction.errors import MissingLibrary
from rtaction.keras_tensorflow import keras, tensorflow
from rtaction.train.data.clip_set import ClipSet
from rtaction.train.learning import callbacks
from rtaction.train.learning.progress import ShowProgress
from rtaction.train.report.judged_clips import predict_scores
from rtaction.train.settings.config import TrainConfig
from rtaction.train.settings.run_folder import RunFolder
from rtaction.train.settings.schedule import cosine_rate
from tests.train.small_training import (
    quiet_training,
    small_config,
    spoken_training,
    validation_clips,
    write_squares,
)


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_squares(tmp_path_factory.mktemp("work") / "videos", {"down": 8, "right": 4})


def _everything(videos: Path, **changes: Any) -> TrainConfig:
    options: dict[str, Any] = {
        "ema": 0.8,
        "schedule": "cosine",
        "balance": "sampling",
        "label_smoothing": 0.1,
        "learning_rate": 1e-3,
        "dropout": 0.3,
        "epochs": 5,
    }
    return small_config(videos, **options | changes)


class _Killed(BaseException):
    pass


# In the third epoch of five, whose batches are the 9th to the 12th.
MOMENTS: dict[str, tuple[type, str, Callable[..., bool]]] = {
    "in the midst of it": (
        ShowProgress,
        "on_train_batch_end",
        lambda self, *_: self.model.optimizer.iterations.numpy() == 10,
    ),
    "before its resume point": (RunFolder, "resume_point", lambda _, epoch: epoch == 3),
    "before its line in the history": (RunFolder, "finish_epoch", lambda _, rows: len(rows) == 3),
}


def _train_until(
    moment: str, config: TrainConfig, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, name, is_it = MOMENTS[moment]
    original = getattr(owner, name)

    def die_or_go_on(*arguments: Any, **named: Any) -> Any:
        if is_it(*arguments):
            raise _Killed
        return original(*arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, die_or_go_on)
        with pytest.raises(_Killed):
            quiet_training(config, folder)


def _weights(path: Path) -> list[npt.NDArray[Any]]:
    """Of the network and of its optimizer, so averages as well."""
    network = keras.models.load_model(path)
    optimizer = network.optimizer.variables if network.compiled else []
    return [*network.get_weights(), *(variable.numpy() for variable in optimizer)]


@pytest.fixture(scope="module")
def unbroken(videos: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    folder = tmp_path_factory.mktemp("work") / "unbroken"
    quiet_training(_everything(videos), folder)
    return RunFolder(folder)


def test_with_everything_on_it_learns(unbroken: RunFolder) -> None:
    history = unbroken.read_history()
    assert history[-1]["val_loss"] < history[0]["val_loss"] * 0.8
    rates = [cosine_rate(epoch, epochs=5, highest=1e-3) for epoch in range(5)]
    assert [row["learning_rate"] for row in history] == pytest.approx(rates)


@pytest.mark.slow
@pytest.mark.parametrize("moment", list(MOMENTS))
def test_killed_at_any_moment_it_ends_as_if_it_was_not(
    videos: Path,
    unbroken: RunFolder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    moment: str,
) -> None:
    config = _everything(videos)
    _train_until(moment, config, tmp_path / "cut", monkeypatch)
    cut = RunFolder(tmp_path / "cut")
    assert len(cut.read_history()) == 2
    history = quiet_training(config, cut.path, resume=True)
    for row, row_unbroken in zip(history, unbroken.read_history(), strict=True):
        assert row == pytest.approx(row_unbroken, rel=1e-3, abs=1e-5)
    for path in (cut.model, cut.resume_point(5)):
        for mine, theirs in zip(_weights(path), _weights(unbroken.path / path.name), strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=1e-3, atol=1e-4)


def test_the_averages_are_validated_and_saved(videos: Path, unbroken: RunFolder) -> None:
    config = _everything(videos)
    clips = validation_clips(config, unbroken.path)
    history = unbroken.read_history()
    averaged = keras.models.load_model(unbroken.validated)
    raw = keras.models.load_model(unbroken.resume_point(5))
    assert min(row["val_loss"] for row in history) == history[-1]["val_loss"], "compare the same"
    assert _smoothed_loss(averaged, clips, 0.1) == pytest.approx(history[-1]["val_loss"], rel=1e-4)
    assert _smoothed_loss(raw, clips, 0.1) != pytest.approx(history[-1]["val_loss"], rel=1e-3)
    assert raw.optimizer.use_ema


def _smoothed_loss(network: Any, clips: ClipSet, share: float) -> float:
    scores = predict_scores(network, clips).astype(np.float64)
    truth = (1 - share) * np.eye(2)[clips.clip_labels] + share / 2
    return float(-(truth * np.log(scores)).sum(axis=1).mean())


@pytest.mark.slow
def test_in_float16_the_scale_of_the_loss_is_kept_as_well(videos: Path, tmp_path: Path) -> None:
    config = small_config(videos, precision="mixed_float16", ema=0.5, epochs=2)
    quiet_training(config, tmp_path / "run")
    before = _weights(RunFolder(tmp_path / "run").resume_point(2))
    network = keras.models.load_model(RunFolder(tmp_path / "run").resume_point(2))
    assert network.optimizer.iterations.numpy() == 8
    assert network.optimizer.step_counter.numpy() == 8
    assert network.optimizer.dynamic_scale.numpy() == 2.0**15
    history = quiet_training(replace(config, epochs=5), tmp_path / "run", resume=True)
    assert history[-1]["val_loss"] < history[0]["val_loss"]
    after = _weights(RunFolder(tmp_path / "run").resume_point(5))
    assert [one.shape for one in after] == [one.shape for one in before]


def test_uneven_labels_are_told_and_weighed(videos: Path, tmp_path: Path) -> None:
    said = spoken_training(small_config(videos, epochs=1), tmp_path / "run")
    assert "training on CPU, in float32" in said
    assert "uneven labels (down 20, right 12): clips of a rarer label have more weight" in said
    history = quiet_training(small_config(videos, epochs=1, balance="none"), tmp_path / "none")
    weighed = RunFolder(tmp_path / "run").read_history()
    assert weighed[0]["loss"] != pytest.approx(history[0]["loss"], rel=1e-3)


def _logged(folder: Path) -> list[tuple[int, str, float]]:
    """Step, name and value of all scalars, file after file."""
    found = []
    for path in sorted(folder.glob("events.*"), key=lambda path: path.stat().st_mtime_ns):
        for record in tensorflow.data.TFRecordDataset(str(path)).as_numpy_iterator():
            event = tensorflow.compat.v1.Event.FromString(record)
            for value in event.summary.value:
                number = float(tensorflow.make_ndarray(value.tensor))
                found.append((event.step, value.tag, number))
    return found


def test_tensorboard_counts_on_after_a_kill(
    videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = small_config(videos, epochs=4, tensorboard=True, balance="none")
    _train_until("in the midst of it", config, tmp_path / "run", monkeypatch)
    history = quiet_training(config, tmp_path / "run", resume=True)
    for side, prefix in (("train", ""), ("validation", "val_")):
        logged = _logged(tmp_path / "run" / "tensorboard" / side)
        by_epoch = [(step, value) for step, name, value in logged if name == "epoch_loss"]
        assert [step for step, _ in by_epoch] == [0, 1, 2, 3]
        losses = [row[f"{prefix}loss"] for row in history]
        assert [value for _, value in by_epoch] == pytest.approx(losses, rel=1e-5)
    steps = [step for step, name, _ in logged if name == "evaluation_loss_vs_iterations"]
    assert steps == [4, 8, 12, 16]


def test_without_the_package_it_is_told_at_once(
    videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callbacks, "find_spec", lambda name: None)
    with pytest.raises(MissingLibrary, match="pip install tensorboard"):
        quiet_training(small_config(videos, tensorboard=True), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_without_being_asked_nothing_is_logged(unbroken: RunFolder) -> None:
    assert not (unbroken.path / "tensorboard").exists()
