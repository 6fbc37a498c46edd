"""Build ONNX graphs from nodes and stored tensors, and files from graphs.

This file knows nothing about networks.
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
"""Names of the boundary tensors in files built by rtaction."""

OPSET = 17
"""ONNX operator set of graphs built by rtaction."""
IR_VERSION = 8  # from the same year as the opset; onnxruntime supports both since 1.12


@dataclass(slots=True)
class Pieces:
    """Nodes and stored tensors to assemble into a graph."""

    nodes: list[NodeProto] = field(default_factory=list)
    weights: list[TensorProto] = field(default_factory=list)

    @classmethod
    def of(cls, graph: GraphProto) -> Pieces:
        """The nodes and stored tensors of an existing graph."""
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
            inputs: names of its inputs; "" for an omitted input.
            output: name or names of its outputs.
            name: of the node. Default: first output and `op_type`, joined by a slash.
            **attributes: see `onnx.helper.make_node`.

        Returns:
            The name of the first output.
        """
        outputs = [output] if isinstance(output, str) else list(output)
        name = name or f"{outputs[0]}/{op_type}"
        self.nodes.append(helper.make_node(op_type, inputs, outputs, name, **attributes))
        return outputs[0]

    def cast(self, source: str, output: str, dtype: npt.DTypeLike) -> str:
        """Add a Cast to a NumPy dtype; returns its output's name."""
        return self.add("Cast", [source], output, to=element_type(dtype))

    def reshape(self, source: str, output: str, shape: Sequence[int]) -> str:
        """Add a Reshape and its shape; returns its output's name."""
        stored = self.store(f"{output}/shape", shape, np.int64)
        return self.add("Reshape", [source, stored], output)

    def store(self, name: str, values: npt.ArrayLike, dtype: npt.DTypeLike | None = None) -> str:
        """Store a tensor; returns its name.

        Args:
            name: of the tensor.
            values: its values.
            dtype: its type. Default: NumPy's choice for the values.
        """
        self.weights.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def extend(self, more: Pieces) -> None:
        """Append all pieces of another."""
        self.nodes += more.nodes
        self.weights += more.weights


def prefixed(pieces: Pieces, prefix: str) -> Pieces:
    """The same pieces with a prefix before every name, so that they fit beside others.

    Args:
        pieces: none of whose operations has a subgraph.
        prefix: such as "pose/".
    """
    made = Pieces()
    for node in pieces.nodes:
        copy = NodeProto()
        copy.CopyFrom(node)
        copy.name = prefix + node.name if node.name else ""
        for names in (copy.input, copy.output):
            names[:] = [prefix + name if name else "" for name in names]
        made.nodes.append(copy)
    for weight in pieces.weights:
        stored = TensorProto()
        stored.CopyFrom(weight)
        stored.name = prefix + weight.name
        made.weights.append(stored)
    return made


def element_type(dtype: npt.DTypeLike) -> int:
    """ONNX's number for a NumPy dtype."""
    return int(helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))


def described(name: str, dtype: npt.DTypeLike, dims: Sequence[int | str]) -> ValueInfoProto:
    """Describe the type and shape of a tensor; a name instead of a size leaves it free."""
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
    """Assemble a model.

    Args:
        pieces: nodes in topological order, and stored tensors.
        name: of the graph. Default "rtaction".
        inputs: see `described`.
        outputs: see `described`.
        inner: descriptions of intermediate tensors. Default none.
        metadata: texts by key. Default none.
        opset_imports: operator sets. Default: ONNX's own in version `OPSET`.
        functions: called by nodes. Default none.
        ir_version: of the file format. Default `IR_VERSION`.
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
    """Assemble a model from `CLIP` to `SCORES` with an embedded contract.

    Args:
        pieces: see `model_of`; they define the tensors of `BOUNDARY` if the model can be cut.
        spec: the contract.
        feature_shape: of one frame's features if the model can be cut; else None.
        reason_for_whole: why it is not cut. Default "".
        batch: batch size, or a name for any size. Default any.
        metadata: additional texts by key. Default none.
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
    """Serialize a model; the same model always gives the same bytes."""
    return bytes(model.SerializeToString(deterministic=True))


def require_valid(model: ModelProto, what: str) -> None:
    """Check a model built by rtaction.

    Args:
        model: built by rtaction; third-party files are never passed to onnx's C++ checker.
        what: name of its graph in error messages, such as "converted".

    Raises:
        ExportError: it is not valid ONNX.
    """
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ExportError(f"the {what} graph is not valid ONNX: {error}") from None
