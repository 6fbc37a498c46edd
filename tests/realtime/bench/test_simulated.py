"""Simulated cameras show their video over and over, and decode no more than is asked for."""

from __future__ import annotations

import itertools
import time
from typing import Any

import numpy as np
import pytest

from rtaction.frame import DeferredFrame
from rtaction.realtime.bench.simulated import (
    Kind,
    SimulatedCamera,
    SimulatedVideo,
    simulated_cameras,
)


@pytest.fixture(scope="module")
def video() -> SimulatedVideo:
    return SimulatedVideo.make((96, 128), 10.0)


def first_frames(camera: SimulatedCamera, count: int) -> list[Any]:
    frames = list(itertools.islice(camera.frames(), count))
    camera.close()
    return frames


def test_the_video_moves_and_has_noise(video: SimulatedVideo) -> None:
    assert len(video.images) == 40
    first, second, later = (video.images[number].astype(int) for number in (0, 1, 10))
    assert 0 < np.abs(first - second).mean() < np.abs(first - later).mean()
    assert {kind: len(packets) for kind, packets in video.packets.items()} == {
        "h264": 40,
        "mjpeg": 40,
    }


@pytest.mark.parametrize("kind", ["ready", "h264", "mjpeg"])
def test_pictures_are_those_of_the_video(video: SimulatedVideo, kind: Kind) -> None:
    (camera,) = simulated_cameras(1)
    source = SimulatedCamera(camera, video, kind, frames_per_second=200.0)

    # More than there are, so that it starts over.
    frames = first_frames(source, 50)

    assert [frame.index for frame in frames] == list(range(50))
    assert {frame.source for frame in frames} == {"camera 1"}
    for number, frame in enumerate(frames):
        expected = video.images[number % 40].astype(int)
        assert np.abs(frame.image.astype(int) - expected).mean() < (0.01 if kind == "ready" else 12)


def test_frames_come_at_the_cameras_rate(video: SimulatedVideo) -> None:
    (camera,) = simulated_cameras(1)
    source = SimulatedCamera(camera, video, "ready", frames_per_second=50.0, delay_seconds=0.2)
    started_seconds = time.monotonic()

    times = [frame.captured_at_seconds for frame in first_frames(source, 11)]

    assert times[0] - started_seconds >= 0.2
    assert times[-1] - times[0] >= 0.19


@pytest.mark.parametrize("decode_all", [False, True])
def test_pictures_are_decoded_when_they_are_looked_at(
    video: SimulatedVideo, decode_all: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at = []
    image_of: Any = DeferredFrame.image

    def image(frame: DeferredFrame) -> Any:
        looked_at.append(frame.index)
        return image_of.fget(frame)

    monkeypatch.setattr(DeferredFrame, "image", property(image))
    (camera,) = simulated_cameras(1)
    source = SimulatedCamera(camera, video, "mjpeg", frames_per_second=200.0, decode_all=decode_all)
    frames = first_frames(source, 5)
    assert looked_at == (list(range(5)) if decode_all else [])

    assert frames[3].image.shape == (96, 128, 3)


def test_cameras_have_names_of_their_own() -> None:
    assert [camera.name for camera in simulated_cameras(3)] == ["camera 1", "camera 2", "camera 3"]
