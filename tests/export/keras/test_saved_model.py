"""SavedModel folders: converted whole, after their operations were looked at."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rtaction.errors import ExportError, ModelSpecError, ModelUnsafe
from rtaction.export.agreement.clips import make_clips
from rtaction.export.agreement.onnx_run import scores_of_onnx
from rtaction.export.exporter import export_model
from rtaction.export.keras.loading import load_keras_model
from rtaction.export.keras.saved_model import _HARMFUL, _HARMLESS, require_harmless
from rtaction.export.options import ContractOptions
from rtaction.keras_tensorflow import keras, op_def_registry, tensorflow
from rtaction.onnx_format.file import OnnxFile
from tests.export.networks import SPEC, layers, seeing, sensitive

GIVEN = ContractOptions(labels=SPEC.labels, clip_seconds=1.0, scale="0..1")


@pytest.fixture(scope="module")
def network() -> Any:
    keras.utils.set_random_seed(0)
    clip = keras.Input(SPEC.clip_shape)
    x = layers.LSTM(4)(layers.TimeDistributed(seeing(SPEC.frame_shape))(clip))
    clips = make_clips(SPEC).astype(np.float32) / 255
    return sensitive(keras.Model(clip, layers.Dense(3, activation="softmax")(x)), clips)


@pytest.fixture(scope="module")
def folder(network: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("saved") / "exported"
    network.export(path, verbose=False)
    return path


def test_it_is_exported_whole(network: Any, folder: Path, tmp_path: Path) -> None:
    found = export_model(folder, tmp_path / "model.onnx", options=GIVEN)
    assert found.agreement.max_difference <= 1e-5
    assert found.agreement.spread >= 0.1
    file = OnnxFile.load(found.path)
    assert not file.is_cut
    assert "a .keras file of the model can be cut" in file.reason_for_whole
    clips = make_clips(SPEC, seed=7)
    expected = network.predict_on_batch(clips.astype(np.float32) / 255)
    np.testing.assert_allclose(scores_of_onnx(file)(clips), expected, atol=1e-5)


def test_it_must_be_told_what_a_graph_does_not_tell(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelSpecError, match=r"--labels a,b,c .*--clip-seconds.*--scale"):
        export_model(folder, tmp_path / "model.onnx")


def test_the_same_bytes_again(folder: Path, tmp_path: Path) -> None:
    first, second = (
        export_model(folder, tmp_path / name, options=GIVEN).path.read_bytes() for name in "ab"
    )
    assert first == second


class _Other(tensorflow.Module):  # type: ignore[misc]
    @tensorflow.function(  # type: ignore[untyped-decorator]
        input_signature=[tensorflow.TensorSpec([None, 8], tensorflow.float32, name="rows")]
    )
    def serve(self, rows: Any) -> dict[str, Any]:
        return {"sums": tensorflow.reduce_sum(rows, axis=1, keepdims=True)}


def test_other_signatures_are_refused(tmp_path: Path) -> None:
    module = _Other()
    tensorflow.saved_model.save(module, tmp_path / "rows", {"serving_default": module.serve})
    with pytest.raises(ExportError, match=r"got rows \(None, 8\) to sums \(None, 1\)"):
        load_keras_model(tmp_path / "rows")
    tensorflow.saved_model.save(module, tmp_path / "odd", {"other": module.serve})
    with pytest.raises(ExportError, match=r"signature 'serving_default' in .*, got \['other'\]"):
        load_keras_model(tmp_path / "odd")


def test_a_trusted_one_may_do_anything(tmp_path: Path) -> None:
    marker = tmp_path / "marker"

    def compute(clip: Any) -> dict[str, Any]:
        with tensorflow.control_dependencies([tensorflow.io.write_file(str(marker), "x")]):
            return {"scores": tensorflow.reduce_mean(clip, axis=[1, 2, 3])}

    spec = tensorflow.TensorSpec([None, *SPEC.clip_shape], tensorflow.float32, name="clip")
    module = tensorflow.Module()
    module.serve = tensorflow.function(compute, input_signature=[spec])
    tensorflow.saved_model.save(module, tmp_path / "saved", {"serving_default": module.serve})
    with pytest.raises(ModelUnsafe, match=r"WriteFile.*--trust"):
        require_harmless(tmp_path / "saved")
    model = load_keras_model(tmp_path / "saved", trust=True)
    assert not marker.exists()
    model(np.zeros((1, *SPEC.clip_shape), np.float32))
    assert marker.exists()


@pytest.mark.parametrize(
    "operation",
    [
        *("ReadFile", "WriteFile", "MatchingFiles", "PyFunc", "PyFuncStateless", "EagerPyFunc"),
        *("TextLineReaderV2", "WholeFileReaderV2", "TFRecordDataset", "TextLineDataset"),
        *("InitializeTableFromTextFileV2", "LookupTableFindV2", "PrintV2", "SaveV2", "RestoreV2"),
        *("DecodeProtoV2", "Abort", "_Send", "_Recv", "MergeV2Checkpoints", "DebugIdentityV2"),
        *("LoadTPUEmbeddingAdagradParameters", "RemoteCall", "CollectiveReduceV2"),
    ],
)
def test_operations_that_do_more_than_compute_are_known(operation: str) -> None:
    definition = op_def_registry.get(operation)
    assert operation not in _HARMLESS
    assert definition is None or definition.is_stateful or re.search(_HARMFUL, operation)
