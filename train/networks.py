"""The networks: a ConvNet for each picture, a recurrent layer over the pictures, a decision.

Every network takes uint8 clips of shape (batch, frames_per_clip, height, width, channels) and gives
softmax scores of shape (batch, num_labels). Pixels are scaled inside, so training and serving
cannot disagree about it. A new encoder is one function here and its name in `ENCODERS`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from rtaction.keras_tensorflow import keras
from rtaction.model_spec import ModelSpec

layers = keras.layers

NetworkName = Literal["light", "convnet"]
Recurrent = Literal["gru", "lstm"]

Tensor = Any


def build_network(
    spec: ModelSpec,
    *,
    network: NetworkName = "light",
    recurrent: Recurrent = "gru",
    recurrent_units: int = 64,
    dropout: float = 0.5,
) -> Any:
    """Build an untrained network.

    Args:
        spec: shape of the clips and number of labels.
        network: "light" (58 MFLOP a picture at 112x112 RGB, for CPUs, one dense layer to decide) or
            "convnet" (the tutorial's: 5.13 GFLOP, dense 1024-512-128-64 to decide). Default
            "light".
        recurrent: "gru" or "lstm". Default "gru".
        recurrent_units: size of the recurrent layer. Default 64.
        dropout: share of values dropped while training. Default 0.5.

    Returns:
        A `keras.Model`, not compiled.

    Raises:
        ValueError: pictures too small for the encoder.
    """
    if min(spec.height, spec.width) < 32:
        raise ValueError(f"pictures must be at least 32x32, got {spec.height}x{spec.width}")
    clip = keras.Input(spec.clip_shape, dtype="uint8", name="clip")
    encoder = build_encoder(spec, network, dropout)
    features = layers.TimeDistributed(encoder, name="frames")(clip)  # (batch, F, D)
    layer = layers.GRU if recurrent == "gru" else layers.LSTM
    x = layer(recurrent_units, name=recurrent)(features)  # (batch, recurrent_units)
    x = _DECISIONS[network](x, dropout)
    scores = layers.Dense(len(spec.labels), activation="softmax", name="scores")(x)
    return keras.Model(clip, scores, name=f"{network}_{recurrent}")


def build_encoder(spec: ModelSpec, network: NetworkName, dropout: float) -> Any:
    """The part that sees one picture: uint8 (batch, H, W, C) to float32 (batch, num_features)."""
    frame = keras.Input(spec.frame_shape, dtype="uint8", name="frame")
    pixels = layers.Rescaling(1 / 127.5, offset=-1.0, name="pixels")(frame)
    return keras.Model(frame, ENCODERS[network](pixels, dropout), name="encoder")


def convnet(x: Tensor, dropout: float) -> Tensor:
    """The tutorial's ConvNet: four blocks of two 3x3 convolutions, 64 to 512 filters."""
    for filters in (64, 128, 256, 512):
        x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
        x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
        x = layers.BatchNormalization(momentum=0.9)(x)
        x = layers.MaxPooling2D()(x) if filters < 512 else layers.GlobalMaxPooling2D()(x)
    return x  # (batch, 512)


def light(x: Tensor, dropout: float) -> Tensor:
    """A ConvNet for CPUs: strided convolutions, and a dense layer that keeps *where* things are.

    Poolings over the whole picture forget position, but arms raised and arms held out differ in
    little else.
    """
    for filters, size, stride in ((32, 5, 4), (64, 3, 2), (80, 3, 1), (128, 3, 2), (128, 3, 1)):
        x = layers.Conv2D(filters, size, strides=stride, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization(momentum=0.9)(x)
        x = layers.ReLU()(x)
    x = layers.Flatten()(x)
    x = layers.Dropout(dropout / 2)(x)
    return layers.Dense(96, activation="relu")(x)  # (batch, 96)


ENCODERS: dict[NetworkName, Callable[[Tensor, float], Tensor]] = {
    "convnet": convnet,
    "light": light,
}


def _deep_decision(x: Tensor, dropout: float) -> Tensor:
    for units in (1024, 512, 128, 64):
        x = layers.Dense(units, activation="relu")(x)
        x = layers.Dropout(dropout)(x) if units > 64 else x
    return x  # (batch, 64)


def _short_decision(x: Tensor, dropout: float) -> Tensor:
    return layers.Dropout(dropout)(x)


_DECISIONS: dict[NetworkName, Callable[[Tensor, float], Tensor]] = {
    "convnet": _deep_decision,
    "light": _short_decision,
}
