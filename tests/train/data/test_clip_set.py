from __future__ import annotations

import logging
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rtaction.arrays import UInt8Array
from rtaction.errors import DatasetError
from rtaction.labelled.videos import Video
from rtaction.model_spec import ModelSpec
from rtaction.train.data import frame_cache
from rtaction.train.data.clip_reading import read_clip_set
from rtaction.train.data.clip_set import with_clip_length
from rtaction.train.data.decoded_video import DecodedVideo, decode_video
from rtaction.train.data.frame_cache import FrameCache
from rtaction.video.span import Span
from tests.videos import index_of, write_indexed_video, write_video

SPEC = ModelSpec(labels=("a", "b"), frames_per_clip=3, clip_seconds=1.0, height=8, width=8)
TIMES = np.arange(30) / 10


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frame_cache, "default_folder", lambda: tmp_path / "cache")


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
    assert len(clips.frames) == 2 * len(TIMES)
    # Without room in the cache, only those that some clip uses.
    clips = read_clip_set(good, SPEC, stride_seconds=0.5, cache=FrameCache(limit_gb=0))
    assert len(clips.frames) == 2 * len({0, 5, 10, 15, 20, 25, 29})


def test_a_second_reading_decodes_nothing(
    good: list[Video], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = read_clip_set(good, SPEC)
    monkeypatch.setattr(frame_cache, "decode_video", None)
    again = read_clip_set(good, SPEC)
    other = read_clip_set(good, replace(SPEC, clip_seconds=0.5), stride_seconds=1.0)
    assert np.array_equal(again.images(range(10)), first.images(range(10)))
    assert np.array_equal(again.clip_times_seconds, first.clip_times_seconds)
    shown = [[index_of(image) for image in clip] for clip in other.images([0, 1, 2])]
    # Of two frames equally near to a moment, the earlier.
    assert shown == [[0, 2, 5], [10, 12, 15], [20, 22, 25]]


@pytest.mark.parametrize("limit_gb", [0.0, 30 * 200 * 1.2 / 1e9, 20.0])
def test_clips_are_the_same_wherever_their_pictures_lie(
    tmp_path: Path, good: list[Video], limit_gb: float
) -> None:
    cache = FrameCache(tmp_path / "other", limit_gb=limit_gb)
    clips = read_clip_set(good, SPEC, stride_seconds=1.0, cache=cache)
    shown = [[index_of(image) for image in clip] for clip in clips.images([3, 0, 2])]
    assert shown == [[0, 5, 10], [0, 5, 10], [20, 25, 29]]
    num_kept = len(list((tmp_path / "other").glob("*")))
    assert num_kept == (0 if limit_gb == 0 else 1 if limit_gb < 1 else 2)


def test_an_interruption_waits_for_nobody(
    good: list[Video], monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[Path] = []

    def decode_slowly(path: Path, *arguments: Any, **options: Any) -> DecodedVideo:
        decoded.append(path)
        time.sleep(0.05)
        return decode_video(path, *arguments, **options)

    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(frame_cache, "decode_video", decode_slowly)
    with pytest.raises(KeyboardInterrupt):
        read_clip_set(good * 500, SPEC, on_video=interrupt, cache=FrameCache(limit_gb=0))
    assert len(decoded) < 500


def test_the_default_stride_is_half_a_clip(good: list[Video]) -> None:
    assert len(read_clip_set(good, SPEC)) == len(read_clip_set(good, SPEC, stride_seconds=0.5))


def test_spread_clips_cover_their_videos(good: list[Video]) -> None:
    clips = read_clip_set(good, replace(SPEC, sampling="spread"))
    assert [index_of(image) for image in clips.images([0])[0]] == [0, 14, 29]
    spec = with_clip_length(replace(SPEC, sampling="spread"), clips)
    assert spec.clip_seconds == pytest.approx(2.9)
    assert with_clip_length(SPEC, clips) is SPEC


def _shown(images: UInt8Array) -> list[int]:
    return [index_of(image) for image in images]


@pytest.mark.parametrize(
    ("moments", "shown"),
    [
        ([1.2, 1.5, 1.8], [12, 15, 18]),
        ([0.84, 1.58, 2.21], [8, 16, 22]),
        # Half the distance of two moments before the first frame is the most.
        ([-0.2, 0.5, 1.2], [0, 5, 12]),
        ([-0.3, 0.2, 0.7], [10, 15, 20]),
        ([2.0, 2.7, 3.4], [10, 15, 20]),
        ([1.5, 1.52, 1.54], [10, 15, 20]),
    ],
)
def test_other_moments_of_a_clip(good: list[Video], moments: list[float], shown: list[int]) -> None:
    clips = read_clip_set(good, SPEC, stride_seconds=1.0)
    for clip in (1, 4):  # the same window of either video
        assert _shown(clips.images_at(clip, np.array(moments))) == shown
    unknown = replace(clips, video_times_seconds=())
    assert _shown(unknown.images_at(4, np.array(moments))) == [10, 15, 20]


def test_a_stretched_clip_does_not_reach_over_a_hole(tmp_path: Path) -> None:
    times = np.concatenate([np.arange(11), np.arange(30, 41)]) / 10
    videos = [_video(write_indexed_video(tmp_path / f"{n}.mkv", times), n) for n in ("a", "b")]
    clips = read_clip_set(videos, SPEC, stride_seconds=1.0)
    np.testing.assert_allclose(clips.clip_times_seconds[0], [0.0, 0.5, 1.0], atol=1e-6)
    assert _shown(clips.images_at(0, np.array([0.1, 0.5, 0.9]))) == [1, 5, 9]
    assert _shown(clips.images_at(0, np.array([0.2, 0.9, 1.6]))) == [0, 5, 10]


def test_without_room_other_moments_find_the_frames_that_are_there(good: list[Video]) -> None:
    clips = read_clip_set(good, SPEC, stride_seconds=0.3, cache=FrameCache(limit_gb=0))
    there = {(start * 3 + add) for start in range(7) for add in (0, 5, 10)}
    assert len(clips.frames) == 2 * len(there) < 2 * len(TIMES)
    for clip in (3, 10):  # from 0.9 s
        assert _shown(clips.images([clip])[0]) == [9, 14, 19]
        # 0.7 and 2.1 s are no frames of a clip: 0.6 or 0.8 s, and 2.0 or 2.2 s, are the nearest.
        assert {7, 21} & there == set()
        first, middle, last = _shown(clips.images_at(clip, np.array([0.7, 1.42, 2.1])))
        assert first in {6, 8} & there
        assert middle == 14
        assert last in {20, 22} & there


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
        "declares 3.0 s, but only": _truncated(folder / "truncated.mkv"),
    }


@pytest.mark.parametrize("again", [False, True])
def test_bad_videos_are_skipped_with_one_line_each(
    tmp_path: Path,
    good: list[Video],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    again: bool,
) -> None:
    bad = _bad_videos(tmp_path)
    videos = [*good, *(_video(path, "a") for path in bad.values())]
    if again:
        read_clip_set(videos, SPEC)
        monkeypatch.setattr(frame_cache, "decode_video", None)
        caplog.clear()
    with caplog.at_level(logging.WARNING):
        clips = read_clip_set(videos, SPEC)
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


def test_windows_of_a_part_lie_in_it(good: list[Video]) -> None:
    (a, b) = good
    parts = [replace(a, span=Span(0.5, 1.6)), replace(a, span=Span(1.5, 3.0), label="b"), b]
    for cache in (FrameCache(), FrameCache(limit_gb=0)):
        clips = read_clip_set(parts, SPEC, stride_seconds=0.2, cache=cache)
        shown = [[index_of(image) for image in clip] for clip in clips.images(range(4))]
        assert shown == [[5, 10, 15], [15, 20, 25], [17, 22, 27], [19, 24, 29]]
        np.testing.assert_allclose(clips.clip_times_seconds[0], [0.5, 1.0, 1.5], atol=0.001)
        assert clips.clip_labels[:4].tolist() == [0, 1, 1, 1]
        assert clips.videos == tuple(parts)
        # Other moments of a clip stay in its part as well.
        moments = np.array([0.9, 1.4, 1.9])
        assert _shown(clips.images_at(0, moments)) == [5, 10, 15]
    assert _shown(read_clip_set(parts, SPEC).images_at(1, moments + 0.7)) == [16, 21, 26]


def test_a_file_of_several_parts_is_decoded_once(
    good: list[Video], monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[Path] = []

    def decode(path: Path, *arguments: Any, **options: Any) -> DecodedVideo:
        decoded.append(path)
        return decode_video(path, *arguments, **options)

    monkeypatch.setattr(frame_cache, "decode_video", decode)
    a, b = good
    parts = [replace(a, span=Span(start, start + 1.2)) for start in (0.0, 0.6, 1.2)]
    for limit_gb in (0.0, 20.0):
        read_clip_set([*parts, b], SPEC, cache=FrameCache(limit_gb=limit_gb))
    assert sorted(decoded) == sorted([a.path, b.path] * 2)


def test_parts_that_the_video_lacks_are_told_with_their_line(
    good: list[Video], caplog: pytest.LogCaptureFixture
) -> None:
    a, b = good
    late, short, long = Span(7.0, 9.0, 12), Span(1.0, 1.4, 13), Span(1.0, 9.0, 14)
    clips = read_clip_set([a, *(replace(a, span=one) for one in (late, short, long)), b], SPEC)
    assert clips.videos == (a, replace(a, span=long), b)
    until, beyond, too_short, _ = [record.getMessage() for record in caplog.records]
    assert beyond.startswith(f"skipped {a.path}, 7 to 9 s: line 12: it is to be used from 7 to 9 s")
    assert "ends at 3.00 s" in beyond
    assert until.endswith(
        "line 14: used from 1 s until its end at 3.00 s, as it has nothing until 9 s"
    )
    assert too_short == f"skipped {a.path}, 1 to 1.4 s: too short: 0.30 s, a clip needs 1.00 s"


def test_frames_of_a_part_that_another_run_deleted_are_decoded_again(
    good: list[Video], tmp_path: Path
) -> None:
    cache = FrameCache(tmp_path / "other")
    part = replace(good[0], span=Span(1.0, 2.0))
    clips = read_clip_set([part, good[1]], SPEC, cache=cache)
    for entry in (tmp_path / "other").glob("*.frames"):
        entry.unlink()
    assert _shown(clips.images([0])[0]) == [10, 15, 19]
