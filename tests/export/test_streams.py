"""Two streams in one file: cut for each picture, with the scores of Keras, in any runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from rtaction.export.agreement.clips import make_clips
from rtaction.export.exporter import export_model
from rtaction.keras_tensorflow import keras
from rtaction.model_spec import ModelSpec
from rtaction.onnx_format.file import OnnxFile
from rtaction.train.choices import HeadName, StreamEncoderName
from rtaction.train.learning.fusion import set_weights
from rtaction.train.networks.build import build_network
from tests.export.networks import save

SPEC = ModelSpec(("a", "b", "c"), 4, 1.0, 32, 40, modality="rgb+flow_stack", sampling="segments")


def _network(encoder: StreamEncoderName, head: HeadName) -> Any:
    """One that reacts to clips in both streams, as a trained one does."""
    keras.utils.set_random_seed(2)
    network = build_network(SPEC, network="dtpp", stream_encoder=encoder, head=head)
    frames = make_clips(SPEC, num_clips=16, seed=1).reshape(-1, *SPEC.frame_shape)
    for layer in network._flatten_layers():
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0  # one step is to be enough
    network.get_layer("frames").layer(frames, training=True)
    for stream in ("rgb", "flow_stack"):
        scores = network.get_layer(f"{stream}_scores")
        kernel, bias = scores.get_weights()
        scores.set_weights([kernel * 4, bias])
    set_weights(network, (0.35, 0.65))
    return network


@pytest.mark.parametrize(
    ("encoder", "head"),
    [("small", "max_pyramid"), ("light", "gru")],
)
def test_the_file_gives_the_scores_of_keras(
    encoder: StreamEncoderName, head: HeadName, tmp_path: Path
) -> None:
    network = _network(encoder, head)
    found = export_model(save(network, SPEC, tmp_path), tmp_path / "model.onnx")
    assert found.agreement.max_difference < 1e-4
    assert found.agreement.spread > 0.05
    file = OnnxFile.load(tmp_path / "model.onnx")
    assert file.is_cut
    assert file.spec == SPEC

    # Nothing of rtaction: the file alone.
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    clips = np.random.default_rng(0).integers(0, 256, (3, *SPEC.clip_shape), dtype=np.uint8)
    (scores,) = session.run(["scores"], {"clip": clips})
    np.testing.assert_allclose(scores, network.predict_on_batch(clips), atol=1e-4)
    np.testing.assert_allclose(scores.sum(axis=1), 1.0, atol=1e-5)
    assert np.abs(scores[0] - scores[1]).max() > 1e-3
