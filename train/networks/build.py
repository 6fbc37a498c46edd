"""Build networks: an encoder for each frame, a head over time, a classifier.

Every network takes uint8 clips of shape (batch, frames_per_clip, height, width, channels) and gives
scores of shape (batch, num_labels): softmax, or sigmoid with `multi_label`. Pixels are scaled
inside, so training and inference cannot disagree about it. Encoders are in `encoders`, heads in
`heads`. A network of the modality "pose" takes the numbers of `rtaction.pose.normal.window_numbers`
instead of pixels.
"""

from __future__ import annotations

from typing import Any

from rtaction.errors import UsageError
from rtaction.keras_tensorflow import keras
from rtaction.modality import CHANNELS, FLOW_STACK
from rtaction.model_spec import ModelSpec
from rtaction.pose.normal import NUM_NUMBERS
from rtaction.train.choices import DTPP, HeadName, NetworkName, Pooling, StreamEncoderName
from rtaction.train.networks.encoders import ENCODERS, EncoderOptions
from rtaction.train.networks.heads import HEADS
from rtaction.train.networks.known_encoders import (
    KNOWN_ENCODERS,
    encode_from_scratch,
    encode_pretrained,
    side_by_side,
)
from rtaction.train.networks.streams import stream_features, stream_scores

layers = keras.layers


Tensor = Any
MIN_SIZE = 32
_JOINT_FEATURES = 96
FRAMES = "frames"
STANDARD = "standard"
"""Names of the layer that encodes each frame, and of the one that normalises the features of a
pretrained network to mean 0 and deviation 1, once it has been adapted."""


def require_size(height: int, width: int) -> None:
    """Check that frames are not too small for the encoders.

    Raises:
        UsageError: they are.
    """
    if min(height, width) < MIN_SIZE:
        raise UsageError(f"frames must be at least {MIN_SIZE}x{MIN_SIZE}, got {height}x{width}")


def build_network(
    spec: ModelSpec,
    *,
    network: NetworkName = "light",
    head: HeadName = "gru",
    head_units: int = 64,
    dropout: float = 0.5,
    pretrained: bool = False,
    trainable_layers: int = 9,
    pooling: Pooling = "average",
    train_batchnorm: bool = False,
    stream_encoder: StreamEncoderName = "light",
) -> Any:
    """Build an untrained network.

    Args:
        spec: shape of the clips and number of labels.
        network: "light" is for CPUs (54 MFLOP per frame at 112x112 RGB), "small" for small frames
            (8 MFLOP at 64x64), "two_stream" has a light one for each part of the modality, "dtpp"
            has one for each part as well, and joins their scores only, see `streams`,
            "convnet" is the tutorial's (5.13 GFLOP), "mobilenet", "mobilenet_v2", "mobilenet_v3",
            "lite0" and "lite0_body" (without its last convolution) are well-known ones. Default
            "light".
        head: how features are combined over time, see `rtaction.train.networks.heads`. Default
            "gru".
        head_units: size of a recurrent head. Default 64.
        dropout: dropout rate in training. Default 0.5.
        pretrained: start from ImageNet weights. Default False.
        trainable_layers: number of layers at the end of a pretrained network that are fine-tuned.
            Default 9.
        pooling: how the feature map of a MobileNet or of Lite0 is pooled. Default "average".
        train_batchnorm: whether batch normalisation within those last layers learns too. Default
            False.
        stream_encoder: the encoder of each stream of "dtpp". Default "light".

    Returns:
        A `keras.Model`, not compiled.

    Raises:
        UsageError: the frames are too small for the encoder, or ImageNet weights were requested
            and do not exist or cannot be downloaded.
    """
    if spec.modality == "pose":
        return _network_of_joints(spec, head, head_units, dropout)
    require_size(spec.height, spec.width)
    if pretrained:
        _require_weights(spec, network, stream_encoder)
    clip = keras.Input(spec.clip_shape, dtype="uint8", name="clip")
    frame, pixels = _pixels(spec)
    options = EncoderOptions(
        spec.modality, dropout, trainable_layers, pooling, train_batchnorm=train_batchnorm
    )
    if network == DTPP:
        streams = stream_features(pixels, options, stream_encoder, pretrained=pretrained)
        widths = {name: one.shape[-1] for name, one in streams.items()}
        sequence = _for_each_frame(clip, frame, side_by_side(list(streams.values())))
        fused = stream_scores(sequence, widths, head, head_units, dropout, len(spec.labels))
        return keras.Model(clip, fused, name=f"{network}_{head}")
    if network in ENCODERS:
        features = ENCODERS[network](pixels, options)
    elif pretrained:
        features = encode_pretrained(network, frame, pixels, options)
    else:
        features = encode_from_scratch(network, pixels, options)
    sequence = _for_each_frame(clip, frame, features)
    if pretrained:
        # Features of unfamiliar images can have any range.
        sequence = layers.Normalization(name=STANDARD)(sequence)
    x = HEADS[head](sequence, head_units)  # (batch, num_features)
    x = _deep_decision(x, dropout) if network == "convnet" else layers.Dropout(dropout)(x)
    return keras.Model(clip, _scores(x, spec), name=f"{network}_{head}")


