"""What a model from elsewhere must be told, and what becomes of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rtaction.errors import ExportError, ModelSpecError, RtactionError, UsageError
from rtaction.export.agreement.clips import make_clips
from rtaction.export.contract.adapted import adapted, scales_pixels_itself
from rtaction.export.contract.spec import contract_of, scales_of
from rtaction.export.exporter import export_model
from rtaction.export.keras.graph import Program, flattened
from rtaction.export.options import ContractOptions, read_labels
from rtaction.keras_tensorflow import keras, tensorflow
from rtaction.onnx_format.file import OnnxFile
from tests.export.networks import SPEC, layers, save, seeing, sensitive

GIVEN = ContractOptions(labels=SPEC.labels, clip_seconds=1.0, scale="0..1")
NOWHERE = Path("none/model_spec.json")


def _network(
    *, scores: int = 3, activation: str | None = "softmax", channels: int = 3, first: Any = None
) -> Any:
    keras.utils.set_random_seed(0)
    clip = keras.Input((4, 32, 40, channels))
    x = first(clip) if first else clip
    x = layers.GRU(4)(layers.TimeDistributed(seeing((32, 40, channels)))(x))
    return keras.Model(clip, layers.Dense(scores, activation=activation)(x))


def _contract(network: Any, given: ContractOptions) -> Any:
    return contract_of(flattened(network), given, NOWHERE, is_named=False)


def test_all_that_is_missing_is_named_at_once() -> None:
    with pytest.raises(ModelSpecError) as caught:
        _contract(_network(channels=5), ContractOptions())
    text = str(caught.value)
    assert "none/model_spec.json" in text
    for option in ("--labels a,b,c (for its 3 scores", "--clip-seconds", "--modality"):
        assert option in text
    assert "--scale 0..1|-1..1|0..255|imagenet|caffe" in text
    assert "--frames" not in text


def test_what_layers_tell_need_not_be_said() -> None:
    spec = _contract(_network(), replace(GIVEN, threshold=0.7, background_label="b", resize="crop"))
    assert spec == replace(SPEC, threshold=0.7, background_label="b", resize="crop")


@pytest.mark.parametrize(
    ("first", "itself"),
    [
        (None, False),
        (layers.Rescaling(1 / 255), True),
        (layers.TimeDistributed(layers.Rescaling(1 / 255)), True),
        (layers.Normalization(mean=[1.0, 2.0, 3.0], variance=[1.0, 1.0, 1.0]), True),
        (lambda x: layers.TimeDistributed(layers.Conv2D(3, 1))(x), False),
    ],
)
def test_layers_before_the_first_with_weights_tell_whether_pixels_are_scaled(
    first: Any, itself: bool
) -> None:
    assert scales_pixels_itself(flattened(_network(first=first))) is itself


def test_a_rescaling_of_features_is_none_of_pixels() -> None:
    clip = keras.Input(SPEC.clip_shape)
    x = layers.TimeDistributed(seeing(SPEC.frame_shape))(clip)
    network = keras.Model(clip, layers.Dense(3)(layers.GRU(4)(layers.Rescaling(2.0)(x))))
    assert not scales_pixels_itself(flattened(network))
    with pytest.raises(ModelSpecError, match="--scale"):
        scales_of(flattened(network), ContractOptions())


@pytest.mark.parametrize(
    ("scale", "white", "red"),
    [
        ("0..1", (1.0, 1.0, 1.0), (1.0, 0.0, 0.0)),
        ("-1..1", (1.0, 1.0, 1.0), (1.0, -1.0, -1.0)),
        ("0..255", (255.0, 255.0, 255.0), (255.0, 0.0, 0.0)),
        ("imagenet", (2.2489, 2.4286, 2.64), (2.2489, -2.0357, -1.8044)),
        ("caffe", (151.061, 138.221, 131.32), (-103.939, -116.779, 131.32)),
    ],
)
def test_pixels_become_what_the_network_was_trained_on(
    scale: str, white: tuple[float, ...], red: tuple[float, ...]
) -> None:
    """A network that gives back the mean of each channel."""
    clip = keras.Input(SPEC.clip_shape)
    mean = layers.GlobalAveragePooling3D()(clip)
    scores = layers.Activation("linear")(mean)
    network = keras.Model(clip, scores)
    clips = np.full((2, *SPEC.clip_shape), 255, np.uint8)
    clips[1, ..., 1:] = 0
    flat = flattened(network)
    scales = scales_of(flat, ContractOptions(scale=scale))
    found = adapted(network, flat, SPEC, scales)
    expected = np.array([white, red])
    exported = Program(found.flat.inputs, found.flat.outputs[0], found.flat.nodes)
    np.testing.assert_allclose(exported(tensorflow.constant(clips)), expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found.truth(clips), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("scale", ["-1..1", "imagenet", "caffe"])
def test_exported_with_a_scale(scale: str, tmp_path: Path) -> None:
    clips = make_clips(SPEC).astype(np.float32) / 127.5 - 1.0
    path = save(sensitive(_network(), clips), None, tmp_path)
    found = export_model(path, tmp_path / "model.onnx", options=replace(GIVEN, scale=scale))
    assert found.agreement.max_difference <= 1e-4
    file = OnnxFile.load(found.path)
    assert file.is_cut
    assert file.spec.pixel_scaling.startswith("inside the model: ")
    assert file.inputs == ["clip: uint8 (batch, 4, 32, 40, 3)"]


def test_scores_without_softmax_get_one(tmp_path: Path) -> None:
    clips = make_clips(SPEC).astype(np.float32) / 255
    path = save(sensitive(_network(activation=None), clips), None, tmp_path)
    found = export_model(path, tmp_path / "model.onnx", options=GIVEN)
    assert found.notes == ("added a softmax, since the last layer has no activation",)
    assert OnnxFile.load(found.path).op_counts()["Softmax"] == 1
    # Without one, these scores are no probabilities, and nobody could run the file.
    with pytest.raises(ExportError, match="not from 0 to 1; say with --logits"):
        export_model(path, tmp_path / "raw.onnx", options=replace(GIVEN, logits=False))


def test_one_score_becomes_two_labels(tmp_path: Path) -> None:
    clips = make_clips(SPEC).astype(np.float32) / 255
    network = sensitive(_network(scores=1, activation="sigmoid"), clips)
    given = replace(GIVEN, labels=("calm", "fight"))
    found = export_model(save(network, None, tmp_path), tmp_path / "m.onnx", options=given)
    assert found.notes == ("its single score p becomes 'fight'; 'calm' is 1 - p",)
    assert found.agreement.max_difference <= 1e-5
    assert OnnxFile.load(found.path).spec.labels == ("calm", "fight")
    with pytest.raises(ModelSpecError, match="the label of a low score, then that of a high score"):
        export_model(tmp_path / "model.keras", tmp_path / "m.onnx", options=ContractOptions())


def test_one_score_without_sigmoid_gets_one(tmp_path: Path) -> None:
    clips = make_clips(SPEC).astype(np.float32) / 255
    network = sensitive(_network(scores=1, activation=None), clips)
    given = replace(GIVEN, labels=("calm", "fight"))
    found = export_model(save(network, None, tmp_path), tmp_path / "m.onnx", options=given)
    assert found.notes[0] == "added a sigmoid, since the last layer has no activation"
    assert found.agreement.max_difference <= 1e-5
    assert OnnxFile.load(found.path).op_counts()["Sigmoid"] == 1


def test_options_come_before_the_file(tmp_path: Path) -> None:
    clip = keras.Input(SPEC.clip_shape, dtype="uint8")
    x = layers.TimeDistributed(seeing(SPEC.frame_shape))(layers.Rescaling(1 / 255)(clip))
    network = keras.Model(clip, layers.Dense(3, activation="softmax")(layers.GRU(4)(x)))
    path = save(sensitive(network, make_clips(SPEC)), SPEC, tmp_path)
    given = ContractOptions(labels=("x", "y", "z"), threshold=0.9, clip_seconds=2.5)
    spec = OnnxFile.load(export_model(path, tmp_path / "m.onnx", options=given).path).spec
    assert spec == replace(SPEC, labels=("x", "y", "z"), threshold=0.9, clip_seconds=2.5)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (replace(GIVEN, labels=("a", "b")), ModelSpecError, "has 2 labels, but the model outputs"),
        (replace(GIVEN, labels=("a", "a", "b")), ModelSpecError, "labels must differ"),
        (replace(GIVEN, scale="0..2"), UsageError, "--scale must be one of 0..1"),
        (replace(GIVEN, scale="0..1,0..1"), UsageError, "one for each of 1 inputs"),
        (replace(GIVEN, modality="flow"), ModelSpecError, r"the model takes \(4, 32, 40, 3\)"),
        (replace(GIVEN, modality="sound"), ModelSpecError, "modality must be one of"),
        (replace(GIVEN, background_label="q"), ModelSpecError, "background_label must be one of"),
        (replace(GIVEN, clip_seconds=-1.0), ModelSpecError, "clip_seconds must be above 0"),
        (replace(GIVEN, threshold=2.0), ModelSpecError, "must be from 0 to 1"),
    ],
)
def test_what_makes_no_sense_is_told(
    given: ContractOptions, error: type[RtactionError], message: str, tmp_path: Path
) -> None:
    path = save(_network(), None, tmp_path)
    with pytest.raises(error, match=message):
        export_model(path, tmp_path / "model.onnx", options=given)
    assert not (tmp_path / "model.onnx").exists()


def _images() -> Any:
    image = keras.Input((32, 40, 3))
    return keras.Model(image, layers.Dense(3)(layers.Flatten()(image)))


def _every_frame() -> Any:
    clip = keras.Input(SPEC.clip_shape)
    return keras.Model(clip, layers.Dense(3)(layers.TimeDistributed(layers.Flatten())(clip)))


def _fixed_batch() -> Any:
    clip = keras.Input(batch_shape=(2, *SPEC.clip_shape))
    return keras.Model(clip, layers.Dense(3)(layers.Flatten()(clip)))


def _two_lengths() -> Any:
    a, b = keras.Input((4, 32, 40, 3)), keras.Input((5, 32, 40, 2))
    both = layers.Concatenate()([layers.Flatten()(a), layers.Flatten()(b)])
    return keras.Model([a, b], layers.Dense(3)(both))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (_images, r"expected a model from clips .* got \(32, 40, 3\) to \(3,\)"),
        (_every_frame, r"to one row of scores, got .* to \(4, 3\)"),
        (_fixed_batch, r"expected a free batch size .*, got a batch size of 2"),
        (_two_lengths, "must have the same frames, height and width"),
    ],
)
def test_other_models_are_refused(make: Any, message: str) -> None:
    with pytest.raises(ExportError, match=message):
        _contract(make(), GIVEN)


def test_labels_from_a_list_or_a_file(tmp_path: Path) -> None:
    assert read_labels("wave, clap") == ("wave", "clap")
    (tmp_path / "labels.txt").write_text("wave\nclap hands\n\n")
    assert read_labels(str(tmp_path / "labels.txt")) == ("wave", "clap hands")
    (tmp_path / "labels.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match=r"--labels: cannot read .*labels\.txt"):
        read_labels(str(tmp_path / "labels.txt"))
