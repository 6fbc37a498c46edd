"""The weight of two streams is chosen on validation clips, and nowhere else."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from rtaction.errors import UsageError
from rtaction.keras_tensorflow import keras
from rtaction.train.data.clip_set import ClipSet
from rtaction.train.learning import fusion
from rtaction.train.learning.fusion import best_weights
from rtaction.train.learning.training_data import decode
from rtaction.train.networks.streams import FUSION, streams_of
from rtaction.train.report.judged_clips import predict_scores
from rtaction.train.settings.config import TrainConfig
from rtaction.train.settings.run_folder import RunFolder
from rtaction.train.settings.streams import DEFAULTS, with_defaults
from tests.train.small_training import quiet_training, small_config, spoken_training, write_squares


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_squares(tmp_path_factory.mktemp("work") / "videos")


def _config(videos: Path, **changes: Any) -> TrainConfig:
    settings: dict[str, Any] = DEFAULTS | {
        "network": "dtpp",
        "stream_encoder": "small",
        "frames_per_clip": 4,
        "epochs": 2,
        "validation_fraction": 0.34,
        "test_fraction": 0.2,
    }
    return small_config(videos, **settings | changes)


@pytest.fixture(scope="module")
def run(videos: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    folder = RunFolder(tmp_path_factory.mktemp("work") / "run")
    quiet_training(_config(videos), folder.path)
    return folder


def _scores(right: list[list[float]]) -> tuple[np.ndarray, np.ndarray]:
    """Scores of two labels, of which the first is right, by stream."""
    first = np.array(right, np.float32)
    return np.stack([first, 1 - first], axis=2), np.zeros(len(right), np.intp)


@pytest.mark.parametrize(
    ("right", "expected"),
    [
        pytest.param([[0.9, 0.2], [0.8, 0.3]], (1.0, 0.0), id="the first knows"),
        pytest.param([[0.2, 0.9], [0.3, 0.8]], (0.0, 1.0), id="the second knows"),
        pytest.param([[0.9, 0.1], [0.1, 0.9]], (0.5, 0.5), id="each knows half"),
        pytest.param([[0.6, 0.6], [0.7, 0.7]], (0.5, 0.5), id="no difference"),
        pytest.param([[0.9, 0.1], [0.9, 0.1], [0.1, 0.9]], (0.7, 0.3), id="the first knows more"),
        pytest.param([[0.0, 0.0], [0.0, 1.0]], (0.0, 1.0), id="impossible scores"),
    ],
)
def test_the_weights_have_the_least_log_loss(
    right: list[list[float]], expected: tuple[float, float]
) -> None:
    scores, labels = _scores(right)
    found = best_weights(scores, labels)
    losses = [
        -np.log(np.maximum(scores[:, 0, 0] * w + scores[:, 1, 0] * (1 - w), 1e-7)).mean()
        for w in np.linspace(0, 1, 21)
    ]
    mine = scores[:, 0, 0] * found[0] + scores[:, 1, 0] * found[1]
    assert -np.log(np.maximum(mine, 1e-7)).mean() == pytest.approx(min(losses), abs=1e-6)
    assert found == pytest.approx(expected, abs=0.05)
    assert sum(found) == pytest.approx(1.0)


def test_the_saved_network_has_the_weights_that_suit_its_validation_clips(
    videos: Path, run: RunFolder
) -> None:
    _, clips = decode(_config(videos), run.read_split(), Console(file=StringIO()))
    network = keras.models.load_model(run.model)
    wanted = best_weights(
        predict_scores(streams_of(network), clips["validation"]), clips["validation"].clip_labels
    )
    assert network.get_layer(FUSION).get_weights()[0].ravel().tolist() == pytest.approx(wanted)
    summary = json.loads((run.path / "summary.json").read_text())
    assert summary["fusion"] == pytest.approx(wanted)
    assert summary["test"]["num_clips"] > 0
    assert {"rgb_accuracy", "val_flow_stack_accuracy"} <= set(run.read_history()[-1])


def test_no_other_clip_is_looked_at(
    videos: Path, run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = RunFolder(Path(shutil.copytree(run.path, tmp_path / "run")))
    seen: list[ClipSet] = []

    def watched(network: Any, clips: ClipSet) -> Any:
        seen.append(clips)
        return predict_scores(network, clips)

    monkeypatch.setattr(fusion, "predict_scores", watched)
    quiet_training(_config(videos), folder.path, resume=True)
    validation = {video.path for video in folder.read_split().validation}
    assert [{video.path for video in one.videos} for one in seen] == [validation]


def test_resumed_in_the_middle_it_ends_as_if_never_cut(
    videos: Path, run: RunFolder, tmp_path: Path
) -> None:
    config = replace(_config(videos), epochs=1)
    quiet_training(config, tmp_path / "cut")
    history = quiet_training(replace(config, epochs=2), tmp_path / "cut", resume=True)
    losses = [row["loss"] for row in run.read_history()]
    assert [row["loss"] for row in history] == pytest.approx(losses, rel=1e-5)
    networks = [
        keras.models.load_model(path / "model.keras") for path in (run.path, tmp_path / "cut")
    ]
    pairs = zip(*(network.get_weights() for network in networks), strict=True)
    for mine, its in pairs:
        np.testing.assert_allclose(mine, its, atol=1e-5)


def test_a_refit_keeps_the_weights(videos: Path, tmp_path: Path) -> None:
    said = spoken_training(_config(videos, refit=True, epochs=1), tmp_path / "run")
    folder = RunFolder(tmp_path / "run")
    first, last = (keras.models.load_model(path) for path in (folder.validated, folder.model))
    weights = first.get_layer(FUSION).get_weights()[0].ravel()
    assert f"fusion: {weights[0]:.2f} x rgb + {weights[1]:.2f} x flow_stack" in said
    assert np.array_equal(last.get_layer(FUSION).get_weights()[0].ravel(), weights)
    kernels = [network.get_layer("rgb_scores").kernel.numpy() for network in (first, last)]
    assert np.abs(kernels[0] - kernels[1]).max() > 0


def test_the_settings_of_the_paper_are_its_defaults() -> None:
    config = TrainConfig("videos", network="dtpp", frames_per_clip=25)
    found = with_defaults(config, ("network", "frames_per_clip"))
    assert (found.head, found.sampling) == ("max_pyramid", "segments")
    assert (found.modality, found.frames_per_clip) == ("rgb+flow_stack", 25)
    other = TrainConfig("videos")
    assert with_defaults(other, ()) is other


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"network": "light", "stream_encoder": "small"}, "is for --network dtpp; for one encoder"),
        ({"chosen_but": ("network",)}, "--auto cannot choose settings for --network dtpp"),
    ],
)
def test_settings_that_contradict_it_are_told(
    videos: Path, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        quiet_training(_config(videos, **changes), tmp_path / "run")
