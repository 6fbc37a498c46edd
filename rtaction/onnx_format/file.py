"""A vetted ONNX file as a graph that can be read and cut.

A model is cut at three tensors, whose names `rtaction export` stores in the file:

    clip (N, F, H, W, C) -> frames (N*F, H, W, C) -> ... -> frame_features (N*F, D)
         -> clip_features (N, F, D) -> ... -> scores (N, num_labels)

*Encoder*: frames to frame_features. *Head*: clip_features to scores. A model without these names
runs whole.
"""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from math import prod
from pathlib import Path

from google.protobuf.message import DecodeError
from onnx import ModelProto, ValueInfoProto

from rtaction.errors import ModelMissing, ModelSpecError, ModelUnreadable, refuse_url
from rtaction.installation import program
from rtaction.model_spec import METADATA_KEY, ModelSpec
from rtaction.onnx_format.graph import describe, described_values, dims_of, missing_names, part
from rtaction.onnx_format.layout import adoption_command
from rtaction.onnx_format.safety import check_safe
from rtaction.onnx_format.sizes import check_sizes

BOUNDARY_KEY = "rtaction.boundary"
"""Key of the three tensor names in an ONNX file's `metadata_props`."""

CAMERA_KEY = "rtaction.camera"
"""Key of a file that resizes camera frames itself: their size, "HEIGHTxWIDTH" or "any"."""
WHOLE_KEY = "rtaction.whole"
"""Key of the reason why a file is not cut, in one sentence."""

_MAX_FILE_BYTES = 2**31 - 1  # limit of protobuf
_MAX_CLIP_BYTES = 2**30


