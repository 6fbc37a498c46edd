"""ONNX files as others write them: a small ConvNet over pictures, in the style of its exporter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

FRAMES, SIDE, CHANNELS, FILTERS, FEATURES, UNITS, LABELS = 5, 16, 3, 4, 6, 7, 3
NAMES = ("wave", "clap", "nothing")


class Net:
    """Nodes and constants in the making; names are given by themselves."""

    def __init__(self, seed: int = 0) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._random = np.random.default_rng(seed)

    def op(self, op_type: str, *inputs: str, outputs: int = 1, **attributes: Any) -> str:
        """Add a node; returns its first output."""
        names = [f"{op_type}_{len(self.nodes)}_{number}" for number in range(outputs)]
        self.nodes.append(helper.make_node(op_type, inputs, names, names[0], **attributes))
        return names[0]

    def const(self, values: npt.ArrayLike, dtype: npt.DTypeLike = np.int64) -> str:
        """Add a constant."""
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def weights(self, *shape: int) -> str:
        """Add random numbers."""
        scale = 1.5 / np.sqrt(np.prod(shape[1:]))
        return self.const(self._random.normal(0.0, scale, shape), np.float32)

    def convnet(self, images: str, weights: list[str] | None = None) -> str:
        """From (n, 3, SIDE, SIDE) to (n, FEATURES)."""
        kernel, projection = weights or self.convnet_weights()
        x = self.op("Conv", images, kernel, strides=[2, 2])
        x = self.op("GlobalAveragePool", self.op("Relu", x))
        return self.op("MatMul", self.op("Flatten", x), projection)

    def convnet_weights(self) -> list[str]:
        """Of `convnet`."""
        return [self.weights(FILTERS, CHANNELS, 3, 3), self.weights(FILTERS, FEATURES)]

    def gru(self, by_time: str, initial: str = "") -> str:
        """From (frames, n, FEATURES) to (n, UNITS)."""
        gates = [self.weights(1, 3 * UNITS, FEATURES), self.weights(1, 3 * UNITS, UNITS)]
        inputs = [by_time, *gates, "", "", initial] if initial else [by_time, *gates]
        name = f"GRU_{len(self.nodes)}"
        outputs = [f"{name}_all", f"{name}_last"]
        self.nodes.append(helper.make_node("GRU", inputs, outputs, name, hidden_size=UNITS))
        return self.op("Squeeze", outputs[1], self.const([0]))

    def dense(self, values: str, size: int = UNITS) -> str:
        """From (n, size) to (n, LABELS)."""
        return self.op("MatMul", values, self.weights(size, LABELS))

    def save(
        self,
        path: Path,
        output: str,
        shape: list[int | str | None],
        *,
        dtype: int = TensorProto.FLOAT,
        output_shape: list[int | str | None] | None = None,
    ) -> Path:
        """Write a model of the input "x"."""
        value = helper.make_tensor_value_info
        graph = helper.make_graph(
            self.nodes,
            "foreign",
            [value("x", dtype, shape)],
            [value(output, TensorProto.FLOAT, output_shape or [shape[0], LABELS])],
            self.constants,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.checker.check_model(model)
        path.write_bytes(model.SerializeToString())
        return path


def torch_style(
    path: Path,
    *,
    layout: str = "nfchw",
    batch: int | str = "batch",
    frames: int | str = FRAMES,
    initial_state: bool = True,
) -> Path:
    """Shape, Gather and Concat compute what Reshape and the GRU's first state need; logits."""
    net = Net()
    size = {"n": batch, "f": frames, "c": CHANNELS, "h": SIDE, "w": SIDE}
    shape: list[int | str | None] = [size[axis] for axis in layout]
    x = (
        "x"
        if layout == "nfchw"
        else net.op("Transpose", "x", perm=[layout.index(axis) for axis in "nfchw"])
    )
    if isinstance(batch, int):
        images = net.op("Reshape", x, net.const([batch * FRAMES, CHANNELS, SIDE, SIDE]))
        features = net.convnet(images)
        clips = net.op("Reshape", features, net.const([batch, FRAMES, FEATURES]))
        initial = net.const(np.zeros((1, batch, UNITS)), np.float32)
    else:
        whole = net.op("Shape", x)
        n, f = (net.op("Gather", whole, net.const([axis]), axis=0) for axis in (0, 1))
        rest = net.const([CHANNELS, SIDE, SIDE])
        images = net.op("Reshape", x, net.op("Concat", net.op("Mul", n, f), rest, axis=0))
        features = net.convnet(images)
        clips = net.op("Reshape", features, net.op("Concat", n, f, net.const([-1]), axis=0))
        state = net.op("Concat", net.const([1]), n, net.const([UNITS]), axis=0)
        initial = net.op("ConstantOfShape", state)
    by_time = net.op("Transpose", clips, perm=[1, 0, 2])
    return net.save(path, net.dense(net.gru(by_time, initial * initial_state)), shape)


