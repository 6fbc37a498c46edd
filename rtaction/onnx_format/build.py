"""ONNX graphs in the making: nodes and stored tensors, and the file that they become.

This file knows nothing of networks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import (
    FunctionProto,
    GraphProto,
    ModelProto,
    NodeProto,
    OperatorSetIdProto,
    TensorProto,
    ValueInfoProto,
    helper,
    numpy_helper,
)

from rtaction.errors import ExportError
from rtaction.model_spec import METADATA_KEY, ModelSpec
from rtaction.onnx_format.file import BOUNDARY_KEY, WHOLE_KEY, Boundary

CLIP, SCORES = "clip", "scores"
BOUNDARY = Boundary("frames", "frame_features", "clip_features")
"""What rtaction calls the tensors of the files that it builds."""

OPSET = 17
"""ONNX's operator set that rtaction's own graphs are written in."""
IR_VERSION = 8  # of the same year as the opset; every onnxruntime since 1.12 reads both


@dataclass(slots=True)
class Pieces:
    """Nodes and stored tensors on their way into a graph."""

    nodes: list[NodeProto] = field(default_factory=list)
    weights: list[TensorProto] = field(default_factory=list)

    @classmethod
    def of(cls, graph: GraphProto) -> Pieces:
        """Those of a finished graph."""
        return cls(list(graph.node), list(graph.initializer))

    def add(
        self,
        op_type: str,
        inputs: Sequence[str],
        output: str | Sequence[str],
        *,
        name: str | None = None,
        **attributes: Any,
    ) -> str:
        """Add an operation.

        Args:
            op_type: its name in ONNX's default domain, such as "Conv".
            inputs: names of what it reads; "" for an input left out.
            output: name or names of what it makes.
            name: of the operation. Default: its first output's and its own, with a slash between.
            **attributes: as `onnx.helper.make_node` takes them.

        Returns:
            The name of its first output.
        """
        outputs = [output] if isinstance(output, str) else list(output)
        name = name or f"{outputs[0]}/{op_type}"
        self.nodes.append(helper.make_node(op_type, inputs, outputs, name, **attributes))
        return outputs[0]

    def cast(self, source: str, output: str, dtype: npt.DTypeLike) -> str:
        """Add a Cast to one of NumPy's types; returns its output's name."""
        return self.add("Cast", [source], output, to=element_type(dtype))

    def reshape(self, source: str, output: str, shape: Sequence[int]) -> str:
        """Add a Reshape and its shape; returns its output's name."""
        stored = self.store(f"{output}/shape", shape, np.int64)
        return self.add("Reshape", [source, stored], output)

    def store(self, name: str, values: npt.ArrayLike, dtype: npt.DTypeLike | None = None) -> str:
        """Store a tensor; returns its name.

        Args:
            name: what operations call it.
            values: its numbers.
            dtype: of them. Default: as NumPy has it.
        """
        self.weights.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def extend(self, more: Pieces) -> None:
        """Add all pieces of another."""
        self.nodes += more.nodes
        self.weights += more.weights


def element_type(dtype: npt.DTypeLike) -> int:
    """The number that ONNX has for one of NumPy's types."""
    return int(helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))


def described(name: str, dtype: npt.DTypeLike, dims: Sequence[int | str]) -> ValueInfoProto:
    """Type and sizes of a tensor; a name in the place of a size leaves it free."""
    return helper.make_tensor_value_info(name, element_type(dtype), dims)


def model_of(
    pieces: Iterable[Pieces],
    *,
    name: str = "rtaction",
    inputs: Sequence[ValueInfoProto],
    outputs: Sequence[ValueInfoProto],
    inner: Sequence[ValueInfoProto] = (),
    metadata: Mapping[str, str] | None = None,
    opset_imports: Sequence[OperatorSetIdProto] | None = None,
    functions: Sequence[FunctionProto] = (),
    ir_version: int = IR_VERSION,
) -> ModelProto:
    """A whole model.

    Args:
        pieces: each node after those whose results it reads.
        name: of the graph. Default "rtaction".
        inputs: see `described`.
        outputs: see `described`.
        inner: descriptions of tensors between operations. Default none.
        metadata: texts by key. Default none.
        opset_imports: operator sets. Default: `OPSET` of ONNX's own.
        functions: that nodes call. Default none.
        ir_version: of the format. Default `IR_VERSION`.
    """
    whole = Pieces()
    for one in pieces:
        whole.extend(one)
    graph = helper.make_graph(
        whole.nodes, name, inputs, outputs, whole.weights, value_info=list(inner)
    )
    model = helper.make_model(
        graph,
        opset_imports=opset_imports or [helper.make_opsetid("", OPSET)],
        functions=functions,
        producer_name="rtaction",
        ir_version=ir_version,
    )
    helper.set_model_props(model, dict(metadata or {}))
    return model


def model_with_contract(
    pieces: Iterable[Pieces],
    spec: ModelSpec,
    *,
    feature_shape: Sequence[int] | None,
    reason_for_whole: str = "",
    batch: int | str = "batch",
    metadata: Mapping[str, str] | None = None,
    **options: Any,
) -> ModelProto:
    """A whole model from `CLIP` to `SCORES`, with its contract in it.

    Args:
        pieces: see `model_of`; they make the tensors of `BOUNDARY`, if it is to be cut.
        spec: the contract.
        feature_shape: of one picture's features, where it is to be cut; else None.
        reason_for_whole: why it is not cut. Default "".
        batch: clips at once: a number, or a name where any will do. Default any.
        metadata: further texts by key. Default none.
        **options: see `model_of`.
    """
    frames, inner = spec.frames_per_clip, []
    texts = {METADATA_KEY: spec.to_json()}
    if feature_shape is None:
        texts[WHOLE_KEY] = reason_for_whole
    else:
        texts[BOUNDARY_KEY] = BOUNDARY.to_json()
        inner = [
            described(BOUNDARY.frames, "uint8", ["frames", *spec.frame_shape]),
            described(BOUNDARY.frame_features, "float32", ["frames", *feature_shape]),
            described(BOUNDARY.clip_features, "float32", [batch, frames, *feature_shape]),
        ]
    return model_of(
        pieces,
        inputs=[described(CLIP, "uint8", [batch, *spec.clip_shape])],
        outputs=[described(SCORES, "float32", [batch, len(spec.labels)])],
        inner=inner,
        metadata={**texts, **(metadata or {})},
        **options,
    )


def bytes_of(model: ModelProto) -> bytes:
    """A model as a file; the same bytes for the same model."""
    return bytes(model.SerializeToString(deterministic=True))


def require_valid(model: ModelProto, what: str) -> None:
    """Check a model that was built here.

    Args:
        model: one of ours; onnx's checker, which is C++, is given no file of anyone else.
        what: what to call its graph in an error, such as "converted".

    Raises:
        ExportError: it breaks ONNX's rules.
    """
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ExportError(f"the {what} graph is not valid ONNX: {error}") from None
