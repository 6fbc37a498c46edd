"""A network of joints becomes one file that gives Keras' scores from joints and from pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from rtaction.errors import ModelSpecError, ParityError, UsageError
from rtaction.export.exporter import export_model, scores_of_keras
from rtaction.export.options import ContractOptions
from rtaction.keras_tensorflow import keras
from rtaction.model_spec import ModelSpec
from rtaction.models import SAMPLE_CLIP
from rtaction.pose.keypoints import Pose
from rtaction.pose.network import CLOSE_SIZE
from rtaction.pose.normal import picture_shares, window_numbers
from rtaction.realtime.model.action_model import ActionModel
from rtaction.realtime.model.pose_networks import open_pose_networks
from rtaction.train.networks.build import build_network
from rtaction.video.clips import read_clips

SPEC = ModelSpec(
    ("a", "b", "c"), 6, 0.625, CLOSE_SIZE, CLOSE_SIZE, modality="pose", resize="letterbox"
)


def _network(head: Any = "gru", *, seed: int = 0) -> Any:
    keras.utils.set_random_seed(seed)
    network = build_network(SPEC, head=head)
    # Sure of itself, so that scores differ from window to window.
    layer = network.get_layer("scores")
    layer.set_weights([8 * weights for weights in layer.get_weights()])
    return network


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    _network().save(folder / "model.keras")
    SPEC.save(folder / "model_spec.json")
    return folder


@pytest.fixture(scope="module")
def exported(run: Path) -> Path:
    found = export_model(run, run / "model.onnx")
    assert "64 windows of joints and 2 of pictures" in found.to_text()
    assert found.agreement.max_difference < 1e-5
    assert found.agreement.spread > 0.2
    return found.path


def _pictures() -> Any:
    """A drawn person, uint8 (clips, F, 192, 192, 3)."""
    return np.stack([one.pictures for one in read_clips(SAMPLE_CLIP, SPEC, max_clips=3)])


def test_from_pixels_to_scores_in_plain_onnxruntime(exported: Path, run: Path) -> None:
    clips = _pictures()
    session = onnxruntime.InferenceSession(exported, providers=["CPUExecutionProvider"])
    (scores,) = session.run(["scores"], {"clip": clips})
    assert scores == pytest.approx(scores_of_keras(run, SPEC)(clips), abs=1e-5)
    assert np.ptp(scores, axis=0).max() > 0.01


def test_live_gives_what_training_gives_for_the_same_joints(exported: Path, run: Path) -> None:
    """Encoder and head of the cut file, against the training's numbers and Keras."""
    model = ActionModel(exported, device="cpu")
    close, clip = open_pose_networks().close, _pictures()[0]
    features = model.encode(clip)
    assert features.shape == (6, 51)

    from rtaction.pose.crop import whole_picture

    square = whole_picture((CLOSE_SIZE, CLOSE_SIZE))
    poses: list[Pose] = [close.poses_in(picture, [square])[0] for picture in clip]
    points = picture_shares(np.stack([pose.points for pose in poses]), (CLOSE_SIZE, CLOSE_SIZE))
    assert features.reshape(6, 17, 3) == pytest.approx(points, abs=1e-4)

    numbers = window_numbers(points, SPEC.frame_interval_seconds)[np.newaxis]
    network = keras.models.load_model(run / "model.keras")
    expected = network.predict_on_batch(numbers)
    live = model.score(points.reshape(1, 6, 51))
    assert live == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("head", ["bigru", "lstm", "statistics", "pyramid"])
def test_every_head_is_converted(head: str, tmp_path: Path) -> None:
    _network(head).save(tmp_path / "model.keras")
    SPEC.save(tmp_path / "model_spec.json")
    found = export_model(tmp_path, tmp_path / "model.onnx")
    assert found.agreement.max_difference < 1e-4
    assert ActionModel(found.path, device="cpu").is_cut


def test_given_joints_are_compared(run: Path, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    points = random.uniform(0.2, 0.9, (5, 6, 17, 3)).astype(np.float32)
    clips = np.concatenate([_pictures()] * 2)[:2]
    np.savez(tmp_path / "c.npz", points=points, clips=clips)
    found = export_model(run, tmp_path / "m.onnx", clips_path=tmp_path / "c.npz")
    assert "5 windows of joints and 2 of pictures" in found.to_text()
    np.savez(tmp_path / "bad.npz", points=points[:, :3], clips=clips)
    with pytest.raises(UsageError, match="windows of joints"):
        export_model(run, tmp_path / "m.onnx", clips_path=tmp_path / "bad.npz")


def test_labels_may_be_renamed_but_not_what_the_numbers_depend_on(
    run: Path, tmp_path: Path
) -> None:
    renamed = ContractOptions(labels=("x", "y", "nothing"), background_label="nothing")
    found = export_model(run, tmp_path / "m.onnx", options=renamed)
    assert ActionModel(found.path, device="cpu").spec.labels == ("x", "y", "nothing")
    for options, name in (
        (ContractOptions(clip_seconds=2.0), "--clip-seconds"),
        (ContractOptions(size_hw=(64, 64)), "--size"),
        (ContractOptions(scale="0..1"), "--scale"),
    ):
        with pytest.raises(UsageError, match=f"{name} cannot be set for a network of joints"):
            export_model(run, tmp_path / "n.onnx", options=options)
    assert not (tmp_path / "n.onnx").exists()


def test_a_network_of_other_numbers_is_rejected(tmp_path: Path) -> None:
    numbers = keras.Input((6, 7))
    scores = keras.layers.Dense(3, activation="softmax")(keras.layers.GRU(4)(numbers))
    keras.Model(numbers, scores).save(tmp_path / "model.keras")
    SPEC.save(tmp_path / "model_spec.json")
    with pytest.raises(ModelSpecError, match="train it with this version"):
        export_model(tmp_path, tmp_path / "model.onnx")


def test_a_dead_network_proves_nothing(tmp_path: Path) -> None:
    network = _network()
    network.get_layer("scores").set_weights(
        [0 * weights for weights in network.get_layer("scores").get_weights()]
    )
    network.save(tmp_path / "model.keras")
    SPEC.save(tmp_path / "model_spec.json")
    with pytest.raises(ParityError, match="inconclusive"):
        export_model(tmp_path, tmp_path / "model.onnx")
    assert not (tmp_path / "model.onnx").exists()
