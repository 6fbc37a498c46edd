from __future__ import annotations

import os
import threading
from concurrent.futures import CancelledError
from pathlib import Path

import numpy as np
import numpy.typing as npt
import psutil
import pytest

from rtaction.errors import DatasetError, OutputError, SourceMissing
from rtaction.model_spec import ModelSpec
from rtaction.train.data.decoded_video import (
    DecodedVideo,
    TemporaryFrames,
    VideoFrames,
    decode_video,
    open_temporary,
    write_decoded,
)
from tests.videos import index_of, write_indexed_video

SPEC = ModelSpec(labels=("a", "b"), frames_per_clip=3, clip_seconds=1.0, height=8, width=8)
TIMES = np.array([0.0, 0.1, 0.3, 0.7])


def _shown(images: npt.NDArray[np.uint8]) -> list[int]:
    return [index_of(image) for image in images]


def _decoded_to(path: Path, video: Path) -> DecodedVideo:
    with path.open("w+b") as file:
        decoded = decode_video(video, SPEC, file)
    return DecodedVideo(path, decoded.frame_shape, decoded.times_seconds)


def test_every_picture_and_its_time_is_there(tmp_path: Path) -> None:
    path = write_indexed_video(tmp_path / "video.mkv", TIMES)
    decoded = decode_video(path, SPEC, open_temporary())
    assert decoded.problem is None
    assert not decoded.is_kept
    np.testing.assert_allclose(decoded.times_seconds, TIMES, atol=0.001)
    assert decoded.frames().shape == (4, 8, 8, 3)
    assert _shown(decoded.frames()) == [0, 1, 2, 3]


def test_what_cannot_be_used_has_a_reason_and_no_pictures(tmp_path: Path) -> None:
    path = tmp_path / "text.mp4"
    path.write_text("this is no video")
    file = open_temporary()
    decoded = decode_video(path, SPEC, file)
    assert decoded.problem is not None
    assert decoded.problem.startswith("cannot be read as a video")
    assert len(decoded.times_seconds) == file.tell() == 0


def test_a_missing_video_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceMissing, match="there is no video file"):
        decode_video(tmp_path / "none.mp4", SPEC, open_temporary())


def test_decoding_can_be_stopped(tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    path = write_indexed_video(tmp_path / "video.mkv", TIMES)
    with pytest.raises(CancelledError):
        decode_video(path, SPEC, open_temporary(), stop=stop)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk always full")
def test_a_full_disk_is_told() -> None:
    with (
        pytest.raises(OutputError, match=r"No space left.*--cache-dir"),
        open("/dev/full", "wb", buffering=0) as file,
    ):
        write_decoded(file, b"pictures")


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="Linux reserves room on the disk")
def test_room_for_a_mapped_file_is_reserved_or_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with open_temporary(3_000_000) as file:
        assert os.fstat(file.fileno()).st_blocks * 512 >= 3_000_000
    # Whatever cannot fit is not tried: it would fill the disk for everybody for a moment.
    monkeypatch.delattr(os, "posix_fallocate")
    with pytest.raises(OutputError, match=r"cannot keep 9000\.0 GB in .*; free space there, or"):
        open_temporary(9 * 10**12)


def test_pictures_of_several_videos_are_numbered_on(tmp_path: Path) -> None:
    paths = [write_indexed_video(tmp_path / f"{n}.mkv", np.arange(n) / 10) for n in (3, 1, 4)]
    videos = [_decoded_to(path.with_suffix(".raw"), path) for path in paths]
    frames = VideoFrames(videos, paths, SPEC)
    assert len(frames) == 8
    assert frames.starts.tolist() == [0, 3, 4, 8]
    assert _shown(frames[np.arange(8)]) == [0, 1, 2, 0, 0, 1, 2, 3]
    pairs = frames[np.array([[7, 0], [3, 7]])]
    assert pairs.shape == (2, 2, 8, 8, 3)
    assert [_shown(pair) for pair in pairs] == [[3, 0], [0, 3]]
    assert frames[np.empty((0, 3), np.intp)].shape == (0, 3, 8, 8, 3)
    for outside in (-1, 8):
        with pytest.raises(IndexError, match="from 0 to 7"):
            frames[np.array([outside])]


def test_no_file_stays_open(tmp_path: Path) -> None:
    path = write_indexed_video(tmp_path / "video.mkv", TIMES)
    videos = [_decoded_to(tmp_path / f"{number}.raw", path) for number in range(20)]
    frames = VideoFrames(videos, [path] * 20, SPEC)
    files_before = len(psutil.Process().open_files())
    assert _shown(frames[np.arange(80)]) == [0, 1, 2, 3] * 20
    assert len(psutil.Process().open_files()) == files_before


def test_pictures_that_were_deleted_are_decoded_again(tmp_path: Path) -> None:
    path = write_indexed_video(tmp_path / "video.mkv", TIMES)
    frames = VideoFrames([_decoded_to(tmp_path / "video.raw", path)], [path], SPEC)
    (tmp_path / "video.raw").unlink()
    assert _shown(frames[np.array([3, 1])]) == [3, 1]
    # Once is enough.
    path.unlink()
    assert _shown(frames[np.array([2])]) == [2]


def test_a_video_that_was_changed_meanwhile_is_told(tmp_path: Path) -> None:
    path = write_indexed_video(tmp_path / "video.mkv", TIMES)
    frames = VideoFrames([_decoded_to(tmp_path / "video.raw", path)], [path], SPEC)
    (tmp_path / "video.raw").unlink()
    write_indexed_video(path, TIMES * 2)
    with pytest.raises(DatasetError, match="has changed since"):
        frames[np.array([0])]


def test_some_pictures_are_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rtaction.train.data.decoded_video._COPIED_AT_ONCE", 2)
    path = write_indexed_video(tmp_path / "video.mkv", TIMES)
    decoded = decode_video(path, SPEC, open_temporary())
    store = TemporaryFrames()
    copies = [store.add(decoded, np.array(chosen)) for chosen in ([0, 2, 3], [1])]
    assert [_shown(copy.frames()) for copy in copies] == [[0, 2, 3], [1]]
    np.testing.assert_allclose(copies[0].times_seconds, [0.0, 0.3, 0.7], atol=0.001)
