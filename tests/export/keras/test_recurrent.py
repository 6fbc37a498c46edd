from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from rtaction.errors import ExportError
from rtaction.export.keras.recurrent import is_recurrent, recurrent_nodes
from rtaction.keras_files.archive import keras2_hard_sigmoid
from rtaction.keras_tensorflow import keras

layers = keras.layers


def _run(layer: Any, values: np.ndarray) -> np.ndarray:
    pieces = recurrent_nodes(layer, "source", "target", "layer")
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        pieces.nodes,
        "one_layer",
        [value("source", TensorProto.FLOAT, ["batch", *values.shape[1:]])],
        [value("target", TensorProto.FLOAT, None)],
        pieces.weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return np.asarray(session.run(None, {"source": values})[0])


@pytest.mark.parametrize("return_sequences", [False, True])
@pytest.mark.parametrize(
    "make",
    [
        lambda **options: layers.GRU(7, **options),
        lambda **options: layers.GRU(7, reset_after=False, **options),
        lambda **options: layers.GRU(7, use_bias=False, **options),
        lambda **options: layers.LSTM(7, **options),
        lambda **options: layers.LSTM(7, use_bias=False, **options),
        lambda **options: layers.Bidirectional(layers.GRU(7, **options)),
        lambda **options: layers.Bidirectional(layers.LSTM(7, **options)),
        lambda **options: layers.SimpleRNN(7, **options),
        lambda **options: layers.SimpleRNN(7, activation="relu", **options),
        lambda **options: layers.Bidirectional(layers.SimpleRNN(7, **options)),
        lambda **options: layers.GRU(7, go_backwards=True, **options),
        lambda **options: layers.LSTM(7, go_backwards=True, **options),
        lambda **options: layers.GRU(7, activation="relu", **options),
        lambda **options: layers.GRU(7, recurrent_activation="hard_sigmoid", **options),
        lambda **options: layers.LSTM(7, recurrent_activation="hard_sigmoid", **options),
        lambda **options: layers.LSTM(
            7, activation="hard_sigmoid", recurrent_activation=keras2_hard_sigmoid, **options
        ),
        lambda **options: layers.Bidirectional(
            layers.GRU(7, recurrent_activation="hard_sigmoid", **options), merge_mode="sum"
        ),
        lambda **options: layers.Bidirectional(layers.LSTM(7, **options), merge_mode="mul"),
        lambda **options: layers.Bidirectional(layers.LSTM(7, **options), merge_mode="ave"),
        lambda **options: layers.GRU(7, dropout=0.5, recurrent_dropout=0.5, **options),
    ],
    ids=[
        *("gru", "gru reset before", "gru without bias", "lstm", "lstm without bias"),
        *("bidirectional gru", "bidirectional lstm"),
        *("simple", "simple relu", "bidirectional simple", "gru backwards", "lstm backwards"),
        *("gru relu", "gru hard sigmoid", "lstm hard sigmoid", "lstm two hard sigmoids"),
        *("bidirectional sum", "bidirectional mul", "bidirectional ave", "gru dropout"),
    ],
)
def test_native_operation_equals_the_layer(make: Any, return_sequences: bool) -> None:
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    layer = make(return_sequences=return_sequences)
    values = rng.normal(size=(3, 6, 5)).astype(np.float32)
    layer(values)
    # Biases are zero in a new layer; a mistake in their order would not show.
    layer.set_weights([rng.normal(size=w.shape) for w in layer.get_weights()])
    expected = np.asarray(layer(values))
    assert expected.std() > 0.05
    np.testing.assert_allclose(_run(layer, values), expected, atol=2e-6)


def test_it_is_one_operation_without_a_loop() -> None:
    layer = layers.GRU(4)
    layer(np.zeros((1, 3, 2), np.float32))
    nodes = recurrent_nodes(layer, "source", "target", "layer").nodes
    assert [node.op_type for node in nodes] == ["Transpose", "GRU", "Squeeze"]
    assert not any(a.type == onnx.AttributeProto.GRAPH for node in nodes for a in node.attribute)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (layers.Bidirectional(layers.GRU(4), merge_mode=None), "merge_mode None"),
        (
            layers.Bidirectional(
                layers.GRU(4), backward_layer=layers.LSTM(4, go_backwards=True), name="two"
            ),
            "'two'.*GRU and LSTM",
        ),
        (layers.Bidirectional(layers.GRU(4, activation="elu")), "activation elu"),
        (layers.GRU(4, name="gate", activation="softplus"), "'gate'.*activation softplus"),
        (layers.LSTM(4, recurrent_activation="elu"), "recurrent_activation elu"),
        (layers.GRU(4, stateful=True), "stateful"),
        (layers.GRU(4, return_state=True), "return_state"),
    ],
)
def test_what_it_cannot_express_is_refused(layer: Any, message: str) -> None:
    assert not is_recurrent(layer)
    with pytest.raises(ExportError, match=message):
        recurrent_nodes(layer, "source", "target", "layer")
