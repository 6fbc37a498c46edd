"""RTSP, Motion JPEG, HLS and files over HTTP, read from real servers that fail on demand."""

from __future__ import annotations

import io
import itertools
import socket
import statistics
import threading
import time
import traceback
import wave
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from itertools import islice, pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest

from rtaction.errors import (
    CameraLost,
    SourceError,
    SourceMissing,
    SourceRefused,
    SourceUnreachable,
    SourceUnreadable,
    StreamMissing,
)
from rtaction.frame import DeferredFrame, FrameDamaged
from rtaction.opencv import cv2
from rtaction.realtime.cameras.camera import Camera, cameras_of
from rtaction.realtime.cameras.view import View
from rtaction.realtime.sources import network
from rtaction.realtime.sources.network import StreamSource
from rtaction.video.file import read_video
from tests.core.video.hard_files import write_bars, write_frames
from tests.realtime.clock_picture import clock_picture, read_clock
from tests.realtime.conftest import WAIT_SECONDS, without_repeats
from tests.realtime.servers.fault_server import FaultServer
from tests.realtime.servers.rtp import answer
from tests.realtime.servers.steered_server import SteeredServer
from tests.realtime.servers.stream_client import until
from tests.realtime.servers.stream_server import StreamServer

PASSWORD = "p@/ss: é#?%&"
NEAR_WRAP = 2**32 - 90_000
SMALL, LARGE = (48, 64), (96, 128)
SLACK_SECONDS = 3.0
"""What a busy machine may add."""

Frames = Iterator[DeferredFrame]
Server = type[FaultServer] | type[StreamServer]
BOTH = pytest.mark.parametrize("kind", [FaultServer, StreamServer])


def camera(url: str, **options: Any) -> Camera:
    return replace(cameras_of([url])[0], **options)


@contextmanager
def reading(url: str, **options: Any) -> Iterator[tuple[StreamSource, Frames]]:
    """A source and its frames, given back at the end."""
    source = StreamSource(camera(url, **options))
    with closing(source.frames()) as frames:  # type: ignore[type-var]
        yield source, frames


def steps(frames: list[DeferredFrame]) -> list[float]:
    return [b.captured_at_seconds - a.captured_at_seconds for a, b in pairwise(frames)]


def lateness(server: SteeredServer, frame: DeferredFrame) -> float:
    """By how much a frame's time is later than the moment that its picture shows."""
    return frame.captured_at_seconds - server.started_at_seconds - read_clock(frame.image)


def took(work: Callable[[], Any]) -> float:
    begun_seconds = time.monotonic()
    work()
    return time.monotonic() - begun_seconds


# When pictures were taken


@pytest.mark.parametrize("burst_seconds", [0.0, 2.0])
def test_rtsp_keeps_the_cameras_own_distances(burst_seconds: float) -> None:
    periods = itertools.cycle([0.02, 0.08]).__next__
    with (
        FaultServer(
            frames_per_second=periods, picture=clock_picture, burst_seconds=burst_seconds
        ) as server,
        reading(server.url()) as (source, frames),
    ):
        seen = list(islice(frames, 40))
        late_seconds = [lateness(server, frame) for frame in seen]

    # The clock may settle by 20 ms once more.
    assert [round(step / 0.06) for step in steps(seen)] in ([0, 1] * 19 + [0], [1, 0] * 19 + [1])
    # FFmpeg keeps a picture back until the next one comes. What came at once was 2 s old.
    assert max(late_seconds) - min(late_seconds) < 0.03
    assert -0.01 < min(late_seconds) < 0.5
    assert source.drops["burst"] >= 38 * (burst_seconds > 0)
    assert [frame.index for frame in seen] == list(range(40))
    assert {(frame.segment, frame.source) for frame in seen} == {(0, source.name)}


def test_motion_jpeg_is_stamped_on_arrival() -> None:
    with (
        StreamServer(frames_per_second=10.0, picture=clock_picture) as server,
        reading(server.url()) as (source, frames),
    ):
        begun_seconds = time.monotonic()
        seen = [next(frames) for _ in range(10)]
        server.stall()
        threading.Timer(0.5, server.resume).start()
        after = next(frames)

    assert seen[0].captured_at_seconds >= begun_seconds
    assert 0.5 < sum(steps(seen)) < 0.9 + SLACK_SECONDS
    assert steps([seen[-1], after])[0] >= 0.4
    assert not source.is_finite


