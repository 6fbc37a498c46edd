from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from rtaction.arrays import Float32Array
from rtaction.model_spec import ModelSpec
from rtaction.models import POSE_MODEL
from rtaction.onnx_format.build import Pieces, described, model_of
from rtaction.onnx_format.file import OnnxFile
from rtaction.pose.graph import NUMBERS, numbers_model, pose_model
from rtaction.pose.keypoints import JOINTS
from rtaction.pose.normal import NUM_NUMBERS, window_numbers
from rtaction.realtime.model.action_model import ActionModel

SPEC = ModelSpec(
    labels=("left", "right"),
    frames_per_clip=4,
    clip_seconds=0.6,
    height=192,
    width=192,
    modality="pose",
    resize="letterbox",
)
WRIST_SPEED = 34 + 2 * JOINTS.index("left_wrist") + 1


def _person_model(path: Path) -> Path:
    """One that tells whether the left wrist moves left or right in the picture."""
    pieces = Pieces()
    pieces.store("number", [WRIST_SPEED])
    pieces.add("Gather", ["moves", "number"], "speeds", axis=2)
    pieces.add("ReduceMean", ["speeds"], "speed", axes=[1], keepdims=0)
    pieces.store("signs", [[-1.0, 1.0]], np.float32)
    pieces.add("MatMul", ["speed", "signs"], "logits")
    pieces.add("Softmax", ["logits"], "chances", axis=1)
    head = model_of(
        [pieces],
        inputs=[described("moves", "float32", ["n", 4, NUM_NUMBERS])],
        outputs=[described("chances", "float32", ["n", 2])],
    )
    path.write_bytes(pose_model(SPEC, head, OnnxFile.load(POSE_MODEL)))
    return path


def _points(rng: np.random.Generator, num_clips: int, frames_per_clip: int) -> Float32Array:
    """Joints anywhere, of which some, or all but one, or all are unseen."""
    points = rng.uniform(0, 1, (num_clips, frames_per_clip, 17, 3)).astype(np.float32)
    points[..., 2] *= rng.uniform(0, 2, (num_clips, frames_per_clip, 1))
    points[0, 0, :, 2] = 0
    points[0, 1, 1:, 2] = 0
    points[1, :, 5:, 2] = 0  # only the head
    points[2, :, 5:7, 2] = 0  # no shoulders
    points[3, :, 3:13, 2] = 0  # neither
    points[4, :, :, :2] *= 1e-4  # tiny
    return points


def test_the_graph_gives_the_numbers_of_numpy() -> None:
    points = _points(np.random.default_rng(0), 64, 5)
    session = onnxruntime.InferenceSession(numbers_model(5, 0.125))
    (numbers,) = session.run([NUMBERS], {"clip_features": points.reshape(64, 5, 51)})
    expected = window_numbers(points, 0.125)
    assert np.abs(expected).max() > 10
    np.testing.assert_allclose(numbers, expected, rtol=1e-4, atol=1e-4)


def test_from_pixels_to_scores_whole_and_cut(tmp_path: Path) -> None:
    """The same by onnxruntime alone, by the cut model, and by the pose network and NumPy."""
    path = _person_model(tmp_path / "person.onnx")
    rng = np.random.default_rng(3)
    clips = rng.integers(0, 256, (2, 4, 192, 192, 3), dtype=np.uint8)
    (whole,) = onnxruntime.InferenceSession(path).run(["scores"], {"clip": clips})

    model = ActionModel(path, device="cpu")
    assert model.is_cut
    features = model.encode(clips.reshape(8, 192, 192, 3))
    assert features.shape == (8, 51)
    np.testing.assert_allclose(model.score(features.reshape(2, 4, 51)), whole, atol=1e-5)

    lightning = onnxruntime.InferenceSession(POSE_MODEL)
    (poses,) = lightning.run(["poses"], {"pictures": clips.reshape(8, 192, 192, 3)})
    is_within = ((poses[..., :2] >= 0) & (poses[..., :2] <= 1)).all(axis=-1)
    poses[..., 2] *= is_within
    np.testing.assert_allclose(features, poses.reshape(8, 51), atol=1e-6)
    speed = window_numbers(poses.reshape(2, 4, 17, 3), 0.2)[..., WRIST_SPEED].mean(axis=1)
    np.testing.assert_allclose(whole[:, 1], 1 / (1 + np.exp(-2 * speed)), atol=1e-5)


def test_a_wrist_that_moves_is_told_from_joints(tmp_path: Path) -> None:
    model = ActionModel(_person_model(tmp_path / "person.onnx"), device="cpu")
    points = np.full((2, 4, 17, 3), 0.9, np.float32)
    points[..., :2] = np.random.default_rng(0).uniform(0.4, 0.6, (17, 2))
    points[0, :, JOINTS.index("left_wrist"), 1] = [0.4, 0.45, 0.5, 0.55]
    points[1, :, JOINTS.index("left_wrist"), 1] = [0.55, 0.5, 0.45, 0.4]
    scores = model.score(points.reshape(2, 4, 51))
    assert scores.argmax(axis=1).tolist() == [1, 0]
    assert scores.max(axis=1).tolist() == pytest.approx([scores.max()] * 2, abs=1e-4)
