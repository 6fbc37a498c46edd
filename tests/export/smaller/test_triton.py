from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from google.protobuf import text_format

from rtaction.errors import OutputError, UsageError
from rtaction.export.agreement.clips import make_clips
from rtaction.export.smaller.triton import triton_files, write_triton
from rtaction.model_spec import METADATA_KEY, ModelSpec
from rtaction.onnx_format.file import OnnxFile
from tests.export.smaller_models import SPEC, conv_model


def parse(text: bytes) -> Any:
    """A configuration, read with Triton's own schema."""
    from tritonclient.grpc import model_config_pb2

    return text_format.Parse(text.decode(), model_config_pb2.ModelConfig())


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("triton")
    write_triton(conv_model(), folder)
    return folder


def run(folder: Path, values: dict[str, np.ndarray], outputs: list[str]) -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(
        (folder / "1" / "model.onnx").read_bytes(), providers=["CPUExecutionProvider"]
    )
    return [np.asarray(one) for one in session.run(outputs, values)]


def test_ensemble_followed_by_hand_gives_the_scores_of_the_whole_model(repository: Path) -> None:
    ensemble = parse((repository / "rtaction" / "config.pbtxt").read_bytes())
    assert ensemble.platform == "ensemble"
    clips = make_clips(SPEC, num_clips=3)
    known = {ensemble.input[0].name: clips}
    for step in ensemble.ensemble_scheduling.step:
        takes = {inner: known[outer] for inner, outer in step.input_map.items()}
        inner_names = list(step.output_map)
        results = run(repository / step.model_name, takes, inner_names)
        known |= {step.output_map[n]: r for n, r in zip(inner_names, results, strict=True)}
    whole = onnxruntime.InferenceSession(conv_model(), providers=["CPUExecutionProvider"])
    truth = whole.run(None, {"clip": clips})[0]
    assert np.ptp(truth, axis=0).max() > 0.1
    np.testing.assert_allclose(known[ensemble.output[0].name], truth, atol=1e-6)


def test_streaming_client_gives_the_scores_of_the_whole_model(repository: Path) -> None:
    clips = make_clips(SPEC, num_clips=2)
    rows = [
        run(repository / "rtaction_encoder", {"frames": frame[np.newaxis]}, ["frame_features"])[0]
        for frame in clips[0]
    ]
    features = np.concatenate(rows)[np.newaxis]  # (1, F, D)
    scores = run(repository / "rtaction_head", {"clip_features": features}, ["scores"])[0]
    whole = onnxruntime.InferenceSession(conv_model(), providers=["CPUExecutionProvider"])
    np.testing.assert_allclose(scores, whole.run(None, {"clip": clips[:1]})[0], atol=1e-6)


@pytest.mark.parametrize("part", ["clip_encoder", "head", "encoder"])
def test_configurations_tell_what_the_graphs_take_and_give(repository: Path, part: str) -> None:
    folder = repository / f"rtaction_{part}"
    config = parse((folder / "config.pbtxt").read_bytes())
    session = onnxruntime.InferenceSession(folder / "1" / "model.onnx")
    types = {"tensor(uint8)": 2, "tensor(float)": 11}  # of model_config.proto
    for stated, real in (
        (config.input, session.get_inputs()),
        (config.output, session.get_outputs()),
    ):
        assert [(one.name, one.data_type, list(one.dims)) for one in stated] == [
            (one.name, types[one.type], one.shape[1:]) for one in real
        ]
        assert isinstance(real[0].shape[0], str)  # a batch of any size
    assert config.name == folder.name
    assert config.platform == "onnxruntime_onnx"
    assert config.max_batch_size == {"clip_encoder": 8, "head": 8, "encoder": 32}[part]
    assert config.dynamic_batching.max_queue_delay_microseconds == 1000
    assert config.instance_group[0].count == 1
    assert OnnxFile.load(folder / "1" / "model.onnx").metadata[METADATA_KEY] == SPEC.to_json()


def test_labels_and_contract_are_there(repository: Path) -> None:
    for name in ("rtaction", "rtaction_head"):
        config = parse((repository / name / "config.pbtxt").read_bytes())
        labels = (repository / name / config.output[0].label_filename).read_text()
        assert labels.splitlines() == list(SPEC.labels)
        text = config.parameters[METADATA_KEY].string_value
        assert ModelSpec.from_json(text) == SPEC
    assert (repository / "rtaction" / "1").is_dir()


def test_quotes_and_letters_of_other_languages_survive() -> None:
    labels = ('say "hi"', "größe\\n", "c")
    files = triton_files(conv_model(labels=labels), name="my-model")
    config = parse(files["my-model/config.pbtxt"])
    assert json.loads(config.parameters[METADATA_KEY].string_value)["labels"] == list(labels)
    assert files["my-model_head/labels.txt"].decode().splitlines() == list(labels)


def test_other_names_and_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="letters, digits"):
        triton_files(conv_model(), name="a/b")
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        write_triton(conv_model(), tmp_path / "file")
