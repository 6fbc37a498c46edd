"""A model repository for NVIDIA Triton: encoder, head, and both as one ensemble.

    NAME                 ensemble: clip uint8 [F, H, W, C] to scores float32 [labels]
    NAME_clip_encoder    clip to features [F, D], all its frames in one pass
    NAME_head            features [F, D] to scores
    NAME_encoder         one frame uint8 [H, W, C] to features [D], for a streaming client

A streaming client keeps the features of its last F frames, sends each new frame to NAME_encoder
once, and all F rows to NAME_head. An ensemble cannot merge the batch and frame axes by itself, so
the Reshape before and after the encoder is part of NAME_clip_encoder's graph.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from google.protobuf.text_encoding import CEscape

from rtaction.errors import UsageError
from rtaction.model_spec import METADATA_KEY
from rtaction.onnx_format.file import OnnxFile
from rtaction.output_file import write_file

MAX_CLIPS, MAX_FRAMES = 8, 32
"""Largest batches that Triton may form."""

_LABELS = "labels.txt"


@dataclass(frozen=True, slots=True)
class _Tensor:
    """One input or output of a model.

    Args:
        name: in the graph.
        data_type: Triton's name, such as "TYPE_UINT8".
        dims: shape without the batch axis.
        is_scores: whether it holds one score per label.
    """

    name: str
    data_type: str
    dims: Sequence[int]
    is_scores: bool = False

    def to_text(self) -> str:
        """The entry in a config.pbtxt."""
        labels = f'\n    label_filename: "{_LABELS}"' if self.is_scores else ""
        return (
            f'  {{\n    name: "{self.name}"\n    data_type: {self.data_type}\n'
            f"    dims: {list(self.dims)}{labels}\n  }}"
        )


def triton_files(content: bytes, *, name: str = "rtaction") -> dict[str, bytes]:
    """The files of a model repository.

    Args:
        content: an ONNX file with contract and boundary.
        name: of the ensemble, and prefix of the other names. Default "rtaction".

    Returns:
        File contents by path within the repository.

    Raises:
        UsageError: the name is invalid for Triton, or the model is not cut.
    """
    if not re.fullmatch(r"[A-Za-z0-9_.-]+", name):
        raise UsageError(f"a Triton model name must use letters, digits, '_-.', got {name!r}")
    file = OnnxFile(content)
    spec = file.spec
    if not file.is_cut:
        raise UsageError(
            "a Triton repository needs a model that is cut into encoder and head, but this one "
            f"runs whole{': ' * bool(file.reason_for_whole)}{file.reason_for_whole}"
        )
    boundary, clip_name = file.boundary, file.inputs[0].split(":")[0]
    encoder = file.cut([boundary.frames], [boundary.frame_features])
    num_features = OnnxFile(encoder).num_scores or -1  # of its first output; -1 is free
    features = (spec.frames_per_clip, num_features)
    clip = _Tensor(clip_name, "TYPE_UINT8", spec.clip_shape)
    rows = _Tensor(boundary.clip_features, "TYPE_FP32", features)
    scores = _Tensor(file.score_name, "TYPE_FP32", [len(spec.labels)], is_scores=True)
    frame = _Tensor(boundary.frames, "TYPE_UINT8", spec.frame_shape)
    row = _Tensor(boundary.frame_features, "TYPE_FP32", [num_features])
    parts: list[tuple[str, bytes, _Tensor, _Tensor, int]] = [
        ("clip_encoder", file.cut([clip.name], [rows.name]), clip, rows, MAX_CLIPS),
        ("head", file.cut([rows.name], [scores.name]), rows, scores, MAX_CLIPS),
        ("encoder", encoder, frame, row, MAX_FRAMES),
    ]
    contract = file.metadata[METADATA_KEY]
    labels = "".join(f"{' '.join(label.split())}\n" for label in spec.labels).encode()
    files: dict[str, bytes] = {
        f"{name}/config.pbtxt": _ensemble(name, clip, rows, scores, contract).encode(),
        f"{name}/{_LABELS}": labels,
        f"{name}/1/.keep": b"",  # a version of an ensemble is an empty folder
    }
    for part, graph, takes, gives, most in parts:
        folder = f"{name}_{part}"
        config = _head_of_config(folder, 'platform: "onnxruntime_onnx"', takes, gives, most)
        files[f"{folder}/config.pbtxt"] = (config + _SERVING + _contract(contract)).encode()
        files[f"{folder}/1/model.onnx"] = graph
        if gives.is_scores:
            files[f"{folder}/{_LABELS}"] = labels
    return files


def write_triton(content: bytes, folder: Path, *, name: str = "rtaction") -> list[Path]:
    """Write a model repository; existing files of the same names are replaced, others are kept.

    Args:
        content: an ONNX file with contract and boundary.
        folder: Triton's --model-repository; created if missing.
        name: see `triton_files`.

    Returns:
        The paths written.

    Raises:
        UsageError: see `triton_files`.
        OutputError: the folder cannot be written.
    """
    written = []
    for relative, part in triton_files(content, name=name).items():
        path = folder / relative
        write_file(path, part)
        written.append(path)
    return written


# Batch requests that arrive within a millisecond; use a GPU if available.
_SERVING = (
    "dynamic_batching { max_queue_delay_microseconds: 1000 }\n"
    "instance_group [ { kind: KIND_AUTO count: 1 } ]\n"
)


def _head_of_config(name: str, platform: str, takes: _Tensor, gives: _Tensor, most: int) -> str:
    return (
        f'name: "{name}"\n{platform}\nmax_batch_size: {most}\n'
        f"input [\n{takes.to_text()}\n]\noutput [\n{gives.to_text()}\n]\n"
    )


def _ensemble(name: str, clip: _Tensor, rows: _Tensor, scores: _Tensor, contract: str) -> str:
    steps = ",\n".join(
        [
            _step(f"{name}_clip_encoder", {clip.name: clip.name}, {rows.name: rows.name}),
            _step(f"{name}_head", {rows.name: rows.name}, {scores.name: scores.name}),
        ]
    )
    return (
        _head_of_config(name, 'platform: "ensemble"', clip, scores, MAX_CLIPS)
        + f"ensemble_scheduling {{\n  step [\n{steps}\n  ]\n}}\n"
        + _contract(contract)
    )


def _step(model: str, takes: Mapping[str, str], gives: Mapping[str, str]) -> str:
    lines = [f'      model_name: "{model}"', "      model_version: -1"]
    for field, names in (("input_map", takes), ("output_map", gives)):
        lines += [f'      {field} {{ key: "{k}" value: "{v}" }}' for k, v in names.items()]
    return "    {\n" + "\n".join(lines) + "\n    }"


def _contract(contract: str) -> str:
    """The contract as a parameter, for clients that query the model's configuration."""
    text = CEscape(json.dumps(json.loads(contract), ensure_ascii=True).encode(), as_utf8=False)
    return f'parameters {{ key: "{METADATA_KEY}" value {{ string_value: "{text}" }} }}\n'
