"""A taught model as one ONNX file: the bundled encoder, statistics over time, and one layer.

Each part of the modality becomes a picture of three channels, and the parts of a clip go through
the encoder as one batch, so that its weights stand in the file once:

    clip (N, F, H, W, C) -> frames (N*F, H, W, C) -> parts (N*F*P, 3, H, W) -> encoder
         -> frame_features (N*F, P*D) -> clip_features (N, F, P*D)
         -> mean, highest, mean change over the pictures (N, 3*P*D) -> scores (N, num_labels)

This file knows nothing of takes.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from rtaction.arrays import Float32Array
from rtaction.modality import CHANNELS, channels_of, parts_of
from rtaction.model_spec import METADATA_KEY, ModelSpec
from rtaction.models import ENCODER_MODEL
from rtaction.onnx_format.build import described, model_bytes, node, stored
from rtaction.onnx_format.file import BOUNDARY_KEY, Boundary, OnnxFile
from rtaction.onnx_format.schema import message_class

PICTURE_SIZE = 224
NUM_FEATURES = 320
"""Features of one part of one picture, as the encoder gives them."""

_BOUNDARY = Boundary("frames", "frame_features", "clip_features")
# What the encoder's file calls its normalised pictures (n, 3, H, W), and what it ends in (n, D).
_PLANES, _FEATURES = "planes", "features"
_FLOAT = 1


def frame_encoder(modality: str) -> bytes:
    """The part of a taught model that sees single pictures, as a file of its own.

    Args:
        modality: see `rtaction.modality`.

    Returns:
        An ONNX file: frames, uint8 (n, 224, 224, channels of the modality), to frame_features,
        float32 (n, parts of the modality * 320).
    """
    nodes, tensors = _frame_pieces(modality)
    size = PICTURE_SIZE
    return model_bytes(
        name="frame_encoder",
        nodes=nodes,
        tensors=tensors,
        inputs=[described("frames", "uint8", ["n", size, size, channels_of(modality)])],
        outputs=[described("frame_features", "float32", ["n", _width(modality)])],
    )


def taught_model(spec: ModelSpec, weights: Float32Array, bias: Float32Array) -> bytes:
    """A whole model.

    Args:
        spec: the contract.
        weights: float32, shape (3 * parts * 320, num_labels): of means, highest values and mean
            changes, each for all parts.
        bias: float32, shape (num_labels,).

    Returns:
        An ONNX file with the contract in it, fit for `rtaction cam --model`.
    """
    nodes, tensors = _frame_pieces(spec.modality)
    width = _width(spec.modality)
    clip = node("Reshape", ["clip", "frame_shape"], "frames")
    statistics = [
        node("Reshape", ["frame_features", "clip_shape"], "clip_features"),
        node("ReduceMean", ["clip_features"], "means", axes=[1], keepdims=0),
        node("ReduceMax", ["clip_features"], "highest", axes=[1], keepdims=0),
        node("Slice", ["clip_features", "one", "end", "one"], "later"),
        node("Slice", ["clip_features", "zero", "minus_one", "one"], "earlier"),
        node("Sub", ["later", "earlier"], "steps"),
        node("Abs", ["steps"], "step_sizes"),
        node("ReduceMean", ["step_sizes"], "changes", axes=[1], keepdims=0),
        node("Concat", ["means", "highest", "changes"], "statistics", axis=1),
        node("Gemm", ["statistics", "weights", "bias"], "logits"),
        node("Softmax", ["logits"], "scores", axis=1),
    ]
    tensors += [
        stored("frame_shape", np.array([-1, *spec.frame_shape])),
        stored("clip_shape", np.array([-1, spec.frames_per_clip, width])),
        stored("zero", np.array([0])),
        stored("one", np.array([1])),
        stored("minus_one", np.array([-1])),
        stored("end", np.array([np.iinfo(np.int64).max])),
        stored("weights", weights),
        stored("bias", bias),
    ]
    return model_bytes(
        name="taught",
        nodes=[clip, *nodes, *statistics],
        tensors=tensors,
        inputs=[described("clip", "uint8", ["batch", *spec.clip_shape])],
        outputs=[described("scores", "float32", ["batch", len(spec.labels)])],
        inner=[
            described("frames", "uint8", ["frames", *spec.frame_shape]),
            described("frame_features", "float32", ["frames", width]),
            described("clip_features", "float32", ["batch", spec.frames_per_clip, width]),
        ],
        metadata={
            METADATA_KEY: spec.to_json(),
            BOUNDARY_KEY: _BOUNDARY.to_json(),
            "encoder": OnnxFile.load(ENCODER_MODEL).metadata["attribution"],
        },
    )


def _width(modality: str) -> int:
    return len(parts_of(modality)) * NUM_FEATURES


def _frame_pieces(modality: str) -> tuple[list[Any], list[Any]]:
    """Operations and stored tensors from "frames" to "frame_features"."""
    encoder = _encoder()
    channels, gains = _colours_of(modality)
    prepare = [
        node("Transpose", ["frames"], "frame_planes", perm=[0, 3, 1, 2]),
        node("Gather", ["frame_planes", "part_channels"], "part_planes", axis=1),
        node("Cast", ["part_planes"], "part_levels", to=_FLOAT),
        node("Sub", ["part_levels", "part_middle"], "part_signed"),
        node("Mul", ["part_signed", "part_gains"], "part_scaled"),
        node("Reshape", ["part_scaled", "planes_shape"], _PLANES),
    ]
    finish = [node("Reshape", [_FEATURES, "features_shape"], "frame_features")]
    tensors = [
        stored("part_channels", channels),
        stored("part_middle", np.float32(127.0)),
        stored("part_gains", gains),
        stored("planes_shape", np.array([-1, 3, PICTURE_SIZE, PICTURE_SIZE])),
        stored("features_shape", np.array([-1, _width(modality)])),
    ]
    return [*prepare, *encoder.node, *finish], [*tensors, *encoder.initializer]


def _colours_of(modality: str) -> tuple[npt.NDArray[np.int64], Float32Array]:
    """Three channels for each part, and by what to multiply them.

    One channel is given three times; of two, the third shows nothing, which is 127.
    """
    start, channels, gains = 0, [], []
    for part in parts_of(modality):
        own = list(range(start, start + CHANNELS[part]))
        channels += {1: own * 3, 2: [*own, own[0]], 3: own}[len(own)]
        gains += [1 / 128, 1 / 128, 0.0 if len(own) == 2 else 1 / 128]
        start += len(own)
    return np.array(channels), np.array(gains, np.float32).reshape(-1, 1, 1)


@cache
def _encoder() -> Any:
    """The bundled encoder from its normalised pictures on, as the message "Graph"."""
    part = OnnxFile.load(ENCODER_MODEL).cut([_PLANES], [_FEATURES])
    return message_class("Model").FromString(part).graph
