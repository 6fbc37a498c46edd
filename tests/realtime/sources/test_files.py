"""Files give every frame at its own time; paced, they are cameras that can be relied on."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from rtaction.errors import SourceMissing, SourceUnreadable, UsageError
from rtaction.frame import Frame
from rtaction.opencv import cv2
from rtaction.realtime.sources.files import (
    FileSource,
    ImagesSource,
    Paced,
)
from tests.realtime.conftest import WAIT_SECONDS, gray_frame
from tests.videos import index_image, index_of

WriteVideo = Callable[..., Path]
STEADY = np.arange(50) / 25
VARIABLE = np.concatenate([np.arange(10) / 25, 0.5 + np.arange(5) / 4, 2.0 + np.arange(20) / 60])


def write_picture(path: Path, index: int, size_hw: tuple[int, int] = (8, 8)) -> Path:
    """A picture that shows its number; see `index_image`."""
    image_bgr = cv2.cvtColor(index_image(index, size_hw), cv2.COLOR_RGB2BGR)
    written, encoded = cv2.imencode(path.suffix, image_bgr)
    assert written
    path.write_bytes(encoded.tobytes())
    return path


@pytest.mark.parametrize(
    "times", [pytest.param(STEADY, id="steady"), pytest.param(VARIABLE, id="variable")]
)
@pytest.mark.parametrize("start_seconds", [0.0, 100.0])
def test_a_file_gives_every_frame_at_its_time(
    indexed_video: WriteVideo, times: np.ndarray, start_seconds: float
) -> None:
    path = indexed_video(start_seconds + times)
    source = FileSource(path)

    frames = list(source.frames())

    assert [index_of(frame.image) for frame in frames] == list(range(len(times)))
    assert [frame.index for frame in frames] == list(range(len(times)))
    # Matroska counts in milliseconds.
    assert [frame.captured_at_seconds for frame in frames] == pytest.approx(times, abs=0.0011)
    assert {frame.source for frame in frames} == {source.name} == {str(path)}
    assert not source.is_live


def test_a_file_can_be_read_twice(indexed_video: WriteVideo) -> None:
    source = FileSource(indexed_video(STEADY))

    first, second = list(source.frames()), list(source.frames())

    assert [frame.captured_at_seconds for frame in first] == [
        frame.captured_at_seconds for frame in second
    ]
    assert all(np.array_equal(a.image, b.image) for a, b in zip(first, second, strict=True))


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(SourceMissing, match="no video file"):
        FileSource(tmp_path / "nosuch.mp4")


@pytest.mark.parametrize("content", [b"", b"not a video at all"])
def test_an_unreadable_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.mp4"
    path.write_bytes(content)

    with pytest.raises(SourceUnreadable, match="cannot be read as a video"):
        FileSource(path)


def test_a_file_cut_off_in_its_first_frame(indexed_video: WriteVideo) -> None:
    path = indexed_video(STEADY)
    whole = path.read_bytes()
    first_cluster = whole.index(bytes.fromhex("1f43b675"))
    path.write_bytes(whole[: first_cluster + 12])

    with pytest.raises(SourceUnreadable, match=r"broken|decoded|read"):
        list(FileSource(path).frames())


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tiff", ".ppm", ".PNG"])
def test_pictures_are_frames(tmp_path: Path, suffix: str) -> None:
    for index in (10, 9, 300):
        write_picture(tmp_path / f"ñ 拍 {index}{suffix}", index, (8, index))
    source = ImagesSource(str(tmp_path))

    frames = list(source.frames())

    assert [index_of(frame.image) for frame in frames] == [9, 10, 300]
    assert [frame.size_hw for frame in frames] == [(8, 9), (8, 10), (8, 300)]
    assert [frame.captured_at_seconds for frame in frames] == [0.0, 0.04, 0.08]
    assert [frame.index for frame in frames] == [0, 1, 2]
    assert {frame.source for frame in frames} == {source.name} == {str(tmp_path)}
    assert (source.is_live, source.frames_per_second) == (False, 25.0)


def test_pictures_as_they_are_listed_and_at_another_rate(tmp_path: Path) -> None:
    paths = [write_picture(tmp_path / f"{index}.png", index) for index in (3, 1, 2)]

    frames = list(ImagesSource(paths, 2.0).frames())

    assert [index_of(frame.image) for frame in frames] == [3, 1, 2]
    assert [frame.captured_at_seconds for frame in frames] == [0.0, 0.5, 1.0]


def test_gray_and_transparent_pictures_are_rgb(tmp_path: Path) -> None:
    gray, transparent = tmp_path / "0.png", tmp_path / "1.png"
    assert cv2.imwrite(str(gray), np.full((8, 8), 90, np.uint8))
    assert cv2.imwrite(str(transparent), np.full((8, 8, 4), (30, 20, 10, 0), np.uint8))

    frames = list(ImagesSource([gray, transparent]).frames())

    assert [frame.image[0, 0].tolist() for frame in frames] == [[90, 90, 90], [10, 20, 30]]


def test_unreadable_pictures_keep_their_moment_and_are_warned_of_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for index in range(6):
        write_picture(tmp_path / f"{index}.png", index)
    (tmp_path / "0.png").write_bytes(b"")
    (tmp_path / "2.png").write_bytes(b"no picture")
    whole = (tmp_path / "5.png").read_bytes()
    (tmp_path / "5.png").write_bytes(whole[:20])
    source = ImagesSource(str(tmp_path), 10.0)
    (tmp_path / "4.png").unlink()

    with caplog.at_level(logging.WARNING):
        frames = list(source.frames())

    assert [index_of(frame.image) for frame in frames] == [1, 3]
    assert [frame.captured_at_seconds for frame in frames] == [0.1, 0.3]
    assert [frame.index for frame in frames] == [0, 1]
    assert source.num_unreadable == 4
    (record,) = caplog.records
    assert "4 of 6 images cannot be read" in record.getMessage()
    assert str(tmp_path / "0.png") in record.getMessage()


def test_pictures_none_of_which_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "0.png").touch()

    with pytest.raises(SourceUnreadable, match="none of 1 images can be read"):
        list(ImagesSource(str(tmp_path)).frames())


@pytest.mark.parametrize("make", [lambda folder: str(folder), lambda folder: []])
def test_no_pictures(tmp_path: Path, make: Callable[[Path], str | list[Path]]) -> None:
    with pytest.raises(SourceMissing, match="there are no images"):
        ImagesSource(make(tmp_path))


@pytest.mark.parametrize("rate", [0.0, -1.0, float("inf"), float("nan")])
def test_a_rate_that_cannot_be_meant(tmp_path: Path, rate: float) -> None:
    with pytest.raises(UsageError, match="above 0"):
        ImagesSource([write_picture(tmp_path / "0.png", 0)], rate)


def test_closing_ends_pictures(tmp_path: Path) -> None:
    source = ImagesSource([write_picture(tmp_path / f"{n}.png", n) for n in range(3)])
    frames = source.frames()
    next(frames)

    source.close()

    assert list(frames) == []


def test_a_paced_file_gives_no_frame_ahead_of_its_time(indexed_video: WriteVideo) -> None:
    source = Paced(FileSource(indexed_video(VARIABLE)))
    before_seconds = time.monotonic()
    frames = []
    for frame in source.frames():
        assert frame.captured_at_seconds <= time.monotonic()
        frames.append(frame)

    times = np.array([frame.captured_at_seconds for frame in frames])
    assert [index_of(frame.image) for frame in frames] == list(range(len(VARIABLE)))
    assert times - times[0] == pytest.approx(VARIABLE, abs=0.0011)
    assert before_seconds <= times[0] <= time.monotonic() - VARIABLE[-1]
    assert source.is_live


def test_paced_pictures(tmp_path: Path) -> None:
    source = Paced(ImagesSource([write_picture(tmp_path / f"{n}.png", n) for n in range(3)], 20.0))

    times = [frame.captured_at_seconds for frame in source.frames()]

    assert np.diff(times) == pytest.approx([0.05, 0.05])
    assert time.monotonic() >= times[-1]
    assert source.frames_per_second == 20.0


def test_the_first_of_paced_frames_is_not_waited_for() -> None:
    class Late:
        name, is_live, frames_per_second = "late", False, 0.0

        def frames(self) -> Iterator[Frame]:
            yield gray_frame(3600.0)

        def close(self) -> None:
            """Nothing to close."""

    before_seconds = time.monotonic()

    (frame,) = Paced(Late()).frames()

    assert before_seconds <= frame.captured_at_seconds <= time.monotonic()
    assert frame.source == "late"


def test_closing_a_paced_file_ends_it(indexed_video: WriteVideo) -> None:
    source = Paced(FileSource(indexed_video(np.array([0.0, 3600.0]))))
    ended = threading.Event()
    first_seen = threading.Event()

    def read() -> None:
        for _ in source.frames():
            first_seen.set()
        ended.set()

    thread = threading.Thread(target=read)
    thread.start()
    assert first_seen.wait(WAIT_SECONDS)
    source.close()

    assert ended.wait(WAIT_SECONDS)
    thread.join()
