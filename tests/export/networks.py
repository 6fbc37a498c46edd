"""Small networks of every structure, made to react to clips as trained ones do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from rtaction.export.agreement.clips import make_clips
from rtaction.keras_tensorflow import keras
from rtaction.model_spec import ModelSpec

SPEC = ModelSpec(labels=("a", "b", "c"), frames_per_clip=4, clip_seconds=1.0, height=32, width=40)
layers = keras.layers


def calibrated(network: Any, spec: ModelSpec) -> Any:
    """Give an untrained network the batch statistics and the sensitivity of a trained one."""
    clips = make_clips(spec, num_clips=16, seed=1)
    for layer in network._flatten_layers():
        if isinstance(layer, layers.BatchNormalization):
            layer.momentum = 0.0  # one step is to be enough
    if "frames" in (layer.name for layer in network.layers):
        frames = network.get_layer("frames").layer  # all that normalizes
        frames(clips.reshape(-1, *spec.frame_shape), training=True)
    else:
        network(clips, training=True)
    last = network.layers[-1]
    kernel, bias = last.get_weights()
    last.set_weights([kernel * 8, bias])
    return network


def sensitive(network: Any, inputs: Any) -> Any:
    """Spread the scores of a network by scaling its last dense layer.

    Args:
        network: ends with a dense layer, after which nothing but an activation comes.
        inputs: what it takes, batch first.
    """
    dense = [one for one in network._flatten_layers() if isinstance(one, layers.Dense)][-1]
    kernel, bias = dense.get_weights()
    for factor in (1, 3, 10, 30, 100, 300, 1000, 3000):
        dense.set_weights([kernel * factor, bias])
        scores = np.asarray(network.predict_on_batch(inputs))
        if np.ptp(scores, axis=0).max() > 0.1:
            return network
    raise AssertionError("the network is blind")


def save(network: Any, spec: ModelSpec | None, folder: Path, name: str = "model.keras") -> Path:
    folder.mkdir(exist_ok=True)
    network.save(folder / name)
    if spec is not None:
        spec.save(folder / "model_spec.json")
    return folder / name


def seeing(frame_shape: tuple[int, ...], **options: Any) -> Any:
    """A small network of one picture: float pixels in, 6 features out."""
    frame = keras.Input(frame_shape)
    x = layers.Conv2D(6, 5, strides=4, activation="relu", **options)(frame)
    return keras.Model(frame, layers.GlobalAveragePooling2D()(x))
