from __future__ import annotations

import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import namedtuple
from concurrent.futures import CancelledError, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rtaction.errors import OutputError, SourceMissing, UsageError
from rtaction.model_spec import ModelSpec
from rtaction.train.data import frame_cache
from rtaction.train.data.decoded_video import DecodedVideo, decode_video
from rtaction.train.data.frame_cache import FrameCache
from tests.videos import index_of, write_indexed_video

SPEC = ModelSpec(labels=("a", "b"), frames_per_clip=3, clip_seconds=1.0, height=8, width=8)
NUM_FRAMES = 10
# Pictures, times and what the end of an entry says.
ENTRY_GB = (NUM_FRAMES * (8 * 8 * 3 + 8) + 24) / 1e9


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Which videos were decoded, in order."""
    paths: list[Path] = []

    def decode_and_note(path: Path, *arguments: Any, **options: Any) -> DecodedVideo:
        paths.append(path)
        return decode_video(path, *arguments, **options)

    monkeypatch.setattr(frame_cache, "decode_video", decode_and_note)
    return paths


def _video(folder: Path, name: str = "video") -> Path:
    return write_indexed_video(folder / f"{name}.mkv", np.arange(NUM_FRAMES) / 10)


def _read(cache: FrameCache, path: Path, spec: ModelSpec = SPEC) -> DecodedVideo:
    with cache.read(path, spec) as found:
        if not found.problem:
            assert [index_of(image) for image in found.frames()] == list(range(NUM_FRAMES))
            np.testing.assert_allclose(found.times_seconds, np.arange(NUM_FRAMES) / 10, atol=0.001)
        return found


def test_a_video_is_decoded_once(tmp_path: Path, decoded: list[Path]) -> None:
    path = _video(tmp_path)
    first = _read(FrameCache(tmp_path / "cache"), path)
    second = _read(FrameCache(tmp_path / "cache"), path)
    assert decoded == [path]
    assert first.is_kept
    assert second.file == first.file
    assert np.array_equal(first.times_seconds, second.times_seconds)


@pytest.mark.parametrize("change", [{"height": 9}, {"width": 9}, {"resize": "crop"}])
def test_another_form_is_another_entry(
    tmp_path: Path, decoded: list[Path], change: dict[str, Any]
) -> None:
    cache, path = FrameCache(tmp_path / "cache"), _video(tmp_path)
    for _ in range(2):
        _read(cache, path)
        _read(cache, path, replace(SPEC, **change))
    assert decoded == [path, path]


def test_gray_is_another_entry(tmp_path: Path, decoded: list[Path]) -> None:
    cache, path = FrameCache(tmp_path / "cache"), _video(tmp_path)
    for _ in range(2):
        with cache.read(path, replace(SPEC, modality="gray")) as found:
            assert found.frames().shape == (NUM_FRAMES, 8, 8, 1)
    _read(cache, path)
    assert decoded == [path, path]


def test_clips_of_another_kind_share_the_entry(tmp_path: Path, decoded: list[Path]) -> None:
    cache, path = FrameCache(tmp_path / "cache"), _video(tmp_path)
    for change in ({}, {"frames_per_clip": 7}, {"clip_seconds": 0.3}, {"sampling": "spread"}):
        _read(cache, path, replace(SPEC, **change))
    assert decoded == [path]


def test_a_changed_video_is_decoded_anew(tmp_path: Path, decoded: list[Path]) -> None:
    cache, path = FrameCache(tmp_path / "cache"), _video(tmp_path)
    _read(cache, path)
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))
    _read(cache, path)
    shutil.copy2(path, tmp_path / "copy.mkv")
    _read(cache, tmp_path / "copy.mkv")
    assert decoded == [path, path, tmp_path / "copy.mkv"]


def test_why_a_video_cannot_be_used_is_remembered(tmp_path: Path, decoded: list[Path]) -> None:
    path = tmp_path / "video.mkv"
    path.write_text("this is no video, é")
    first = _read(FrameCache(tmp_path / "cache"), path)
    again = _read(FrameCache(tmp_path / "cache"), path)
    assert decoded == [path]
    assert first.problem == again.problem
    assert first.problem is not None
    assert first.problem.startswith("cannot be read as a video; expected")
    _video(tmp_path)
    assert _read(FrameCache(tmp_path / "cache"), path).problem is None


def test_a_missing_video_is_told(tmp_path: Path) -> None:
    with (
        pytest.raises(SourceMissing, match="there is no video file"),
        FrameCache(tmp_path / "cache").read(tmp_path / "none.mkv", SPEC),
    ):
        raise AssertionError("read gave something")


def _age(video: DecodedVideo, hours: float) -> None:
    assert isinstance(video.file, Path)
    used_at_seconds = time.time() - hours * 3600
    os.utime(video.file, (used_at_seconds, used_at_seconds))


def test_the_entry_used_longest_ago_goes_first(tmp_path: Path, decoded: list[Path]) -> None:
    folder = tmp_path / "cache"
    cache = FrameCache(folder, limit_gb=2.5 * ENTRY_GB)
    a, b, c = (_video(tmp_path, name) for name in "abc")
    _age(_read(cache, a), hours=3)
    _age(_read(cache, b), hours=2)
    _read(FrameCache(folder), a)  # which is a use
    _read(cache, c)
    assert len(list(folder.iterdir())) == 2
    decoded.clear()
    for path in (a, c, b):
        _read(cache, path)
    assert decoded == [b]


def test_what_is_in_use_stays(tmp_path: Path) -> None:
    cache = FrameCache(tmp_path / "cache", limit_gb=2.5 * ENTRY_GB)
    used = [_read(cache, _video(tmp_path, name)) for name in "ab"]
    _age(used[0], hours=5)
    beyond = _read(FrameCache(cache.folder, limit_gb=cache.limit_gb), _video(tmp_path, "c"))
    assert not beyond.is_kept
    assert sorted(cache.folder.iterdir()) == sorted(_file_of(video) for video in used)


def _file_of(video: DecodedVideo) -> Path:
    assert isinstance(video.file, Path)
    return video.file


def test_a_video_larger_than_the_limit_drops_nothing(tmp_path: Path) -> None:
    cache = FrameCache(tmp_path / "cache", limit_gb=1.5 * ENTRY_GB)
    _read(cache, _video(tmp_path))
    before = list(cache.folder.iterdir())
    long = write_indexed_video(tmp_path / "long.mkv", np.arange(3 * NUM_FRAMES) / 10)
    with cache.read(long, SPEC) as found:
        assert not found.is_kept
        assert len(found.frames()) == 3 * NUM_FRAMES
    assert list(cache.folder.iterdir()) == before


def test_half_of_the_free_disk_stays_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "cache"
    usage = namedtuple("usage", "total used free")

    def disk_of_five_entries(_: Path) -> usage:
        used = sum(path.stat().st_size for path in folder.glob("*.frames"))
        return usage(0, 0, int(5 * ENTRY_GB * 1e9) - used)

    monkeypatch.setattr(shutil, "disk_usage", disk_of_five_entries)
    cache = FrameCache(folder)
    kept = [_read(cache, _video(tmp_path, str(number))) for number in range(4)]
    assert [video.is_kept for video in kept] == [True, True, False, False]


def test_no_limit_no_folder(tmp_path: Path) -> None:
    cache = FrameCache(tmp_path / "cache", limit_gb=0)
    assert not _read(cache, _video(tmp_path)).is_kept
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("limit_gb", [-1.0, float("nan")])
def test_a_limit_that_cannot_be_meant_is_told(tmp_path: Path, limit_gb: float) -> None:
    with pytest.raises(UsageError, match="--cache-gb must be 0 or more"):
        FrameCache(tmp_path, limit_gb=limit_gb)


def test_a_folder_that_cannot_be_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    folder = tmp_path / "file" / "cache"
    with pytest.raises(UsageError, match="Not a directory; choose another folder"):
        FrameCache(folder)
    monkeypatch.setattr(frame_cache, "default_folder", lambda: folder)
    with caplog.at_level(logging.WARNING):
        cache = FrameCache()
    assert "each run decodes again" in caplog.text
    assert not _read(cache, _video(tmp_path)).is_kept


@pytest.mark.parametrize(
    "kept",
    [slice(0, 0), slice(10), slice(-1), slice(100, None)],
    ids=["none", "head", "cut", "end"],
)
def test_a_damaged_entry_is_replaced(tmp_path: Path, decoded: list[Path], kept: slice) -> None:
    cache, path = FrameCache(tmp_path / "cache"), _video(tmp_path)
    entry = _file_of(_read(cache, path))
    entry.write_bytes(entry.read_bytes()[kept])
    _read(cache, path)
    _read(cache, path)
    assert decoded == [path, path]


def test_a_stopped_decoding_leaves_nothing(tmp_path: Path) -> None:
    cache, stop = FrameCache(tmp_path / "cache"), threading.Event()
    stop.set()
    path = _video(tmp_path)
    with pytest.raises(CancelledError), cache.read(path, SPEC, stop):
        raise AssertionError("read gave something")
    assert list(cache.folder.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows limits no file's size")
def test_no_room_for_frames_leaves_nothing(tmp_path: Path) -> None:
    import resource

    cache, path = FrameCache(tmp_path / "cache"), _video(tmp_path)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        with pytest.raises(OutputError, match="cannot keep decoded frames"), cache.read(path, SPEC):
            raise AssertionError("read gave something")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(cache.folder.iterdir()) == []


def test_threads_may_read_the_same_video(tmp_path: Path) -> None:
    path = _video(tmp_path)
    caches = [FrameCache(tmp_path / "cache") for _ in range(2)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda number: _read(caches[number % 2], path), range(24)))
    assert len({video.file for video in found}) == 1
    assert len(list((tmp_path / "cache").iterdir())) == 1


_SLOW_READER = """
import sys, time
from pathlib import Path
from rtaction.train.data import decoded_video
from rtaction.train.data.frame_cache import FrameCache
from tests.train.data.test_frame_cache import SPEC

