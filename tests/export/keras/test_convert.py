"""What must hold of a graph although its scores are right."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from rtaction.errors import ExportError
from rtaction.export.keras.convert import check_structure, to_onnx
from rtaction.export.keras.graph import flattened
from rtaction.export.keras.parts import KerasParts, divide
from rtaction.keras_tensorflow import keras
from tests.export.networks import SPEC, layers, seeing


def _parts(*, calls: int = 1) -> KerasParts:
    clip = keras.Input(SPEC.clip_shape, dtype="uint8")
    encoder = layers.TimeDistributed(seeing(SPEC.frame_shape))
    x = layers.Rescaling(1 / 255)(clip)
    seen = [encoder(x * float(number + 1)) for number in range(calls)]
    x = layers.GRU(4)(layers.Add()(seen) if calls > 1 else seen[0])
    return divide(flattened(keras.Model(clip, layers.Dense(3, activation="softmax")(x))))


def _with_convolutions(model: onnx.ModelProto, number: int) -> onnx.ModelProto:
    """So many further uses of the same weights, as an unrolled TimeDistributed has them."""
    made = onnx.ModelProto()
    made.CopyFrom(model)
    (conv,) = (node for node in made.graph.node if node.op_type == "Conv")
    for copy in range(number):
        node = made.graph.node.add()
        node.CopyFrom(conv)
        node.output[0] = f"copy{copy}"
    return made


def test_a_network_that_stands_once_passes() -> None:
    parts = _parts()
    model = to_onnx(parts, SPEC)
    check_structure(model, parts)
    with pytest.raises(ExportError, match=r"are used by 4 operations .* called 1 times at most"):
        check_structure(_with_convolutions(model, 3), parts)


def test_a_layer_that_is_called_twice_may_stand_twice() -> None:
    parts = _parts(calls=2)
    model = to_onnx(parts, SPEC)
    assert sum(node.op_type == "Conv" for node in model.graph.node) == 2
    check_structure(model, parts)


def test_a_loop_is_refused() -> None:
    parts = _parts()
    model = to_onnx(parts, SPEC)
    yes: Any = numpy_helper.from_array(np.array(True), "yes")
    value = helper.make_tensor_value_info
    body = helper.make_graph(
        [helper.make_node("Identity", ["going"], ["goes"])],
        "body",
        [value("number", TensorProto.INT64, []), value("going", TensorProto.BOOL, [])],
        [value("goes", TensorProto.BOOL, [])],
    )
    model.graph.initializer.append(yes)
    model.graph.node.append(helper.make_node("Loop", ["", "yes"], [], body=body))
    with pytest.raises(ExportError, match="contains Loop, which cannot be cut"):
        check_structure(model, parts)


def test_what_is_replaced_is_not_reported_as_an_error(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    clip = keras.Input(SPEC.clip_shape, dtype="uint8")
    x = layers.TimeDistributed(seeing(SPEC.frame_shape))(layers.Rescaling(1 / 255)(clip))
    x = layers.Dense(8, activation=keras.activations.gelu)(layers.GRU(4)(x))
    to_onnx(divide(flattened(keras.Model(clip, layers.Dense(3)(x)))), SPEC)
    assert "ERROR" not in "".join(capfd.readouterr())
    assert not [one for one in caplog.records if one.name.startswith("tf2onnx")]
