"""Joints together with pictures, such as "pose+rgb_diff": one file that sees whole pictures.

    frames (n, 192, 192, C) -> first three channels -> Lightning -> joints (n, 51)
                            -> the others -> encoder -> features (n, P*320)
    both, over the frames of a clip -> statistics of each -> one layer -> scores

The joints are those of whoever Lightning sees best in the whole picture: nobody is followed, so
people who are small in the picture are read less well than by a model of joints alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from rtaction.arrays import Float32Array, UInt8Array
from rtaction.errors import UsageError
from rtaction.features import ridge
from rtaction.features.modality_choice import Windows
from rtaction.features.pose_choice import POSE, pose_rows
from rtaction.features.pose_statistics import pose_statistics
from rtaction.features.statistics import clip_statistics, statistics_importance
from rtaction.frame import FrameLike
from rtaction.modality import channels_of, parts_of, shows_closeup
from rtaction.model_spec import ModelSpec
from rtaction.models import ENCODER_MODEL, POSE_MODEL
from rtaction.onnx_format.build import (
    BOUNDARY,
    CLIP,
    Pieces,
    bytes_of,
    described,
    model_of,
    model_with_contract,
    prefixed,
)
from rtaction.onnx_format.file import OnnxFile
from rtaction.pose.graph import (
    NUM_FEATURES as NUM_POSE_FEATURES,
)
from rtaction.pose.graph import (
    NUMBERS,
    frame_pieces,
    number_pieces,
)
from rtaction.pose.keypoints import NUM_JOINTS
from rtaction.pose.network import CLOSE_SIZE
from rtaction.pose.normal import window_numbers
from rtaction.realtime.model.batch_runner import BatchRunner
from rtaction.realtime.model.session import open_session
from rtaction.teach.graph import (
    NUM_FEATURES,
    add_layer,
    add_pose_statistics,
    add_statistics,
    picture_pieces,
)
from rtaction.video.closeup import detail_of
from rtaction.video.pixels import prepare_image
from rtaction.video.prepared import PreparedFrame

_PREFIX = "pose/"
_BATCH_SIZE = 8


def check_combined(modality: str) -> str:
    """Return a modality that combines joints with pictures.

    Raises:
        UsageError: it is something else.
    """
    try:
        parts = parts_of(modality)
    except ValueError as error:
        raise UsageError(f"--modality: {error}") from None
    if parts[0] != POSE or len(parts) < 2:
        raise UsageError(
            f"--modality is for joints together with pictures, such as pose+rgb_diff, got "
            f"{modality}; which of joints and pictures is better alone is found out without it"
        )
    return modality


class CombinedEncoder:
    """Joints and encoder features of whole pictures.

    Args:
        modality: see `check_combined`.
    """

    def __init__(self, modality: str) -> None:
        self.modality = check_combined(modality)
        self.features_shape: tuple[int, ...] = (_width(modality),)
        session = open_session(combined_encoder(modality), "cpu", num_threads=0)
        self._runner = BatchRunner(session, max_batch=_BATCH_SIZE)

    @cached_property
    def identity(self) -> str:
        """A digest of the weights."""
        contents = ENCODER_MODEL.read_bytes() + POSE_MODEL.read_bytes()
        return hashlib.sha256(contents).hexdigest()[:16]

    def prepare(self, frame: FrameLike) -> PreparedFrame:
        """A frame with black bars, uint8 RGB (192, 192, 3), and its detail if it is seen."""
        image = prepare_image(frame.image, (CLOSE_SIZE, CLOSE_SIZE), resize="letterbox")
        return PreparedFrame(
            image, detail_of(frame.image) if shows_closeup(self.modality) else None
        )

    def encode(self, pictures: UInt8Array) -> Float32Array:
        """Features of pictures, uint8 (n, 192, 192, channels): float32 (n, 51 + parts * 320)."""
        return self._runner.run(pictures)


def combined_windows(
    features: Sequence[npt.NDArray[Any]],
    labels: Sequence[str],
    groups: Sequence[str],
    *,
    modality: str,
    interval_seconds: float,
) -> Windows:
    """Statistics of windows, of joints and of each part of the pictures.

    Args:
        features: of each video, float32, shape (num_windows, frames_per_clip, 51 + parts * 320).
        labels, groups: of the videos.
        modality: see `check_combined`.
        interval_seconds: between two pictures of a window.
    """
    windows = Windows.without_parts([len(one) for one in features], labels, groups)
    every = np.concatenate(features)
    frames_per_clip = every.shape[1]
    points = every[..., :NUM_POSE_FEATURES].reshape(*every.shape[:2], NUM_JOINTS, 3)
    numbers = window_numbers(points, interval_seconds)
    parts = {POSE: pose_rows(pose_statistics(numbers), windows.weights)}
    importance = statistics_importance(frames_per_clip, NUM_FEATURES)
    for number, part in enumerate(parts_of(modality)[1:]):
        start = NUM_POSE_FEATURES + number * NUM_FEATURES
        own = clip_statistics(every[..., start : start + NUM_FEATURES])
        parts[part] = ridge.Rows.standardised(own, windows.weights, importance)
    return replace(windows, parts=parts)


def combined_encoder(modality: str) -> bytes:
    """The encoder of a combined model as a file of its own.

    Returns:
        An ONNX file: frames, uint8 (n, 192, 192, channels of the modality), to frame_features,
        float32 (n, 51 + parts * 320).
    """
    shape: list[int | str] = ["n", CLOSE_SIZE, CLOSE_SIZE, channels_of(modality)]
    model = model_of(
        [_frame_pieces(modality)],
        name="combined_encoder",
        inputs=[described(BOUNDARY.frames, "uint8", shape)],
        outputs=[described(BOUNDARY.frame_features, "float32", ["n", _width(modality)])],
    )
    return bytes_of(model)


def combined_model(spec: ModelSpec, weights: Float32Array, bias: Float32Array) -> bytes:
    """Build a complete model.

    Args:
        spec: the contract; its frames are letterboxed to 192x192.
        weights: float32, shape (3 * NUM_NUMBERS + 3 * parts * 320, num_labels): of
            `pose_statistics`, then of `clip_statistics` of all other parts.
        bias: float32, shape (num_labels,).

    Returns:
        An ONNX file with an embedded contract, for `rtaction cam --model`.
    """
    width = _width(spec.modality)
    front, head = Pieces(), Pieces()
    front.reshape(CLIP, BOUNDARY.frames, [-1, *spec.frame_shape])
    whole = head.reshape(
        BOUNDARY.frame_features, BOUNDARY.clip_features, [-1, spec.frames_per_clip, width]
    )
    sizes = head.store("part_sizes", [NUM_POSE_FEATURES, width - NUM_POSE_FEATURES])
    joints = _PREFIX + BOUNDARY.clip_features
    head.add("Split", [whole, sizes], [joints, "picture_clips"], axis=2)
    numbers = number_pieces(spec.frames_per_clip, spec.frame_interval_seconds)
    head.extend(prefixed(numbers, _PREFIX))
    add_pose_statistics(head, _PREFIX + NUMBERS, "pose_statistics")
    add_statistics(head, "picture_clips", "picture_statistics")
    head.add("Concat", ["pose_statistics", "picture_statistics"], "statistics", axis=1)
    add_layer(head, "statistics", weights, bias)
    files = {"encoder": ENCODER_MODEL, "pose_network": POSE_MODEL}
    model = model_with_contract(
        [front, _frame_pieces(spec.modality), head],
        spec,
        feature_shape=[width],
        name="taught",
        metadata={key: OnnxFile.load(path).metadata["attribution"] for key, path in files.items()},
    )
    return bytes_of(model)


def _width(modality: str) -> int:
    return NUM_POSE_FEATURES + (len(parts_of(modality)) - 1) * NUM_FEATURES


def _frame_pieces(modality: str) -> Pieces:
    """From frames to their features."""
    pieces = Pieces()
    channels = pieces.store("pose_channels", [0, 1, 2])
    pieces.add("Gather", [BOUNDARY.frames, channels], _PREFIX + BOUNDARY.frames, axis=3)
    pieces.extend(prefixed(frame_pieces(OnnxFile.load(POSE_MODEL)), _PREFIX))
    others = "+".join(parts_of(modality)[1:])
    pieces.extend(
        picture_pieces(others, size=CLOSE_SIZE, first_channel=3, output="picture_features")
    )
    both = [_PREFIX + BOUNDARY.frame_features, "picture_features"]
    pieces.add("Concat", both, BOUNDARY.frame_features, axis=1)
    return pieces
