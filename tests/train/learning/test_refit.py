"""At the end the network is trained anew on all videos, and what was validated is kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rtaction.keras_tensorflow import keras
from rtaction.labelled.videos import find_videos
from rtaction.model_spec import ModelSpec
from rtaction.train.data.clip_dataset import ClipDataset
from rtaction.train.data.clip_reading import read_clip_set
from rtaction.train.data.frame_cache import FrameCache
from rtaction.train.learning.training_data import datasets
from rtaction.train.settings.config import TrainConfig
from rtaction.train.settings.run_folder import RunFolder, epochs_of_refit
from tests.train.small_training import (
    mean_loss,
    quiet_training,
    small_config,
    spoken_training,
    validation_clips,
    write_squares,
)


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_squares(tmp_path_factory.mktemp("refit") / "videos")


def test_all_videos_are_learnt_from_in_the_end(
    videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[set[str]] = []

    def spy(*args: object, **options: object) -> tuple[ClipDataset, ClipDataset]:
        made = datasets(*args, **options)  # type: ignore[arg-type]
        seen.append({video.path.name for video in made[0].clips.videos})
        return made

    monkeypatch.setattr("rtaction.train.learning.refit.datasets", spy)
    config = small_config(videos, refit=True, schedule="cosine", ema=0.5)
    said = spoken_training(config, tmp_path / "run")
    assert "refitting on all 12 videos" in said
    assert seen == [{f"{take}.mp4" for take in range(6)}]

    folder = RunFolder(tmp_path / "run")
    clips = validation_clips(config, folder.path)
    validated = keras.models.load_model(folder.validated)
    best = min(row["val_loss"] for row in folder.read_history())
    assert mean_loss(validated, clips) == pytest.approx(best, abs=1e-4)
    # The last one has seen these clips.
    assert mean_loss(keras.models.load_model(folder.model), clips) < best


def test_it_is_as_long_as_was_best_or_as_its_cosine() -> None:
    history = [{"epoch": n, "val_loss": loss} for n, loss in ((1, 0.5), (2, 0.3), (3, 0.4))]
    config = TrainConfig("videos", epochs=3)
    assert epochs_of_refit(config, history) == 2
    assert epochs_of_refit(replace(config, schedule="cosine"), history) == 3
    # It was cut short, as the loss grew.
    assert epochs_of_refit(replace(config, schedule="cosine", epochs=9), history) == 2


def test_a_longer_training_is_refitted_again(videos: Path, tmp_path: Path) -> None:
    quiet_training(small_config(videos, refit=True, epochs=1), tmp_path / "run")
    folder = RunFolder(tmp_path / "run")
    short = keras.models.load_model(folder.model).get_weights()
    quiet_training(small_config(videos, refit=True, epochs=2), folder.path, resume=True)
    cut_and_resumed = keras.models.load_model(folder.model).get_weights()
    quiet_training(small_config(videos, refit=True, epochs=2), tmp_path / "whole")
    whole = keras.models.load_model(RunFolder(tmp_path / "whole").model).get_weights()
    for resumed, once, before in zip(cut_and_resumed, whole, short, strict=True):
        np.testing.assert_allclose(resumed, once, atol=1e-3)
        assert before.shape == once.shape


def test_joined_clips_are_those_of_both(videos: Path, tmp_path: Path) -> None:
    spec = ModelSpec(("down", "right"), 4, clip_seconds=0.6, height=32, width=32)
    every = sorted(find_videos(str(videos)), key=lambda video: str(video.path))
    cache = FrameCache(tmp_path / "cache")
    whole, one, other = (
        read_clip_set(some, spec, need_every_label=False, cache=cache)
        for some in (every, every[:5], every[5:])
    )
    joined = one.joined(other)
    numbers = np.arange(len(whole))
    assert len(joined) == len(whole)
    assert joined.videos == whole.videos
    for name in ("clip_frames", "clip_times_seconds", "clip_labels", "clip_videos"):
        assert np.array_equal(getattr(joined, name), getattr(whole, name)), name
    assert np.array_equal(joined.images(numbers), whole.images(numbers))
    assert np.array_equal(
        joined.images_at(len(one), whole.clip_times_seconds[len(one)]), whole.images([len(one)])[0]
    )
