"""A taught model as one ONNX file: the bundled encoder, statistics over time, and one layer.

A model of joints has the bundled pose network instead, see `rtaction.pose.graph`. In one of
pictures, each part of the modality becomes an image of three channels, and all parts of a clip go
through the encoder as one batch, so that the file contains its weights only once:

    clip (N, F, H, W, C) -> frames (N*F, H, W, C) -> parts (N*F*P, 3, H, W) -> encoder
         -> frame_features (N*F, P*D) -> clip_features (N, F, P*D)
         -> mean, maximum, mean change over the frames (N, 3*P*D) -> scores (N, num_labels)

This file knows nothing about takes.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from rtaction.arrays import Float32Array
from rtaction.features.pose_statistics import NUM_POSE_STATISTICS
from rtaction.modality import CHANNELS, channels_of, parts_of
from rtaction.model_spec import ModelSpec
from rtaction.models import ENCODER_MODEL, POSE_MODEL
from rtaction.onnx_format.build import (
    SCORES,
    Pieces,
    bytes_of,
    described,
    model_of,
    model_with_contract,
)
from rtaction.onnx_format.file import OnnxFile
from rtaction.onnx_format.graph import part
from rtaction.pose.graph import NUMBERS, pose_model
from rtaction.pose.normal import NUM_NUMBERS

PICTURE_SIZE = 224
NUM_FEATURES = 320
"""Number of encoder features for one part of one frame."""

# Tensors in the encoder's file: normalized images (n, 3, H, W) and features (n, D).
_PLANES, _FEATURES = "planes", "features"
_INT64_MAX = np.iinfo(np.int64).max


def frame_encoder(modality: str) -> bytes:
    """The encoder of a taught model as a separate file.

    Args:
        modality: see `rtaction.modality`.

    Returns:
        An ONNX file: frames, uint8 (n, 224, 224, channels of the modality), to frame_features,
        float32 (n, parts of the modality * 320).
    """
    size = PICTURE_SIZE
    model = model_of(
        [picture_pieces(modality)],
        name="frame_encoder",
        inputs=[described("frames", "uint8", ["n", size, size, channels_of(modality)])],
        outputs=[described("frame_features", "float32", ["n", _width(modality)])],
    )
    return bytes_of(model)


def taught_model(spec: ModelSpec, weights: Float32Array, bias: Float32Array) -> bytes:
    """Build a complete model.

    Args:
        spec: the contract.
        weights: float32, shape (3 * parts * 320, num_labels): of means, maxima and mean changes,
            each for all parts.
        bias: float32, shape (num_labels,).

    Returns:
        An ONNX file with an embedded contract, for `rtaction cam --model`.
    """
    width = _width(spec.modality)
    front, head = Pieces(), Pieces()
    front.reshape("clip", "frames", [-1, *spec.frame_shape])
    head.reshape("frame_features", "clip_features", [-1, spec.frames_per_clip, width])
    add_statistics(head, "clip_features", "statistics")
    add_layer(head, "statistics", weights, bias)
    model = model_with_contract(
        [front, picture_pieces(spec.modality), head],
        spec,
        feature_shape=[width],
        name="taught",
        metadata={"encoder": OnnxFile.load(ENCODER_MODEL).metadata["attribution"]},
    )
    return bytes_of(model)


def taught_pose_model(spec: ModelSpec, weights: Float32Array, bias: Float32Array) -> bytes:
    """Build a complete model of people's joints.

    Args:
        spec: the contract; its modality is "pose".
        weights: float32, shape (3 * NUM_NUMBERS, num_labels), for `pose_statistics`.
        bias: float32, shape (num_labels,).

    Returns:
        An ONNX file with an embedded contract, for `rtaction cam --model`.
    """
    head = Pieces()
    add_pose_statistics(head, NUMBERS, "statistics")
    add_layer(head, "statistics", weights, bias)
    model = model_of(
        [head],
        name="taught",
        inputs=[described(NUMBERS, "float32", ["n", spec.frames_per_clip, NUM_NUMBERS])],
        outputs=[described(SCORES, "float32", ["n", len(spec.labels)])],
    )
    return pose_model(spec, model, OnnxFile.load(POSE_MODEL))


def add_statistics(head: Pieces, source: str, output: str) -> None:
    """Add `clip_statistics` of (N, F, D): (N, 3 * D)."""
    names = [f"{output}_{name}" for name in ("means", "highest", "changes")]
    zero, one, minus_one, end = (
        head.store(f"{output}_{name}", [number])
        for name, number in (("zero", 0), ("one", 1), ("minus_one", -1), ("end", _INT64_MAX))
    )
    head.add("ReduceMean", [source], names[0], axes=[1], keepdims=0)
    head.add("ReduceMax", [source], names[1], axes=[1], keepdims=0)
    head.add("Slice", [source, one, end, one], f"{output}_later")
    head.add("Slice", [source, zero, minus_one, one], f"{output}_earlier")
    head.add("Sub", [f"{output}_later", f"{output}_earlier"], f"{output}_steps")
    head.add("Abs", [f"{output}_steps"], f"{output}_step_sizes")
    head.add("ReduceMean", [f"{output}_step_sizes"], names[2], axes=[1], keepdims=0)
    head.add("Concat", names, output, axis=1)


def add_pose_statistics(head: Pieces, source: str, output: str) -> None:
    """Add `pose_statistics` of (N, F, NUM_NUMBERS): (N, 3 * NUM_NUMBERS)."""
    names = [f"{output}_{name}" for name in ("means", "spreads", "sizes")]
    head.add("ReduceMean", [source], names[0], axes=[1], keepdims=1)
    head.add("Sub", [source, names[0]], f"{output}_deviations")
    head.add("Mul", [f"{output}_deviations"] * 2, f"{output}_squares")
    head.add("ReduceMean", [f"{output}_squares"], f"{output}_variances", axes=[1], keepdims=1)
    head.add("Sqrt", [f"{output}_variances"], names[1])
    head.add("Abs", [source], f"{output}_absolute")
    head.add("ReduceMean", [f"{output}_absolute"], names[2], axes=[1], keepdims=1)
    head.add("Concat", names, f"{output}_joined", axis=2)
    head.reshape(f"{output}_joined", output, [-1, NUM_POSE_STATISTICS * NUM_NUMBERS])


def add_layer(head: Pieces, source: str, weights: Float32Array, bias: Float32Array) -> None:
    """Add the layer from statistics to scores."""
    layer = [head.store("weights", weights), head.store("bias", bias)]
    head.add("Gemm", [source, *layer], "logits")
    head.add("Softmax", ["logits"], SCORES, axis=1)


def _width(modality: str) -> int:
    return len(parts_of(modality)) * NUM_FEATURES


def picture_pieces(
    modality: str,
    *,
    size: int = PICTURE_SIZE,
    first_channel: int = 0,
    output: str = "frame_features",
) -> Pieces:
    """Operations and stored tensors from "frames" to features.

    Args:
        modality: of pictures, see `rtaction.modality`.
        size: height and width of the frames. Default `PICTURE_SIZE`.
        first_channel: of the frames that belongs to it. Default 0.
        output: name of the features, float32 (n, parts of the modality * 320). Default
            "frame_features".
    """
    channels, gains = _colours_of(modality, first_channel)
    pieces = Pieces()
    pieces.add("Transpose", ["frames"], "frame_planes", perm=[0, 3, 1, 2])
    pieces.store("part_channels", channels)
    pieces.add("Gather", ["frame_planes", "part_channels"], "part_planes", axis=1)
    pieces.cast("part_planes", "part_levels", np.float32)
    pieces.store("part_middle", 127.0, np.float32)
    pieces.add("Sub", ["part_levels", "part_middle"], "part_signed")
    pieces.store("part_gains", gains)
    pieces.add("Mul", ["part_signed", "part_gains"], "part_scaled")
    pieces.reshape("part_scaled", _PLANES, [-1, 3, size, size])
    pieces.extend(_encoder())
    pieces.reshape(_FEATURES, output, [-1, _width(modality)])
    return pieces


def _colours_of(modality: str, start: int) -> tuple[npt.NDArray[np.int64], Float32Array]:
    """Three channel indices per part, and the factors to multiply the channels by.

    A single channel is repeated three times; for two channels, the third gets factor 0.
    """
    channels, gains = [], []
    for name in parts_of(modality):
        own = list(range(start, start + CHANNELS[name]))
        channels += {1: own * 3, 2: [*own, own[0]], 3: own}[len(own)]
        gains += [1 / 128, 1 / 128, 0.0 if len(own) == 2 else 1 / 128]
        start += len(own)
    return np.array(channels), np.array(gains, np.float32).reshape(-1, 1, 1)


@cache
def _encoder() -> Pieces:
    """The bundled encoder after pixel normalization."""
    return Pieces.of(part(OnnxFile.load(ENCODER_MODEL).model, [_PLANES], [_FEATURES]).graph)
