"""The saved network gives calibrated scores, by one temperature that its contract names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from rtaction.evaluation.temperature import at_temperature
from rtaction.keras_tensorflow import keras
from rtaction.model_spec import ModelSpec
from rtaction.train.learning.calibrating import calibrate, fitted_temperature, layer_of_logits
from rtaction.train.report.judged_clips import JudgedClips, predict_scores
from rtaction.train.settings.config import TrainConfig
from rtaction.train.settings.run_folder import RunFolder
from tests.train.small_training import (
    quiet_training,
    small_config,
    spoken_training,
    validation_clips,
    write_squares,
)

layers = keras.layers


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainConfig, RunFolder, str]:
    work = tmp_path_factory.mktemp("calibrating")
    config = small_config(write_squares(work / "videos"), epochs=2, label_smoothing=0.1)
    said = spoken_training(config, work / "run")
    return config, RunFolder(work / "run"), said


def test_its_scores_are_those_of_the_validated_network_at_the_temperature(
    run: tuple[TrainConfig, RunFolder, str],
) -> None:
    config, folder, said = run
    temperature = ModelSpec.load(folder.spec).temperature
    assert temperature != 1
    clips = validation_clips(config, folder.path)
    raw, cooled = (
        predict_scores(keras.models.load_model(path), clips)
        for path in (folder.validated, folder.model)
    )
    assert cooled == pytest.approx(at_temperature(raw, temperature), abs=1e-5)
    assert fitted_temperature(JudgedClips(clips, raw), may_sharpen=True) == pytest.approx(
        temperature, abs=1e-3
    )
    summary = json.loads((folder.path / "summary.json").read_text())
    errors = summary["validation"]["calibration_error"]
    judged = [
        JudgedClips(clips, scores).by_clip.calibration.error.value for scores in (raw, cooled)
    ]
    assert [errors["before"], errors["after"]] == pytest.approx(judged, abs=1e-4)
    assert f"temperature of {temperature:.2f}" in said


def test_a_longer_training_is_calibrated_anew(
    run: tuple[TrainConfig, RunFolder, str],
) -> None:
    config, folder, _ = run
    before = ModelSpec.load(folder.spec).temperature
    quiet_training(config, folder.path, resume=True)  # nothing to train: the same network again
    assert ModelSpec.load(folder.spec).temperature == before


def _clips_and_scores(num_videos: int, share_correct: float, score: float) -> JudgedClips:
    class Clips:
        labels = ("a", "b")
        clip_labels = np.zeros(num_videos, np.intp)
        truths = None
        videos = [None] * num_videos

    scores = np.tile(np.array([[score, 1 - score]], np.float32), (num_videos, 1))
    wrong = round((1 - share_correct) * num_videos)
    scores[:wrong] = scores[:wrong, ::-1]
    return JudgedClips(Clips(), scores)  # type: ignore[arg-type]


def test_what_is_always_correct_stays_about_as_sure() -> None:
    judged = _clips_and_scores(20, 1, 0.99)
    assert fitted_temperature(judged) == 1
    assert 0.8 < fitted_temperature(judged, may_sharpen=True) < 1


def test_a_few_mistakes_of_few_videos_say_less_than_those_of_many() -> None:
    few, many = (fitted_temperature(_clips_and_scores(number, 0.75, 0.95)) for number in (4, 400))
    assert 1 < few < many


def test_a_network_that_is_too_sure_is_cooled() -> None:
    judged = _clips_and_scores(400, 0.7, 0.99)
    cooled = at_temperature(judged.scores, fitted_temperature(judged))
    assert cooled.max(axis=1).mean() == pytest.approx(0.7, abs=0.01)


def _ending_in(*tail: Any) -> Any:
    return keras.Sequential([keras.Input((3,)), *tail])


def test_the_dense_layer_of_the_logits_is_found() -> None:
    own = _ending_in(layers.Dense(2, activation="softmax"))
    assert layer_of_logits(own) is own.layers[-1]
    for last in (layers.Softmax(), layers.Activation("softmax")):
        apart = _ending_in(layers.Dense(2), last)
        assert layer_of_logits(apart) is apart.layers[0]
        assert layer_of_logits(apart, multi_label=True) is None
    each = _ending_in(layers.Dense(2, activation="sigmoid"))
    assert layer_of_logits(each, multi_label=True) is each.layers[-1]


@pytest.mark.parametrize(
    "tail",
    [
        (layers.Dense(2, activation="sigmoid"),),
        (layers.Dense(2, activation="relu"), layers.Softmax()),
        (layers.Softmax(),),
    ],
)
def test_without_logits_nothing_is_divided(
    tail: tuple[Any, ...], tmp_path: Path, run: tuple[TrainConfig, RunFolder, str]
) -> None:
    network = _ending_in(*tail)
    assert layer_of_logits(network) is None
    folder = RunFolder(tmp_path)
    folder.save_best(network)
    spec = ModelSpec.load(run[1].spec)
    console = Console(record=True, file=(tmp_path / "said").open("w"))
    judged = _clips_and_scores(4, 1, 0.9)
    assert calibrate(folder, spec, judged, console, config=run[0]) == spec
    assert "not calibrated" in console.export_text()
