"""Stand-ins with the inputs and states of TSM online and MoViNet-stream, whose scores are known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

SHIFTS = (
    (1, 3, 56, 56),
    (1, 4, 28, 28),
    (1, 4, 28, 28),
    *((1, 8, 14, 14),) * 3,
    *((1, 12, 14, 14),) * 2,
    *((1, 20, 7, 7),) * 2,
)
"""The buffers of TSM's MobileNetV2 (Lin et al. 2019, online_demo)."""
MOVINET_STATES = {
    "state_block0_layer0_stream_buffer": ((1, 2, 43, 43, 24), np.float32),
    "state_head_pool_buffer": ((1, 1, 1, 1, 480), np.float32),
    "state_head_pool_frame_count": ((1,), np.int32),
}
"""One state of each kind that MoViNet-A0-stream has."""


def write_tsm_like(path: Path, *, keeps: bool = True) -> Path:
    """Inputs i0 to i10, outputs o0 to o10, as TSM's MobileNetV2 is exported.

    Buffer k is filled with k times the mean of the picture. The first ten of 27 scores are the
    means of the buffers as they came in, the eleventh is that of the picture.

    Args:
        path: to write.
        keeps: whether the buffers come out filled; otherwise as they came in. Default True.
    """
    nodes = [helper.make_node("ReduceMean", ["i0"], ["mean"], axes=[1, 2, 3], keepdims=1)]
    constants = {"flat": np.array([1, 1]), "rest": np.zeros((1, 16), np.float32)}
    columns = []
    for number, shape in enumerate(SHIFTS, 1):
        constants[f"k{number}"] = np.full((1, 1, 1, 1), number, np.float32)
        constants[f"shape{number}"] = np.array(shape)
        nodes += [
            helper.make_node("Mul", ["mean", f"k{number}"], [f"fill{number}"]),
            helper.make_node("Expand", [f"fill{number}", f"shape{number}"], [f"new{number}"]),
            helper.make_node("Identity", [f"{'new' if keeps else 'i'}{number}"], [f"o{number}"]),
            helper.make_node("ReduceMean", [f"i{number}"], [f"m{number}"], axes=[1, 2, 3]),
            helper.make_node("Reshape", [f"m{number}", "flat"], [f"column{number}"]),
        ]
        columns.append(f"column{number}")
    nodes += [
        helper.make_node("Reshape", ["mean", "flat"], ["column"]),
        helper.make_node("Concat", [*columns, "column", "rest"], ["o0"], axis=1),
    ]
    inputs = {f"i{number}": shape for number, shape in enumerate(((1, 3, 224, 224), *SHIFTS))}
    outputs = {f"o{number}": shape for number, shape in enumerate(((1, 27), *SHIFTS))}
    return _write(path, nodes, constants, _floats(inputs), _floats(outputs))


def write_movinet_like(path: Path) -> Path:
    """Names, layout and kinds of states of MoViNet, in ONNX, the sides of the picture left open.

    The first of 600 scores is the mean of all pictures so far, by the pool's buffer and its count,
    the second that of the last picture but one, by the stream buffer; all others are 0.
    """
    (stream, pool, count) = MOVINET_STATES
    node = helper.make_node
    nodes = [
        node("ReduceMean", ["image"], ["mean"], axes=[1, 2, 3, 4], keepdims=1),
        node("Add", [pool, "mean"], ["new_pool"]),
        node("Add", [count, "one"], ["new_count"]),
        node("Cast", ["new_count"], ["number"], to=onnx.TensorProto.FLOAT),
        node("ReduceMean", ["new_pool"], ["sum"], axes=[1, 2, 3, 4], keepdims=0),
        node("Div", ["sum", "number"], ["so_far"]),
        node("Split", [stream], ["older", "newer"], axis=1),
        node("Expand", ["mean", "slot"], ["newest"]),
        node("Concat", ["newer", "newest"], ["new_stream"], axis=1),
        node("ReduceMean", ["older"], ["last_but_one"], axes=[1, 2, 3, 4], keepdims=0),
        node("Reshape", ["so_far", "flat"], ["column"]),
        node("Reshape", ["last_but_one", "flat"], ["second"]),
        node("Concat", ["column", "second", "rest"], ["logits"], axis=1),
    ]
    renamed = {"new_pool": pool, "new_count": count, "new_stream": stream}
    nodes += [node("Identity", [new], [f"{old}:0"]) for new, old in renamed.items()]
    constants = {
        "one": np.ones(1, np.int32),
        "flat": np.array([1, 1]),
        "slot": np.array([1, 1, 43, 43, 24]),
        "rest": np.zeros((1, 598), np.float32),
    }
    image = helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, [1, 1, "h", "w", 3])
    states = _described(MOVINET_STATES)
    back = _described({f"{name}:0": kind for name, kind in MOVINET_STATES.items()})
    scores = helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, [1, 600])
    return _write(path, nodes, constants, [image, *states], [*back, scores])


def write_movinet_like_with_tensorflow(folder: Path) -> tuple[Path, Path]:
    """A SavedModel with the signatures of MoViNet's, and the TFLite file made of it.

    The scores are those of `write_movinet_like`.
    """
    from rtaction.keras_tensorflow import tensorflow as tf

    stream, pool, count = MOVINET_STATES

    class Network(tf.Module):  # type: ignore[misc]
        def call(self, image: Any, **states: Any) -> dict[str, Any]:
            mean = tf.reduce_mean(image)
            sums, number = states[pool] + mean, states[count] + 1
            so_far = tf.reduce_mean(sums) / tf.cast(number[0], tf.float32)
            last_but_one = tf.reduce_mean(states[stream][:, :1])
            newest = tf.fill([1, 1, 43, 43, 24], mean)
            return {
                "logits": tf.concat([[[so_far, last_but_one]], tf.zeros([1, 598])], axis=1),
                stream: tf.concat([states[stream][:, 1:], newest], axis=1),
                pool: sums,
                count: number,
            }

        def init_states(self, shape: Any) -> dict[str, Any]:
            return {name: tf.zeros(*kind) for name, kind in MOVINET_STATES.items()}

    network = Network()
    specs = {name: tf.TensorSpec(*kind, name=name) for name, kind in MOVINET_STATES.items()}
    image = tf.TensorSpec([1, 1, 172, 172, 3], tf.float32, name="image")
    call = tf.function(network.call).get_concrete_function(image=image, **specs)
    shape = tf.TensorSpec([5], tf.int32, name="shape")
    init = tf.function(network.init_states).get_concrete_function(shape)
    saved = folder / "movinet_a0_stream"
    tf.saved_model.save(network, str(saved), signatures={"call": call, "init_states": init})
    converter = tf.lite.TFLiteConverter.from_saved_model(str(saved), signature_keys=["call"])
    lite = folder / "movinet_a0_stream.tflite"
    lite.write_bytes(converter.convert())
    return saved, lite


def _floats(shapes: dict[str, Any]) -> list[onnx.ValueInfoProto]:
    return _described({name: (shape, np.float32) for name, shape in shapes.items()})


def _described(kinds: dict[str, Any]) -> list[onnx.ValueInfoProto]:
    return [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape)
        for name, (shape, dtype) in kinds.items()
    ]


def _write(path: Path, nodes: Any, constants: Any, inputs: Any, outputs: Any) -> Path:
    weights = [numpy_helper.from_array(array, name) for name, array in constants.items()]
    graph = helper.make_graph(nodes, "stand-in", inputs, outputs, weights)
    # Of opset 17, in which the axes of means are attributes.
    opset = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString())
    return path
