"""Files give every frame at its own time; a paced file is a camera that can be relied on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rtaction.errors import SourceError, SourceMissing, SourceUnreadable
from rtaction.realtime.address import Address, parse_address
from rtaction.realtime.sources import CameraSource, FileSource, PacedFileSource, Source, open_source
from tests.realtime.conftest import WAIT_SECONDS
from tests.videos import index_of

WriteVideo = Callable[..., Path]
STEADY = np.arange(50) / 25
VARIABLE = np.concatenate([np.arange(10) / 25, 0.5 + np.arange(5) / 4, 2.0 + np.arange(20) / 60])


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


def test_a_paced_file_gives_no_frame_ahead_of_its_time(indexed_video: WriteVideo) -> None:
    source = PacedFileSource(indexed_video(VARIABLE))
    before = time.monotonic()
    frames = []
    for frame in source.frames():
        assert frame.captured_at_seconds <= time.monotonic()
        frames.append(frame)

    times = np.array([frame.captured_at_seconds for frame in frames])
    assert [index_of(frame.image) for frame in frames] == list(range(len(VARIABLE)))
    assert times - times[0] == pytest.approx(VARIABLE, abs=0.0011)
    assert before <= times[0] <= time.monotonic() - VARIABLE[-1]
    assert source.is_live


def test_closing_a_paced_file_ends_it(indexed_video: WriteVideo) -> None:
    source = PacedFileSource(indexed_video(np.array([0.0, 3600.0])))
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


@pytest.mark.parametrize("kind", [FileSource, PacedFileSource])
def test_a_missing_file(tmp_path: Path, kind: Callable[[Path], Source]) -> None:
    with pytest.raises(SourceMissing, match="no video file"):
        kind(tmp_path / "nosuch.mp4")


@pytest.mark.parametrize("kind", [FileSource, PacedFileSource])
@pytest.mark.parametrize("content", [b"", b"not a video at all"])
def test_an_unreadable_file(tmp_path: Path, kind: Callable[[Path], Source], content: bytes) -> None:
    path = tmp_path / "broken.mp4"
    path.write_bytes(content)

    with pytest.raises(SourceUnreadable, match="cannot be read as a video"):
        kind(path)


def test_a_file_cut_off_in_its_first_frame(indexed_video: WriteVideo) -> None:
    path = indexed_video(STEADY)
    whole = path.read_bytes()
    first_cluster = whole.index(bytes.fromhex("1f43b675"))
    path.write_bytes(whole[: first_cluster + 12])

    with pytest.raises(SourceUnreadable, match=r"broken|decoded|read"):
        list(FileSource(path).frames())


def test_open_source_chooses_by_address(indexed_video: WriteVideo) -> None:
    address = parse_address(str(indexed_video(STEADY)))

    assert isinstance(open_source(address), FileSource)
    assert isinstance(open_source(address, paced=True), PacedFileSource)


@pytest.mark.parametrize(
    "address",
    [
        pytest.param(Address("webcam", 97, "webcam 97"), id="webcam"),
        pytest.param(Address("rtsp", "rtsp://u:s3cret@127.0.0.1:9/x", "rtsp://shown"), id="rtsp"),
        pytest.param(Address("http", "http://u:s3cret@127.0.0.1:9/x", "http://shown"), id="http"),
    ],
)
def test_a_camera_that_is_not_there(address: Address) -> None:
    with pytest.raises(SourceMissing) as caught:
        CameraSource(address)

    assert address.name in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_every_camera_error_is_one_line() -> None:
    with pytest.raises(SourceError) as caught:
        open_source(parse_address("97"))

    assert "\n" not in str(caught.value)
