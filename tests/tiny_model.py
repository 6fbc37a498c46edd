"""An ONNX model that can be reasoned about, built without training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from rtaction.model_spec import METADATA_KEY, ModelSpec
from rtaction.onnx_format.file import BOUNDARY_KEY, Boundary

BOUNDARY = Boundary("frames", "frame_features", "clip_features")


def write_tiny_model(path: Path, spec: ModelSpec) -> Path:
    """Write a model whose first score is the mean brightness of the clip, its second one minus it.

    The one feature of a picture is the mean of its pixels, from 0 to 1. Further labels score 0.
    """
    weights = np.zeros((1, len(spec.labels)), np.float32)
    weights[0, :2] = 1.0, -1.0
    bias = np.zeros(len(spec.labels), np.float32)
    bias[1] = 1.0
    node, constant = helper.make_node, numpy_helper.from_array
    nodes = [
        node("Reshape", ["clip", "frame_shape"], ["frames"]),
        node("Cast", ["frames"], ["pixels"], to=TensorProto.FLOAT),
        node("ReduceMean", ["pixels"], ["mean"], axes=[1, 2, 3], keepdims=1),
        node("Div", ["mean", "white"], ["share"]),
        node("Reshape", ["share", "feature_shape"], ["frame_features"]),
        node("Reshape", ["frame_features", "clip_shape"], ["clip_features"]),
        node("ReduceMean", ["clip_features"], ["clip_mean"], axes=[1], keepdims=0),
        node("Gemm", ["clip_mean", "weights", "bias"], ["scores"]),
    ]
    constants = {
        "frame_shape": np.array([-1, *spec.frame_shape]),
        "white": np.array(255.0, np.float32),
        "feature_shape": np.array([-1, 1]),
        "clip_shape": np.array([-1, spec.frames_per_clip, 1]),
        "weights": weights,
        "bias": bias,
    }
    uint8, float32, value = TensorProto.UINT8, TensorProto.FLOAT, helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "tiny",
        [value("clip", uint8, ["batch", *spec.clip_shape])],
        [value("scores", float32, ["batch", len(spec.labels)])],
        [constant(array, name) for name, array in constants.items()],
        value_info=[
            value("frames", uint8, ["frames", *spec.frame_shape]),
            value("frame_features", float32, ["frames", 1]),
            value("clip_features", float32, ["batch", spec.frames_per_clip, 1]),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, {METADATA_KEY: spec.to_json(), BOUNDARY_KEY: BOUNDARY.to_json()})
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString())
    return path
