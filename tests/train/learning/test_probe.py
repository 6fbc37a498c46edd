from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rtaction.errors import UsageError
from rtaction.train.data.clip_set import ClipSet
from rtaction.train.learning.probe import clip_statistics, probe
from rtaction.video.labelled_videos import Video

NUM_VIDEOS, CLIPS_EACH, FRAMES, FEATURES = 40, 2, 4, 30


def _clips(num_groups: int = 20) -> ClipSet:
    videos = tuple(
        Video(Path(f"{i}.mp4"), "ab"[i % 2], f"group {i // 2 % num_groups}")
        for i in range(NUM_VIDEOS)
    )
    of_clip = np.repeat(np.arange(NUM_VIDEOS), CLIPS_EACH)
    empty = np.zeros((len(of_clip), FRAMES))
    return ClipSet(
        frames=np.zeros((1, 8, 8, 3), np.uint8),
        clip_frames=empty.astype(np.intp),
        clip_times_seconds=empty,
        clip_labels=of_clip % 2,
        clip_videos=of_clip,
        labels=("a", "b"),
        videos=videos,
    )


def _noise(seed: int = 0) -> np.ndarray:
    shape = (NUM_VIDEOS * CLIPS_EACH, FRAMES, FEATURES)
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def test_statistics_are_those_of_the_head() -> None:
    features = _noise()[:3]
    rows = clip_statistics(features)
    change = np.abs(features[:, 1:] - features[:, :-1]).mean(axis=1)
    expected = np.concatenate([features.mean(axis=1), features.max(axis=1), change], axis=1)
    np.testing.assert_allclose(rows, expected, rtol=1e-6)
    assert clip_statistics(features[:, :1]).shape == (3, 2 * FEATURES)


def test_noise_tells_nothing_and_a_shift_tells_all() -> None:
    clips = _clips()
    noise = _noise()
    assert 0.25 < probe([noise], clips).accuracy < 0.75
    told = noise.copy()
    told[clips.clip_labels == 1, :, 3] += 4.0
    assert probe([told], clips).accuracy > 0.95
    more = noise.copy()
    more[clips.clip_labels == 1, :, 3] += 8.0
    errors = [probe([one], clips).error for one in (noise, told, more)]
    assert errors == sorted(errors, reverse=True)
    assert probe([noise, told], clips).accuracy > 0.9


def test_what_only_a_group_has_is_of_no_use() -> None:
    # Each group has a look of its own, the same for both labels: a video is known by its group.
    clips = _clips()
    looks = np.random.default_rng(1).normal(size=(20, FEATURES)) * 10
    group = np.array([int(v.group.split()[1]) for v in clips.videos])[clips.clip_videos]
    features = _noise() + looks[group][:, np.newaxis].astype(np.float32)
    assert probe([features], clips).accuracy < 0.75


def test_one_group_alone_cannot_be_tried() -> None:
    with pytest.raises(UsageError):
        probe([_noise()], _clips(num_groups=1))