@pytest.mark.parametrize("first_rtp_timestamp", [NEAR_WRAP, 2**31 - 45_000])
def test_rtp_time_that_wraps_is_no_break(first_rtp_timestamp: int) -> None:
    with (
        FaultServer(first_rtp_timestamp=first_rtp_timestamp, picture=clock_picture) as server,
        reading(server.url()) as (_, frames),
    ):
        seen = list(islice(frames, 50))
        late_seconds = [lateness(server, frame) for frame in seen]

    assert {frame.segment for frame in seen} == {0}
    assert max(late_seconds) - min(late_seconds) < 0.03


@pytest.mark.parametrize("jump_seconds", [3600.0, -30.0, -0.5])
def test_a_clock_that_jumps_begins_a_run(jump_seconds: float) -> None:
    with (
        FaultServer(picture=clock_picture) as server,
        reading(server.url()) as (_, frames),
    ):
        before = list(islice(frames, 10))
        server.jump_clock(jump_seconds)
        jumped_seconds = time.monotonic() - server.started_at_seconds
        seen = before + list(islice(frames, 40))
        made = [(frame.segment, read_clock(frame.image) > jumped_seconds) for frame in seen]
        late_seconds = [lateness(server, frame) for frame in seen]

    # FFmpeg keeps back one picture of before.
    assert without_repeats(made) == [(0, False), (1, True)]
    assert min(steps(seen)) > 0
    assert max(late_seconds) < 0.5 + SLACK_SECONDS
    assert min(late_seconds) > -0.01


@BOTH
def test_another_size_begins_a_run(kind: Server) -> None:
    with kind(size_hw=SMALL) as server, reading(server.url()) as (_, frames):
        seen = list(islice(frames, 5))
        server.change_size(LARGE)
        seen += islice(frames, 30)
        # Looked at only now: Motion JPEG is told apart without decoding.
        looks = without_repeats((frame.segment, frame.image.shape[:2]) for frame in seen)

    assert looks == [(0, SMALL), (1, LARGE)]


@pytest.mark.parametrize("ranges", [True, False])
def test_a_file_plays_at_its_pace_and_ends(ranges: bool) -> None:
    with (
        StreamServer(picture=clock_picture, ranges=ranges, file_seconds=1.0) as server,
        reading(server.url(path="/file.mp4")) as (source, frames),
    ):
        begun_seconds = time.monotonic()
        seen = list(frames)
        ended_seconds = time.monotonic()

    assert source.is_finite
    assert source.frames_per_second == pytest.approx(25.0)
    assert [read_clock(frame.image) for frame in seen] == pytest.approx(
        [number / 25 for number in range(25)]
    )
    assert steps(seen) == pytest.approx([0.04] * 24, abs=1e-3)
    assert begun_seconds <= seen[0].captured_at_seconds
    assert seen[-1].captured_at_seconds <= ended_seconds


@pytest.mark.slow
def test_a_live_playlist_plays_at_its_pace_and_goes_on() -> None:
    with (
        StreamServer(picture=clock_picture) as server,
        reading(server.url(path="/hls/live.m3u8")) as (source, frames),
    ):
        seen, ages = [], []
        for frame in islice(frames, 100):
            seen.append(frame)
            ages.append(time.monotonic() - frame.captured_at_seconds)
        times = [read_clock(frame.image) for frame in seen]

    assert not source.is_finite
    assert [after - before for before, after in pairwise(times)] == pytest.approx([0.04] * 99)
    # Where the machine was busy the pace begins anew.
    assert sum(abs(step - 0.04) < 1e-3 for step in steps(seen)) >= 99 - seen[-1].segment
    assert min(ages) >= 0.0
    assert max(ages) < 0.5 + SLACK_SECONDS


# What ends a stream


SILENCE = r"has sent nothing for 0\.5 s"
END = r"the connection broke|has ended the stream"


