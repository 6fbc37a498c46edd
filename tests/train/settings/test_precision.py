from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rtaction.export.exporter import export_model
from rtaction.keras_tensorflow import keras
from rtaction.model_spec import ModelSpec
from rtaction.train.choices import HeadName, NetworkName
from rtaction.train.networks.build import build_network
from rtaction.train.settings.precision import computing_in, float32_copy, precision_of
from tests.train.small_training import quiet_training, small_config, write_squares

SPEC = ModelSpec(("a", "b"), frames_per_clip=4, clip_seconds=1.0, height=32, width=32)
CLIPS = np.random.default_rng(0).integers(0, 256, (3, *SPEC.clip_shape), dtype=np.uint8)


def test_layers_are_made_in_the_precision_and_those_after_are_not() -> None:
    with computing_in("mixed_float16"):
        assert precision_of(build_network(SPEC)) == "mixed_float16"
    assert precision_of(build_network(SPEC)) == "float32"


@pytest.mark.parametrize(
    ("network", "head"), [("light", "gru"), ("small", "bilstm"), ("light", "statistics")]
)
def test_a_float32_copy_computes_the_same_more_exactly(
    network: NetworkName, head: HeadName
) -> None:
    with computing_in("mixed_float16"):
        mixed = build_network(SPEC, network=network, head=head)
    copy = float32_copy(mixed)
    assert precision_of(copy) == "float32"
    names = {layer.dtype_policy.name for layer in copy.get_layer("frames").layer.layers}
    assert names == {"float32"}
    for mine, theirs in zip(copy.get_weights(), mixed.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    difference = np.abs(copy.predict_on_batch(CLIPS) - mixed.predict_on_batch(CLIPS)).max()
    assert 0.0 < difference < 5e-3


def test_scores_are_float32_in_either_precision() -> None:
    with computing_in("mixed_float16"):
        mixed = build_network(SPEC)
    scores = mixed.predict_on_batch(CLIPS)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores.sum(axis=1), 1.0, rtol=1e-6)


def test_a_network_trained_in_float16_is_exported(tmp_path: Path) -> None:
    config = small_config(
        write_squares(tmp_path / "videos"), precision="mixed_float16", epochs=2, network="light"
    )
    quiet_training(config, tmp_path / "run")
    resume_point = keras.models.load_model(tmp_path / "run" / "resume-0002.keras")
    assert precision_of(resume_point) == "mixed_float16"
    assert precision_of(keras.models.load_model(tmp_path / "run" / "model.keras")) == "float32"
    export = export_model(tmp_path / "run" / "model.keras", tmp_path / "model.onnx")
    assert export.agreement.max_difference < 1e-5
