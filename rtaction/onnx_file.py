"""An ONNX file as a graph that can be read and cut, without the `onnx` package.

A model is cut at three tensors, whose names the export room puts into the file:

    clip (N, F, H, W, C) -> frames (N*F, H, W, C) -> ... -> frame_features (N*F, D)
         -> clip_features (N, F, D) -> ... -> scores (N, num_labels)

*Encoder*: frames to frame_features. *Head*: clip_features to scores.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from math import prod
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError

from rtaction.errors import ModelMissing, ModelSpecError, ModelUnreadable
from rtaction.model_spec import METADATA_KEY, ModelSpec
from rtaction.onnx_schema import message_class

BOUNDARY_KEY = "rtaction.boundary"
"""Key of the three tensor names in an ONNX file's `metadata_props`."""

_ELEMENT_TYPES = {1: "float32", 2: "uint8", 3: "int8", 6: "int32", 7: "int64", 10: "float16"}
_EXTERNAL = 1  # TensorProto.DataLocation.EXTERNAL


@dataclass(frozen=True, slots=True)
class Boundary:
    """Names of the tensors at which a model is cut.

    Args:
        frames: uint8 (batch, height, width, channels), the encoder's input.
        frame_features: float32 (batch, num_features), the encoder's output.
        clip_features: float32 (batch, frames_per_clip, num_features), the head's input.
    """

    frames: str
    frame_features: str
    clip_features: str

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self))


