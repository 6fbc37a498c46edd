"""Clips of what cameras send, undecoded: real sockets, losses, masks."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest

from rtaction.errors import UsageError
from rtaction.frame import Frame
from rtaction.realtime.cameras.address import parse_address
from rtaction.realtime.cameras.camera import Camera
from rtaction.realtime.sources.stream_packets import StreamPacket
from rtaction.realtime.watching.feed import Feed
from rtaction.realtime.watching.options import WatchOptions
from rtaction.serve.clips.event_file import start_in
from rtaction.serve.clips.media import Media
from rtaction.serve.clips.options import ClipOptions
from rtaction.serve.clips.recorder import Recorder
from tests.realtime.servers.fault_server import FaultServer
from tests.realtime.servers.stream_server import StreamServer
from tests.serve.clips.test_media import STEM, Told, comment_of, until
from tests.serve.made_events import made_event

SIZE_HW = (96, 128)
OPTIONS = ClipOptions(
    pre_roll_seconds=0.5, post_roll_seconds=0.3, snapshots=False, encoder="software"
)


def halves(seconds: float, size_hw: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """Left bright, right dark, with some noise, so that it moves."""
    noise = np.random.default_rng(round(seconds * 1000)).integers(0, 20, (*size_hw, 1))
    image = np.repeat(noise, 3, axis=2).astype(np.uint8)
    image[:, : size_hw[1] // 2] += 200
    return image


def camera_at(url: str, **options: Any) -> Camera:
    return Camera(parse_address(url), "door", **options)


@contextmanager
def recorded(folder: Path, told: Told, url: str, **options: Any) -> Iterator[Media]:
    with closing(Media(folder, OPTIONS, told)) as media:
        media.add_camera("door", record=camera_at(url), **options)
        recorder = media.recorder("door")
        assert recorder is not None
        until(lambda: recorder.is_up)
        yield media


def keep_event(media: Media, told: Told, seconds: float = 0.4) -> None:
    """An event that lasts so long from now on."""
    start_seconds = time.monotonic()
    time.sleep(0.1)
    media.event(made_event(ended_at=None), start_seconds=start_seconds)
    time.sleep(seconds)
    media.event(made_event(), start_seconds=start_seconds, end_seconds=start_seconds + seconds)
    until(lambda: told.clips)


def decoded(path: Path) -> list[Any]:
    with av.open(str(path)) as container:
        return list(container.decode(video=0))


def sides(frame: Any) -> tuple[float, float]:
    gray = frame.to_ndarray(format="gray")
    return float(gray[:, : gray.shape[1] // 2 - 4].mean()), float(
        gray[:, gray.shape[1] // 2 + 4 :].mean()
    )


@pytest.fixture
def told() -> Told:
    return Told()


def test_a_clip_of_what_an_rtsp_camera_sends(tmp_path: Path, told: Told) -> None:
    with FaultServer(SIZE_HW, 25.0, halves) as server, recorded(tmp_path, told, server.url()) as m:
        time.sleep(1.0)
        keep_event(m, told)
        (path,) = tmp_path.iterdir()
        assert path.name == told.clips[made_event().id] == f"{STEM}.mp4"

    frames = decoded(path)
    times = [float(frame.time) for frame in frames]
    assert times[0] == 0
    # From the key frame before the pre-roll, which there is each 0.4 s, to after the post-roll.
    assert 0.9 < times[-1] < 2.0
    assert np.diff(times) == pytest.approx(0.04, abs=0.03)
    assert all(sides(frame) == pytest.approx((205, 10), abs=8) for frame in frames)
    start = start_in(comment_of(path))
    assert start is not None
    assert 0.4 <= start < 1.2


@pytest.mark.parametrize("path", ["/file.mp4", "/mjpeg"])
def test_a_clip_of_what_comes_by_http(tmp_path: Path, told: Told, path: str) -> None:
    with (
        StreamServer(SIZE_HW, 25.0, halves, file_seconds=4.0) as server,
        recorded(tmp_path, told, server.url(path=path)) as media,
    ):
        time.sleep(0.7)
        keep_event(media, told)
        frames = decoded(tmp_path / f"{STEM}.mp4")
    assert len(frames) > 5
    assert float(frames[0].time) == 0
    assert all(sides(frame) == pytest.approx((205, 10), abs=8) for frame in frames)
    gaps = np.diff([float(frame.time) for frame in frames])
    assert gaps.max() < 0.5


def test_what_is_masked_is_in_no_frame(tmp_path: Path, told: Told) -> None:
    def look(image_rgb: npt.NDArray[Any]) -> npt.NDArray[Any]:
        seen = image_rgb[:80].copy()
        seen[:, :64] = 0
        return seen

    with (
        FaultServer(SIZE_HW, 25.0, halves) as server,
        recorded(tmp_path, told, server.url(), look=look) as media,
    ):
        time.sleep(0.7)
        keep_event(media, told)
        frames = decoded(tmp_path / f"{STEM}.mp4")
    assert frames
    assert (frames[0].height, frames[0].width) == (80, 128)
    # What was bright is black.
    assert all(sides(frame) == pytest.approx((0, 10), abs=8) for frame in frames)
    assert np.diff([float(frame.time) for frame in frames]) == pytest.approx(0.1, abs=0.05)


def test_a_loss_ends_the_clip_and_the_next_event_has_another(
    tmp_path: Path, told: Told, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        FaultServer(SIZE_HW, 25.0, halves, user="me", password="s3cret-word") as server,
        caplog.at_level(logging.DEBUG),
        recorded(tmp_path, told, server.url("me", "s3cret-word")) as media,
    ):
        recorder = media.recorder("door")
        assert recorder is not None
        time.sleep(0.6)
        start_seconds = time.monotonic()
        media.event(made_event(0, ended_at=None), start_seconds=start_seconds)
        time.sleep(0.2)
        server.reset()
        until(lambda: made_event(0).id in told.clips)
        until(lambda: recorder.num_reconnects == 1)
        media.event(made_event(0), start_seconds=start_seconds, end_seconds=start_seconds + 0.3)
        time.sleep(0.5)
        told.clips.pop(made_event(0).id)
        start_seconds = time.monotonic()
        media.event(made_event(1, ended_at=None), start_seconds=start_seconds)
        media.event(made_event(1), start_seconds=start_seconds, end_seconds=start_seconds)
        until(lambda: told.clips)
        assert set(told.clips) == {made_event(1).id}
    clips = sorted(tmp_path.iterdir())
    assert len(clips) == 2
    assert all(len(decoded(clip)) > 5 for clip in clips)
    assert "s3cret" not in caplog.text
    assert "s3cret" not in "".join(str(clip) for clip in clips)


def test_frames_make_the_clip_while_no_packets_come(tmp_path: Path, told: Told) -> None:
    with FaultServer(SIZE_HW) as server:
        url = server.url()
    with closing(Media(tmp_path, OPTIONS, told)) as media:
        media.add_camera("door", record=camera_at(url))
        recorder = media.recorder("door")
        assert recorder is not None
        until(lambda: recorder.reason)
        assert not recorder.is_up
        for number in range(60):
            image = np.full((48, 64, 3), 100, np.uint8)
            media.frame("door", Frame(image, 50 + number / 20, number, "door"))
            if number == 40:
                media.event(made_event(ended_at=None), start_seconds=51.5)
                media.event(made_event(), start_seconds=51.5, end_seconds=52.0)
        until(lambda: told.clips)
    assert len(decoded(tmp_path / f"{STEM}.mp4")) >= 4


class _Tracker:
    """Looks at every frame, as a model would."""

    state: Any = "ok"

    def __init__(self, on_frame: Callable[[Any], None]) -> None:
        from collections import Counter

        self.drops: Counter[str] = Counter()
        self._on_frame = on_frame

    def push(self, frame: Any) -> bool:
        self._on_frame(frame)
        return False

    def clear(self) -> None:
        """Nothing is kept."""


def test_the_one_stream_that_is_watched_serves_as_well(tmp_path: Path, told: Told) -> None:
    import threading

    packets: list[StreamPacket] = []
    means: list[float] = []
    with (
        FaultServer(SIZE_HW, 25.0, halves) as server,
        closing(Media(tmp_path, OPTIONS, told)) as media,
    ):
        media.add_camera("door", gives_packets=True)

        def on_packet(packet: StreamPacket) -> None:
            packets.append(packet)
            media.packet("door", packet)

        feed = Feed(
            camera_at(server.url()),
            _Tracker(lambda frame: means.append(float(frame.image.mean()))),
            threading.Event(),
            WatchOptions(on_packet=on_packet),
        )
        feed.start()
        until(lambda: len(means) > 20)
        keep_event(media, told)
        feed.close()
        feed.join(5)
    # The pictures are decoded from the same packets, unharmed.
    assert means == pytest.approx([107] * len(means), abs=8)
    assert {packet.source for packet in packets} == {"door"}
    assert {packet.coding for packet in packets} == {"h264"}
    frames = decoded(tmp_path / f"{STEM}.mp4")
    assert len(frames) > 15
    assert all(sides(frame) == pytest.approx((205, 10), abs=8) for frame in frames)


def test_only_streams_can_be_recorded(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="only what comes by rtsp:// or http://"):
        Recorder(Camera(parse_address("0"), "webcam"), print, lambda: None)