@dataclass(frozen=True, slots=True)
class Boundary:
    """Names of the tensors at which a model is cut.

    Args:
        frames: uint8 (batch, height, width, channels), the encoder's input.
        frame_features: float32 (batch, ...), the encoder's output; mostly (batch, num_features).
        clip_features: float32 (batch, frames_per_clip, ...), the head's input.
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
        where: name of the model in error messages.

    Raises:
        ModelUnreadable: the bytes are not an ONNX model, or are damaged.
        ModelUnsafe: the model is not safe to run, see `rtaction.onnx_format.safety`.
    """

    def __init__(self, content: bytes, *, where: str = "the model") -> None:
        self.where = where
        self.content = content
        try:
            # Never use onnx.load: it also opens files that the model refers to.
            self._model = ModelProto.FromString(content)
        except DecodeError:
            raise ModelUnreadable(f"{where} is not an ONNX model, or is damaged") from None
        if not self._model.graph.node or not self._model.graph.output:
            raise ModelUnreadable(f"{where} is not an ONNX model: it has no graph")
        check_safe(self._model, where=where)
        check_sizes(self._model, where=where)
        if not self._inputs:
            raise ModelUnreadable(f"{where} cannot classify clips: it has no input")

    @classmethod
    def load(cls, path: Path) -> OnnxFile:
        """Read a file.

        Raises:
            ModelMissing: there is no such file.
            ModelUnreadable: it cannot be read, or is not an ONNX model.
            ModelUnsafe: see `OnnxFile`.
        """
        refuse_url(path)
        if not os.path.exists(path):  # unlike Path.exists, False for a name too long
            raise ModelMissing(
                f"there is no model file {path}; "
                f"make one with `{program()} export run/model.keras -o model.onnx`"
            )
        if path.is_dir() or path.suffix.lower() in (".keras", ".h5"):
            raise ModelUnreadable(
                f"{path} is not an ONNX file; if it is a run or a Keras model, export it first: "
                f"{program()} export {shlex.quote(str(path))} -o model.onnx"
            )
        if not path.is_file():
            raise ModelUnreadable(f"{path} is not a regular file; expected an ONNX model")
        try:
            size = path.stat().st_size
            if size > _MAX_FILE_BYTES:
                raise ModelUnreadable(f"{path} has {size} bytes; an ONNX model has at most 2 GB")
            content = path.read_bytes()
        except OSError as error:
            raise ModelUnreadable(f"cannot read the model {path}: {error}") from None
        return cls(content, where=str(path))

    @property
    def model(self) -> ModelProto:
        """The vetted model; read-only, change only a `rtaction.onnx_format.graph.copied` one."""
        return self._model

    @property
    def metadata(self) -> dict[str, str]:
        """The file's metadata, by key."""
        return {entry.key: entry.value for entry in self._model.metadata_props}

    @property
    def has_spec(self) -> bool:
        """Whether the file contains a contract, valid or not."""
        return METADATA_KEY in self.metadata

    @property
    def spec(self) -> ModelSpec:
        """The contract in the file.

        Raises:
            ModelSpecError: there is no contract, or it is invalid or does not fit the model.
        """
        text = self.metadata.get(METADATA_KEY)
        if CAMERA_KEY in self.metadata:
            raise ModelSpecError(
                f"{self.where} takes raw camera frames, for runtimes without OpenCV; rtaction "
                "resizes frames itself, so use the model that was written with it"
            )
        if text is None:
            raise ModelSpecError(
                f"{self.where} has no rtaction contract (labels, timing, pixel format); "
                f"add one with: {self.adoption_command}"
            )
        spec = ModelSpec.from_json(text, where=f"the contract in {self.where}")
        self._check_shapes(spec)
        return spec

    @property
    def adoption_command(self) -> str:
        """The command that adds a contract to a third-party file."""
        return adoption_command(self.where, self.input_dims, self.num_scores)

    @property
    def is_cut(self) -> bool:
        """Whether the file has a boundary to cut it at; otherwise it runs whole."""
        return BOUNDARY_KEY in self.metadata

    @property
    def reason_for_whole(self) -> str:
        """Why it is not cut; empty if it is, or if the file does not contain a reason."""
        return "" if self.is_cut else self.metadata.get(WHOLE_KEY, "")

    @property
    def boundary(self) -> Boundary:
        """Where to cut the model.

        Raises:
            ModelSpecError: the file has no boundary, or names tensors that it does not contain.
        """
        text = self.metadata.get(BOUNDARY_KEY)
        try:
            boundary = Boundary(**json.loads(text or ""))
        except (TypeError, ValueError, RecursionError):
            raise ModelSpecError(
                f"{self.where} has no boundary to cut it into encoder and head; "
                f"export it with `{program()} export`"
            ) from None
        missing = sorted(set(asdict(boundary).values()) - set(described_values(self._model.graph)))
        if missing:
            raise ModelSpecError(f"{self.where} names boundary tensors that it lacks: {missing}")
        return boundary

    @property
    def inputs(self) -> list[str]:
        """Inputs as text, such as "clip: uint8 (batch, 5, 112, 112, 3)"."""
        return [describe(value) for value in self._inputs]

    @property
    def outputs(self) -> list[str]:
        """Outputs as text, such as "scores: float32 (batch, 6)"."""
        return [describe(v) for v in self._model.graph.output]

    @property
    def input_dims(self) -> list[int]:
        """Shape of the first input, batch first; 0 for free sizes."""
        return dims_of(self._inputs[0])

    @property
    def num_scores(self) -> int:
        """Number of scores per clip; 0 if the file does not specify it."""
        return (dims_of(self._model.graph.output[0]) or [0])[-1]

    @property
    def score_name(self) -> str:
        """Name of the first output."""
        return str(self._model.graph.output[0].name)

    @property
    def num_parameters(self) -> int:
        """Total number of values in all stored tensors."""
        return sum(prod(tensor.dims) for tensor in self._model.graph.initializer)

    @property
    def num_nodes(self) -> int:
        """Number of operations in the graph."""
        return len(self._model.graph.node)

    def op_counts(self) -> dict[str, int]:
        """Number of operations in the graph by type."""
        counts: dict[str, int] = {}
        for node in self._model.graph.node:
            counts[node.op_type] = counts.get(node.op_type, 0) + 1
        return dict(sorted(counts.items()))

    def cut(self, inputs: Iterable[str], outputs: Iterable[str]) -> bytes:
        """Extract the part of the model between two sets of tensors as a separate ONNX file.

        Args:
            inputs: names of tensors to feed.
            outputs: names of tensors to read.

        Raises:
            ModelSpecError: the outputs depend on other inputs as well.
        """
        inputs, outputs = list(inputs), list(outputs)
        cut = part(self._model, inputs, outputs)
        unfed = missing_names(cut.graph)
        if unfed:
            raise ModelSpecError(
                f"{self.where} cannot be cut between {inputs} and {outputs}: "
                f"{outputs} also need {unfed}"
            )
        return bytes(cut.SerializeToString())

    def _check_shapes(self, spec: ModelSpec) -> None:
        if prod(spec.clip_shape) > _MAX_CLIP_BYTES:
            raise ModelSpecError(
                f"the contract in {self.where} specifies clips of {spec.clip_shape}, more than a "
                "gigabyte each; export it for smaller frames"
            )
        for value, expected in (
            (self._inputs[0], spec.clip_shape),
            (self._model.graph.output[0], (len(spec.labels),)),
        ):
            dims = dims_of(value)[1:]
            if len(dims) != len(expected) or any(
                dim not in (0, wanted) for dim, wanted in zip(dims, expected, strict=True)
            ):
                raise ModelSpecError(
                    f"the contract in {self.where} does not fit the model: it specifies {expected} "
                    f"per clip, but the model has {describe(value)}; export it again"
                )

    @property
    def _inputs(self) -> list[ValueInfoProto]:
        weights = {tensor.name for tensor in self._model.graph.initializer}
        return [value for value in self._model.graph.input if value.name not in weights]
