"""Close-ups are the same live as in training, from pixels to scores, and each is made once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rtaction.arrays import UInt8Array
from rtaction.export.exporter import export_model
from rtaction.frame import Frame
from rtaction.keras_tensorflow import keras
from rtaction.labelled.videos import Video
from rtaction.model_spec import ModelSpec
from rtaction.realtime.model.action_model import ActionModel
from rtaction.realtime.predicting.short import judge_short
from rtaction.realtime.windows.tracker import Tracker
from rtaction.realtime.windows.whole_tracker import WholeTracker
from rtaction.train.data.clip_reading import read_clip_set
from rtaction.train.data.frame_cache import FrameCache
from rtaction.train.networks.build import build_network
from rtaction.video import prepared
from rtaction.video.file import read_video
from rtaction.video.motion import closeup_field
from rtaction.video.prepared import prepare_frame, prepared_pictures
from tests.export.networks import save
from tests.moving_scene import moving_scene, write_moving_scene
from tests.realtime.windows.following import Follower
from tests.tiny_model import write_tiny_model

SPEC = ModelSpec(("a", "b"), 4, 0.6, 32, 40, modality="rgb_diff+flow_closeup")


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """A list to which each pair of details is added whose close-up is made."""
    pairs: list[bytes] = []

    def field(before: UInt8Array | None, after: UInt8Array | None) -> UInt8Array:
        assert before is not None
        assert after is not None
        pairs.append(before.tobytes() + after.tobytes())
        return closeup_field(before, after)

    monkeypatch.setattr(prepared, "closeup_field", field)
    return pairs


def _frames(count: int) -> list[Frame]:
    images = moving_scene(count)
    return [Frame(image, number / 10, number) for number, image in enumerate(images)]


def test_each_is_made_once_however_windows_overlap(made: list[bytes]) -> None:
    tracker = Tracker(SPEC)
    frames = _frames(21)
    windows = []
    for frame in frames:
        tracker.push(frame)
        windows += tracker.due()
    assert len(windows) == 7
    assert len(made) == len(set(made)) == 10  # pictures are .2 s apart, from 0 to 2 s
    ready = [prepare_frame(frame.image, SPEC) for frame in frames]
    for number, window in enumerate(windows):
        expected = prepared_pictures(ready[2 * number : 2 * number + 9 : 2], SPEC)
        assert np.array_equal(np.stack([one.image for one in window.values]), expected)


def test_a_whole_video_has_those_between_its_chosen_frames() -> None:
    spec = ModelSpec(("a", "b"), 3, 1.0, 24, 32, modality="flow_closeup", sampling="spread")
    tracker = WholeTracker(spec)
    frames = _frames(19)
    for frame in frames:
        tracker.push(frame)
    (window,) = tracker.due(has_ended=True)
    ready = [prepare_frame(frame.image, spec) for frame in frames[::6]]
    found = np.stack([one.image for one in window.values])
    assert np.array_equal(found, prepared_pictures(ready, spec))


def test_a_short_video_is_judged_by_them(tmp_path: Path) -> None:
    path = write_moving_scene(tmp_path / "short.mkv", 5, 10.0)
    model = ActionModel(write_tiny_model(tmp_path / "tiny.onnx", SPEC), device="cpu")
    (prediction,) = judge_short(model, path).predictions
    ready = [prepare_frame(frame.image, SPEC) for frame in read_video(path)]
    pictures = prepared_pictures([ready[number] for number in (0, 2, 4, 4, 4)], SPEC)
    assert prediction.scores == pytest.approx(model.score_clips(pictures[np.newaxis])[0], abs=1e-6)


@pytest.mark.slow
def test_from_pixels_to_scores_live_is_as_in_training(tmp_path: Path) -> None:
    keras.utils.set_random_seed(0)
    path = write_moving_scene(tmp_path / "videos" / "a.mkv", 21, 10.0)
    clips = read_clip_set(
        [Video(path, "a", path.as_posix())],
        SPEC,
        stride_seconds=SPEC.frame_interval_seconds,
        need_every_label=False,
        cache=FrameCache(tmp_path / "cache"),
    )
    pictures = clips.pictures(range(len(clips)))
    network = build_network(SPEC, network="light", head="average")
    # A last layer that tells the first of these windows from the last.
    features = keras.Model(network.input, network.layers[-1].input).predict_on_batch(pictures)
    along = features[-1] - features[0]
    kernel = np.stack([along, -along], axis=1) / (along @ along)
    network.layers[-1].set_weights([kernel, -features.mean(axis=0) @ kernel])
    expected = network.predict_on_batch(pictures)
    exported = export_model(save(network, SPEC, tmp_path), tmp_path / "model.onnx")

    model = ActionModel(exported.path, device="cpu")
    assert model.spec.modality == "rgb_diff+flow_closeup"
    follower = Follower(model)
    found = [one for frame in read_video(path) for one in follower.see(frame)]
    scores = np.stack([prediction.scores for prediction in found + follower.finish()])
    assert np.ptp(expected[:, 0]) > 0.1  # the scores tell the windows apart
    np.testing.assert_allclose(scores, expected, atol=1e-4)