def _require_weights(
    spec: ModelSpec, network: NetworkName, stream_encoder: StreamEncoderName
) -> None:
    """Check that there are ImageNet weights that fit a network and its frames."""
    is_dtpp = network == DTPP
    encoder = stream_encoder if is_dtpp else network
    if encoder not in KNOWN_ENCODERS:
        raise UsageError(
            f"{'--stream-encoder' if is_dtpp else '--network'} {encoder} has no ImageNet weights; "
            f"the networks with weights are {', '.join(KNOWN_ENCODERS)}"
        )
    if not is_dtpp and spec.stack is not None:
        raise UsageError(
            f"--network {network} --pretrained takes pictures of up to three channels, but "
            f"{FLOW_STACK} has {CHANNELS[FLOW_STACK]}; take flow, or --network dtpp"
        )


def _network_of_joints(spec: ModelSpec, head: HeadName, head_units: int, dropout: float) -> Any:
    """From numbers, float32 (batch, F, NUM_NUMBERS), to scores; a dense layer for each picture."""
    numbers = keras.Input((spec.frames_per_clip, NUM_NUMBERS), name="numbers")
    picture = keras.Input((NUM_NUMBERS,), name="picture")
    features = layers.Dense(_JOINT_FEATURES, activation="relu")(picture)
    features = layers.Dropout(dropout / 2)(features)
    x = HEADS[head](_for_each_frame(numbers, picture, features), head_units)
    x = layers.Dropout(dropout)(x)
    return keras.Model(numbers, _scores(x, spec), name=f"joints_{head}")


def _scores(x: Tensor, spec: ModelSpec) -> Tensor:
    """Scores of features, each by itself or as shares of one: float32 (batch, num_labels)."""
    activation = "sigmoid" if spec.multi_label else "softmax"
    dense = layers.Dense(len(spec.labels), activation=activation, dtype="float32", name="scores")
    return dense(x)


def _pixels(spec: ModelSpec) -> tuple[Tensor, Tensor]:
    """One frame as the encoder's input, uint8 (batch, H, W, C), and its pixels from -1 to 1."""
    frame = keras.Input(spec.frame_shape, dtype="uint8", name="frame")
    return frame, layers.Rescaling(1 / 127.5, offset=-1.0, name="pixels")(frame)


def _for_each_frame(clip: Tensor, frame: Tensor, features: Tensor) -> Tensor:
    encoder = keras.Model(frame, features, name="encoder")
    return layers.TimeDistributed(encoder, name=FRAMES)(clip)  # (batch, F, num_features)


def _deep_decision(x: Tensor, dropout: float) -> Tensor:
    """The tutorial's classifier: dense 1024, 512, 128, 64."""
    for units in (1024, 512, 128, 64):
        x = layers.Dense(units, activation="relu")(x)
        x = layers.Dropout(dropout)(x) if units > 64 else x
    return x  # (batch, 64)
