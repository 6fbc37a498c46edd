"""An ONNX model of ours with convolutions, made without Keras, which takes seconds to load."""

from __future__ import annotations

from functools import cache

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from rtaction.choices import Resize
from rtaction.model_spec import METADATA_KEY, ModelSpec
from rtaction.onnx_format.file import BOUNDARY_KEY, Boundary

SPEC = ModelSpec(labels=("a", "b", "c"), frames_per_clip=4, clip_seconds=1.0, height=32, width=40)
BOUNDARY = Boundary("frames", "frame_features", "clip_features")


@cache
def conv_model(
    *,
    labels: tuple[str, ...] = SPEC.labels,
    modality: str = "rgb",
    resize: Resize = "squash",
    seed: int = 0,
) -> bytes:
    """Scaling, two convolutions, pooling; a mean over time and a dense layer with softmax.

    Args:
        labels: three. Default a, b, c.
        modality: Default "rgb".
        resize: Default "squash".
        seed: of the weights. Default 0.
    """
    spec = ModelSpec(
        labels=labels,
        frames_per_clip=SPEC.frames_per_clip,
        clip_seconds=1.0,
        height=SPEC.height,
        width=SPEC.width,
        modality=modality,
        resize=resize,
    )
    generator = np.random.default_rng(seed)

    def random(*shape: int, scale: float) -> np.ndarray:
        return generator.normal(scale=scale, size=shape).astype(np.float32)

    weights = {
        "flat": np.array([-1, *spec.frame_shape]),
        "scale": np.float32(1 / 255),
        "kernel0": random(16, spec.channels, 3, 3, scale=0.4),
        "bias0": random(16, scale=0.1),
        "kernel1": random(24, 16, 3, 3, scale=0.15),
        "bias1": random(24, scale=0.1),
        "rows": np.array([-1, spec.frames_per_clip, 24]),
        "dense": random(24, 3, scale=3.0),
    }
    node = helper.make_node
    nodes = [
        node("Reshape", ["clip", "flat"], ["frames"]),
        node("Cast", ["frames"], ["pixels"], to=TensorProto.FLOAT),
        node("Mul", ["pixels", "scale"], ["scaled"]),
        node("Transpose", ["scaled"], ["planes"], perm=[0, 3, 1, 2]),
        node("Conv", ["planes", "kernel0", "bias0"], ["map0"], strides=[2, 2]),
        node("Relu", ["map0"], ["active0"]),
        node("Conv", ["active0", "kernel1", "bias1"], ["map1"], strides=[2, 2]),
        node("Relu", ["map1"], ["active1"]),
        node("GlobalAveragePool", ["active1"], ["pooled"]),
        node("Flatten", ["pooled"], ["frame_features"]),
        node("Reshape", ["frame_features", "rows"], ["clip_features"]),
        node("ReduceMean", ["clip_features"], ["mean"], axes=[1], keepdims=0),
        node("MatMul", ["mean", "dense"], ["logits"]),
        node("Softmax", ["logits"], ["scores"]),
    ]
    for number, one in enumerate(nodes):
        one.name = f"node{number}"
    value, float32, uint8 = helper.make_tensor_value_info, TensorProto.FLOAT, TensorProto.UINT8
    graph = helper.make_graph(
        nodes,
        "rtaction",
        [value("clip", uint8, ["batch", *spec.clip_shape])],
        [value("scores", float32, ["batch", 3])],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in weights.items()],
        value_info=[
            value("frames", uint8, ["frames", *spec.frame_shape]),
            value("frame_features", float32, ["frames", 24]),
            value("clip_features", float32, ["batch", spec.frames_per_clip, 24]),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, {METADATA_KEY: spec.to_json(), BOUNDARY_KEY: BOUNDARY.to_json()})
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))
