"""Joints and pictures in one file, from pixels to scores as the fit computes them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rtaction.errors import UsageError
from rtaction.features.pose_statistics import pose_statistics
from rtaction.features.statistics import clip_statistics
from rtaction.labelled.videos import find_videos
from rtaction.model_spec import ModelSpec
from rtaction.models import SAMPLE_CLIP
from rtaction.output_file import write_file
from rtaction.pose.crop import whole_picture
from rtaction.pose.normal import NUM_NUMBERS, picture_shares, window_numbers
from rtaction.realtime.model.action_model import ActionModel
from rtaction.realtime.model.pose_networks import open_pose_networks
from rtaction.teach.combined import CombinedEncoder, check_combined, combined_model
from rtaction.teach.learning import learn
from rtaction.teach.report import classification_of
from rtaction.teach.teaching import TeachConfig, teach_from
from rtaction.video.clips import read_clips

MODALITY = "pose+rgb_diff+flow"
SPEC = ModelSpec(("a", "b"), 6, 0.7, 192, 192, modality=MODALITY, resize="letterbox")


def test_a_file_gives_from_pixels_what_the_parts_give(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    num_statistics = 3 * NUM_NUMBERS + 3 * 2 * 320
    weights = random.normal(0, 0.02, (num_statistics, 2)).astype(np.float32)
    bias = random.normal(size=2).astype(np.float32)
    write_file(tmp_path / "model.onnx", combined_model(SPEC, weights, bias))
    model = ActionModel(tmp_path / "model.onnx", device="cpu")
    clips = np.stack([one.pictures for one in read_clips(SAMPLE_CLIP, SPEC, max_clips=3)])
    assert clips.shape == (3, 6, 192, 192, 8)

    frames = clips.reshape(-1, *clips.shape[2:])
    features = model.encode(frames)
    assert features == pytest.approx(CombinedEncoder(MODALITY).encode(frames), abs=1e-4)
    close, square = open_pose_networks().close, whole_picture((192, 192))
    poses = [close.poses_in(np.ascontiguousarray(one[..., :3]), [square])[0] for one in frames]
    points = picture_shares(np.stack([pose.points for pose in poses]), (192, 192))
    assert features[:, :51].reshape(-1, 17, 3) == pytest.approx(points, abs=1e-4)

    windows = features.reshape(3, 6, -1)
    numbers = window_numbers(points.reshape(3, 6, 17, 3), SPEC.frame_interval_seconds)
    rows = np.concatenate([pose_statistics(numbers), clip_statistics(windows[..., 51:])], axis=1)
    powers = np.exp(rows @ weights + bias)
    expected = powers / powers.sum(axis=1, keepdims=True)
    assert model.score(windows) == pytest.approx(expected, abs=1e-3)
    assert model.score_clips(clips) == pytest.approx(expected, abs=1e-3)


def test_takes_are_learnt_from_both(drawn_takes: Path, tmp_path: Path) -> None:
    taught = learn(find_videos(drawn_takes), tmp_path, modality="pose+rgb_diff")
    assert taught.spec.modality == "pose+rgb_diff"
    assert taught.spec.frame_shape == (192, 192, 6)
    assert taught.spec.resize == "letterbox"
    assert not taught.spec.follows_people
    assert classification_of(taught.takes, taught.spec.labels).accuracy.value >= 0.7
    write_file(tmp_path / "model.onnx", taught.model)
    model = ActionModel(tmp_path / "model.onnx", device="cpu")
    right = []
    for take in taught.takes:
        clips = read_clips(take.video.path, model.spec)
        scores = model.score_clips(np.stack([clip.pictures for clip in clips])).mean(axis=0)
        right.append(model.spec.labels[int(scores.argmax())] == take.video.label)
    assert np.mean(right) >= 0.9  # on the takes themselves: the file is that of the fit


@pytest.mark.parametrize("modality", ["pose", "rgb+rgb_diff", "rgb_diff+pose", "pose+sound"])
def test_only_joints_with_pictures_are_taken(modality: str) -> None:
    with pytest.raises(UsageError, match="--modality"):
        check_combined(modality)


def test_joints_are_not_learned_where_there_are_no_people(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--no-people says that there are no people"):
        teach_from(tmp_path, tmp_path / "taught", people=False, modality="pose+rgb_diff")
    with pytest.raises(UsageError, match="leave one of them out"):
        TeachConfig(("wave",), people=False, modality="pose+rgb_diff")
