from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rtaction.errors import DatasetError
from rtaction.model_spec import ModelSpec
from rtaction.train.clip_set import read_clip_set, with_clip_length
from rtaction.train.videos import Video
from tests.videos import index_of, write_indexed_video, write_video

SPEC = ModelSpec(labels=("a", "b"), frames_per_clip=3, clip_seconds=1.0, height=8, width=8)
TIMES = np.arange(30) / 10


def _video(path: Path, label: str) -> Video:
    return Video(path, label, path.as_posix())


@pytest.fixture
def good(tmp_path: Path) -> list[Video]:
    return [
        _video(write_indexed_video(tmp_path / f"{label}.mkv", TIMES), label) for label in ("a", "b")
    ]


def test_windows_hold_the_frames_of_their_moments(good: list[Video]) -> None:
    clips = read_clip_set(good, SPEC, stride_seconds=1.0)
    shown = [[index_of(image) for image in clip] for clip in clips.images(range(len(clips)))]
    # The last window ends at 3.0 s, while the frame of 2.9 s is still shown.
    assert shown == [[0, 5, 10], [10, 15, 20], [20, 25, 29]] * 2
    assert clips.clip_labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert clips.clip_videos.tolist() == [0, 0, 0, 1, 1, 1]
    np.testing.assert_allclose(clips.clip_times_seconds[1], [1.0, 1.5, 2.0], atol=0.001)
    assert clips.one_hot([0, 5]).tolist() == [[1, 0], [0, 1]]


def test_a_picture_that_two_clips_share_is_kept_once(good: list[Video]) -> None:
    clips = read_clip_set(good, SPEC, stride_seconds=0.5)
    assert len(clips) == 10
    assert len(clips.frames) == 2 * len({0, 5, 10, 15, 20, 25, 29})


def test_the_default_stride_is_half_a_clip(good: list[Video]) -> None:
    assert len(read_clip_set(good, SPEC)) == len(read_clip_set(good, SPEC, stride_seconds=0.5))


def test_spread_clips_cover_their_videos(good: list[Video]) -> None:
    clips = read_clip_set(good, replace(SPEC, sampling="spread"))
    assert [index_of(image) for image in clips.images([0])[0]] == [0, 14, 29]
    spec = with_clip_length(replace(SPEC, sampling="spread"), clips)
    assert spec.clip_seconds == pytest.approx(2.9)
    assert with_clip_length(SPEC, clips) is SPEC


def _truncated(path: Path) -> Path:
    """A Matroska file whose header promises three seconds and whose end is missing."""
    rng = np.random.default_rng(0)
    images = (rng.integers(0, 256, (48, 64, 3), dtype=np.uint8) for _ in range(75))
    whole = write_video(path.with_name("whole.mkv"), images, np.arange(75) / 25)
    content = whole.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    return path


def _bad_videos(folder: Path) -> dict[str, Path]:
    (folder / "empty.mp4").write_bytes(b"")
    (folder / "text.mp4").write_text("this is no video")
    return {
        "cannot be read as a video": folder / "empty.mp4",
        "expected a file that FFmpeg can decode": folder / "text.mp4",
        "too short: 0.40 s, a clip needs 1.00 s": write_indexed_video(
            folder / "short.mkv", np.arange(5) / 10
        ),
        "too far apart in time": write_indexed_video(
            folder / "slow.mkv", np.array([0.0, 0.9, 1.8, 2.7])
        ),
        "promises 3.0 s, but only": _truncated(folder / "truncated.mkv"),
    }


def test_bad_videos_are_skipped_with_one_line_each(
    tmp_path: Path, good: list[Video], caplog: pytest.LogCaptureFixture
) -> None:
    bad = _bad_videos(tmp_path)
    with caplog.at_level(logging.WARNING):
        clips = read_clip_set([*good, *(_video(path, "a") for path in bad.values())], SPEC)
    assert [video.path for video in clips.videos] == [video.path for video in good]
    assert clips.num_skipped == len(bad)
    lines = [record.getMessage() for record in caplog.records]
    assert lines[-1] == f"skipped {len(bad)} of {len(bad) + 2} videos"
    assert len(lines) == len(bad) + 1
    for line, (reason, path) in zip(lines, bad.items(), strict=False):
        assert line.startswith(f"skipped {path}: ")
        assert reason in line
        assert line.count(str(path)) == 1


def test_never_silently_all(tmp_path: Path, good: list[Video]) -> None:
    bad = [_video(path, "b") for path in _bad_videos(tmp_path).values()]
    with pytest.raises(DatasetError, match=r"videos of \['b'\] can be used"):
        read_clip_set([good[0], *bad], SPEC)
    clips = read_clip_set([good[0], *bad], SPEC, need_every_label=False)
    assert set(clips.clip_labels) == {0}
    with pytest.raises(DatasetError, match=r"videos of \['b'\] can be used"):
        read_clip_set(bad, SPEC, need_every_label=False)


def test_real_videos_are_read_whole(real_clips: Path) -> None:
    paths = sorted(real_clips.glob("*/*/*1.mp4"))[:20]
    videos = [_video(path, "a" if i % 2 else "b") for i, path in enumerate(paths)]
    clips = read_clip_set(videos, SPEC)
    assert clips.num_skipped == 0
    assert (np.diff(clips.clip_times_seconds, axis=1) > 0.3).all()
