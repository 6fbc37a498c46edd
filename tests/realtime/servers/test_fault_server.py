"""A real client reads what the RTSP camera sends, and meets the faults that were asked for."""

from __future__ import annotations

import asyncio
import itertools
import os
import socket
import struct
import threading
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest

from tests.realtime.conftest import WAIT_SECONDS, without_repeats
from tests.realtime.servers.fault_server import FaultServer
from tests.realtime.servers.rtp import BRIGHT, DARK, RtpStream, h264_payloads
from tests.realtime.servers.steered_server import SteeredServer
from tests.realtime.servers.stream_client import flat, mean, opened, some, steps, until

PASSWORD = "p@/ss: é"
OPTIONS = b"OPTIONS rtsp://x/live RTSP/1.0\r\nCSeq: 1\r\n\r\n"
NEAR_WRAP = 2**32 - 45_000
BURST_SECONDS = 2.0
"""Spares a client the time it would take to guess the rate."""


def connected(server: SteeredServer) -> socket.socket:
    """A client that has not said anything yet, once the server knows it."""
    before = server.num_connections
    client = socket.create_connection(("127.0.0.1", server.port), timeout=WAIT_SECONDS)
    until(lambda: server.num_connections > before)
    return client


def num_descriptors() -> int:
    try:
        return len(os.listdir("/dev/fd"))
    except FileNotFoundError:
        return 0


def test_dark_and_bright_seconds_in_true_time() -> None:
    with FaultServer(burst_seconds=BURST_SECONDS) as server, opened(server.url()) as container:
        seen = some(container, 75)

    assert steps(seen) == pytest.approx([0.04] * 74, abs=1e-4)
    sides = [mean(frame) > (DARK + BRIGHT) / 2 for frame in seen]
    changes = [i for i, (before, after) in enumerate(pairwise(sides)) if before != after]
    assert len(changes) in (2, 3)
    assert {after - before for before, after in pairwise(changes)} == {25}
    assert {round(mean(frame), -1) for frame in seen} == {DARK, BRIGHT}
    assert (server.num_connections, server.num_plays, len(server.connection_times)) == (1, 1, 1)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        # The first picture has no time.
        ({"frames_per_second": itertools.cycle([0.02, 0.06]).__next__}, [0.06, 0.02] * 12),
        ({"first_rtp_timestamp": NEAR_WRAP, "frames_per_second": 20.0}, [0.05] * 24),
    ],
)
def test_stamps(options: dict[str, Any], expected: list[float]) -> None:
    with (
        FaultServer(**options, burst_seconds=BURST_SECONDS) as server,
        opened(server.url()) as container,
    ):
        assert steps(some(container, 25)) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("jump_seconds", [3.0, -0.5])
def test_a_clock_that_jumps(jump_seconds: float) -> None:
    with FaultServer(burst_seconds=BURST_SECONDS) as server, opened(server.url()) as container:
        some(container, 10)
        server.jump_clock(jump_seconds)
        seen = some(container, 80)

    odd = [step for step in steps(seen) if step != pytest.approx(0.04, abs=1e-4)]
    assert odd == pytest.approx([0.04 + jump_seconds], abs=1e-4)


@pytest.mark.parametrize("auth", ["basic", "digest"])
def test_logins(auth: Any) -> None:
    with FaultServer(
        user="admin", password=PASSWORD, auth=auth, burst_seconds=BURST_SECONDS
    ) as server:
        with opened(server.url()) as container:
            assert len(some(container, 2)) == 2
        for url in (server.url(user=""), server.url("admin", "wrong"), server.url("x", PASSWORD)):
            with pytest.raises(av.error.HTTPUnauthorizedError):
                opened(url)
        assert server.num_plays == 1


def test_paths() -> None:
    with FaultServer() as server:
        with pytest.raises(av.error.HTTPNotFoundError):
            opened(server.url(path="/missing"))
        with opened(server.url(path="/odd"), open_seconds=1.0) as container:
            assert container.streams.video[0].codec_context is None


def test_a_stall_leaves_a_hole_in_time() -> None:
    with (
        FaultServer(burst_seconds=BURST_SECONDS) as server,
        opened(server.url(), read_seconds=WAIT_SECONDS) as container,
    ):
        some(container, 5)
        server.stall()
        threading.Timer(1.0, server.resume).start()
        seen = some(container, 70)

    holes = [step for step in steps(seen) if step > 0.05]
    assert len(holes) == 1
    assert 1.0 < holes[0] < WAIT_SECONDS
    assert holes[0] / 0.04 == pytest.approx(round(holes[0] / 0.04), abs=0.01)


