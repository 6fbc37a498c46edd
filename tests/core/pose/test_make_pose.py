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
from tools.make_pose import best_steps, stored

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


def _bytes(pieces: Pieces, *, channels: int = 4) -> bytes:
    return bytes_of(
        model_of(
            [pieces],
            inputs=[described("x", "float32", [1, channels, "h", "w"])],
            outputs=[described("y", "float32", [1, "c", "i", "j"])],
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


@pytest.mark.parametrize(
    ("storage", "bytes_of_large"), [("float32", 4), ("float16", 2), ("int8", 1)]
)
def test_large_weights_take_fewer_bytes_and_are_read_as_float32(
    storage: Any, bytes_of_large: int
) -> None:
    large = RNG.normal(size=(100, 200, 1, 1)).astype(np.float32)
    depthwise = RNG.normal(size=(30_000, 1, 1, 1)).astype(np.float32)
    values = {"large": large, "depthwise": depthwise, "small": WEIGHTS[0, 0]}
    pieces = Pieces()
    for name, one in values.items():
        pieces.store(name, one)
    smaller = {one.name: one for one in stored(pieces, storage).weights}
    sizes = {name: numpy_helper.to_array(one).dtype.itemsize for name, one in smaller.items()}
    assert {sizes.get(f"large{end}", 9) for end in ("", "/half", "/levels")} - {9} == {
        bytes_of_large
    }
    assert sizes["small"] == 4
    assert sizes.get("depthwise", sizes.get("depthwise/half")) == max(bytes_of_large, 2)


@pytest.mark.parametrize(("storage", "error"), [("float16", 5e-4), ("int8", 0.013)])
def test_stored_weights_compute_nearly_the_same(storage: Any, error: float) -> None:
    large = RNG.normal(size=(100, 200, 1, 1)).astype(np.float32)
    plain = Pieces()
    plain.store("weights", large)
    plain.add("Conv", ["x", "weights"], "y")
    x = np.eye(200, dtype=np.float32).reshape(1, 200, 10, 20)
    smaller, exact = (_run(_bytes(one, channels=200), x) for one in (stored(plain, storage), plain))
    distance = np.abs(smaller - exact).max(axis=(0, 2, 3)) / np.abs(exact).max(axis=(0, 2, 3))
    assert distance.max() > 0
    assert np.median(distance) < error


def test_steps_have_the_least_error_and_may_cut_a_large_value_off() -> None:
    whole = np.resize(np.arange(-127, 128), 20_000)
    outlier = RNG.normal(size=20_000)
    outlier[0] = 6.0
    rows = np.stack([whole, outlier]).astype(np.float32)
    steps = best_steps(rows)
    assert steps[0, 0] == 1.0
    assert steps[1, 0] < 0.95 * 6 / 127

    def squared_error(step: float) -> float:
        rounded = np.rint(rows[1] / step).clip(-127, 127) * step
        return float(((rounded - rows[1]) ** 2).sum())

    assert squared_error(steps[1, 0]) < squared_error(6 / 127)


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
