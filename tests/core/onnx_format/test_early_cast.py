"""A network that computes on no bytes says what it said when it moved them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, parser

from rtaction.models import ENCODER_MODEL, PEOPLE_MODEL, POSE_MODEL
from rtaction.onnx_format.early_cast import cast_first
from rtaction.onnx_format.file import OnnxFile

# As a model of other origin begins: one picture each, blue first, turned, then numbers.
TURNED = """
<ir_version: 8, opset_import: ["" : 17]>
net (uint8[n, 4, 6, 3] frames) => (float[n, 3] means)
<int64[4] one = {-1, 4, 6, 3}, int64[3] blue = {2, 1, 0}, int64[2] places = {1, 2}>
{
    same = Identity (frames)
    shaped = Reshape (same, one)
    bgr = Gather <axis = 3> (shaped, blue)
    turned = Transpose <perm = [0, 3, 1, 2]> (bgr)
    numbers = Cast <to = TYPE> (turned)
    whole = Cast <to = 1> (numbers)
    means = ReduceMean <axes = [2, 3], keepdims = 0> (whole)
}
"""


def _of(text: str) -> bytes:
    return parser.parse_model(text).SerializeToString()


def _readers_of_bytes(content: bytes) -> set[str]:
    graph = onnx.load_from_string(content).graph
    entries = {
        entry.name for entry in graph.input if entry.type.tensor_type.elem_type == TensorProto.UINT8
    }
    return {node.op_type for node in graph.node if entries & set(node.input)}


def _run(content: bytes, pictures: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {session.get_inputs()[0].name: pictures})
    return np.asarray(found)


@pytest.mark.parametrize("number_type", [TensorProto.FLOAT, TensorProto.FLOAT16])
def test_moves_of_bytes_become_moves_of_numbers(number_type: int) -> None:
    before = _of(TURNED.replace("TYPE", str(number_type)))
    pictures = np.random.default_rng(0).integers(0, 256, (5, 4, 6, 3), np.uint8)

    after = cast_first(before)

    assert _readers_of_bytes(before) == {"Identity"}
    assert _readers_of_bytes(after) == {"Cast"}
    onnx.checker.check_model(onnx.load_from_string(after), full_check=True)
    expected = pictures[..., ::-1].mean(axis=(1, 2))
    assert np.abs(_run(after, pictures) - expected).max() < 1e-3
    assert np.array_equal(_run(after, pictures), _run(before, pictures))


@pytest.mark.parametrize(
    "content",
    [
        _of(
            TURNED.replace("TYPE", "1").replace(
                "turned = Transpose <perm = [0, 3, 1, 2]> (bgr)",
                "kept = Transpose <perm = [0, 3, 1, 2]> (bgr)\nturned = Max (kept, kept)",
            )
        ),
        _of(TURNED.replace("TYPE", "7")),  # to whole numbers
        cast_first(_of(TURNED.replace("TYPE", "1"))),  # is so already
        b"no model",
    ],
    ids=["computed on", "to whole numbers", "done", "no model"],
)
def test_what_stays_as_it_is(content: bytes) -> None:
    assert cast_first(content) is content


@pytest.mark.parametrize(
    "path", [ENCODER_MODEL, PEOPLE_MODEL, POSE_MODEL], ids=lambda path: path.name
)
def test_the_bundled_networks_begin_with_numbers(path: Path) -> None:
    assert _readers_of_bytes(cast_first(path.read_bytes())) == {"Cast"}


def test_an_encoder_that_is_cut_off_begins_with_numbers(tiny_model: Path) -> None:
    file = OnnxFile.load(tiny_model)

    encoder = file.cut([file.boundary.frames], [file.boundary.frame_features])

    assert _readers_of_bytes(cast_first(encoder)) == {"Cast"}
    pictures = np.full((2, *file.spec.frame_shape), 51, np.uint8)
    assert _run(cast_first(encoder), pictures) == pytest.approx(np.full((2, 1), 0.2))
