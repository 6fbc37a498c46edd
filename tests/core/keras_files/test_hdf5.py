"""Weights of `.h5` files, in the forms that old versions of Keras stored them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from rtaction.errors import ModelUnreadable
from rtaction.export.keras.loading import load_keras_model
from rtaction.keras_files.hdf5 import assign_stored, opened, stored_weights
from rtaction.keras_tensorflow import keras
from tests.export.networks import SPEC, layers, seeing

Weights = list[np.ndarray]


def _as_cudnn(kernel: np.ndarray, recurrent: np.ndarray, bias: np.ndarray, gates: int) -> Weights:
    """As `tf_keras` 2.21 converts them (`_convert_rnn_weights`), the other way round."""
    kernels = [k.T.reshape(k.shape) for k in np.hsplit(kernel, gates)]
    recurrents = [k.T for k in np.hsplit(recurrent, gates)]
    biases = bias.reshape(-1) if gates == 3 else np.tile(0.5 * bias, 2)
    return [np.hstack(kernels), np.hstack(recurrents), biases]


@pytest.mark.parametrize(("kind", "gates"), [(layers.GRU, 3), (layers.LSTM, 4)])
def test_cudnn_weights_are_put_in_order(kind: Any, gates: int) -> None:
    rng = np.random.default_rng(0)
    rows = keras.Input((4, 5))
    model = keras.Model(rows, kind(6, name="layer")(rows))
    values = [rng.normal(size=w.shape).astype(np.float32) for w in model.get_weights()]
    names = [f"layer/{name}:0" for name in ("kernel", "recurrent_kernel", "bias")]
    cudnn = _as_cudnn(values[0], values[1], values[2], gates)
    assign_stored(model, {"layer": list(zip(names, cudnn, strict=True))}, "the file")
    for found, expected in zip(model.get_weights(), values, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("kind", ["Sequential", "Functional"])
def test_keras_3_files(kind: str, tmp_path: Path) -> None:
    keras.utils.set_random_seed(0)
    clip = keras.Input(SPEC.clip_shape)
    chain = [
        layers.Rescaling(1 / 255),
        layers.TimeDistributed(seeing(SPEC.frame_shape)),
        layers.Bidirectional(layers.GRU(3)),
        layers.Dense(3, activation="softmax"),
    ]
    model = keras.Sequential([clip, *chain])
    if kind == "Functional":
        x = clip
        for layer in chain:
            x = layer(x)
        model = keras.Model(clip, x)
    model.save(tmp_path / "model.h5")
    clips = np.random.default_rng(0).uniform(0, 255, (3, *SPEC.clip_shape)).astype(np.float32)
    found = load_keras_model(tmp_path / "model.h5").predict_on_batch(clips)
    np.testing.assert_allclose(found, model.predict_on_batch(clips), atol=1e-6)


def _model() -> Any:
    rows = keras.Input((5,))
    return keras.Model(rows, layers.Dense(2, name="second")(layers.Dense(3, name="first")(rows)))


def test_names_may_differ_where_the_order_is_the_same() -> None:
    values = {
        "dense_7": [("dense_7/kernel:0", np.ones((5, 3))), ("dense_7/bias:0", np.full(3, 2.0))],
        "dense_8": [("dense_8/kernel:0", np.full((3, 2), 3.0)), ("dense_8/bias:0", np.ones(2))],
    }
    model = _model()
    assign_stored(model, values, "the file")
    assert model(np.ones((1, 5))).numpy().tolist() == [[64.0, 64.0]]


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ([("second/kernel:0", np.ones((3, 4))), ("second/bias:0", np.ones(2))], "layer 'second'"),
        ([("second/bias:0", np.ones(2)), ("second/gamma:0", np.ones(2))], "the file holds"),
        ([("second/kernel:0", np.ones((3, 2)))], "the config expects"),
        ([], r"weights and config do not match in the layers \['second'\]"),
    ],
)
def test_weights_that_do_not_fit_are_told(second: Any, message: str) -> None:
    values = {"first": [("first/kernel:0", np.ones((5, 3))), ("first/bias:0", np.ones(3))]}
    with pytest.raises(ModelUnreadable, match=message):
        assign_stored(_model(), values | ({"second": second} if second else {}), "the file")


def test_long_lists_of_names_lie_in_pieces(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        group = file.create_group("model_weights")
        group.attrs["layer_names0"] = [b"a"]
        group.attrs["layer_names1"] = [b"b"]
        for name in "ab":
            group.create_dataset(f"{name}/{name}/kernel:0", data=np.ones(2))
            group[name].attrs["weight_names"] = [f"{name}/kernel:0"]
    with opened(tmp_path / "x.h5", "x") as file:
        assert list(stored_weights(file)) == ["a", "b"]
