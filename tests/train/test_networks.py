from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rtaction.errors import UsageError
from rtaction.keras_tensorflow import keras
from rtaction.model_spec import ModelSpec
from rtaction.train.networks import NetworkName, Recurrent, build_network


def _spec(size: int = 32, frames: int = 3, modality: str = "rgb") -> ModelSpec:
    return ModelSpec(
        labels=("a", "b", "c"),
        frames_per_clip=frames,
        clip_seconds=1.0,
        height=size,
        width=size,
        modality=modality,
    )


def _flops_per_frame(network: Any) -> int:
    """Twice the multiplications of the convolutions and dense layers of the encoder."""
    flops = 0
    for layer in network.get_layer("frames").layer.layers:
        if isinstance(layer, keras.layers.Conv2D | keras.layers.Dense):
            positions = int(np.prod(layer.output.shape[1:]))
            flops += 2 * positions * int(np.prod(layer.kernel.shape[:-1]))
    return flops


@pytest.mark.parametrize("modality", ["rgb", "gray"])
@pytest.mark.parametrize("recurrent", ["gru", "lstm"])
@pytest.mark.parametrize("name", ["light", "motion", "convnet"])
def test_scores_are_probabilities(name: NetworkName, recurrent: Recurrent, modality: str) -> None:
    spec = _spec(modality=modality)
    network = build_network(spec, network=name, recurrent=recurrent)
    clips = np.random.default_rng(0).integers(0, 256, (2, *spec.clip_shape), dtype=np.uint8)
    scores = network.predict_on_batch(clips)
    assert scores.shape == (2, 3)
    np.testing.assert_allclose(scores.sum(axis=1), 1.0, rtol=1e-5)
    assert any(type(layer).__name__.lower() == recurrent for layer in network.layers)


def test_light_costs_less_than_60_mflop_a_frame() -> None:
    assert _flops_per_frame(build_network(_spec(112), network="light")) < 60e6


def test_convnet_is_the_tutorials() -> None:
    network = build_network(_spec(112, frames=2), network="convnet")
    convolutions = [
        layer.filters
        for layer in network.get_layer("frames").layer.layers
        if isinstance(layer, keras.layers.Conv2D)
    ]
    dense = [layer.units for layer in network.layers if isinstance(layer, keras.layers.Dense)]
    assert convolutions == [64, 64, 128, 128, 256, 256, 512, 512]
    assert dense == [1024, 512, 128, 64, 3]
    assert _flops_per_frame(network) == pytest.approx(5.13e9, rel=0.01)


def test_motion_is_blind_to_what_stands_still() -> None:
    spec = _spec(64, frames=4)
    network = build_network(spec, network="motion")
    rng = np.random.default_rng(0)
    still = np.repeat(rng.integers(0, 256, (2, 1, 64, 64, 3), dtype=np.uint8), 4, axis=1)
    moving = rng.integers(0, 256, (2, 4, 64, 64, 3), dtype=np.uint8)
    scores_of_still = network.predict_on_batch(still)
    np.testing.assert_allclose(scores_of_still[0], scores_of_still[1], atol=1e-6)
    scores_of_moving = network.predict_on_batch(moving)
    assert np.abs(scores_of_moving[0] - scores_of_moving[1]).max() > 1e-3


@pytest.mark.parametrize(
    ("spec", "name", "message"),
    [
        (_spec(31), "light", "at least 32x32"),
        (_spec(32, frames=1), "motion", "at least 2 pictures"),
    ],
)
def test_what_cannot_be_built_is_told(spec: ModelSpec, name: NetworkName, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        build_network(spec, network=name)
