"""Videos are written by time, and a disk that is full is told."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from rtaction.errors import OutputError
from rtaction.video.file import read_video
from rtaction.video.writer import VideoWriter


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
    assert {frame.image.shape for frame in read_video(tmp_path / "x.avi")} == {(32, 46, 3)}


def test_other_suffixes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"\.avi, \.webm, \.mkv"):
        VideoWriter(tmp_path / "x.mp4")


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="folder"):
        VideoWriter(tmp_path / "file" / "x.avi")


FULL_DISK = """
import resource, sys
from pathlib import Path
import numpy as np
from rtaction.errors import OutputError
from rtaction.video.writer import VideoWriter
resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, resource.RLIM_INFINITY))
images = np.random.default_rng(0).integers(0, 256, (60, 64, 96, 3), np.uint8)
writer = VideoWriter(Path(sys.argv[1]), frames_per_second=10.0)
try:
    for number, image in enumerate(images):
        writer.write(image, number / 10)
    print("wrote all")
    writer.close()
except OutputError as error:
    print(error)
writer.close()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on file sizes to run into")
@pytest.mark.parametrize("suffix", [".avi", ".webm", ".mkv"])
def test_a_full_disk(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"x{suffix}"

    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(path)], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    *before, error = done.stdout.splitlines()
    assert error.startswith("cannot write")
    assert str(path) in error
    # OpenCV's writer of .webm tells nothing before its end.
    assert before == (["wrote all"] if suffix == ".webm" else [])
    if suffix != ".webm":
        assert "File too large; what was written before plays" in error
    assert 0 < len(list(read_video(path))) < 60
