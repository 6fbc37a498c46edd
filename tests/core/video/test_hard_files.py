"""Files that players show and simpler readers do not."""

from __future__ import annotations

import logging
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from rtaction.frame import FrameLike
from rtaction.video.decoder import JoinedClock
from rtaction.video.file import read_declared, read_length_seconds, read_video
from tests.core.video.hard_files import (
    FRAMES_PER_SECOND,
    NUM_FRAMES,
    bar_image,
    combing,
    piped,
    woven_image,
    write_bars,
    write_frames,
    write_stamped,
)


def _read(path: Path) -> tuple[list[FrameLike], list[str]]:
    told: list[str] = []
    return list(read_video(path, tell=told.append)), told


def _assert_steady(frames: list[FrameLike], count: int) -> None:
    assert [frame.index for frame in frames] == list(range(count))
    times = [frame.captured_at_seconds for frame in frames]
    np.testing.assert_allclose(times, np.arange(count) / FRAMES_PER_SECOND, atol=0.002)


@pytest.mark.parametrize(
    ("name", "codec", "pixel_format", "size_hw"),
    [
        ("x.mp4", "libx264", "yuv420p", (96, 128)),
        ("x.mts", "libx264", "yuv420p", (96, 128)),
        ("x.avi", "mpeg4", "yuv420p", (96, 128)),
        ("x.ts", "mpeg2video", "yuv420p", (96, 128)),
        ("x.vob", "mpeg2video", "yuv420p", (96, 128)),
        ("x.avi", "dvvideo", "yuv420p", (576, 720)),
    ],
)
def test_interlaced_pictures_become_whole(
    tmp_path: Path, name: str, codec: str, pixel_format: str, size_hw: tuple[int, int]
) -> None:
    images = [woven_image(number, size_hw) for number in range(NUM_FRAMES)]
    kind = "mpegts" if name.endswith(".mts") else None
    write_frames(
        *(tmp_path / name, iter(images), codec),
        pixel_format=pixel_format,
        interlaced=True,
        container_format=kind,
    )
    frames, told = _read(tmp_path / name)
    assert told == []
    _assert_steady(frames, NUM_FRAMES)
    for number, frame in enumerate(frames):
        assert np.abs(frame.image.astype(int) - bar_image(number, size_hw)).mean() < 12
        assert combing(frame.image) < combing(images[number]) / 2


def test_progressive_pictures_are_left_as_they_are(tmp_path: Path) -> None:
    frames, _ = _read(write_bars(tmp_path / "x.mp4", muxer={}))
    assert max(combing(frame.image) for frame in frames) < 0.5


@pytest.mark.parametrize("codec", ["libx264", "mpeg2video"])
@pytest.mark.parametrize("count", [2, 3])
def test_joined_streams_continue(tmp_path: Path, codec: str, count: int) -> None:
    part = write_bars(tmp_path / "part.ts", codec).read_bytes()
    (tmp_path / "joined.ts").write_bytes(part * count)
    frames, told = _read(tmp_path / "joined.ts")
    assert told == []
    _assert_steady(frames, count * NUM_FRAMES)
    for number, frame in enumerate(frames):
        assert np.abs(frame.image.astype(int) - bar_image(number % NUM_FRAMES)).mean() < 6


