"""`open_source` opens what an address names, and says in one line why it cannot."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rtaction.errors import SourceError, SourceMissing, SourceUnreadable
from rtaction.opencv import cv2
from rtaction.realtime.cameras.address import Address
from rtaction.realtime.cameras.camera import Camera, cameras_of
from rtaction.realtime.cameras.view import View
from rtaction.realtime.sources.opening import Viewed, is_file, open_source
from tests.realtime.conftest import ScriptedSource, gray_frame, scripted_camera
from tests.videos import index_image, index_of

WriteVideo = Callable[..., Path]


def camera_of(text: str | Path) -> Camera:
    (camera,) = cameras_of([str(text)])
    return camera


def pictures(folder: Path, count: int) -> Path:
    folder.mkdir()
    for number in range(count):
        cv2.imwrite(str(folder / f"{number:05}.png"), index_image(number)[..., ::-1])
    return folder


@pytest.mark.parametrize("kind", ["file", "images"])
def test_files_are_read_as_fast_as_one_likes(
    indexed_video: WriteVideo, tmp_path: Path, kind: str
) -> None:
    named = indexed_video(np.arange(50) / 25) if kind == "file" else pictures(tmp_path / "a", 50)
    camera = camera_of(named)
    source = open_source(camera, paced=False)

    frames = list(source.frames())

    assert (source.is_live, source.is_finite, is_file(camera)) == (False, True, True)
    assert source.name == camera.name == str(named)
    assert [index_of(frame.image) for frame in frames] == list(range(50))
    assert [frame.captured_at_seconds for frame in frames] == pytest.approx(
        np.arange(50) / 25, abs=0.0011
    )
    assert {(frame.source, frame.segment) for frame in frames} == {(str(named), 0)}
    assert not +source.drops


@pytest.mark.parametrize("kind", ["file", "images"])
def test_files_play_at_their_pace(indexed_video: WriteVideo, tmp_path: Path, kind: str) -> None:
    named = indexed_video(np.arange(10) / 25) if kind == "file" else pictures(tmp_path / "a", 10)
    source = open_source(camera_of(named))
    began_seconds = time.monotonic()
    times = []
    for frame in source.frames():
        assert frame.captured_at_seconds <= time.monotonic()
        times.append(frame.captured_at_seconds)

    assert (source.is_live, source.is_finite) == (True, True)
    assert times[0] >= began_seconds
    assert np.diff(times) == pytest.approx([1 / 25] * 9, abs=0.0011)


def test_closing_ends_a_paced_file(indexed_video: WriteVideo) -> None:
    source = open_source(camera_of(indexed_video(np.array([0.0, 3600.0]))))
    frames = source.frames()
    next(frames)

    source.close()

    assert list(frames) == []


def test_the_view_and_the_name_of_a_camera(indexed_video: WriteVideo) -> None:
    camera = camera_of(indexed_video(np.arange(3) / 25))
    camera = replace(camera, name="hall", view=View(roi=(0.0, 0.0, 0.5, 1.0), rotation=90))

    frames = list(open_source(camera, paced=False).frames())

    assert [frame.image.shape for frame in frames] == [(4, 8, 3)] * 3
    assert {frame.source for frame in frames} == {"hall"}
    assert [index_of(frame.image) for frame in frames] == [0, 1, 2]


@pytest.mark.parametrize(("is_finite", "expected_runs"), [(False, [0, 0, 1, 2]), (True, [0] * 4)])
def test_another_size_of_a_live_source_is_another_run(
    is_finite: bool, expected_runs: list[int]
) -> None:
    """The camera was set anew, and its picture is another; a film of several sizes is one film."""
    frames = [gray_frame(number / 4, index=number) for number in range(4)]
    frames[2] = replace(frames[2], image=np.zeros((16, 8, 3), np.uint8))

    class Sized(ScriptedSource):
        def frames(self):  # type: ignore[no-untyped-def]
            yield from frames

    source = Viewed(Sized(), scripted_camera(), is_finite=is_finite)

    assert [frame.segment for frame in source.frames()] == expected_runs


@pytest.mark.parametrize(
    ("content", "expected"),
    [(None, SourceMissing), (b"", SourceUnreadable), (b"not a video at all", SourceUnreadable)],
)
def test_a_file_that_cannot_be_read(
    tmp_path: Path, content: bytes | None, expected: type[SourceError]
) -> None:
    path = tmp_path / "broken.mp4"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(expected) as caught:
        open_source(Camera(Address("file", str(path), path.name), path.name))

    assert "broken.mp4" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        pytest.param(Address("webcam", 97, "webcam 97"), id="webcam"),
        pytest.param(Address("rtsp", "rtsp://u:s3cret@127.0.0.1:9/x", "rtsp://shown"), id="rtsp"),
        pytest.param(Address("http", "http://u:s3cret@127.0.0.1:9/x", "http://shown"), id="http"),
    ],
)
def test_a_camera_that_is_not_there(address: Address) -> None:
    camera = Camera(address, address.name)
    assert not is_file(camera)

    with pytest.raises(SourceMissing) as caught:
        open_source(camera)

    assert address.name in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        *(("file", True), ("images", True)),
        *((kind, False) for kind in ("webcam", "rtsp", "http", "screen")),
    ],
)
def test_is_file(kind: str, expected: bool) -> None:
    assert is_file(Camera(Address(kind, "x", "x"), "x")) is expected  # type: ignore[arg-type]
