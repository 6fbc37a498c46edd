"""Videos are written by time, and a disk that is full is told."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

from rtaction.errors import OutputError
from rtaction.video.file import read_video
from rtaction.video.formats import SUFFIXES
from rtaction.video.writer import VideoWriter


@pytest.mark.parametrize("suffix", SUFFIXES)
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
    # Only an .avi repeats frames where some are missing.
    assert len(frames) == (40 if suffix == ".avi" else 30)
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


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_odd_times_and_sizes(tmp_path: Path, suffix: str) -> None:
    """Frames of no rate at all, and a size that no codec takes as it is."""
    path = tmp_path / f"x{suffix}"
    times = [100.0, 100.05, 100.051, 100.3, 100.34, 102.0, 101.0, 102.04]
    writer = VideoWriter(path, frames_per_second=25.0)
    for number, seconds in enumerate(times):
        writer.write(np.full((33, 47, 3), 30 + 25 * number, np.uint8), seconds)
    writer.close()

    frames = list(read_video(path))
    assert {frame.image.shape for frame in frames} == {(32, 46, 3)}
    shown = [round((frame.image.mean() - 30) / 25) for frame in frames]
    first_shown = [frames[shown.index(number)].captured_at_seconds for number in (0, 1, 3, 5)]
    assert first_shown == pytest.approx([0.0, 0.05, 0.3, 2.0], abs=0.02)
    assert 2 not in shown  # it came too early
    if suffix != ".avi":
        assert shown == sorted(set(shown))


KILLED = """
import os, signal, sys
from pathlib import Path
import numpy as np
from rtaction.video.writer import VideoWriter
images = np.random.default_rng(0).integers(0, 256, (40, 64, 96, 3), np.uint8)
writer = VideoWriter(Path(sys.argv[1]), frames_per_second=10.0)
for number, image in enumerate(images):
    writer.write(image, number / 10)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no such signal")
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_killed_process_loses_a_frame_at_most(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"x{suffix}"

    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)

    assert done.returncode == -9
    times = [frame.captured_at_seconds for frame in read_video(path)]
    assert len(times) >= 39
    assert times == pytest.approx([number / 10 for number in range(len(times))], abs=0.01)


def test_an_mp4_is_one_that_browsers_play(tmp_path: Path) -> None:
    writer = VideoWriter(tmp_path / "x.mp4")
    for number in range(5):
        writer.write(np.full((48, 64, 3), 40 * number, np.uint8), number / 30)
    writer.close()

    with av.open(str(tmp_path / "x.mp4")) as container:
        (video,) = container.streams.video
        assert (video.codec_context.name, video.codec_context.pix_fmt) == ("h264", "yuv420p")
    boxes = (tmp_path / "x.mp4").read_bytes()
    assert boxes.index(b"moov") < boxes.index(b"moof") < boxes.index(b"mdat")


@pytest.mark.parametrize("suffix", [".webm", ".mp4"])
def test_a_gap_takes_no_time_to_write(tmp_path: Path, suffix: str) -> None:
    """A writer that fills gaps by encoding falls behind further with each of them."""
    writer = VideoWriter(tmp_path / f"x{suffix}", frames_per_second=30.0)
    image = np.random.default_rng(0).integers(0, 256, (240, 320, 3), np.uint8)
    for number in range(20):
        writer.write(image, number * 2.0)
    writer.close()

    assert len(list(read_video(tmp_path / f"x{suffix}"))) == 20


def test_other_suffixes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"\.avi, \.mkv, \.webm, \.mp4"):
        VideoWriter(tmp_path / "x.mov")


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="folder"):
        VideoWriter(tmp_path / "file" / "x.avi")


FULL_DISK = """
import resource, sys
from pathlib import Path
import numpy as np
from rtaction.errors import OutputError
from rtaction.video.formats import SUFFIXES
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
@pytest.mark.parametrize("suffix", SUFFIXES)
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
    assert before == []
    assert "File too large; what was written before plays" in error
    assert 0 < len(list(read_video(path))) < 60
