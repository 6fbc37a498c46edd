"""What is missing in a video is told, and nothing is said of one that is whole."""

from __future__ import annotations

import logging
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from rtaction.video.file import read_video
from rtaction.video.left_out import Gaps
from tests.core.video.hard_files import NUM_FRAMES, write_bars, write_stamped


def _told(path: Path) -> list[str]:
    told: list[str] = []
    list(read_video(path, tell=told.append))
    return told


def _gaps_of(times_seconds: list[float], frames_per_second: float = 25.0) -> str:
    gaps = Gaps(frames_per_second)
    for before, after in pairwise(times_seconds):
        gaps.add(before, after)
    return gaps.to_text()


@pytest.mark.parametrize(("name", "codec"), [("x.ts", "mpeg2video"), ("x.webm", "libvpx")])
def test_what_a_demuxer_passes_over_is_told(tmp_path: Path, name: str, codec: str) -> None:
    path = write_bars(tmp_path / name, codec)
    content = bytearray(path.read_bytes())
    middle = slice(len(content) // 3, len(content) * 2 // 3)
    content[middle] = bytes(len(content[middle]))
    path.write_bytes(content)
    (line,) = _told(path)
    assert "; is it damaged there?" in line or "can be read; it was cut off" in line


def test_a_hole_is_told_with_its_times(tmp_path: Path) -> None:
    stamps = [40 * number for number in range(100) if not 30 <= number < 55]
    (line,) = _told(write_stamped(tmp_path / "x.mkv", stamps))
    assert line.endswith("x.mkv: it has no frames from 1.2 to 2.2 s; is it damaged there?")


def test_several_holes_are_told_together() -> None:
    times = [n / 25 for n in range(250) if not (30 <= n < 55 or 100 <= n < 150)]
    assert _gaps_of(times) == (
        "it has no frames from 1.2 to 2.2 s and in 1 other places, 3.0 s in all; is it damaged "
        "there?"
    )


def test_a_rate_that_varies_is_no_damage() -> None:
    random = np.random.default_rng(0)
    assert _gaps_of(list(np.cumsum(random.exponential(0.2, 500))), 5.0) == ""
    bursts = np.cumsum([2.0 if n % 30 == 0 else 1 / 60 for n in range(600)])
    assert _gaps_of(list(bursts), 600 / bursts[-1]) == ""
    assert _gaps_of([0.0, 0.04, 3.0], 0.0) == ""
    assert _gaps_of([0.0, 0.9, 1.8, 2.7]) == ""


@pytest.mark.parametrize(
    ("name", "codec", "muxer"),
    [
        ("x.mp4", "libx264", {}),
        ("x.mp4", "libx264", {"movflags": "faststart"}),
        ("x.mov", "libx264", {"movflags": "frag_keyframe+empty_moov"}),
        ("x.flv", "flv", {}),
    ],
)
def test_a_joined_video_that_is_not_read_is_told(
    tmp_path: Path, name: str, codec: str, muxer: dict[str, str]
) -> None:
    path = write_bars(tmp_path / name, codec, muxer=muxer)
    assert _told(path) == []
    path.write_bytes(path.read_bytes() * 2)
    (line,) = _told(path)
    assert "another video is joined to its end, and was not read; join them with" in line


def test_joined_videos_of_other_kinds_are_read(tmp_path: Path) -> None:
    path = write_bars(tmp_path / "x.mkv", "mpeg4")
    path.write_bytes(path.read_bytes() * 2)
    assert len(list(read_video(path))) == 2 * NUM_FRAMES


def test_it_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = write_bars(tmp_path / "x.mp4")
    path.write_bytes(path.read_bytes() * 2)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            list(read_video(path))
    (line,) = [record.getMessage() for record in caplog.records]
    assert "another video is joined" in line
