"""The networks: a ConvNet for each picture, a recurrent layer over the pictures, a decision.

Every network takes uint8 clips of shape (batch, frames_per_clip, height, width, channels) and gives
softmax scores of shape (batch, num_labels). Pixels are scaled inside, so training and serving
cannot disagree about it. A new network is one function here and its name in `_SEQUENCES`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from rtaction.errors import UsageError
from rtaction.keras_tensorflow import keras
from rtaction.model_spec import ModelSpec

layers = keras.layers

NetworkName = Literal["light", "motion", "convnet"]
Recurrent = Literal["gru", "lstm"]

Tensor = Any
MIN_SIZE = 32


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
        network: "light" sees what there is (54 MFLOP a picture at 112x112 RGB, for CPUs), "motion"
            sees what moves and is blind to what does not (cheaper still), "convnet" is the
            tutorial's (5.13 GFLOP a picture). Default "light".
        recurrent: "gru" or "lstm". Default "gru".
        recurrent_units: size of the recurrent layer. Default 64.
        dropout: share of values dropped while training. Default 0.5.

    Returns:
        A `keras.Model`, not compiled.

    Raises:
        UsageError: pictures too small for the encoder, or too few for their differences.
    """
    if min(spec.height, spec.width) < MIN_SIZE:
        raise UsageError(
            f"pictures must be at least {MIN_SIZE}x{MIN_SIZE}, got {spec.height}x{spec.width}"
        )
    if network == "motion" and spec.frames_per_clip < 2:
        raise UsageError("the motion network needs clips of at least 2 pictures, got 1")
    clip = keras.Input(spec.clip_shape, dtype="uint8", name="clip")
    sequence = _SEQUENCES[network](clip, spec, dropout)  # (batch, time, num_features)
    layer = layers.GRU if recurrent == "gru" else layers.LSTM
    x = layer(recurrent_units, name=recurrent)(sequence)  # (batch, recurrent_units)
    x = _deep_decision(x, dropout) if network == "convnet" else layers.Dropout(dropout)(x)
    scores = layers.Dense(len(spec.labels), activation="softmax", name="scores")(x)
    return keras.Model(clip, scores, name=f"{network}_{recurrent}")


def convnet(clip: Tensor, spec: ModelSpec, dropout: float) -> Tensor:
    """The tutorial's ConvNet: four blocks of two 3x3 convolutions, 64 to 512 filters."""
    frame, x = _pixels(spec)
    for filters in (64, 128, 256, 512):
        x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
        x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
        x = layers.BatchNormalization(momentum=0.9)(x)
        x = layers.MaxPooling2D()(x) if filters < 512 else layers.GlobalMaxPooling2D()(x)
    return _for_each_frame(clip, frame, x)  # (batch, F, 512)


def light(clip: Tensor, spec: ModelSpec, dropout: float) -> Tensor:
    """A ConvNet for CPUs: strided convolutions, and a dense layer that keeps *where* things are.

    Poolings over the whole picture forget position, but arms raised and arms held out differ in
    little else.
    """
    frame, x = _pixels(spec)
    for filters, size, stride in ((32, 5, 4), (64, 3, 2), (80, 3, 1), (128, 3, 2), (128, 3, 1)):
        x = layers.Conv2D(filters, size, strides=stride, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization(momentum=0.9)(x)
        x = layers.ReLU()(x)
    x = layers.Flatten()(x)
    x = layers.Dropout(dropout / 2)(x)
    x = layers.Dense(96, activation="relu")(x)
    return _for_each_frame(clip, frame, x)  # (batch, F, 96)


def motion(clip: Tensor, spec: ModelSpec, dropout: float) -> Tensor:
    """Differences between one picture and the next, in the features of one linear convolution.

    What stands still vanishes, so backgrounds and clothes cannot be learnt by heart. The difference
    of two linear features is the feature of the difference, yet each picture is still encoded alone
    and once. The convolutions after it see each difference for itself: their kernels are 1 in time.
    """
    frame, x = _pixels(spec)
    stem = layers.Conv2D(24, 5, strides=4, padding="same", use_bias=False)(x)
    map_shape = tuple(stem.shape[1:])  # (height / 4, width / 4, 24)
    features = _for_each_frame(clip, frame, layers.Flatten()(stem))  # (batch, F, D)
    later = layers.Cropping1D((1, 0))(features)
    earlier = layers.Cropping1D((0, 1))(features)
    x = layers.Subtract()([later, earlier])  # (batch, F - 1, D)
    x = layers.Reshape((spec.frames_per_clip - 1, *map_shape))(x)
    x = layers.BatchNormalization(momentum=0.9)(x)
    x = layers.ReLU()(x)
    for filters in (64, 128):
        x = layers.Conv3D(filters, (1, 3, 3), strides=(1, 2, 2), padding="same", use_bias=False)(x)
        x = layers.BatchNormalization(momentum=0.9)(x)
        x = layers.ReLU()(x)
    x = layers.Reshape((spec.frames_per_clip - 1, -1))(x)
    x = layers.Dropout(dropout / 2)(x)
    return layers.Dense(96, activation="relu")(x)  # (batch, F - 1, 96)


_SEQUENCES: dict[NetworkName, Callable[[Tensor, ModelSpec, float], Tensor]] = {
    "convnet": convnet,
    "light": light,
    "motion": motion,
}


def _pixels(spec: ModelSpec) -> tuple[Tensor, Tensor]:
    """One picture as the encoder's input, uint8 (batch, H, W, C), and its pixels from -1 to 1."""
    frame = keras.Input(spec.frame_shape, dtype="uint8", name="frame")
    return frame, layers.Rescaling(1 / 127.5, offset=-1.0, name="pixels")(frame)


def _for_each_frame(clip: Tensor, frame: Tensor, features: Tensor) -> Tensor:
    encoder = keras.Model(frame, features, name="encoder")
    return layers.TimeDistributed(encoder, name="frames")(clip)  # (batch, F, num_features)


def _deep_decision(x: Tensor, dropout: float) -> Tensor:
    """The tutorial's decision network: dense 1024, 512, 128, 64."""
    for units in (1024, 512, 128, 64):
        x = layers.Dense(units, activation="relu")(x)
        x = layers.Dropout(dropout)(x) if units > 64 else x
    return x  # (batch, 64)
