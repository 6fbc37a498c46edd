"""Networks whose scores stand for themselves: a sigmoid is added, not a softmax."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rtaction.errors import ModelSpecError
from rtaction.export.agreement.clips import make_clips
from rtaction.export.contract.adapted import adapted, check_spec
from rtaction.export.exporter import export_model
from rtaction.export.keras.graph import flattened
from rtaction.keras_tensorflow import keras
from rtaction.model_spec import METADATA_KEY, ModelSpec
from rtaction.onnx_format.file import OnnxFile
from tests.export.networks import SPEC, layers, seeing

SEVERAL = replace(SPEC, multi_label=True)


def _network(num_scores: int, activation: str | None) -> object:
    keras.utils.set_random_seed(0)
    clip = keras.Input(SPEC.clip_shape, dtype="uint8")
    x = layers.Rescaling(1 / 255)(clip)
    x = layers.GRU(4)(layers.TimeDistributed(seeing(SPEC.frame_shape))(x))
    return keras.Model(clip, layers.Dense(num_scores, activation=activation)(x))


def test_logits_get_a_sigmoid(tmp_path: Path) -> None:
    raw = _network(3, None)
    clips = make_clips(SEVERAL)[:4]
    found = adapted(raw, flattened(raw), SEVERAL, [None])
    logits = np.asarray(raw.predict_on_batch(clips))  # type: ignore[attr-defined]
    assert found.truth(clips) == pytest.approx(1 / (1 + np.exp(-logits)), abs=1e-5)
    assert found.notes == ["added a sigmoid, since the last layer has no activation"]


def test_a_file_says_that_its_scores_stand_for_themselves(tmp_path: Path) -> None:
    network = _network(3, "sigmoid")
    network.save(tmp_path / "model.keras")  # type: ignore[attr-defined]
    SEVERAL.save(tmp_path / "model_spec.json")
    export_model(tmp_path / "model.keras", tmp_path / "model.onnx")
    metadata = OnnxFile.load(tmp_path / "model.onnx").metadata
    assert ModelSpec.from_json(metadata[METADATA_KEY]).multi_label


def test_one_score_for_two_labels_is_refused() -> None:
    two = replace(SEVERAL, labels=("a", "b"))
    one = flattened(_network(1, "sigmoid"))
    check_spec(one, replace(two, multi_label=False))
    with pytest.raises(ModelSpecError, match="has 2 labels, but the model outputs shape"):
        check_spec(one, two)
