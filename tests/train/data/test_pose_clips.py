"""Clips of joints: windows on a video's grid, numbers for the network, skeletons to look at."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from rtaction.errors import DatasetError
from rtaction.labelled.videos import Video, find_videos
from rtaction.model_spec import ModelSpec
from rtaction.pose.normal import NUM_NUMBERS, window_numbers
from rtaction.pose.people import PoseNetworks
from rtaction.train.data.augment import Augmentation
from rtaction.train.data.clip_dataset import ClipDataset
from rtaction.train.data.frame_cache import FrameCache
from rtaction.train.data.pose_clips import PoseClips, read_pose_clips
from rtaction.video.span import Span
from tests.made_people import MadePeople, write_actions, write_people

SPEC = ModelSpec(("hold", "swing"), 8, 0.875, 192, 192, modality="pose", resize="letterbox")


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_actions(tmp_path_factory.mktemp("actions"), num_videos=2)


def _read(folder: Path, cache: FrameCache, people: MadePeople | None = None) -> PoseClips:
    people = people or MadePeople()
    networks = PoseNetworks(people, people, "made")
    return read_pose_clips(find_videos(folder), SPEC, networks, stride_seconds=0.5, cache=cache)


def test_windows_of_all_videos(videos: Path, tmp_path: Path) -> None:
    clips = _read(videos, FrameCache(tmp_path))
    # Windows of 8 of 24 pictures start at every fourth.
    firsts = clips.clip_times_seconds[clips.clip_videos == 0][:, 0] / 0.125
    assert firsts.tolist() == [0, 4, 8, 12, 16]
    assert np.bincount(clips.clip_labels).tolist() == [len(clips) // 2] * 2
    chosen = [0, len(clips) - 1]
    numbers = clips.pictures(chosen)
    assert numbers.shape == (2, 8, NUM_NUMBERS)
    assert numbers == pytest.approx(window_numbers(clips.points(chosen), 0.125))
    speeds = np.abs(numbers[:, :, 34:68]).mean(axis=(1, 2))
    assert speeds[1] > 10 * speeds[0]  # who swings, moves


def test_a_video_is_looked_at_once(videos: Path, tmp_path: Path) -> None:
    first, second = MadePeople(), MadePeople()
    cache = FrameCache(tmp_path)
    clips = [_read(videos, cache, people) for people in (first, second)]
    assert first.num_searches > 0
    assert second.num_searches == 0
    assert (clips[0].pictures([0, 9]) == clips[1].pictures([0, 9])).all()


def test_a_batch_is_changed_anew_in_each_epoch(videos: Path, tmp_path: Path) -> None:
    clips = _read(videos, FrameCache(tmp_path))
    count = len(clips)
    dataset = ClipDataset(clips, batch_size=count, augmentation=Augmentation.of("light"))
    numbers, labels = dataset[0]
    assert numbers.shape == (count, 8, NUM_NUMBERS)
    assert labels.sum(axis=0).tolist() == [count // 2, count // 2]
    assert (dataset[0][0] == numbers).all()  # the same epoch, the same changes
    dataset.on_epoch_end()
    assert not np.array_equal(dataset[0][0], numbers)
    plain = ClipDataset(clips, batch_size=count, shuffle=False)[0][0]
    assert plain == pytest.approx(clips.pictures(range(count)))


def test_clips_are_joined_and_drawn(videos: Path, tmp_path: Path) -> None:
    clips = _read(videos, FrameCache(tmp_path))
    both = clips.joined(clips)
    assert isinstance(both, PoseClips)
    assert both.pictures([len(clips) + 6]) == pytest.approx(clips.pictures([6]))
    shown = clips.shown(0)
    assert shown.shape == (8, 160, 160, 3)
    assert 0.005 < (shown > 100).mean() < 0.2


def test_a_video_without_people_is_skipped_with_the_reason(
    videos: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = write_actions(tmp_path / "videos", num_videos=1)
    write_people(folder / "hold" / "dark.mp4", [10.0] * 24)
    write_people(folder / "hold" / "short.mp4", [200.0] * 4)
    (folder / "hold" / "bad.mp4").write_bytes(b"no video")
    with caplog.at_level(logging.WARNING):
        clips = _read(folder, FrameCache(tmp_path / "cache"))
    assert [video.path.name for video in clips.videos] == ["0.mp4", "0.mp4"]
    assert clips.num_skipped == 3
    assert "dark.mp4: nobody is seen in it" in caplog.text
    assert "short.mp4: too short" in caplog.text
    assert "bad.mp4" in caplog.text


def test_a_label_without_people_is_an_error(tmp_path: Path) -> None:
    write_people(tmp_path / "hold" / "dark.mp4", [10.0] * 24)
    write_people(tmp_path / "swing" / "light.mp4", [100.0] * 24)
    with pytest.raises(DatasetError, match="hold"):
        _read(tmp_path, FrameCache(tmp_path / "cache"))


def test_joints_of_parts_are_read_from_these_alone(videos: Path, tmp_path: Path) -> None:
    path = write_people(tmp_path / "both.mp4", [100.0] * 16 + [10.0] * 4 + [200.0, 90.0] * 8)
    parts = [
        Video(path, "hold", "a", Span(0.0, 2.0)),
        Video(path, "swing", "a", Span(2.5, 4.5)),
        Video(path, "swing", "a", Span(8.0, 9.0)),
    ]
    people = MadePeople()
    networks = PoseNetworks(people, people, "made")
    clips = read_pose_clips(parts, SPEC, networks, stride_seconds=0.5, cache=FrameCache(tmp_path))
    firsts = clips.clip_times_seconds[:, 0].tolist()
    assert firsts == [0.0, 0.5, 1.0, 2.5, 3.0, 3.5]
    assert clips.clip_labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert clips.num_skipped == 1
    speeds = np.abs(clips.pictures(range(6))[:, :, 34:68]).mean(axis=(1, 2))
    assert speeds[3:].min() > 10 * speeds[:3].max()
