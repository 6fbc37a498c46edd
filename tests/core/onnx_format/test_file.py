from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper

from rtaction.errors import ModelMissing, ModelSpecError, ModelUnreadable, ModelUnsafe
from rtaction.model_spec import ModelSpec
from rtaction.onnx_format.file import OnnxFile


def _run(content: bytes, values: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {session.get_inputs()[0].name: values})[0])


def test_contract_and_shapes_are_read(tiny_model: Path, tiny_spec: ModelSpec) -> None:
    file = OnnxFile.load(tiny_model)
    assert file.spec == tiny_spec
    assert file.inputs == ["clip: uint8 (batch, 5, 8, 8, 3)"]
    assert file.outputs == ["scores: float32 (batch, 2)"]
    assert file.op_counts()["Reshape"] == 3
    assert file.num_nodes == 8


def test_parts_are_valid_and_compute_the_whole(tiny_model: Path) -> None:
    file = OnnxFile.load(tiny_model)
    clips = np.random.default_rng(0).integers(0, 256, (3, 5, 8, 8, 3), dtype=np.uint8)
    encoder = file.cut(["frames"], ["frame_features"])
    head = file.cut(["clip_features"], ["scores"])
    onnx.checker.check_model(onnx.load_from_string(encoder), full_check=True)
    features = np.stack([_run(encoder, clip) for clip in clips])
    assert features.shape == (3, 5, 1)
    assert np.array_equal(_run(head, features), _run(file.content, clips))
    assert OnnxFile(head).num_nodes + OnnxFile(encoder).num_nodes == file.num_nodes - 2
    assert OnnxFile(head).num_parameters < file.num_parameters


def test_fields_that_are_not_declared_survive_the_cut(tiny_model: Path) -> None:
    whole = onnx.load(tiny_model)
    part = onnx.load_from_string(OnnxFile.load(tiny_model).cut(["frames"], ["frame_features"]))
    assert part.opset_import == whole.opset_import
    assert part.ir_version == whole.ir_version
    cast = next(node for node in part.graph.node if node.op_type == "Cast")
    assert helper.get_node_attr_value(cast, "to") == onnx.TensorProto.FLOAT


def test_a_cut_that_leaves_an_input_open_is_refused(tiny_model: Path) -> None:
    with pytest.raises(ModelSpecError, match=r"also need \['clip'\]"):
        OnnxFile.load(tiny_model).cut(["clip_features"], ["frame_features"])


def test_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="rtaction export"):
        OnnxFile.load(tmp_path / "none.onnx")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 zip", bytes(100), b"\xff" * 50])
def test_other_files_are_refused(content: bytes) -> None:
    with pytest.raises(ModelUnreadable):
        OnnxFile(content)


def test_truncated_files_are_refused(tiny_model: Path) -> None:
    content = tiny_model.read_bytes()
    for length in range(1, len(content), 97):
        try:
            file = OnnxFile(content[:length])
            assert file.spec  # a cut between two fields can be read, and then lacks the contract
        except (ModelUnreadable, ModelSpecError):
            continue


def test_model_without_contract_is_told(tiny_model: Path) -> None:
    model = onnx.load(tiny_model)
    del model.metadata_props[:]
    file = OnnxFile(model.SerializeToString())
    with pytest.raises(ModelSpecError, match="no rtaction contract"):
        _ = file.spec
    with pytest.raises(ModelSpecError, match="has no boundary"):
        _ = file.boundary


def test_boundary_that_names_nothing_is_told(tiny_model: Path) -> None:
    model = onnx.load(tiny_model)
    del model.graph.value_info[:]
    with pytest.raises(ModelSpecError, match="boundary tensors that it lacks"):
        _ = OnnxFile(model.SerializeToString()).boundary


def test_weights_in_other_files_are_refused(tiny_model: Path) -> None:
    model = onnx.load(tiny_model)
    model.graph.initializer[0].data_location = onnx.TensorProto.EXTERNAL
    with pytest.raises(ModelUnsafe, match="other files"):
        OnnxFile(model.SerializeToString())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"height": 16}, r"it specifies \(5, 16, 8, 3\)"),
        ({"frames_per_clip": 6}, r"it specifies \(6, 8, 8, 3\)"),
        ({"labels": ("a", "b", "c")}, r"it specifies \(3,\).*scores: float32 \(batch, 2\)"),
    ],
)
def test_contract_that_does_not_fit_the_graph_is_told(
    tiny_model: Path, tiny_spec: ModelSpec, changes: dict[str, Any], message: str
) -> None:
    model = onnx.load(tiny_model)
    model.metadata_props[0].value = replace(tiny_spec, **changes).to_json()
    with pytest.raises(ModelSpecError, match=message):
        _ = OnnxFile(model.SerializeToString()).spec
