from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rtaction.errors import OutputError, SourceMissing, SourceUnreadable
from rtaction.video.file import read_declared, read_video
from rtaction.video.writer import VideoWriter
from tests.videos import index_of, write_flat_video


def test_times_are_those_of_the_file(indexed_video: Callable[..., Path]) -> None:
    times = np.array([0.0, 0.04, 0.1, 0.2, 0.21, 0.3, 0.5, 0.9, 1.0])
    frames = list(read_video(indexed_video(times)))
    assert [index_of(frame.image) for frame in frames] == list(range(9))
    assert [frame.index for frame in frames] == list(range(9))
    np.testing.assert_allclose([f.captured_at_seconds for f in frames], times, atol=0.0006)


def test_times_count_from_the_first_frame(indexed_video: Callable[..., Path]) -> None:
    frames = list(read_video(indexed_video(np.array([5.0, 5.1, 5.3]))))
    np.testing.assert_allclose([f.captured_at_seconds for f in frames], [0, 0.1, 0.3], atol=0.0006)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceMissing, match=r"none\.mp4"):
        list(read_video(tmp_path / "none.mp4"))


@pytest.mark.parametrize("content", [b"", b"not a video", bytes(1000)])
def test_what_is_no_video_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.mp4"
    path.write_bytes(content)
    with pytest.raises(SourceUnreadable, match=r"x\.mp4"):
        list(read_video(path))


def test_header_is_read(tmp_path: Path) -> None:
    declared = read_declared(write_flat_video(tmp_path / "a.mp4", value=50, seconds=2.0))
    assert declared.duration_seconds == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize("suffix", [".avi", ".webm", ".mkv"])
def test_written_video_plays_with_true_times(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / "made" / f"x{suffix}"
    writer = VideoWriter(path, frames_per_second=20.0)
    # Dark for a second with every other picture missing, then bright for a second.
    times = np.r_[np.arange(0, 1, 0.1), np.arange(1, 2, 0.05)]
    for seconds in times:
        writer.write(np.full((48, 64, 3), 220 if seconds >= 1 else 30, np.uint8), float(seconds))
    writer.close()
    writer.close()
    frames = list(read_video(path))
    assert len(frames) == pytest.approx(40, abs=1)
    bright = [frame.captured_at_seconds for frame in frames if frame.image.mean() > 128]
    assert bright[0] == pytest.approx(1.0, abs=0.06)
    assert bright[-1] == pytest.approx(1.95, abs=0.06)


def test_frames_that_come_too_fast_are_left_out(tmp_path: Path) -> None:
    writer = VideoWriter(tmp_path / "x.avi", frames_per_second=10.0)
    for number in range(61):
        writer.write(np.zeros((16, 16, 3), np.uint8), number / 60)
    writer.close()
    assert len(list(read_video(tmp_path / "x.avi"))) == pytest.approx(11, abs=1)


def test_a_long_silence_is_shortened(tmp_path: Path) -> None:
    writer = VideoWriter(tmp_path / "x.avi", frames_per_second=10.0, max_gap_seconds=1.0)
    for seconds in (0.0, 3600.0):
        writer.write(np.zeros((16, 16, 3), np.uint8), seconds)
    writer.close()
    assert len(list(read_video(tmp_path / "x.avi"))) == 11


def test_a_change_of_size_is_fitted(tmp_path: Path) -> None:
    writer = VideoWriter(tmp_path / "x.avi", frames_per_second=10.0)
    writer.write(np.zeros((33, 47, 3), np.uint8), 0.0)
    writer.write(np.zeros((1080, 1920, 3), np.uint8), 0.1)
    writer.close()
    assert {frame.size_hw for frame in read_video(tmp_path / "x.avi")} == {(32, 46)}


def test_other_suffixes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"\.avi, \.webm, \.mkv"):
        VideoWriter(tmp_path / "x.mp4")


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="folder"):
        VideoWriter(tmp_path / "file" / "x.avi")