class OnnxFile:
    """One ONNX model in memory.

    Args:
        content: the bytes of the file.
        where: what to call it in an error.

    Raises:
        ModelUnreadable: the bytes are no ONNX model.
    """

    def __init__(self, content: bytes, *, where: str = "the model") -> None:
        self.where = where
        self.content = content
        try:
            self._model = message_class("Model").FromString(content)
        except DecodeError:
            raise ModelUnreadable(f"{where} is no ONNX model, or a damaged one") from None
        if not self._model.graph.node or not self._model.graph.output:
            raise ModelUnreadable(f"{where} is no ONNX model: it has no graph")
        if any(t.data_location == _EXTERNAL for t in self._model.graph.initializer):
            raise ModelUnreadable(
                f"{where} keeps weights in other files; expected one file that holds everything"
            )

    @classmethod
    def load(cls, path: Path) -> OnnxFile:
        """Read a file.

        Raises:
            ModelMissing: there is none.
            ModelUnreadable: it cannot be read, or is no ONNX model.
        """
        if not os.path.exists(path):  # unlike Path.exists, False for a name too long
            raise ModelMissing(
                f"there is no model file {path}; "
                "make one with `rtaction export run/model.keras -o model.onnx`"
            )
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ModelUnreadable(f"cannot read the model {path}: {error}") from None
        return cls(content, where=str(path))

    @property
    def metadata(self) -> dict[str, str]:
        """The file's metadata, by key."""
        return {entry.key: entry.value for entry in self._model.metadata_props}

    @property
    def spec(self) -> ModelSpec:
        """The contract in the file.

        Raises:
            ModelSpecError: there is none, or it cannot be read.
        """
        text = self.metadata.get(METADATA_KEY)
        if text is None:
            raise ModelSpecError(
                f"{self.where} carries no rtaction contract (labels, timing, pixels), so it cannot "
                "be run; export it with `rtaction export`"
            )
        spec = ModelSpec.from_json(text, where=f"the contract in {self.where}")
        self._check_shapes(spec)
        return spec

    @property
    def boundary(self) -> Boundary:
        """Where to cut.

        Raises:
            ModelSpecError: the file does not say, or names tensors that it does not have.
        """
        text = self.metadata.get(BOUNDARY_KEY)
        try:
            boundary = Boundary(**json.loads(text or ""))
        except (TypeError, ValueError):
            raise ModelSpecError(
                f"{self.where} does not say where to cut it into encoder and head; "
                "export it with `rtaction export`"
            ) from None
        missing = sorted(set(asdict(boundary).values()) - {v.name for v in self._values()})
        if missing:
            raise ModelSpecError(f"{self.where} names boundary tensors it lacks: {missing}")
        return boundary

    @property
    def inputs(self) -> list[str]:
        """Inputs as text, such as "clip: uint8 (batch, 5, 112, 112, 3)"."""
        weights = {tensor.name for tensor in self._model.graph.initializer}
        return [_describe(v) for v in self._model.graph.input if v.name not in weights]

    @property
    def outputs(self) -> list[str]:
        """Outputs as text, such as "scores: float32 (batch, 6)"."""
        return [_describe(v) for v in self._model.graph.output]

    @property
    def num_parameters(self) -> int:
        """Numbers in all stored tensors."""
        return sum(prod(tensor.dims) for tensor in self._model.graph.initializer)

    @property
    def num_nodes(self) -> int:
        """Operations in the graph."""
        return len(self._model.graph.node)

    def op_counts(self) -> dict[str, int]:
        """How often each operation stands in the graph, by name."""
        counts: dict[str, int] = {}
        for node in self._model.graph.node:
            counts[node.op_type] = counts.get(node.op_type, 0) + 1
        return dict(sorted(counts.items()))

    def cut(self, inputs: Iterable[str], outputs: Iterable[str]) -> bytes:
        """The part of the model between two sets of tensors, as an ONNX file of its own.

        Args:
            inputs: names of tensors to feed.
            outputs: names of tensors to read.

        Raises:
            ModelSpecError: the outputs need another input than those given.
        """
        graph, inputs, outputs = self._model.graph, list(inputs), list(outputs)
        values = {value.name: value for value in self._values()}
        weights = {tensor.name for tensor in graph.initializer}
        needed, nodes = set(outputs) - set(inputs), []
        for node in reversed(graph.node):
            if needed.intersection(node.output):
                nodes.append(node)
                needed.difference_update(node.output)
                needed.update(_names_used(node) - set(inputs))
        unfed = sorted(needed - weights)
        if unfed:
            raise ModelSpecError(
                f"{self.where} cannot be cut between {inputs} and {outputs}: "
                f"{outputs} also need {unfed}"
            )
        part = type(self._model)()
        part.CopyFrom(self._model)
        for field_name in ("node", "initializer", "input", "output", "value_info"):
            part.graph.ClearField(field_name)
        part.graph.node.extend(reversed(nodes))
        part.graph.initializer.extend(t for t in graph.initializer if t.name in needed)
        part.graph.input.extend(values[name] for name in inputs)
        part.graph.output.extend(values[name] for name in outputs)
        return bytes(part.SerializeToString())

    def _check_shapes(self, spec: ModelSpec) -> None:
        weights = {tensor.name for tensor in self._model.graph.initializer}
        clip = next(v for v in self._model.graph.input if v.name not in weights)
        for value, expected in (
            (clip, spec.clip_shape),
            (self._model.graph.output[0], (len(spec.labels),)),
        ):
            dims = [dim.dim_value for dim in value.type.tensor_type.shape.dim][1:]
            if len(dims) != len(expected) or any(
                dim not in (0, wanted) for dim, wanted in zip(dims, expected, strict=True)
            ):
                raise ModelSpecError(
                    f"the contract in {self.where} does not fit the model: it says {expected} for "
                    f"each clip, but the model has {_describe(value)}; export it again"
                )

    def _values(self) -> list[Any]:
        graph = self._model.graph
        return [*graph.input, *graph.output, *graph.value_info]


def _names_used(node: Any) -> set[str]:
    """What a node reads, the graphs inside it included."""
    names = {name for name in node.input if name}
    for attribute in node.attribute:
        for graph in [attribute.g, *attribute.graphs]:
            inner = {name for inner_node in graph.node for name in _names_used(inner_node)}
            made = {name for inner_node in graph.node for name in inner_node.output}
            made |= {value.name for value in graph.input}
            made |= {tensor.name for tensor in graph.initializer}
            names |= inner - made
    return names


def _describe(value: Any) -> str:
    tensor = value.type.tensor_type
    kind = _ELEMENT_TYPES.get(tensor.elem_type, f"type {tensor.elem_type}")
    dims = [d.dim_param or (str(d.dim_value) if d.dim_value else "?") for d in tensor.shape.dim]
    return f"{value.name}: {kind} ({', '.join(dims)})"
