"""A real client reads what the HTTP server sends, and meets the faults that were asked for."""

from __future__ import annotations

import itertools
import time
import urllib.request
from collections.abc import Callable

import av
import pytest

from tests.realtime.conftest import WAIT_SECONDS, without_repeats
from tests.realtime.servers.rtp import BRIGHT, DARK
from tests.realtime.servers.steered_server import SteeredServer
from tests.realtime.servers.stream_client import flat, mean, opened, some, steps
from tests.realtime.servers.stream_server import SEGMENTS_IN_PLAYLIST, StreamServer

PASSWORD = "p@/ss: é"


def fetched(url: str, **headers: str) -> tuple[int, bytes]:
    request = urllib.request.Request(url, headers=headers)
    with urllib.request.urlopen(request, timeout=WAIT_SECONDS) as answer:
        return answer.status, answer.read()


def test_motion_jpeg() -> None:
    with StreamServer(user="admin", password=PASSWORD, picture=flat(DARK)) as server:
        with opened(server.url()) as container:
            some(container, 2)
            server.show(flat(BRIGHT))
            assert without_repeats(round(mean(it), -1) for it in some(container, 20))[-1] == BRIGHT
        with pytest.raises(av.error.HTTPUnauthorizedError):
            opened(server.url("admin", "wrong"))
        with pytest.raises(av.error.HTTPNotFoundError):
            opened(server.url(path="/missing"))


def test_motion_jpeg_of_odd_lengths() -> None:
    with StreamServer() as server, opened(server.url(), read_seconds=WAIT_SECONDS) as container:
        packets = container.demux(video=0)
        usual = next(packets).size
        server.truncate_next()
        server.oversized_next(100_000)
        sizes = [packet.size for packet in itertools.islice(packets, 20)]

    assert [size for size in sizes if size > 100_000] == pytest.approx([100_000 + usual / 2], 0.02)


@pytest.mark.parametrize("ranges", [True, False])
def test_a_file(ranges: bool) -> None:
    with StreamServer(ranges=ranges) as server:
        url = server.url(path="/file.mp4")
        with opened(url) as container:
            assert len(some(container, 1000)) == 50
        status, body = fetched(url, Range="bytes=4-7")
    assert (status, len(body) == 4) == ((206, True) if ranges else (200, False))
    assert body[:4] == b"ftyp" if ranges else body[4:8] == b"ftyp"


@pytest.mark.slow
def test_a_live_playlist() -> None:
    with StreamServer() as server:
        url = server.url(path="/hls/live.m3u8")
        with opened(url, read_seconds=WAIT_SECONDS) as container:
            seen = some(container, 125)
        lines = fetched(url)[1].decode().splitlines()

    assert steps(seen) == pytest.approx([0.04] * 124, abs=1e-3)
    assert {"#EXT-X-TARGETDURATION:1", "#EXTINF:1.000000,"} < set(lines)
    assert "#EXT-X-ENDLIST" not in lines
    numbers = [int(line[4:-3]) for line in lines if line.startswith("live")]
    assert numbers == list(range(numbers[0], numbers[0] + SEGMENTS_IN_PLAYLIST))
    assert f"#EXT-X-MEDIA-SEQUENCE:{numbers[0]}" in lines
    assert numbers[0] >= 1


def test_a_slow_line() -> None:
    with StreamServer(file_seconds=0.4) as server:
        server.slow_send(20_000)
        begun_seconds = time.monotonic()
        _, body = fetched(server.url(path="/file.mp4"))
        assert time.monotonic() - begun_seconds > 0.8 * len(body) / 20_000 > 0.1


@pytest.mark.parametrize("end", [SteeredServer.reset, SteeredServer.refuse])
def test_motion_jpeg_that_ends(end: Callable[[SteeredServer], None]) -> None:
    with StreamServer() as server, opened(server.url()) as container:
        some(container, 2)
        end(server)
        with pytest.raises(OSError, match=r"reset by peer|Input/output error"):
            some(container, 1_000_000)