@pytest.mark.parametrize("name", ["x.mp4", "x.webm", "x.mkv"])
def test_av1_is_decoded(tmp_path: Path, name: str) -> None:
    frames, told = _read(write_bars(tmp_path / name, "libsvtav1"))
    assert told == []
    _assert_steady(frames, NUM_FRAMES)
    assert np.abs(frames[9].image.astype(int) - bar_image(9)).mean() < 6


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_pictures_are_upright(tmp_path: Path, rotation: int, mirrored: bool) -> None:
    image = bar_image(0)
    image[:48] //= 2
    path = tmp_path / "x.mp4"
    write_frames(path, (image for _ in range(5)), rotation=rotation, mirrored=mirrored)
    frames, _ = _read(path)
    # The rotation is counterclockwise; the mirror comes last.
    turned = np.rot90(image, rotation // 90)
    expected = turned[:, ::-1] if mirrored else turned
    assert np.abs(frames[0].image.astype(int) - expected).mean() < 3


def test_what_is_cut_off_is_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    whole = write_bars(tmp_path / "x.mp4", muxer={"movflags": "faststart"})
    content = whole.read_bytes()
    assert _read(whole)[1] == []
    begins = content.index(b"mdat")
    whole.write_bytes(content[: begins + (len(content) - begins) // 2])
    with caplog.at_level(logging.WARNING):
        count = len(list(read_video(whole)))
    assert 5 < count < NUM_FRAMES - 5
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith(f"{whole}: ")
    assert f"only {count} of {NUM_FRAMES} frames" in line
    assert "of 2.0 s, can be read; it was cut off" in line


def test_frames_whose_times_do_not_increase_are_counted(tmp_path: Path) -> None:
    stamps = [40 * (number - number % 3 // 2) for number in range(99)]
    frames, told = _read(write_stamped(tmp_path / "x.mkv", stamps))
    assert len(frames) == 66
    (line,) = told
    assert "33 of 99 frames were left out, because their times do not increase" in line


def _stamped(stamps: list[int]) -> list[int | None]:
    clock = JoinedClock(Fraction(1, 1000), 0.04)
    packets: list[Any] = [av.Packet(b"x") for _ in stamps]
    for packet, stamp in zip(packets, stamps, strict=True):
        packet.pts = packet.dts = stamp
        clock.stamp(packet)
    return [packet.pts for packet in packets]


def test_one_wrong_time_does_not_shift_the_rest() -> None:
    stamps = [40 * number for number in range(100)]
    assert _stamped([*stamps[:60], 1000, *stamps[61:]]) == stamps


def test_a_restart_continues_even_after_a_gap() -> None:
    stamps = [40 * number for number in range(100)]
    gap = [*stamps[:20], *(stamp + 2000 for stamp in stamps[20:])]
    assert _stamped([*stamps, *gap]) == [*stamps, *(4000 + stamp for stamp in gap)]


def test_damaged_frames_are_counted(tmp_path: Path) -> None:
    path = write_bars(tmp_path / "x.avi", "png", pixel_format="rgb24")
    content = bytearray(path.read_bytes())
    for number in (20, 21, 22):
        at = [match.start() for match in re.finditer(b"00dc", content)][number] + 8
        content[at : at + 40] = bytes(40)
    path.write_bytes(content)
    frames, told = _read(path)
    assert len(frames) < NUM_FRAMES
    (line,) = told
    assert re.fullmatch(r".*x\.avi: \d+ frames are damaged and were left out", line)


def test_a_header_that_was_never_finished_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "x.avi"
    path.write_bytes(piped("avi", "mpeg4"))
    assert read_declared(path).duration_seconds == 0
    frames, told = _read(path)
    assert (len(frames), told) == (NUM_FRAMES, [])
    assert read_length_seconds(path) == pytest.approx(1.96, abs=0.05)


@pytest.mark.parametrize("kind", ["matroska", "webm", "flv", "mpegts"])
def test_piped_videos_are_read(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x.bin"
    codec = {"flv": "flv", "mpegts": "mpeg2video", "webm": "libvpx"}.get(kind, "mpeg4")
    path.write_bytes(piped(kind, codec))
    frames, told = _read(path)
    assert (len(frames), told) == (NUM_FRAMES, [])
    assert read_length_seconds(path) == pytest.approx(2.0, abs=0.1)


def test_times_of_bare_streams_follow_the_rate(tmp_path: Path) -> None:
    frames, told = _read(write_bars(tmp_path / "x.m4v", "mpeg4", container_format="m4v"))
    assert told == []
    assert len(frames) == NUM_FRAMES


def test_a_name_that_looks_like_an_address_is_a_file(tmp_path: Path) -> None:
    folder = tmp_path / "http:" / "a:b"
    folder.mkdir(parents=True)
    frames, _ = _read(write_bars(tmp_path / "x.mp4").rename(folder / "c%03d.mp4"))
    assert len(frames) == NUM_FRAMES
