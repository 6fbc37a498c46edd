"""Clips of videos: which frames, and which windows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rtaction.errors import DatasetError
from rtaction.model_spec import ModelSpec
from rtaction.video.clips import VideoClip, find_video_files, read_all_clips, read_clips
from tests.videos import index_of

SPEC = ModelSpec(labels=("a", "b"), frames_per_clip=3, clip_seconds=1.0, height=8, width=8)
Write = Callable[..., Path]


def _shown(clip: VideoClip) -> list[int]:
    return [index_of(picture) for picture in clip.pictures]


def test_windows_follow_each_other(indexed_video: Write) -> None:
    path = indexed_video(np.arange(32) / 10)
    clips = read_clips(path, SPEC)
    assert [_shown(clip) for clip in clips] == [[0, 5, 10], [10, 15, 20], [20, 25, 30]]
    assert [clip.start_seconds for clip in clips] == [0.0, 1.0, 2.0]
    assert clips[1].name == f"{path} at 1.00 s"
    assert clips[0].pictures.shape == SPEC.clip_shape


def test_few_of_many_are_spread_over_the_video(indexed_video: Write) -> None:
    clips = read_clips(indexed_video(np.arange(101) / 10), SPEC, max_clips=3)
    assert [clip.start_seconds for clip in clips] == [0.0, 4.0, 9.0]


def test_motion_takes_the_frame_before(indexed_video: Write) -> None:
    spec = replace(SPEC, modality="diff")
    (clip,) = read_clips(indexed_video(np.arange(17) / 10), spec)
    assert clip.pictures.shape == (3, 8, 8, 1)


def test_a_video_without_a_window_says_why(indexed_video: Write, tmp_path: Path) -> None:
    short = indexed_video(np.arange(5) / 10, "short.mkv")
    (tmp_path / "text.mp4").write_text("no video")
    short_reason, text_reason = read_all_clips([short, tmp_path / "text.mp4"], SPEC)
    assert short_reason == f"{short}: no window of 1.00 s without gaps"
    assert isinstance(text_reason, str)
    assert "cannot be read as a video" in text_reason


def test_videos_are_found_however_deep(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    for name in ("two.mp4", "a/b/one.MKV", "notes.txt"):
        (tmp_path / name).touch()
    assert find_video_files([tmp_path]) == [tmp_path / "a/b/one.MKV", tmp_path / "two.mp4"]
    assert find_video_files([tmp_path / "notes.txt"]) == [tmp_path / "notes.txt"]
    with pytest.raises(DatasetError, match="there is no video file or folder"):
        find_video_files([tmp_path / "none"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match="no video in"):
        find_video_files([tmp_path / "empty"])
