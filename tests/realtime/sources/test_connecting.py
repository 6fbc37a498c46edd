"""How a stream is connected to: by which transport, and to which servers."""

from __future__ import annotations

import logging
from itertools import islice
from pathlib import Path

import pytest

from rtaction.errors import CameraLost, SourceError, SourceMissing
from tests.conftest import Here
from tests.realtime.servers.fault_server import FaultServer
from tests.realtime.servers.rtp import answer
from tests.realtime.servers.stream_server import StreamServer
from tests.realtime.sources.test_network import (
    PASSWORD,
    assert_no_secret,
    canned,
    open_error,
    reading,
    typed,
)


@pytest.mark.parametrize("refusal", [461, 400, 405, 500])
def test_a_camera_that_refuses_tcp_is_read_by_udp(
    refusal: int, caplog: pytest.LogCaptureFixture
) -> None:
    with FaultServer(
        transport="udp", refusal=refusal, user="admin", password=PASSWORD, first_rtp_timestamp=1
    ) as server:
        with reading(server.url()) as (source, frames):
            assert len(list(islice(frames, 10))) == 10
        assert server.transports_asked == ["tcp", "udp"]
        (said,) = [record.getMessage() for record in caplog.records]
        assert said.startswith(f"{source.name}: it refuses TCP and is read by UDP")

        # A reconnect begins with what worked, and says nothing more.
        server.refuse()
        assert "connection refused" in str(open_error(server.url()))
        server.listen()
        with reading(server.url()) as (_, frames):
            next(frames)
        assert server.transports_asked == ["tcp", "udp", "udp"]
        assert len(caplog.records) == 1


def test_a_camera_that_offers_tcp_again_is_found(caplog: pytest.LogCaptureFixture) -> None:
    with FaultServer(transport="udp") as server, caplog.at_level(logging.WARNING):
        with reading(server.url()) as (_, frames):
            next(frames)
        server.change_transport("tcp")
        with reading(server.url()) as (_, frames):
            next(frames)
        with reading(server.url()) as (_, frames):
            next(frames)

    assert server.transports_asked == ["tcp", "udp", "udp", "tcp", "tcp"]
    assert len(caplog.records) == 1


@pytest.mark.parametrize("user", ["admin", "nobody"])
def test_a_refused_password_is_not_tried_twice(user: str) -> None:
    with FaultServer(transport="udp", user="admin", password=PASSWORD) as server:
        error = open_error(server.url(user, "wr0ng!word"))

        assert server.num_connections == 1
    assert error.exit_code == 17
    assert_no_secret(error, "wr0ng!word")


@pytest.mark.parametrize(("asked", "offered"), [("tcp", "udp"), ("udp", "tcp")])
def test_a_transport_that_was_asked_for_is_the_only_one(asked: str, offered: str) -> None:
    with FaultServer(transport=offered) as server:  # type: ignore[arg-type]
        error = open_error(server.url(), transport=asked)

        assert server.transports_asked == [asked]
    assert type(error) is SourceMissing
    assert f"does not offer its stream by {asked.upper()}" in str(error)


def test_a_firewall_in_the_way_of_udp() -> None:
    with (
        FaultServer(transport="udp", sends=False) as server,
        reading(server.url(), open_timeout_seconds=1.0, read_timeout_seconds=0.5) as (_, frames),
        pytest.raises(CameraLost, match=r"nothing for 0\.5 s by UDP; a firewall may be in the way"),
    ):
        next(frames)


def test_udp_by_which_nothing_comes_is_not_kept() -> None:
    """A camera that starts up may refuse TCP for a moment, while a firewall always stops UDP."""
    with FaultServer(transport="udp", sends=False) as server:
        with (
            reading(server.url(), read_timeout_seconds=0.5) as (_, frames),
            pytest.raises(CameraLost, match="nothing for"),
        ):
            next(frames)
        server.change_transport("tcp")
        with reading(server.url()) as (_, frames):
            next(frames)

    assert server.transports_asked == ["tcp", "udp", "tcp"]


def test_the_first_reason_is_told_if_neither_works() -> None:
    with FaultServer(transport="udp", refusal=500) as server:
        server.change_transport("none")
        error: SourceError = open_error(server.url())

        assert server.transports_asked == ["tcp", "udp"]
    assert "an error of its own (5xx)" in str(error)


def test_redirects_are_followed_unless_they_must_not_be() -> None:
    with StreamServer() as stream:
        to: dict[str, object] = {"Location": stream.url()}
        with canned(answer("HTTP/1.1", 302, to)) as where:
            with reading(f"http://{where}") as (_, frames):
                next(frames)
            followed = stream.num_connections
            error = open_error(f"http://{where}", follow=False)

        assert (followed, stream.num_connections) == (1, 1)
    assert str(error) == (
        f"http://{where} redirects to {stream.url()}, which is not followed as asked; give that "
        "address itself"
    )


def test_playlists_are_followed_unless_they_must_not_be() -> None:
    with StreamServer() as stream, reading(stream.url(path="/hls/live.m3u8")) as (_, frames):
        next(frames)
        playlist = b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:0\n"
        playlist += b"#EXTINF:1.0,\n" + stream.url(path="/hls/live0.ts").encode() + b"\n"
        playlist += b"#EXT-X-ENDLIST\n"
        with canned(typed("application/vnd.apple.mpegurl", playlist)) as where:
            with reading(f"http://{where}.m3u8") as (_, elsewhere):
                next(elsewhere)
            followed = stream.num_connections
            error = open_error(f"http://{where}.m3u8", follow=False)

        assert followed >= 2
        assert stream.num_connections == followed
    assert "a playlist (application/vnd.apple.mpegurl)" in str(error)
    assert "--no-follow" in str(error)


@pytest.mark.parametrize("path", ["/mjpeg", "/file.mp4"])
def test_what_leads_nowhere_else_needs_no_following(path: str) -> None:
    with StreamServer() as stream, reading(stream.url(path=path), follow=False) as (_, frames):
        first, second = next(frames), next(frames)
        assert second.captured_at_seconds > first.captured_at_seconds
        assert second.image.shape == first.image.shape


def test_the_command_line_and_the_file_forbid_following(
    tmp_path: Path, tiny_model: Path, here: Here
) -> None:
    with StreamServer() as stream:
        to: dict[str, object] = {"Location": stream.url()}
        with canned(answer("HTTP/1.1", 302, to)) as where:
            url = f"http://{where}"
            code, _, said = here("cam", url, "-m", tiny_model, "--no-follow", "--no-reconnect")
            cameras = tmp_path / "cameras.toml"
            cameras.write_text(f'[[camera]]\nurl = "{url}"\nfollow = false\n', encoding="utf-8")
            from_file = here("cam", "--sources", cameras, "-m", tiny_model, "--no-reconnect")

        assert stream.num_connections == 0
    for exit_code, text in ((code, said), (from_file[0], from_file[2])):
        assert exit_code == 7
        assert "is not followed as asked" in text
