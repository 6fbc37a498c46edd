"""Models of every structure: where they are cut, and that they compute the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from rtaction.errors import ExportError, ModelSpecError
from rtaction.export.agreement.clips import make_clips
from rtaction.export.exporter import export_model
from rtaction.export.keras.graph import flattened
from rtaction.export.keras.parts import divide
from rtaction.export.options import ContractOptions
from rtaction.keras_tensorflow import keras
from rtaction.onnx_format.file import OnnxFile
from tests.export.networks import SPEC, layers, save, seeing, sensitive

ops = keras.ops
Tensor = Any


def _pixels(clip: Tensor) -> Tensor:
    return layers.Rescaling(1 / 255)(clip)


def _scores(x: Tensor) -> Tensor:
    return layers.Dense(3, activation="softmax")(x)


def _each(x: Tensor, layer: Any = None) -> Tensor:
    return layers.TimeDistributed(layer or seeing(tuple(x.shape[2:])))(x)


def _several_in_a_row(clip: Tensor) -> Tensor:
    x = _each(_pixels(clip), layers.Conv2D(6, 5, strides=4))
    x = _each(x, layers.BatchNormalization())
    x = _each(x, layers.GlobalMaxPooling2D())
    x = layers.Dense(5, activation="relu")(x)
    x = layers.BatchNormalization(axis=2)(x)
    return layers.GRU(4)(layers.Dropout(0.3)(layers.Activation("tanh")(x)))


def _branches(clip: Tensor) -> Tensor:
    x = _pixels(clip)
    one, two = _each(x), _each(x)
    both = layers.Concatenate()([layers.Add()([one, two]), layers.Multiply()([one, two])])
    return layers.LSTM(4)(layers.LayerNormalization(epsilon=0.1)(both))


def _two_heads(clip: Tensor) -> Tensor:
    x = _pixels(clip)
    one, two = _each(x), _each(x, layers.Conv2D(2, 8, strides=8))
    maps = layers.Conv3D(3, (2, 2, 2))(two)
    return layers.Concatenate()([layers.GRU(4)(one), layers.GlobalAveragePooling3D()(maps)])


def _passes_the_recurrent_one_by(clip: Tensor) -> Tensor:
    x = layers.Dense(5)(_each(_pixels(clip)))
    return layers.Concatenate()([layers.GRU(4)(x), layers.GlobalAveragePooling1D()(x)])


def _slices_of_channels(clip: Tensor) -> Tensor:
    x = _pixels(clip)
    one, two = _each(x[..., :2]), _each(x[:, :, :, :, 2:])
    return layers.Bidirectional(layers.LSTM(3))(layers.Concatenate(axis=2)([one, two]))


def _arithmetic(clip: Tensor) -> Tensor:
    x = ops.cast(clip, "float32") / 127.5 - 1.0
    x = ops.relu(_each(x) * np.float32(2.0) + 0.5)
    return layers.GRU(4)(x)


def _maps_into_time(clip: Tensor) -> Tensor:
    x = _each(_pixels(clip), layers.Conv2D(3, 8, strides=8))
    return layers.GRU(4)(layers.Reshape((4, -1))(x))


def _stacked(clip: Tensor) -> Tensor:
    x = _each(_pixels(clip))
    x = layers.Bidirectional(layers.GRU(4, return_sequences=True))(x)
    x = _each(x, layers.Dense(5, activation="relu"))
    x = layers.LSTM(4, return_sequences=True, go_backwards=True, dropout=0.2)(x)
    return layers.SimpleRNN(4)(x)


def _attention(clip: Tensor) -> Tensor:
    x = _each(_pixels(clip))
    return layers.GlobalAveragePooling1D()(layers.MultiHeadAttention(2, 4)(x, x))


def _conv_over_time(clip: Tensor) -> Tensor:
    return layers.GlobalMaxPooling1D()(layers.Conv1D(4, 3, padding="causal")(_each(_pixels(clip))))


def _model_in_model(clip: Tensor) -> Tensor:
    inner = keras.Input(SPEC.clip_shape)
    model = keras.Model(inner, _each(keras.Sequential([layers.Rescaling(1 / 255)])(inner)))
    return layers.GRU(4)(keras.Sequential([model, layers.Dense(4)])(ops.cast(clip, "float32")))


def _odd_activation(clip: Tensor) -> Tensor:
    return layers.GRU(4, activation="gelu")(_each(_pixels(clip)))


CUT = [
    (_several_in_a_row, 5, {"Conv": 1, "GRU": 1}),
    (_branches, 12, {"Conv": 2, "LSTM": 1}),
    (_two_heads, 6 + 2 * 4 * 5, {"Conv": 3, "GRU": 1, "Split": 1}),
    (_passes_the_recurrent_one_by, 5, {"Conv": 1, "GRU": 1}),
    (_slices_of_channels, 12, {"Conv": 2, "LSTM": 1}),
    (_arithmetic, 6, {"Conv": 1, "GRU": 1}),
    (_maps_into_time, 3 * 4 * 5, {"Conv": 1, "GRU": 1}),
    (_stacked, 6, {"Conv": 1, "GRU": 1, "LSTM": 1, "RNN": 1}),
    (_attention, 6, {"Conv": 1}),
    (_conv_over_time, 6, {"Conv": 2}),
    (_model_in_model, 4, {"Conv": 1, "GRU": 1}),
    (_odd_activation, 6, {"Conv": 1}),
]


def _built(make: Any) -> Any:
    keras.utils.set_random_seed(0)
    clip = keras.Input(SPEC.clip_shape, dtype="uint8")
    return sensitive(keras.Model(clip, _scores(make(clip))), make_clips(SPEC))


@pytest.mark.parametrize(("make", "num_features", "ops"), CUT, ids=[one[0].__name__ for one in CUT])
def test_cut_where_frames_meet(
    make: Any, num_features: int, ops: dict[str, int], tmp_path: Path
) -> None:
    network = _built(make)
    encoder = divide(flattened(network)).encoder
    assert encoder is not None
    assert encoder.num_features == num_features
    found = export_model(save(network, SPEC, tmp_path), tmp_path / "model.onnx")
    assert found.agreement.max_difference <= 1e-5
    assert found.agreement.spread >= 0.1
    assert found.agreement.top_1_agreement == 1.0
    file = OnnxFile.load(found.path)
    assert file.is_cut
    counts = file.op_counts()
    assert {op: counts.get(op) for op in ops} == ops
    assert "Loop" not in counts


def _conv_3d(clip: Tensor) -> Tensor:
    x = layers.Conv3D(4, (2, 5, 5), strides=(1, 4, 4), activation="relu")(_pixels(clip))
    return layers.GlobalAveragePooling3D()(x)


def _conv_lstm(clip: Tensor) -> Tensor:
    x = layers.AveragePooling3D((1, 4, 4))(_pixels(clip))
    return layers.GlobalAveragePooling2D()(layers.ConvLSTM2D(3, 3)(x))


def _conv_3d_before_each_frame(clip: Tensor) -> Tensor:
    x = layers.Conv3D(4, (2, 5, 5), strides=(1, 4, 4))(_pixels(clip))
    return layers.GRU(4)(_each(_each(x, layers.Conv2D(4, 3)), layers.GlobalMaxPooling2D()))


def _pixels_over_time(clip: Tensor) -> Tensor:
    seen = layers.GRU(4)(_each(_pixels(clip)))
    rest = layers.AveragePooling3D((4, 8, 8))(layers.Rescaling(1 / 255)(clip))
    return layers.Concatenate()([seen, layers.Flatten()(rest)])


WHOLE = [
    (_conv_3d, "Conv3D", {"Conv": 1}),
    (_conv_lstm, "AveragePooling3D", {"AveragePool": 1}),
    (_conv_3d_before_each_frame, "Conv3D", {"Conv": 2, "GRU": 1}),
    (_pixels_over_time, "GRU|Average", {"GRU": 1, "Conv": 1}),
]


@pytest.mark.parametrize(("make", "layer", "ops"), WHOLE, ids=[one[0].__name__ for one in WHOLE])
def test_whole_where_it_cannot_be_cut(
    make: Any, layer: str, ops: dict[str, int], tmp_path: Path
) -> None:
    found = export_model(save(_built(make), SPEC, tmp_path), tmp_path / "model.onnx")
    assert found.agreement.max_difference <= 1e-5
    assert found.agreement.spread >= 0.1
    file = OnnxFile.load(found.path)
    assert not file.is_cut
    (note,) = found.notes
    assert note.startswith("runs whole for each window: ")
    assert any(name in note for name in layer.split("|"))
    assert file.reason_for_whole in note
    counts = file.op_counts()
    assert {op: counts.get(op) for op in ops} == ops
    assert "Loop" not in counts


def test_two_inputs_become_one_clip(tmp_path: Path) -> None:
    keras.utils.set_random_seed(0)
    pixels, flow = keras.Input((4, 32, 40, 3)), keras.Input((4, 32, 40, 2))
    both = layers.Concatenate()([_each(pixels), _each(flow)])
    network = keras.Model([pixels, flow], _scores(layers.GRU(4)(both)))
    spec = replace(SPEC, modality="rgb+flow")
    clips = make_clips(spec).astype(np.float32) / 127.5 - 1.0
    sensitive(network, [clips[..., :3], clips[..., 3:]])
    found = export_model(
        save(network, None, tmp_path),
        tmp_path / "model.onnx",
        options=ContractOptions(labels=SPEC.labels, clip_seconds=1.0, scale="imagenet,-1..1"),
    )
    assert found.agreement.max_difference <= 1e-5
    assert found.notes == ("merged its 2 inputs into one of 5 channels",)
    file = OnnxFile.load(found.path)
    assert file.spec.modality == "rgb+flow"
    assert file.inputs == ["clip: uint8 (batch, 4, 32, 40, 5)"]
    assert file.is_cut


def test_layers_may_share_a_name_with_others_and_with_what_is_added(tmp_path: Path) -> None:
    def part(size: int) -> Any:
        return keras.Sequential([keras.Input((size,)), layers.Dense(5, name="dense")])

    keras.utils.set_random_seed(0)
    clip = keras.Input(SPEC.clip_shape)
    x = layers.GRU(4)(_each(clip))
    x = layers.Concatenate(name="concatenate")([part(4)(x), part(4)(x)])
    x = layers.Activation("tanh", name="activation")(x)
    network = keras.Model(clip, layers.Dense(1, name="scores")(x))
    path = save(sensitive(network, make_clips(SPEC).astype(np.float32) / 255), None, tmp_path)
    keras.backend.clear_session()  # as in a new process, where names are counted anew
    options = ContractOptions(labels=("a", "b"), clip_seconds=1.0, scale="0..1")
    found = export_model(path, tmp_path / "model.onnx", options=options)
    assert found.agreement.max_difference <= 1e-5
    assert len(found.notes) == 2


def test_any_number_of_frames_becomes_the_one_that_is_said(tmp_path: Path) -> None:
    keras.utils.set_random_seed(0)
    clip = keras.Input((None, None, None, 3), dtype="uint8")
    frame = keras.Input((None, None, 3))
    seen = layers.GlobalAveragePooling2D()(layers.Conv2D(6, 5, strides=4)(frame))
    x = layers.TimeDistributed(keras.Model(frame, seen))(_pixels(clip))
    network = sensitive(keras.Model(clip, _scores(layers.GRU(4)(x))), make_clips(SPEC))
    path = save(network, None, tmp_path)
    given = ContractOptions(labels=SPEC.labels, clip_seconds=1.0)
    with pytest.raises(ModelSpecError, match=r"--frames .*--size HEIGHTxWIDTH"):
        export_model(path, tmp_path / "model.onnx", options=given)
    found = export_model(
        path, tmp_path / "model.onnx", options=replace(given, frames=6, size_hw=(24, 28))
    )
    assert found.agreement.max_difference <= 1e-5
    assert OnnxFile.load(found.path).inputs == ["clip: uint8 (batch, 6, 24, 28, 3)"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda x: layers.GRU(4, stateful=True)(x), r"\(GRU\) is stateful.*stateful=False"),
        (lambda x: layers.GRU(4)(layers.Masking()(x)), r"\(Masking\) hides frames.*without it"),
    ],
)
def test_what_no_file_can_hold_is_refused(make: Any, message: str) -> None:
    clip = keras.Input(
        SPEC.clip_shape, dtype="uint8", batch_size=2 if "stateful" in message else None
    )
    network = keras.Model(clip, _scores(make(_each(_pixels(clip)))))
    with pytest.raises(ExportError, match=message):
        divide(flattened(network))


def test_convnet_stands_once_whatever_the_frames(tmp_path: Path) -> None:
    def nodes(frames: int) -> int:
        spec = replace(SPEC, frames_per_clip=frames)
        keras.utils.set_random_seed(0)
        clip = keras.Input(spec.clip_shape, dtype="uint8")
        network = keras.Model(clip, _scores(_branches(clip)))
        path = save(sensitive(network, make_clips(spec)), spec, tmp_path / str(frames))
        found = export_model(path, tmp_path / f"{frames}.onnx")
        assert sum(n.op_type == "Conv" for n in onnx.load(found.path).graph.node) == 2
        return found.num_nodes

    assert nodes(3) == nodes(12)