@pytest.mark.parametrize("silence", [SteeredServer.stall, SteeredServer.blackhole])
def test_silence(silence: Callable[[SteeredServer], None]) -> None:
    with FaultServer(burst_seconds=BURST_SECONDS) as server:
        with opened(server.url(), read_seconds=0.5) as container:
            silence(server)
            with pytest.raises(av.error.FFmpegError):
                some(container, 1000)
            assert len(server.open) == 1
            with pytest.raises(av.error.FFmpegError):
                opened(server.url(), open_seconds=0.5)
            assert server.num_connections == 2
            server.resume()
        with opened(server.url()) as container:
            assert len(some(container, 2)) == 2


def test_what_a_black_hole_took_it_keeps() -> None:
    with FaultServer() as server, connected(server) as before:
        server.blackhole()
        server.resume()
        before.sendall(OPTIONS)
        with connected(server) as after:
            after.sendall(OPTIONS)
            assert after.recv(12) == b"RTSP/1.0 200"
        before.settimeout(0.1)
        with pytest.raises(TimeoutError):
            before.recv(1)


@pytest.mark.parametrize("end", [SteeredServer.hang_up, SteeredServer.refuse])
def test_a_connection_that_is_closed(end: Callable[[SteeredServer], None]) -> None:
    with FaultServer() as server, connected(server) as client:
        end(server)
        assert not server.open
        assert client.recv(1) == b""


def test_a_connection_that_is_reset() -> None:
    with FaultServer() as server, connected(server) as client:
        server.reset()
        with pytest.raises(ConnectionResetError):
            client.recv(1)


def test_refuse_and_listen() -> None:
    with FaultServer(burst_seconds=BURST_SECONDS) as server:
        url = server.url()
        for _ in range(2):
            with opened(url) as container:
                assert len(some(container, 2)) == 2
                server.refuse()
                with pytest.raises(av.error.ConnectionRefusedError):
                    opened(url)
            server.listen()
        assert server.num_connections == server.num_plays == 2


def test_another_size_and_another_picture() -> None:
    with FaultServer(picture=flat(DARK)) as server, opened(server.url()) as container:
        some(container, 2)
        server.change_size((96, 128))
        server.show(flat(BRIGHT))
        seen = some(container, 60)

    looks = without_repeats((frame.height, frame.width, round(mean(frame), -1)) for frame in seen)
    assert looks == [(48, 64, DARK), (96, 128, BRIGHT)]


def test_truncated_pictures() -> None:
    with FaultServer() as server, opened(server.url()) as container:
        server.truncate_next(2)
        sizes = [packet.size for packet in itertools.islice(container.demux(video=0), 60)]

    halved = [size for size in sizes if size < 0.7 * np.median(sizes)]
    assert len(halved) == 2


def test_an_error_of_the_server_is_raised() -> None:
    def broken(seconds: float, size_hw: tuple[int, int]) -> npt.NDArray[Any]:
        raise ZeroDivisionError("a bad picture")

    with pytest.raises(ZeroDivisionError, match="a bad picture"), FaultServer(picture=broken) as it:
        opened(it.url())


def test_nothing_stays_of_many_clients() -> None:
    with FaultServer() as server:
        with connected(server):
            descriptors = num_descriptors()
        for number in range(200):
            with socket.create_connection(("127.0.0.1", server.port)) as client:
                if number % 2:
                    client.sendall(OPTIONS.replace(b"OPTIONS", b"PLAY"))
                    assert client.recv(8) == b"RTSP/1.0"
        until(lambda: server.num_connections == 201 and not server.open)
        until(lambda: not asyncio.all_tasks(server.loop))
        assert server.num_plays == 100
        assert num_descriptors() <= descriptors
    assert not [thread for thread in threading.enumerate() if thread.name == "fault-server"]


def test_packets() -> None:
    small, large = b"\x67\x42" * 20, b"\x65" + bytes(range(1, 251)) * 10
    unit = b"".join(b"\0\0\0\1" + nal for nal in (small, large))
    stream = RtpStream()
    stream.next_sequence = 65_534

    framed = stream.framed(stream.packets(h264_payloads(unit), NEAR_WRAP + 45_001))

    packets = []
    while framed:
        size = int.from_bytes(framed[2:4], "big")
        packets.append(framed[4 : 4 + size])
        framed = framed[4 + size :]
    assert [struct.unpack(">BBHII", packet[:12])[1:4] for packet in packets] == [
        *((96, 65_534, 1), (96, 65_535, 1), (96, 0, 1), (96 + 128, 1, 1))
    ]
    assert packets[0][12:] == small
    assert [packet[12:14] for packet in packets[1:]] == [b"\x7c\x85", b"\x7c\x05", b"\x7c\x45"]
    assert b"".join(packet[14:] for packet in packets[1:]) == large[1:]
