"""Writes the `.h5` files beside it: models of every kind that Keras 2 wrote, with random weights.

It needs `tf_keras`, and is run by hand: `python make_keras2_files.py FOLDER`. Each file gets a
`.npy` of the same name with what Keras 2 itself says of the clips in `clips.npz`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import tf_keras as keras

layers = keras.layers
SHAPE = (3, 16, 20, 3)


def _encoder() -> Any:
    return keras.Sequential(
        [
            layers.Conv2D(4, 3, strides=2, activation="relu", input_shape=SHAPE[1:]),
            layers.BatchNormalization(),
            layers.DepthwiseConv2D(3, padding="same"),
            layers.LeakyReLU(alpha=0.2),
            layers.SeparableConv2D(5, 3, strides=2),
            layers.GlobalMaxPooling2D(),
        ]
    )


def sequential_gru() -> Any:
    """The tutorial's form: TimeDistributed(Sequential), then a GRU."""
    return keras.Sequential(
        [
            layers.TimeDistributed(_encoder(), input_shape=SHAPE),
            layers.GRU(4),
            layers.Dropout(0.5),
            layers.Dense(3, activation="softmax"),
        ]
    )


def stacked_bidirectional() -> Any:
    return keras.Sequential(
        [
            layers.Rescaling(1 / 255, input_shape=SHAPE),
            layers.TimeDistributed(layers.Conv2D(3, 3, strides=4)),
            layers.TimeDistributed(layers.Flatten()),
            layers.Bidirectional(layers.LSTM(3, return_sequences=True)),
            layers.Bidirectional(layers.GRU(3, reset_after=False), merge_mode="sum"),
            layers.Dense(3, activation="softmax"),
        ]
    )


def old_lstm() -> Any:
    """Hard sigmoids, as they were the default of Keras before 2.3, and `preprocess_input`."""
    clip = keras.Input(SHAPE)
    x = keras.applications.mobilenet_v2.preprocess_input(clip)
    x = layers.TimeDistributed(_encoder())(x)
    x = layers.LSTM(4, recurrent_activation="hard_sigmoid")(x)
    return keras.Model(clip, layers.Dense(3, activation="softmax")(x))


def models_in_a_model() -> Any:
    """Models as layers, one of them the last; a frozen one, whose weights come in another order."""
    clip = keras.Input(SHAPE)
    frozen = _encoder()
    frozen.trainable = False
    features = keras.Sequential([layers.TimeDistributed(frozen)])(clip)
    rows = keras.Input(features.shape[1:])
    head = keras.Model(rows, layers.GRU(4, use_bias=False)(layers.Dense(5)(rows)))
    last = keras.Sequential([layers.Dense(3, activation="softmax", input_shape=(4,))])
    return keras.Model(clip, last(head(features)))


MODELS: dict[str, Callable[[], Any]] = {
    one.__name__: one
    for one in (sequential_gru, stacked_bidirectional, old_lstm, models_in_a_model)
}


def with_random_weights(model: Any) -> Any:
    """Weights and statistics such that the scores differ from clip to clip."""
    rng = np.random.default_rng(0)
    values = []
    for weight, was in zip(model.weights, model.get_weights(), strict=True):
        if "variance" in weight.name:
            values.append(rng.uniform(0.5, 2.0, was.shape))
        else:
            values.append(rng.normal(scale=0.6, size=was.shape))
    model.set_weights(values)
    return model


def as_of_keras_2_2(path: Path) -> None:
    """Take away what newer versions of Keras 2 write into a config, in place."""
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        file.attrs["model_config"] = json.dumps(_older(config))
        file.attrs["keras_version"] = "2.2.4"


def _older(value: Any) -> Any:
    if isinstance(value, list):
        return [_older(one) for one in value]
    if not isinstance(value, dict):
        return value
    gone = {"module", "registered_name", "build_config", "optional", "groups", "time_major"}
    made = {key: _older(one) for key, one in value.items() if key not in gone}
    if made.get("class_name") == "Functional":
        made["class_name"] = "Model"
    if made.get("class_name") == "Sequential":
        layers_of = made["config"]["layers"]
        if layers_of and layers_of[0]["class_name"] == "InputLayer":
            made["config"]["layers"] = layers_of[1:]
    return made


def write(folder: Path) -> None:
    """Write all files."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(1)
    blocks = rng.integers(0, 256, (8, 3, 4, 5, 3), dtype=np.uint8)
    clips = blocks.repeat(4, axis=2).repeat(4, axis=3)  # (8, *SHAPE)
    np.savez_compressed(folder / "clips.npz", clips=clips)
    for name, make in MODELS.items():
        keras.utils.set_random_seed(0)
        model = with_random_weights(make())
        scales_itself = name in ("stacked_bidirectional", "old_lstm")
        pixels = clips.astype(np.float32) / (1.0 if scales_itself else 255.0)
        kernel, bias = model.layers[-1].get_weights()
        for factor in (1, 3, 10, 30, 100, 300, 1000):
            model.layers[-1].set_weights([kernel * factor, bias])
            scores = model.predict(pixels, verbose=0)
            if np.ptp(scores, axis=0).max() > 0.1:
                break
        assert np.ptp(scores, axis=0).max() > 0.1, name
        model.save(folder / f"{name}.h5", include_optimizer=False)
        np.save(folder / f"{name}.npy", scores)
        if name == "sequential_gru":
            model.save(folder / "keras_2_2.h5", include_optimizer=False)
            as_of_keras_2_2(folder / "keras_2_2.h5")
            np.save(folder / "keras_2_2.npy", scores)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
