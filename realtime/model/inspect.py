"""`rtaction inspect`: the content of a model file.

The cost of one frame and of one window is counted in a run of the model itself: onnxruntime's
profile has the actual shape of every operation's input and output.
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
from rtaction.onnx_format.errors import LOADING_ERRORS
from rtaction.onnx_format.file import OnnxFile
from rtaction.onnx_format.timed import run_within
from rtaction.realtime.model.session import open_session, words_of

_MAX_SECONDS = 60.0  # for one window; live, it must be a fraction of one
_GATES = {"GRU": 3, "LSTM": 4, "RNN": 1}


@dataclass(frozen=True, slots=True)
class Inspection:
    """The content of a model file.

    Args:
        path: the file.
        num_bytes: its size.
        spec: its contract, or None.
        is_cut: whether it says where to split it into encoder and head; otherwise it runs whole.
        reason_for_whole: why it is not split; empty if it is, or if the file gives no reason.
        adoption_command: the command that adds a contract.
        input_dims: sizes of its first input, batch first; 0 where one is free.
        inputs: names, types and shapes, as text.
        outputs: names, types and shapes, as text.
        num_parameters: number of values in all stored tensors.
        num_nodes: operations in the graph.
        op_counts: number of nodes by operation.
        flops_per_frame: floating-point operations of the encoder for one frame; a multiply-add
            counts as two. 0 if there is no encoder, or no contract.
        flops_per_window: the same for one window, of the head or of the whole model.
    """

    path: Path
    num_bytes: int
    spec: ModelSpec | None
    is_cut: bool
    reason_for_whole: str
    adoption_command: str
    input_dims: list[int]
    inputs: list[str]
    outputs: list[str]
    num_parameters: int
    num_nodes: int
    op_counts: dict[str, int]
    flops_per_frame: int
    flops_per_window: int


def inspect_model(path: Path) -> Inspection:
    """Inspect a model file.

    Raises:
        ModelMissing, ModelUnreadable, ModelSpecError: see `rtaction.errors`.
    """
    file = OnnxFile.load(path)
    spec = file.spec if file.has_spec else None
    try:
        flops_per_frame, flops_per_window = (0, 0) if spec is None else _count(file, spec)
    except LOADING_ERRORS as error:
        raise ModelUnreadable(f"onnxruntime cannot run {path}: {words_of(error)}") from None
    return Inspection(
        path=path,
        num_bytes=len(file.content),
        spec=spec,
        is_cut=file.is_cut,
        reason_for_whole=file.reason_for_whole,
        adoption_command=file.adoption_command,
        input_dims=file.input_dims,
        inputs=file.inputs,
        outputs=file.outputs,
        num_parameters=file.num_parameters,
        num_nodes=file.num_nodes,
        op_counts=file.op_counts(),
        flops_per_frame=flops_per_frame,
        flops_per_window=flops_per_window,
    )


def _count(file: OnnxFile, spec: ModelSpec) -> tuple[int, int]:
    """Operations for one frame, and for one window whose frames are encoded."""
    if not file.is_cut:
        _, of_whole = _run_counted(file.content, np.zeros((1, *spec.clip_shape), np.uint8))
        return 0, of_whole
    boundary = file.boundary
    encoder = file.cut([boundary.frames], [boundary.frame_features])
    head = file.cut([boundary.clip_features], [file.score_name])
    features, of_encoder = _run_counted(encoder, np.zeros((1, *spec.frame_shape), np.uint8))
    shape = 1, spec.frames_per_clip, *features.shape[1:]
    _, of_head = _run_counted(head, np.zeros(shape, np.float32))
    return of_encoder, of_head


def _run_counted(model: bytes, values: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], int]:
    """Run a model once; returns its first output and its floating-point operations."""
    with tempfile.TemporaryDirectory(prefix="rtaction-") as folder:
        prefix = str(Path(folder) / "profile")
        session = open_session(model, "cpu", num_threads=1, profile_prefix=prefix)
        feeds = {session.get_inputs()[0].name: values}
        result = run_within(session, None, feeds, seconds=_MAX_SECONDS, where="the model")[0]
        events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
    return np.asarray(result), sum(_flops(event.get("args", {})) for event in events)


def _flops(event: dict[str, Any]) -> int:
    """Operations of one profiled node; only matrix products are counted, which dominate."""
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
