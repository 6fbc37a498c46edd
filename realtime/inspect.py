"""`rtaction inspect`: what is in a model file.

The work of one picture and of one decision is counted from a run of the model itself: onnxruntime's
profile tells the true shape of every operation's input and output.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rtaction.errors import ModelUnreadable
from rtaction.model_spec import ModelSpec
from rtaction.onnx_file import OnnxFile
from rtaction.realtime.session import LOADING_ERRORS, open_session

_GATES = {"GRU": 3, "LSTM": 4, "RNN": 1}


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a model file holds.

    Args:
        path: the file.
        num_bytes: its size.
        spec: its contract.
        inputs: names, types and shapes, as text.
        outputs: names, types and shapes, as text.
        num_parameters: numbers in all stored tensors.
        num_nodes: operations in the graph.
        op_counts: how often each operation stands there.
        flops_per_frame: floating-point operations of the encoder for one picture; a multiplication
            with its addition counts as two.
        flops_per_window: the same for the head and one window.
    """

    path: Path
    num_bytes: int
    spec: ModelSpec
    inputs: list[str]
    outputs: list[str]
    num_parameters: int
    num_nodes: int
    op_counts: dict[str, int]
    flops_per_frame: int
    flops_per_window: int


def inspect_model(path: Path) -> Inspection:
    """Look into a model file.

    Raises:
        ModelMissing, ModelUnreadable, ModelSpecError: see `rtaction.errors`.
    """
    file = OnnxFile.load(path)
    spec, boundary = file.spec, file.boundary
    scores = file.outputs[0].split(":")[0]
    frame = np.zeros((1, *spec.frame_shape), np.uint8)
    encoder = file.cut([boundary.frames], [boundary.frame_features])
    head = file.cut([boundary.clip_features], [scores])
    try:
        features, flops_per_frame = _run_counted(encoder, frame)
        clip_features = np.zeros((1, spec.frames_per_clip, features.shape[1]), np.float32)
        _, flops_per_window = _run_counted(head, clip_features)
    except LOADING_ERRORS as error:
        raise ModelUnreadable(f"onnxruntime cannot run {path}: {error}") from None
    return Inspection(
        path=path,
        num_bytes=len(file.content),
        spec=spec,
        inputs=file.inputs,
        outputs=file.outputs,
        num_parameters=file.num_parameters,
        num_nodes=file.num_nodes,
        op_counts=file.op_counts(),
        flops_per_frame=flops_per_frame,
        flops_per_window=flops_per_window,
    )


def _run_counted(model: bytes, values: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], int]:
    """Run a model once; returns its first output and its floating-point operations."""
    with tempfile.TemporaryDirectory(prefix="rtaction-") as folder:
        prefix = str(Path(folder) / "profile")
        session = open_session(model, "cpu", num_threads=1, profile_prefix=prefix)
        result = session.run(None, {session.get_inputs()[0].name: values})[0]
        events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
    return np.asarray(result), sum(_flops(event.get("args", {})) for event in events)


def _flops(event: dict[str, Any]) -> int:
    """Operations of one profiled node; only those that matter are counted: products of matrices."""
    if "output_type_shape" not in event or "input_type_shape" not in event:
        return 0
    inputs: list[list[int]] = [
        next(iter(shape.values())) for shape in event["input_type_shape"] if shape
    ]
    outputs: list[list[int]] = [
        next(iter(shape.values())) for shape in event["output_type_shape"] if shape
    ]
    name = event.get("op_name", "")
    if name == "Conv":
        return 2 * prod(outputs[0]) * prod(inputs[1][1:])
    if name in ("MatMul", "Gemm"):
        return 2 * prod(outputs[0]) * inputs[0][-1]
    if name in _GATES:
        time, batch, features = inputs[0]
        units = outputs[0][-1]
        return 2 * time * batch * _GATES[name] * units * (features + units)
    return 0