@pytest.mark.parametrize(
    ("fault", "message", "least_seconds"),
    [
        (SteeredServer.stall, SILENCE, 0.3),
        (SteeredServer.blackhole, SILENCE, 0.3),
        (SteeredServer.reset, END, 0.0),
        (SteeredServer.hang_up, END, 0.0),
        (SteeredServer.refuse, END, 0.0),
    ],
)
@BOTH
def test_a_stream_that_breaks(
    kind: Server, fault: Callable[[SteeredServer], None], message: str, least_seconds: float
) -> None:
    with (
        kind(user="admin", password=PASSWORD) as server,
        reading(server.url(), read_timeout_seconds=0.5) as (_, frames),
    ):
        list(islice(frames, 5))
        fault(server)

        def to_the_end() -> None:
            with pytest.raises(CameraLost, match=message) as lost:
                list(frames)
            assert_no_secret(lost.value, PASSWORD)

        assert least_seconds <= took(to_the_end) < 0.5 + SLACK_SECONDS


@pytest.mark.parametrize("path", ["/hls/live.m3u8", "/file.mp4"])
@pytest.mark.parametrize(
    ("fault", "message"), [(SteeredServer.stall, SILENCE), (SteeredServer.refuse, END)]
)
def test_what_is_paced_breaks_as_well(
    path: str, fault: Callable[[SteeredServer], None], message: str
) -> None:
    """A file that breaks off in the middle has not come to its end."""
    with StreamServer(file_seconds=4.0) as server:
        if path == "/file.mp4":
            server.slow_send(30_000)
        with reading(server.url(path=path), read_timeout_seconds=0.5) as (_, frames):
            list(islice(frames, 5))
            fault(server)
            with pytest.raises(CameraLost, match=message):
                list(frames)


@BOTH
def test_closing_ends_it_after_the_next_picture(kind: Server) -> None:
    with kind() as server, reading(server.url()) as (source, frames):
        next(frames)
        source.close()
        assert len(list(frames)) <= 1
        until(lambda: not server.open)


@pytest.mark.parametrize("kind", [FaultServer, StreamServer])
def test_a_frame_outlives_its_source(kind: Server) -> None:
    with kind(picture=clock_picture) as server:
        with reading(server.url()) as (_, frames):
            seen = list(islice(frames, 3))
        times = [read_clock(frame.image) for frame in seen]

    assert [after - before for before, after in pairwise(times)] == pytest.approx([0.04] * 2)


# Why it cannot be opened