def keras2_style(path: Path, *, dtype: int = TensorProto.FLOAT) -> Path:
    """Reshape to pictures and back around each layer; NFHWC, with its Softmax."""
    net = Net()
    x = "x" if dtype == TensorProto.FLOAT else net.op("Cast", "x", to=TensorProto.FLOAT)
    x = net.op("Reshape", x, net.const([-1, SIDE, SIDE, CHANNELS]))
    x = net.op("Transpose", x, perm=[0, 3, 1, 2])
    x = net.op("Conv", x, net.weights(FILTERS, CHANNELS, 3, 3), strides=[2, 2])
    x = net.op("Reshape", net.op("Relu", x), net.const([-1, FRAMES, FILTERS, 7, 7]))
    x = net.op("Reshape", x, net.const([-1, FILTERS, 7, 7]))
    x = net.op("Flatten", net.op("GlobalAveragePool", x))
    x = net.op("MatMul", x, net.weights(FILTERS, FEATURES))
    x = net.op("Reshape", x, net.const([-1, FRAMES, FEATURES]))
    x = net.gru(net.op("Transpose", x, perm=[1, 0, 2]))
    scores = net.op("Softmax", net.dense(x), axis=-1)
    return net.save(path, scores, ["n", FRAMES, SIDE, SIDE, CHANNELS], dtype=dtype)


def unrolled_style(path: Path, *, other_weights: bool = False, by_time: bool = False) -> Path:
    """One copy of the ConvNet for each picture, as Keras 3 writes it; with its Softmax.

    Args:
        path: where to.
        other_weights: give the third copy weights of its own.
        by_time: with the frames as the first axis, sliced by Split; else by Gather.
    """
    net = Net()
    weights = net.convnet_weights()
    if by_time:
        turned = net.op("Transpose", "x", perm=[1, 0, 2, 3, 4])
        first = net.op("Split", turned, outputs=FRAMES, axis=0)
        taken = [first[:-1] + str(number) for number in range(FRAMES)]
        pictures = [net.op("Squeeze", one, net.const([0])) for one in taken]
    else:
        pictures = [net.op("Gather", "x", net.const(number), axis=1) for number in range(FRAMES)]
    branches = []
    for number, picture in enumerate(pictures):
        planes = net.op("Transpose", picture, perm=[0, 3, 1, 2])
        own = net.convnet_weights() if other_weights and number == 2 else weights
        features = net.convnet(planes, own)
        branches.append(net.op("Unsqueeze", features, net.const([0 if by_time else 1])))
    joined = net.op("Concat", *branches, axis=0 if by_time else 1)
    x = joined if by_time else net.op("Transpose", joined, perm=[1, 0, 2])
    scores = net.op("Softmax", net.dense(net.gru(x)), axis=-1)
    return net.save(path, scores, ["n", FRAMES, SIDE, SIDE, CHANNELS])


def conv3d_style(path: Path, *, layout: str = "ncfhw", batch: int | str = "n") -> Path:
    """A convolution over space and time, which cannot be cut; logits."""
    net = Net()
    size = {"n": batch, "f": FRAMES, "c": CHANNELS, "h": SIDE, "w": SIDE}
    shape: list[int | str | None] = [size[axis] for axis in layout]
    x = (
        "x"
        if layout == "ncfhw"
        else net.op("Transpose", "x", perm=[layout.index(axis) for axis in "ncfhw"])
    )
    x = net.op("Relu", net.op("Conv", x, net.weights(FILTERS, CHANNELS, 3, 3, 3)))
    x = net.op("Flatten", net.op("GlobalAveragePool", x))
    return net.save(path, net.dense(x, FILTERS), shape)
