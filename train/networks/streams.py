"""Two streams with weights of their own, joined only in their scores: `--network dtpp`.

DTPP: Zhu, Zou and Zhu 2017, "End-to-end Video-level Representation Learning for Action
Recognition", arXiv 1711.04161. A video is cut into equal segments (`--sampling segments`); of each,
the spatial stream sees one RGB picture and the temporal stream one stack of five fields of optical
flow (modality "rgb+flow_stack"). Within a stream, one encoder sees all segments, temporal pyramid
pooling over levels 1, 2 and 4 makes one row of features of the video, and one dense layer its
scores. Each stream has its own loss; their scores are averaged with a weight that is chosen
afterwards.

Where it departs from the paper, as far as its abstract and its authors' code
(https://github.com/zhujiagang/DTPP) tell:

- both streams are trained at the same time, with one schedule and one best epoch; as neither's loss
  reaches the other, that is the sum of two trainings;
- 8 segments by default instead of 25, a small encoder instead of BN-Inception, dropout of .5
  instead of .8, AdamW; ImageNet weights only with --pretrained;
- fields are 0.08 s apart and of DIS, not between neighbouring frames and of TV-L1, see
  `rtaction.source_frames.STACK`; picture and stack of a segment are of the same moment;
- one view of each video is judged, without crops and mirrors;
- the weight of the streams is the one with the least log loss on the validation clips, see
  `rtaction.train.learning.fusion`; their code prints the accuracy for eleven weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rtaction.errors import UsageError
from rtaction.keras_tensorflow import keras
from rtaction.modality import parts_of
from rtaction.train.choices import HeadName, StreamEncoderName
from rtaction.train.networks.encoders import ENCODERS, EncoderOptions, split_parts
from rtaction.train.networks.heads import HEADS
from rtaction.train.networks.known_encoders import encode_from_scratch, encode_with_own_weights

layers = keras.layers

STREAMS, FUSION = "streams", "fusion"
"""Names of the layer with the scores of each stream, (batch, num_streams, num_labels), and of the
one that holds their weights, (num_streams, 1)."""
_MOST_STREAMS = 2

Tensor = Any


def stream_features(
    pixels: Tensor,
    options: EncoderOptions,
    encoder: StreamEncoderName = "light",
    *,
    pretrained: bool = False,
) -> dict[str, Tensor]:
    """The features of one frame in each stream, by an encoder of its own.

    Args:
        pixels: float32 from -1 to 1, shape (batch, height, width, channels).
        options: of the encoders; `modality` has a part for each stream.
        encoder: their architecture. Default "light".
        pretrained: start from ImageNet weights. Default False.

    Returns:
        For each stream, by its part of the modality, float32 (batch, num_features).

    Raises:
        UsageError: there are more than two streams, or no weights.
    """
    streams = parts_of(options.modality)
    if len(streams) > _MOST_STREAMS:
        raise UsageError(
            f"--network dtpp has one stream or two, got {len(streams)}: {options.modality}; "
            "the paper's are rgb+flow_stack"
        )
    found = {}
    for name, part in zip(streams, split_parts(pixels, options.modality), strict=True):
        own = keras.Input(part.shape[1:])
        if pretrained:
            features = encode_with_own_weights(encoder, own, options)
        elif encoder in ENCODERS:
            features = ENCODERS[encoder](own, options)
        else:
            features = encode_from_scratch(encoder, own, options)
        # A model, as its layers may have the same names in each stream.
        found[name] = keras.Model(own, features, name=f"{name}_encoder")(part)
    return found


def stream_scores(
    sequence: Tensor,
    widths: Mapping[str, int],
    head: HeadName,
    head_units: int,
    dropout: float,
    num_labels: int,
) -> Tensor:
    """Scores of each stream, and their weighted mean.

    Args:
        sequence: float32, shape (batch, frames_per_clip, sum of `widths`): the streams' features,
            side by side.
        widths: number of features of each stream, by its name.
        head: how each combines its features over time.
        head_units: size of a recurrent head.
        dropout: dropout rate in training.
        num_labels: number of labels.

    Returns:
        float32, shape (batch, num_labels).
    """
    each, start = [], 0
    for stream, width in widths.items():
        own = keras.Input((sequence.shape[1], width))
        over_time = keras.Model(own, HEADS[head](own, head_units), name=f"{stream}_{head}")
        x = layers.Dropout(dropout)(over_time(sequence[..., start : start + width]))
        start += width
        name = "scores" if len(widths) == 1 else f"{stream}_scores"
        each.append(layers.Dense(num_labels, activation="softmax", dtype="float32", name=name)(x))
    if len(each) == 1:
        return each[0]
    rows = [layers.Reshape((1, num_labels), dtype="float32")(scores) for scores in each]
    both = layers.Concatenate(axis=1, dtype="float32", name=STREAMS)(rows)
    fusion = layers.Dense(
        1,
        use_bias=False,
        kernel_initializer=keras.initializers.Constant(1 / len(each)),
        trainable=False,
        dtype="float32",
        name=FUSION,
    )
    mean = fusion(layers.Permute((2, 1), dtype="float32")(both))  # (batch, num_labels, 1)
    return layers.Reshape((num_labels,), dtype="float32", name="scores")(mean)


def streams_of(network: Any) -> Any | None:
    """The same network, sharing its weights, from clips to the scores of each stream.

    Args:
        network: any network of `build_network`.

    Returns:
        A `keras.Model`, not compiled, whose output has the shape (batch, num_streams, num_labels);
        None if the network does not have two streams.
    """
    if all(layer.name != STREAMS for layer in network.layers):
        return None
    return keras.Model(network.input, network.get_layer(STREAMS).output, name="streams_of_network")