@contextmanager
def canned(reply: bytes) -> Iterator[str]:
    """The address of a server that says always the same, whatever it is asked."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                with client:
                    client.recv(65_536)
                    client.sendall(reply)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}/x"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(WAIT_SECONDS)


def open_error(url: str, **options: Any) -> SourceError:
    with pytest.raises(SourceError) as failed:
        StreamSource(camera(url, **options))
    return failed.value


def assert_no_secret(error: BaseException, *secrets: str) -> None:
    shown = [str(error), repr(error), *traceback.format_exception(error)]
    for secret in secrets:
        for written in (secret, quote(secret, safe="")):
            assert not [text for text in shown if written in text]


@pytest.mark.parametrize(
    ("kind", "path", "user", "expected", "message"),
    [
        (FaultServer, "/missing", None, StreamMissing, r"no stream at that path \(404\)"),
        (FaultServer, "/odd", None, SourceUnreadable, "unsupported codec"),
        (FaultServer, "/live", "admin", SourceRefused, "refuses this user and password"),
        (FaultServer, "/live", "", SourceRefused, "refuses this user and password"),
        (StreamServer, "/missing", None, StreamMissing, r"no stream at that path \(404\)"),
        (StreamServer, "/mjpeg", "admin", SourceRefused, "refuses this user and password"),
        (StreamServer, "/mjpeg", "", SourceRefused, "refuses this user and password"),
    ],
)
def test_a_server_that_will_not_show_it(
    kind: Server, path: str, user: str | None, expected: type[SourceError], message: str
) -> None:
    with kind(user="admin", password=PASSWORD) as server:
        url = server.url(user, "wr0ng!word", path)
        begun_seconds = time.monotonic()

        error = open_error(url)

        assert time.monotonic() - begun_seconds < 3.0
        assert type(error) is expected
        assert error.is_lasting
        assert_no_secret(error, PASSWORD, "wr0ng!word")
        assert f"{server.scheme}://127.0.0.1:{server.port}{path}" in str(error)
        with pytest.raises(expected, match=message):
            raise error


def silent_audio() -> bytes:
    sound = io.BytesIO()
    with wave.open(sound, "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(16_000))
    return sound.getvalue()


def jpeg() -> bytes:
    return bytes(cv2.imencode(".jpg", clock_picture(1.0, SMALL))[1])


def typed(content_type: str, body: bytes) -> bytes:
    return answer("HTTP/1.1", 200, {"Content-Type": content_type}, body)


PAGE = b"<!DOCTYPE html><html><title>Log in</title><body>" + b"<p>hello" * 500


@pytest.mark.parametrize(
    ("scheme", "reply", "expected", "message"),
    [
        ("http", answer("HTTP/1.1", 400, {}), SourceMissing, r"not understand .* \(400\)"),
        ("http", answer("HTTP/1.1", 401, {}), SourceRefused, r"user and password \(401\)"),
        ("http", answer("HTTP/1.1", 403, {}), SourceRefused, r"forbids access \(403\)"),
        ("http", answer("HTTP/1.1", 405, {}), SourceMissing, r"answers with an error .* \(4xx\)"),
        ("http", answer("HTTP/1.1", 429, {}), SourceMissing, r"too many requests \(429\)"),
        ("http", answer("HTTP/1.1", 500, {}), SourceMissing, r"an error of its own \(5xx\)"),
        ("http", answer("HTTP/1.1", 503, {}), SourceMissing, r"an error of its own \(5xx\)"),
        ("http", answer("HTTP/1.1", 200, {}, b"hello " * 99), SourceUnreadable, "is not video"),
        ("http", typed("text/html", PAGE), SourceUnreadable, r"a web page \(text/html\), not with"),
        ("http", typed("application/json", b"{}"), SourceUnreadable, r"data \(application/json\)"),
        ("http", typed("text/plain", b"no"), SourceUnreadable, r"with text \(text/plain\), not"),
        ("http", typed("image/x-y", b"no"), SourceUnreadable, r"a single picture \(image/x-y\)"),
        ("http", typed("image/jpeg", jpeg()), SourceUnreadable, "with a single picture, not with"),
        ("http", typed("video/mp4", b"no" * 99), SourceUnreadable, r"is damaged \(video/mp4\)"),
        ("http", typed("s3cret! \x1b[31m", b"no"), SourceUnreadable, "or is damaged; look"),
        ("http", typed("video/mp4", b""), SourceUnreadable, "gives an empty answer"),
        ("http", answer("HTTP/1.1", 204, {}), SourceUnreadable, "gives an empty answer"),
        (
            *("http", answer("HTTP/1.1", 302, {"Location": "file:///etc/passwd"})),
            *(SourceUnreadable, "is not followed, because it is no http:// or https:// address"),
        ),
        ("http", answer("HTTP/1.1", 200, {}, silent_audio()), SourceUnreadable, "no video"),
        ("rtsp", answer("RTSP/1.0", 403, {"CSeq": 1}), SourceRefused, "forbids access"),
        ("rtsp", answer("RTSP/1.0", 461, {"CSeq": 1}), SourceMissing, "answers with an error"),
        ("rtsp", answer("HTTP/1.1", 200, {}, b"hello"), SourceUnreachable, "does not speak RTSP"),
        ("rtsp", b"", SourceUnreachable, "closes the connection"),
        ("http", b"", SourceMissing, "closes the connection without an answer"),
    ],
)
def test_what_else_a_server_may_say(
    scheme: str, reply: bytes, expected: type[SourceError], message: str
) -> None:
    with canned(reply) as where:
        error = open_error(f"{scheme}://admin:s3cret!@{where}", open_timeout_seconds=2.0)

    assert type(error) is expected
    assert_no_secret(error, "s3cret!")
    with pytest.raises(expected, match=message):
        raise error


def test_a_text_is_not_drawn_as_video() -> None:
    """FFmpeg would, because of the name."""
    with canned(typed("text/plain", b"hello\n" * 99)) as where:
        error = open_error(f"http://{where}/readme.txt")

    assert "/x/readme.txt answers with text (text/plain), not with a video stream" in str(error)


def test_a_redirect_to_a_login_page_names_it() -> None:
    with canned(typed("text/html", PAGE)) as page:
        to: dict[str, object] = {"Location": f"http://{page}/login?pw=s3cret!"}
        with canned(answer("HTTP/1.1", 302, to)) as where:
            error = open_error(f"http://admin:s3cret!@{where}")

    assert type(error) is SourceUnreadable
    assert str(error).startswith(
        f"http://{where} redirects to http://{page}/login?…, which answers with a web page "
        "(text/html), perhaps to log in, not with a video stream"
    )


def test_raw_jpegs_in_a_row_are_a_stream() -> None:
    with (
        canned(typed("image/jpeg", jpeg() * 5)) as where,
        reading(f"http://{where}") as (_, frames),
    ):
        assert read_clock(next(frames).image) == 1.0
        with pytest.raises(CameraLost, match="has ended the stream"):
            list(frames)


@pytest.mark.parametrize("scheme", ["rtsp", "http"])
def test_no_such_host(scheme: str) -> None:
    error = open_error(f"{scheme}://admin:s3cret!@no-such-host.invalid/live")

    assert type(error) is SourceUnreachable
    expected = f"{scheme}://no-such-host.invalid/live: there is no host of that name; in a"
    assert str(error).startswith(expected)


@BOTH
def test_nobody_answers(kind: Server) -> None:
    with kind() as server:
        server.blackhole()
        url = server.url("admin", PASSWORD)
        mute = open_error(url, open_timeout_seconds=0.5)
        server.refuse()
        refused = open_error(url)

    assert type(mute) is type(refused) is SourceUnreachable
    assert "has not answered within 0.5 s" in str(mute)
    assert "nothing is listening there (connection refused)" in str(refused)
    assert not mute.is_lasting
    assert not refused.is_lasting
    for error in (mute, refused):
        assert_no_secret(error, PASSWORD)


def test_a_camera_that_offers_no_udp() -> None:
    with FaultServer() as server:
        error = open_error(server.url(), transport="udp")

    assert type(error) is SourceMissing


# Passwords


@pytest.mark.parametrize("auth", ["basic", "digest", "http"])
@pytest.mark.parametrize(
    ("password", "written"),
    [
        *((PASSWORD, quote(PASSWORD, safe="")), ("plain", "plain"), ("50%", "50%25")),
        *(("p@ss:w0rd!", "p@ss:w0rd!"), ("$&+,;='()*", "$&+,;='()*"), ("größe", "größe")),
    ],
)
def test_a_password_raw_or_percent_encoded_logs_in(auth: Any, password: str, written: str) -> None:
    server: FaultServer | StreamServer
    if auth == "http":
        server = StreamServer(user="admin", password=password)
    else:
        server = FaultServer(user="admin", password=password, auth=auth, burst_seconds=1.0)
    with server:
        url = server.url(user="").replace("://", f"://admin:{written}@")
        with reading(url) as (source, frames):
            frame = next(frames)
            shown = [repr(source), source.name, frame.source, repr(camera(url))]
        assert not [text for text in shown if password in text or written in text]


# Pictures that cannot be used


def test_truncated_pictures_of_rtsp_are_counted() -> None:
    with (
        FaultServer(picture=clock_picture) as server,
        reading(server.url()) as (source, frames),
    ):
        list(islice(frames, 5))
        server.truncate_next(3)
        seen = list(islice(frames, 40))
        late_seconds = [lateness(server, frame) for frame in seen]

    assert 1 <= source.drops["damaged"] <= 20  # what leans on a damaged one is damaged
    assert max(steps(seen)) > 0.07
    # FFmpeg fills what is missing from the picture before, and does not always say so; what leans
    # on it is wrong as well, up to the next key picture, which here is every tenth.
    usual_seconds = statistics.median(late_seconds)
    filled = [late for late in late_seconds if abs(late - usual_seconds) > 0.03]
    assert len(filled) <= 10
    assert late_seconds[-10:] == pytest.approx([usual_seconds] * 10, abs=0.03)


def test_truncated_pictures_of_motion_jpeg_are_told_to_who_looks_at_them() -> None:
    # Of noise, so that the half that is left holds more than headers.
    with StreamServer() as server, reading(server.url()) as (source, frames):
        server.truncate_next(3)
        seen = list(islice(frames, 40))
        assert source.drops["damaged"] == 0
        damaged = []
        for frame in seen:
            try:
                assert frame.image.shape == (*SMALL, 3)
            except FrameDamaged:
                damaged.append(frame)
        # Who looks at them counts them; nobody else does.
        assert len(damaged) == 3
        assert source.drops["damaged"] == 0

    assert 2 <= len(damaged) <= 3  # FFmpeg looks at the first one itself


def test_a_jpeg_with_much_behind_it() -> None:
    with StreamServer() as server, reading(server.url()) as (source, frames):
        next(frames)
        server.oversized_next(300_000)
        assert {frame.image.shape for frame in islice(frames, 20)} == {(*SMALL, 3)}
    assert source.drops["damaged"] == 0


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_a_video_of_a_phone_is_as_upright_as_from_disk(tmp_path: Path, rotation: int) -> None:
    path = tmp_path / "phone.mp4"
    write_bars(path, rotation=rotation, muxer={"movflags": "faststart"})
    from_disk = next(iter(read_video(path))).image
    kind: dict[str, object] = {"Content-Type": "video/mp4"}
    with (
        canned(answer("HTTP/1.1", 200, kind, path.read_bytes())) as where,
        reading(f"http://{where}") as (_, frames),
    ):
        image = next(frames).image
    assert image.shape == from_disk.shape
    assert np.abs(image.astype(int) - from_disk).mean() < 3


def test_a_file_whose_index_is_at_its_end_needs_a_server_that_sends_parts(tmp_path: Path) -> None:
    random = np.random.default_rng(0)  # noise, so that it does not fit into FFmpeg's buffers
    images = (random.integers(0, 255, (240, 320, 3), np.uint8) for _ in range(20))
    write_frames(tmp_path / "x.mp4", images)
    content = (tmp_path / "x.mp4").read_bytes()
    kind: dict[str, object] = {"Content-Type": "video/mp4"}
    with (
        canned(answer("HTTP/1.1", 200, kind, content)) as where,
        pytest.raises(SourceUnreadable, match=r"put its index first with ffmpeg .* \+faststart"),
        reading(f"http://{where}") as (_, frames),
    ):
        next(frames)


def test_a_jpeg_without_headers_is_counted() -> None:
    _, whole = cv2.imencode(".jpg", clock_picture(1.0, SMALL))
    jpegs = [bytes(whole), bytes(whole), b"\xff\xd8\xff\xff\xd9" + bytes(200), bytes(whole)]
    head = b"--x\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n"
    parts = b"".join(head % len(jpeg) + jpeg + b"\r\n" for jpeg in jpegs)
    kind: dict[str, object] = {"Content-Type": "multipart/x-mixed-replace; boundary=x"}
    with (
        canned(answer("HTTP/1.1", 200, kind, parts)) as where,
        reading(f"http://{where}") as (source, frames),
    ):
        seen = list(islice(frames, 3))
        assert [read_clock(frame.image) for frame in seen] == [1.0] * 3

    assert source.drops["damaged"] == 1


@BOTH
def test_an_oversized_picture_is_refused(kind: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "MAX_PIXELS", SMALL[0] * SMALL[1])
    with kind(size_hw=SMALL) as server, reading(server.url()) as (source, frames):
        seen = list(islice(frames, 5))
        server.change_size(LARGE)
        reader = threading.Thread(target=lambda: seen.extend(islice(frames, 20)))
        reader.start()
        until(lambda: source.drops["oversized"] >= 3)
        server.change_size(SMALL)
        reader.join(WAIT_SECONDS)
        assert len(seen) == 25
        assert {frame.image.shape for frame in seen} == {(*SMALL, 3)}


# Keeping up


def test_who_cannot_keep_up_passes_over_pictures() -> None:
    """At 0.1 s for a picture of 0.04 s a second would pile up in each two."""
    ages = []
    with FaultServer() as server, reading(server.url()) as (source, frames):
        for frame in islice(frames, 35):
            ages.append(time.monotonic() - frame.captured_at_seconds)
            time.sleep(0.1)

    assert source.drops["behind"] >= 1
    assert max(ages) < 0.5 + 0.5 + SLACK_SECONDS


def test_who_never_catches_up_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "_HOPELESS_SECONDS", 0.3)
    monkeypatch.setattr(network, "_HOPELESS_FOR_SECONDS", 0.2)
    with FaultServer() as server, reading(server.url()) as (_, frames):

        def dawdle() -> None:
            for _ in islice(frames, 40):
                time.sleep(0.5)

        with pytest.raises(CameraLost, match=r"is \d+\.\d s late"):
            dawdle()


def test_the_view_of_the_camera_is_applied() -> None:
    view = View(roi=(0.0, 0.0, 0.5, 1.0), rotation=90)
    with FaultServer() as server, reading(server.url(), view=view) as (_, frames):
        assert next(frames).image.shape == (32, 48, 3)
