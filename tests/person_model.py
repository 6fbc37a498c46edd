"""A model of people that can be reasoned about: whether both hands are above the nose."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from rtaction.model_spec import ModelSpec
from rtaction.models import POSE_MODEL
from rtaction.onnx_format.build import Pieces, described, model_of
from rtaction.onnx_format.file import OnnxFile
from rtaction.pose.graph import pose_model
from rtaction.pose.keypoints import JOINTS
from rtaction.pose.normal import NUM_NUMBERS

PERSON_SPEC = ModelSpec(
    labels=("hands_up", "hands_down"),
    frames_per_clip=8,
    clip_seconds=0.875,
    height=192,
    width=192,
    modality="pose",
    resize="letterbox",
    background_label="hands_down",
)
_STEEPNESS = 8.0


def write_person_model(path: Path, spec: ModelSpec = PERSON_SPEC) -> Path:
    """Write a model whose first score says how far the hands are above the nose.

    It is sigmoid(8 h), where h is the nose's height less the mean of the wrists', negated, in
    shoulder widths, as a mean over the window.
    """
    places = [2 * JOINTS.index(name) for name in ("left_wrist", "right_wrist", "nose")]
    pieces = Pieces()
    pieces.store("places", places)
    pieces.add("Gather", ["poses", "places"], "heights", axis=2)  # (n, F, 3)
    pieces.add("ReduceMean", ["heights"], "means", axes=[1], keepdims=0)
    pieces.store("weights", _STEEPNESS * np.array([[-0.5], [-0.5], [1.0]]), np.float32)
    pieces.add("MatMul", ["means", "weights"], "logits")
    pieces.add("Sigmoid", ["logits"], "up")
    pieces.store("one", 1.0, np.float32)
    pieces.add("Sub", ["one", "up"], "down")
    pieces.add("Concat", ["up", "down"], "chances", axis=1)
    head = model_of(
        [pieces],
        inputs=[described("poses", "float32", ["n", spec.frames_per_clip, NUM_NUMBERS])],
        outputs=[described("chances", "float32", ["n", 2])],
    )
    spec = replace(spec, height=192, width=192)
    path.write_bytes(pose_model(spec, head, OnnxFile.load(POSE_MODEL)))
    return path