prepare_image = decoded_video.prepare_image
def prepare_slowly(*arguments, **options):
    print("decoding", flush=True)
    time.sleep(0.2)
    return prepare_image(*arguments, **options)

decoded_video.prepare_image = prepare_slowly
with FrameCache(Path(sys.argv[1])).read(Path(sys.argv[2]), SPEC):
    pass
"""


def test_a_killed_writer_leaves_a_partial_file_that_is_cleared_when_stale(
    tmp_path: Path, decoded: list[Path]
) -> None:
    folder, path = tmp_path / "cache", _video(tmp_path)
    arguments = [sys.executable, "-c", _SLOW_READER, str(folder), str(path)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        for _ in range(3):
            assert writer.stdout.readline() == b"decoding\n"
        writer.send_signal(signal.SIGKILL)
    (partial,) = folder.iterdir()
    assert partial.name.startswith("partial-")
    # It might belong to a process that is still at work.
    _read(FrameCache(folder), path)
    assert decoded == [path]
    assert partial.exists()
    two_hours_ago = time.time() - 7200
    os.utime(partial, (two_hours_ago, two_hours_ago))
    _read(FrameCache(folder), path)
    assert decoded == [path]
    assert [file.suffix for file in folder.iterdir()] == [".frames"]


def test_the_default_is_in_the_users_cache_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    if sys.platform == "linux":
        monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
        assert frame_cache.default_folder() == Path("/somewhere/rtaction/frames")
    assert frame_cache.default_folder().parts[-1] == "frames"
