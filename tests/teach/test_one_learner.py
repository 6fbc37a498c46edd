"""`rtaction teach` and `rtaction train --auto` learn alike: one choice and one accuracy."""

from __future__ import annotations

import re
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from rich.console import Console

from rtaction.features.modality_choice import CANDIDATES
from rtaction.labelled.videos import Video
from rtaction.teach import learning
from rtaction.teach.learning import TaughtModel, learn
from rtaction.teach.pace import Pace
from rtaction.teach.report import classification_of
from rtaction.teach.take_features import FeatureStore, TakeFeatures
from rtaction.train.data.clip_set import ClipSet
from rtaction.train.data.split import Split
from rtaction.train.learning.auto import choice as auto
from rtaction.train.learning.auto.trials import Trial, judge_features
from rtaction.train.settings.config import TrainConfig

NUM_VIDEOS, WINDOWS_EACH, FRAMES, PARTS, FEATURES = 30, 3, 5, 5, 320
LABELS = ("clap", "nothing", "wave")


def _videos() -> list[Video]:
    """Four takes by each person, so that a group has all labels."""
    names = [LABELS[number % 3] for number in range(NUM_VIDEOS)]
    groups = [f"person {number // 4}" for number in range(NUM_VIDEOS)]
    return [Video(Path(f"{i}.mp4"), names[i], groups[i]) for i in range(NUM_VIDEOS)]


def _features(telling_part: int) -> npt.NDArray[np.float16]:
    """Random features of (videos, windows, frames, parts); some of one part tell the label."""
    random = np.random.default_rng(telling_part)
    shape = (NUM_VIDEOS, WINDOWS_EACH, FRAMES, PARTS, FEATURES)
    features = random.normal(size=shape)
    for number in range(NUM_VIDEOS):
        label = number % 3
        features[number, :, :, telling_part, 10 * label : 10 * label + 10] += 0.9
    return features.astype(np.float16)


def _taught(
    features: npt.NDArray[np.float16], monkeypatch: pytest.MonkeyPatch, folder: Path
) -> TaughtModel:
    def of(_: Any, path: Path, __: Pace, *, max_pictures: int, span: None) -> TakeFeatures:
        pictures = features[int(path.stem)].reshape(-1, PARTS, FEATURES)
        return TakeFeatures(pictures, np.arange(len(pictures)).reshape(WINDOWS_EACH, FRAMES))

    monkeypatch.setattr(learning, "_durations", lambda videos: (dict.fromkeys(videos, 2.0), []))
    monkeypatch.setattr(learning, "learn_pose", lambda *_, **__: "nobody is seen")
    monkeypatch.setattr(FeatureStore, "of", of)
    return learn(_videos(), folder)


class _Encoded:
    """The same features as `EncodedClips` gives them: the parts side by side."""

    def __init__(self, features: npt.NDArray[np.float16]) -> None:
        clips = features.reshape(NUM_VIDEOS * WINDOWS_EACH, FRAMES, PARTS * FEATURES)
        self._clips = clips.astype(np.float32)

    def of(self, clips: npt.NDArray[np.intp], _: Any) -> npt.NDArray[np.float32]:
        return self._clips[clips]


def _clips(videos: list[Video]) -> ClipSet:
    clip_videos = np.repeat(np.arange(NUM_VIDEOS), WINDOWS_EACH)
    frames = np.zeros((len(clip_videos), FRAMES + 1))
    return ClipSet(
        frames=np.zeros((1, 8, 8, 3), np.uint8),
        clip_frames=frames.astype(np.intp),
        clip_times_seconds=frames,
        clip_labels=clip_videos % 3,
        clip_videos=clip_videos,
        labels=LABELS,
        videos=tuple(videos),
    )


def _auto(
    features: npt.NDArray[np.float16], monkeypatch: pytest.MonkeyPatch
) -> tuple[dict[str, Trial], TrainConfig, str]:
    videos, output = _videos(), StringIO()
    encoded: Any = _Encoded(features)
    trials = judge_features(encoded, _clips(videos))
    monkeypatch.setattr(auto, "find_spec", lambda _: object())
    monkeypatch.setattr(auto, "try_features", lambda *_: trials)
    config = TrainConfig("videos", chosen_but=(), sampling="spread")
    split = Split(videos, [], [])
    config = auto.choose_settings(config, split, Console(file=output, width=400))
    return trials, config, output.getvalue()


@pytest.mark.parametrize(
    ("telling_part", "modality"),
    [
        (0, "rgb+rgb_diff"),
        (3, "rgb_diff+abs_diff+flow"),
        (2, "flow_closeup"),
    ],
)
def test_from_one_set_of_features_both_choose_and_report_the_same(
    telling_part: int, modality: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    features = _features(telling_part)

    taught = _taught(features, monkeypatch, tmp_path)
    trials, config, printed = _auto(features, monkeypatch)

    assert taught.spec.modality == config.modality == modality
    assert taught.errors == {name: trial.error for name, trial in trials.items()}
    accuracy = classification_of(taught.takes, LABELS).accuracy
    assert (accuracy.value, accuracy.count) == (trials[modality].accuracy, NUM_VIDEOS)
    assert 0.5 < accuracy.value < 1  # so that the figures say something
    assert tuple(trials) == tuple(taught.errors) == CANDIDATES
    shown = re.search(rf"{NUM_VIDEOS} held-out videos: .*?{re.escape(modality)} (\d+) %", printed)
    assert shown is not None
    assert int(shown[1]) == round(100 * accuracy.value)
