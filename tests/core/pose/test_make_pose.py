"""What `tools/make_pose.py` does to a network, on small graphs of its own."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx import numpy_helper

from rtaction.onnx_format.build import Pieces, bytes_of, described, model_of
from tools.canonical_graph import canonical
from tools.make_pose import stored

RNG = np.random.default_rng(3)
WEIGHTS = RNG.normal(size=(8, 4, 3, 3)).astype(np.float32)


def _convolution(*, order: int = 1) -> Pieces:
    """Two branches from x to y, in either order and with other names."""
    pieces = Pieces()
    pieces.store("weights", WEIGHTS)
    pieces.store("unused", [1.0], np.float32)
    for number in (0, 1)[::order]:
        pieces.add("Conv", ["x", "weights"], f"branch_{number * order}", dilations=[number + 1] * 2)
    cut = pieces.add("Relu", ["branch_0"], f"cut_{order}")
    other = pieces.add("GlobalMaxPool", [f"branch_{order}"], f"other_{order}")
    pieces.add("Add", [cut, other], "y")
    return pieces


def _bytes(pieces: Pieces) -> bytes:
    return bytes_of(
        model_of(
            [pieces],
            inputs=[described("x", "float32", [1, 4, 9, 9])],
            outputs=[described("y", "float32", [1, 8, "h", "w"])],
        )
    )


def _run(content: bytes, x: Any) -> Any:
    return onnxruntime.InferenceSession(content).run(None, {"x": x})[0]


def test_equal_graphs_get_equal_bytes_whatever_their_order_and_names() -> None:
    first, second = _convolution(), _convolution(order=-1)
    assert _bytes(first) != _bytes(second)
    ordered = [canonical(one, inputs=["x"], outputs=["y"]) for one in (first, second)]

    assert _bytes(ordered[0]) == _bytes(ordered[1])
    assert [node.op_type for node in ordered[0].nodes] == [
        "Conv",
        "Relu",
        "Conv",
        "GlobalMaxPool",
        "Add",
    ]
    assert [tensor.name for tensor in ordered[0].weights] == ["w0"]


@pytest.mark.parametrize(("storage", "size"), [("float32", 4), ("float16", 2), ("int8", 1)])
def test_weights_are_stored_in_fewer_bytes_and_read_as_float32(storage: Any, size: int) -> None:
    pieces = Pieces()
    pieces.store("weights", WEIGHTS)
    pieces.store("small", WEIGHTS[0, 0])
    pieces.add("Conv", ["x", "weights"], "y")
    smaller = stored(pieces, storage)
    by_size = sorted((numpy_helper.to_array(one) for one in smaller.weights), key=np.size)
    assert by_size[-1].dtype.itemsize == size
    assert any(np.array_equal(one, WEIGHTS[0, 0]) for one in by_size)

    levels = np.abs(WEIGHTS).max(axis=(1, 2, 3), keepdims=True) / 127
    expected = {
        "float32": WEIGHTS,
        "float16": WEIGHTS.astype(np.float16).astype(np.float32),
        "int8": np.rint(WEIGHTS / levels) * levels,
    }[storage]
    plain = Pieces()
    plain.store("weights", expected, np.float32)
    plain.add("Conv", ["x", "weights"], "y")
    x = RNG.normal(size=(1, 4, 9, 9)).astype(np.float32)
    np.testing.assert_allclose(_run(_bytes(smaller), x), _run(_bytes(plain), x), atol=1e-4)


def test_a_graph_model_of_tensorflow_js_is_read_and_its_fused_steps_taken_apart() -> None:
    tf = pytest.importorskip("tensorflow", reason="reads the graph")
    from tools.tfjs_graph import read_graph_model

    kernel = RNG.normal(size=(3, 3, 2, 5)).astype(np.float16)
    bias = RNG.normal(size=5).astype(np.float32)
    text = _graph_model(["BiasAdd", "Relu6"])
    content = kernel.tobytes() + bias.tobytes()
    graph = read_graph_model(text, content)
    assert [node.op for node in graph.node] == [
        "Placeholder",
        "Const",
        "Const",
        "Conv2D",
        "BiasAdd",
        "Relu6",
    ]
    x = RNG.normal(size=(1, 6, 6, 2)).astype(np.float32)
    run = tf.compat.v1.wrap_function(
        lambda x: tf.graph_util.import_graph_def(graph, {"x": x}, ["y:0"])[0],
        [tf.TensorSpec(x.shape, tf.float32)],
    )
    expected = tf.nn.relu6(tf.nn.conv2d(x, kernel.astype(np.float32), 2, "SAME") + bias)
    np.testing.assert_allclose(run(tf.constant(x)), expected, atol=1e-5)

    with pytest.raises(ValueError, match="describes 200 bytes of weights, got 204"):
        read_graph_model(text, content + bytes(4))
    with pytest.raises(ValueError, match=r"y fuses \[b'BiasAdd', b'Swish'\]"):
        read_graph_model(_graph_model(["BiasAdd", "Swish"]), content)


def _graph_model(fused: list[str]) -> bytes:
    """One fused convolution as TensorFlow.js writes it; the kernel is stored as float16."""
    float_type = {"type": "DT_FLOAT"}
    shape = [3, 3, 2, 5]
    nodes = [
        {"name": "x", "op": "Placeholder", "attr": {"dtype": float_type}},
        {"name": "kernel", "op": "Const", "attr": {"dtype": float_type}},
        {"name": "bias", "op": "Const", "attr": {"dtype": float_type}},
        {
            "name": "y",
            "op": "_FusedConv2D",
            "input": ["x", "kernel", "bias"],
            "attr": {
                "T": float_type,
                "strides": {"list": {"i": ["1", "2", "2", "1"]}},
                "padding": {"s": base64.b64encode(b"SAME").decode()},
                "fused_ops": {
                    "list": {"s": [base64.b64encode(one.encode()).decode() for one in fused]}
                },
                "num_args": {"i": "1"},
            },
        },
    ]
    half = {"dtype": "float16", "original_dtype": "float32"}
    weights = [
        {"name": "kernel", "shape": shape, "dtype": "float32", "quantization": half},
        {"name": "bias", "shape": [5], "dtype": "float32"},
    ]
    described = {
        "modelTopology": {"node": nodes, "versions": {}},
        "weightsManifest": [{"paths": ["weights.bin"], "weights": weights}],
    }
    return json.dumps(described).encode()
