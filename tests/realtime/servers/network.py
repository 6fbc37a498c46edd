"""A network with a convolution, a recurrent layer and matrix products, its weights at random."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from rtaction.model_spec import METADATA_KEY, ModelSpec
from rtaction.onnx_format.file import BOUNDARY_KEY, Boundary

SPEC = ModelSpec(("wave", "clap", "nothing"), 5, 1.0, 12, 16)
BOUNDARY = Boundary("frames", "frame_features", "clip_features")
FILTERS, FEATURES, UNITS = 6, 4, 7
GATES = {"GRU": 3, "LSTM": 4, "RNN": 1}


def write_network(path: Path, *, recurrent: str = "GRU", seed: int = 0) -> Path:
    """Conv 3x3 (FILTERS, stride 2), mean, MatMul to FEATURES; recurrent (UNITS), Gemm, Softmax."""
    random = np.random.default_rng(seed)

    def weights(*shape: int) -> np.ndarray:
        return random.normal(0.0, 0.7, shape).astype(np.float32)

    node, constant = helper.make_node, numpy_helper.from_array
    gates = GATES[recurrent] * UNITS
    nodes = [
        node("Reshape", ["clip", "frame_shape"], ["frames"]),
        node("Cast", ["frames"], ["pixels"], to=TensorProto.FLOAT),
        node("Div", ["pixels", "white"], ["scaled"]),
        node("Transpose", ["scaled"], ["planes"], perm=[0, 3, 1, 2]),
        node(
            "Conv",
            ["planes", "kernel"],
            ["convolved"],
            kernel_shape=[3, 3],
            strides=[2, 2],
            pads=[1, 1, 1, 1],
        ),
        node("Relu", ["convolved"], ["positive"]),
        node("GlobalAveragePool", ["positive"], ["pooled"]),
        node("Flatten", ["pooled"], ["flat"]),
        node("MatMul", ["flat", "projection"], ["frame_features"]),
        node("Reshape", ["frame_features", "clip_shape"], ["clip_features"]),
        node("Transpose", ["clip_features"], ["by_time"], perm=[1, 0, 2]),
        node(recurrent, ["by_time", "input_gates", "state_gates"], ["", "last"], hidden_size=UNITS),
        node("Squeeze", ["last", "first_axis"], ["state"]),
        node("Gemm", ["state", "dense", "bias"], ["logits"]),
        node("Softmax", ["logits"], ["scores"], axis=-1),
    ]
    constants = {
        "frame_shape": np.array([-1, *SPEC.frame_shape]),
        "white": np.array(255.0, np.float32),
        "kernel": weights(FILTERS, SPEC.channels, 3, 3),
        "projection": weights(FILTERS, FEATURES),
        "clip_shape": np.array([-1, SPEC.frames_per_clip, FEATURES]),
        "input_gates": weights(1, gates, FEATURES),
        "state_gates": weights(1, gates, UNITS),
        "first_axis": np.array([0]),
        "dense": weights(UNITS, len(SPEC.labels)),
        "bias": weights(len(SPEC.labels)),
    }
    uint8, float32, value = TensorProto.UINT8, TensorProto.FLOAT, helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "network",
        [value("clip", uint8, ["batch", *SPEC.clip_shape])],
        [value("scores", float32, ["batch", len(SPEC.labels)])],
        [constant(array, name) for name, array in constants.items()],
        value_info=[
            value("frames", uint8, ["frames", *SPEC.frame_shape]),
            value("frame_features", float32, ["frames", FEATURES]),
            value("clip_features", float32, ["batch", SPEC.frames_per_clip, FEATURES]),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, {METADATA_KEY: SPEC.to_json(), BOUNDARY_KEY: BOUNDARY.to_json()})
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString())
    return path
