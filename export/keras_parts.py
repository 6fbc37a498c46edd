"""A trained Keras model, divided where the streaming runtime will cut it.

clip -> TimeDistributed(encoder) -> [layers] -> [GRU or LSTM -> [layers] -> ...] -> scores
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rtaction.errors import ExportError, ModelMissing, ModelSpecError, ModelUnreadable
from rtaction.export.recurrent import is_recurrent
from rtaction.keras_tensorflow import keras
from rtaction.model_spec import ModelSpec


@dataclass(frozen=True, eq=False, slots=True)
class KerasParts:
    """A model in pieces.

    Args:
        encoder: a Keras model of one picture, (batch, H, W, C) to (batch, num_features).
        head: in order, recurrent layers and the Keras models between and after them, or one model
            where there is no recurrent layer; the first
            takes (batch, frames_per_clip, num_features), the last gives (batch, num_labels).
    """

    encoder: Any
    head: list[Any]


def load_keras_model(path: Path) -> Any:
    """Load a `.keras` file. No code in the file is run: Keras refuses Lambda layers.

    Raises:
        ModelMissing: there is no such file.
        ModelUnreadable: it is no Keras 3 model, or needs classes of its own.
    """
    if not path.exists():
        raise ModelMissing(f"there is no Keras model {path}; train one with `rtaction train`")
    if not zipfile.is_zipfile(path):
        raise ModelUnreadable(f"{path} is no .keras file; expected what `rtaction train` writes")
    try:
        return keras.models.load_model(path, compile=False)
    except Exception as error:
        # Keras raises whatever the damaged or foreign part raises.
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise ModelUnreadable(f"Keras cannot load {path}: {reason[0]}") from None


def check_spec(model: Any, spec: ModelSpec) -> None:
    """See that a contract fits a model.

    Raises:
        ModelSpecError: it does not.
    """
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise ExportError(
            "expected a model with one clip as input and scores as output, got "
            f"{len(model.inputs)} inputs and {len(model.outputs)} outputs"
        )
    takes, gives = tuple(model.inputs[0].shape[1:]), tuple(model.outputs[0].shape[1:])
    if takes != spec.clip_shape:
        raise ModelSpecError(
            f"the contract says clips of shape {spec.clip_shape}, the model takes {takes}"
        )
    if gives != (len(spec.labels),):
        raise ModelSpecError(
            f"the contract has {len(spec.labels)} labels, the model gives scores of shape {gives}"
        )


def divide(model: Any) -> KerasParts:
    """Divide a model into encoder and head.

    Raises:
        ExportError: it has another structure; the text names the layer.
    """
    model = _as_functional(model)
    layers = [one for one in model.layers if not isinstance(one, keras.layers.InputLayer)]
    wrapped = []
    while layers and isinstance(layers[0], keras.layers.TimeDistributed):
        wrapped.append(layers.pop(0))
    if not wrapped:
        name = f"{layers[0].name!r} ({type(layers[0]).__name__})" if layers else "nothing"
        raise ExportError(
            f"expected TimeDistributed(...) as the first layer, got {name}; wrap the network of "
            "one picture in TimeDistributed"
        )
    features = wrapped[-1].output
    if len(features.shape) != 3:
        raise ExportError(
            f"layer {wrapped[-1].name!r} must give one row of features for each picture, got shape "
            f"{tuple(features.shape[1:])}; end it with pooling or Flatten"
        )
    head: list[Any] = []
    start = features
    for layer in layers:
        if not is_recurrent(layer):
            continue
        if layer.input is not start:
            head.append(_between(start, layer.input))
        head.append(layer)
        start = layer.output
    if start is not model.outputs[0]:
        head.append(_between(start, model.outputs[0]))
    return KerasParts(_encoder_of(model, wrapped), head)


def _between(start: Any, end: Any) -> Any:
    try:
        return keras.Model(start, end)
    except ValueError:
        raise ExportError(
            "the layers after TimeDistributed must form one way through the recurrent layers; one "
            "of them is passed by"
        ) from None


def _as_functional(model: Any) -> Any:
    """The same model with each layer called once.

    `Sequential` calls its layers anew for each one that is added, and `layer.output` is then the
    tensor of the first call, which no later layer is connected to.
    """
    if not isinstance(model, keras.Sequential):
        return model
    clip = keras.Input(model.inputs[0].shape[1:], dtype=model.inputs[0].dtype)
    x, copies = clip, []
    for layer in model.layers:
        copies.append(type(layer).from_config(layer.get_config()))
        x = copies[-1](x)
    for layer, copy in zip(model.layers, copies, strict=True):
        copy.set_weights(layer.get_weights())
    return keras.Model(clip, x)


def _encoder_of(model: Any, wrapped: list[Any]) -> Any:
    shape, dtype = model.inputs[0].shape[2:], model.inputs[0].dtype
    frame = keras.Input(shape, dtype=dtype)
    x = frame
    for layer in wrapped:
        x = layer.layer(x)
    return keras.Model(frame, x)
