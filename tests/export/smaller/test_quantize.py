from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from rtaction.errors import ExportError, UsageError
from rtaction.export.agreement.clips import make_clips
from rtaction.export.smaller.encoder_swap import SMALLER_KEY, cut_encoder
from rtaction.export.smaller.fuse import fuse_preprocessing
from rtaction.export.smaller.half import halve
from rtaction.export.smaller.quantize import quantize, weight_range_of
from rtaction.export.smaller.triton import triton_files
from rtaction.model_spec import METADATA_KEY
from rtaction.onnx_format.file import OnnxFile
from tests.export.smaller_models import BOUNDARY, SPEC, conv_model
from tests.project import ROOT

CLIPS = make_clips(SPEC, num_clips=6, seed=1)


def scores_of(content: bytes, clips: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {session.get_inputs()[0].name: clips})[0])


@pytest.fixture(scope="module")
def int8() -> bytes:
    return quantize(conv_model(), CLIPS, reduce_range=False)


def check_still_ours(content: bytes, *, within: float) -> None:
    """The same contract, cut and scores, whole and in parts."""
    file, clips = OnnxFile(content), make_clips(SPEC, num_clips=8, seed=2)
    assert file.spec == SPEC
    assert file.boundary == BOUNDARY
    assert file.inputs == ["clip: uint8 (batch, 4, 32, 40, 3)"]
    assert file.outputs == ["scores: float32 (batch, 3)"]
    model = onnx.load_from_string(content)
    onnx.checker.check_model(model, full_check=True)
    assert max(Counter(one.domain for one in model.opset_import).values()) == 1
    truth = scores_of(conv_model(), clips)
    assert np.ptp(truth, axis=0).max() > 0.2
    whole = scores_of(content, clips)
    assert np.abs(whole - truth).max() < within
    encoder = file.cut(["frames"], ["frame_features"])
    features = scores_of(encoder, clips.reshape(-1, *SPEC.frame_shape)).reshape(8, 4, 24)
    assert features.dtype == np.float32
    head = file.cut(["clip_features"], ["scores"])
    np.testing.assert_allclose(scores_of(head, features), whole, atol=1e-6)


def test_int8_file_is_cut_at_the_same_places_and_runs_whole(int8: bytes) -> None:
    check_still_ours(int8, within=0.05)
    assert OnnxFile(int8).metadata[SMALLER_KEY].startswith("encoder int8, weights of 8 bits")
    weights = {t.name: t.data_type for t in onnx.load_from_string(int8).graph.initializer}
    assert sum(kind == onnx.TensorProto.INT8 for kind in weights.values()) >= 2
    assert weights["dense"] == onnx.TensorProto.FLOAT  # the head stays


def test_weights_have_a_scale_for_each_channel(int8: bytes) -> None:
    weights = {t.name: list(t.dims) for t in onnx.load_from_string(int8).graph.initializer}
    assert [d for name, d in sorted(weights.items()) if name.endswith("kernel1_scale")] == [[24]]


def test_weights_of_7_bits_are_within_64() -> None:
    model = onnx.load_from_string(quantize(conv_model(), CLIPS, reduce_range=True))
    largest = [
        int(np.abs(onnx.numpy_helper.to_array(t).astype(int)).max())
        for t in model.graph.initializer
        if t.data_type == onnx.TensorProto.INT8 and len(t.dims) == 4
    ]
    assert len(largest) == 2
    assert max(largest) <= 64


def test_first_layers_stay_float_where_asked(int8: bytes) -> None:
    one = quantize(conv_model(), CLIPS, reduce_range=False, float_layers=1)
    kinds = [
        sum(
            t.data_type == onnx.TensorProto.INT8 for t in onnx.load_from_string(c).graph.initializer
        )
        for c in (int8, one)
    ]
    assert kinds[0] > kinds[1] > 0
    check_still_ours(one, within=0.05)


def test_same_input_gives_the_same_bytes_in_another_process(int8: bytes, tmp_path: Path) -> None:
    code = (
        "from pathlib import Path; import sys; from tests.export.smaller import test_quantize as t;"
        "Path(sys.argv[1]).write_bytes(t.quantize(t.conv_model(), t.CLIPS, reduce_range=False))"
    )
    path = tmp_path / "again.onnx"
    subprocess.run([sys.executable, "-c", code, str(path)], check=True, cwd=ROOT)
    assert path.read_bytes() == int8


def test_calibration_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    quantize(conv_model(), CLIPS[:1], calibration="percentile")
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize(
    "clips", [CLIPS[:0], CLIPS[:, :2], CLIPS.astype(np.float32)], ids=["none", "shape", "type"]
)
def test_other_clips_are_refused(clips: np.ndarray) -> None:
    with pytest.raises(UsageError, match="at least one uint8 clip"):
        quantize(conv_model(), clips)


def test_half_file_keeps_inputs_features_and_scores() -> None:
    content = halve(conv_model())
    check_still_ours(content, within=0.01)
    assert content == halve(conv_model())
    kinds = {t.name: t.data_type for t in onnx.load_from_string(content).graph.initializer}
    assert kinds["half/kernel1"] == onnx.TensorProto.FLOAT16
    assert kinds["dense"] == onnx.TensorProto.FLOAT


def test_nothing_is_made_smaller_twice(int8: bytes) -> None:
    with pytest.raises(UsageError, match="already made smaller"):
        halve(int8)
    with pytest.raises(UsageError, match="already made smaller"):
        cut_encoder(halve(conv_model()))


@pytest.mark.parametrize(
    ("cpuinfo", "machine", "is_reduced", "reason"),
    [
        ("flags\t\t: fpu avx2 avx512f\n", "x86_64", True, "no VNNI"),
        ("flags\t\t: avx2 avx_vnni\n", "x86_64", False, "has avx_vnni"),
        ("flags\t\t: avx512_vnni amx_int8\n", "AMD64", False, "amx_int8, avx512_vnni"),
        ("", "x86_64", True, "it is unknown whether"),
        ("Features\t: asimd asimddp\n", "aarch64", False, "aarch64 does not overflow"),
        ("", "arm64", False, "arm64 does not overflow"),
    ],
)
def test_range_of_weights_is_what_the_processor_needs(
    cpuinfo: str, machine: str, is_reduced: bool, reason: str
) -> None:
    found = weight_range_of(cpuinfo, machine)
    assert found.is_reduced is is_reduced
    assert reason in found.reason


def test_what_runs_whole_has_no_encoder_to_make_smaller() -> None:
    model = onnx.load_from_string(conv_model())
    kept = [entry for entry in model.metadata_props if entry.key == METADATA_KEY]
    del model.metadata_props[:]
    model.metadata_props.extend(kept)
    whole = model.SerializeToString()
    for make in (halve, triton_files, fuse_preprocessing):
        with pytest.raises(UsageError, match="cut into encoder and head"):
            make(whole)


def test_head_that_reads_inside_the_encoder_is_told() -> None:
    model = onnx.load_from_string(conv_model())
    dense = next(node for node in model.graph.node if node.op_type == "MatMul")
    dense.input[0] = "pooled_too"
    inside = onnx.helper.make_node("Flatten", ["pooled"], ["pooled_too"], name="inside")
    model.graph.node.insert(len(model.graph.node) - 2, inside)
    with pytest.raises(ExportError, match=r"head must read only .*, but also reads \['pooled'\]"):
        halve(model.SerializeToString())
