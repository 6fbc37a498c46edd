"""Viewers who stall, who come in crowds, and who are still there at the end."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress

import httpx
import pytest

from rtaction.serve.web.options import Limits
from rtaction.serve.web.server import WebServer
from tests.serve.fake_house import FakeHouse
from tests.serve.web.checked import checked_client
from tests.serve.web.conftest import Serve
from tests.serve.web.waiting import WAIT_SECONDS, until


def _asked(server: WebServer, path: str, receive_bytes: int | None = None) -> socket.socket:
    """A connection that has asked and does not read."""
    one = socket.socket()
    if receive_bytes is not None:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    one.connect(("127.0.0.1", server.port))
    one.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    return one


def _rest_of(one: socket.socket) -> int:
    """Bytes until the connection ends, which it has to."""
    one.settimeout(WAIT_SECONDS)
    num_bytes = 0
    with suppress(ConnectionResetError):
        while received := one.recv(65_536):
            num_bytes += len(received)
    return num_bytes


@pytest.mark.parametrize(
    "path", ["/api/cameras/driveway/stream.mjpg?fps=30", "/api/events/EVENT/clip"]
)
def test_one_who_does_not_read_is_cut_off(serve: Serve, house: FakeHouse, path: str) -> None:
    record = house.add_event()
    (house.folder / str(record.clip)).write_bytes(bytes(20_000_000))
    server = serve(limits=Limits(stalled_seconds=0.6))
    with _asked(server, path.replace("EVENT", record.id), 4096) as stalled:
        with checked_client(server.url) as client:
            address = "/api/cameras/front-door/stream.mjpg?width=160&fps=30"
            started = time.monotonic()
            with client.stream("GET", address) as answer:
                num_pictures = 0
                for chunk in answer.iter_raw():
                    num_pictures += chunk.count(b"--rtaction")
                    if time.monotonic() - started > 1.0 and num_pictures > 5:
                        break
        until(lambda: server.num_viewers == 0)
        assert _rest_of(stalled) < 5_000_000


def test_one_who_never_finishes_asking_is_cut_off(serve: Serve) -> None:
    server = serve(limits=Limits(request_seconds=0.3))
    with socket.create_connection(("127.0.0.1", server.port)) as slow:
        slow.sendall(b"GET /healthz HTTP/1.1\r\nHost: local")
        assert _rest_of(slow) == 0


def test_a_body_that_never_comes(serve: Serve) -> None:
    server = serve(limits=Limits(request_seconds=0.3))
    with socket.create_connection(("127.0.0.1", server.port)) as slow:
        slow.sendall(
            b"PATCH /api/cameras/driveway HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Type: application/json\r\nContent-Length: 10\r\n\r\n{"
        )
        slow.settimeout(WAIT_SECONDS)
        assert slow.recv(100).startswith(b"HTTP/1.1 408 ")


def test_so_many_streams_and_no_more(serve: Serve) -> None:
    server = serve(limits=Limits(num_streams=2))
    with checked_client(server.url) as client, client.stream("GET", "/api/news"):
        with client.stream("GET", "/api/cameras/driveway/stream.mjpg"):
            for path in ("/api/news", "/api/cameras/driveway/stream.mjpg"):
                answer = client.get(path)
                assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
            assert client.get("/api/cameras").status_code == 200
        until(lambda: server.num_viewers == 1)
        with client.stream("GET", "/api/cameras/driveway/stream.mjpg") as again:
            assert again.status_code == 200


def test_so_many_sockets_and_no_more(serve: Serve) -> None:
    server = serve(limits=Limits(num_sockets=2))
    held = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(2)]
    try:
        until(lambda: _status(server.url) == 503)
    finally:
        for one in held:
            one.close()
    until(lambda: _status(server.url) == 200)


def _status(url: str) -> int:
    try:
        return httpx.get(f"{url}healthz", trust_env=False).status_code
    except httpx.TransportError:
        return 0


def test_viewers_of_the_same_pictures_share_them(serve: Serve, house: FakeHouse) -> None:
    house.picture_seconds = 0.01
    server = serve()
    address = f"{server.url}api/cameras/driveway/stream.mjpg?width=160&fps=10"
    stop = threading.Event()
    sizes: list[int] = []

    def look() -> None:
        with httpx.stream("GET", address, trust_env=False) as answer:
            received = 0
            for chunk in answer.iter_raw():
                received += len(chunk)
                if stop.is_set():
                    break
            sizes.append(received)

    started = time.monotonic()
    viewers = [threading.Thread(target=look) for _ in range(6)]
    for one in viewers:
        one.start()
    until(lambda: house.num_pictures["driveway"] >= 12)
    seconds = time.monotonic() - started
    num_pictures = house.num_pictures["driveway"]
    stop.set()
    for one in viewers:
        one.join(WAIT_SECONDS)
    # One viewer alone asks ten times a second; six of them ask hardly more often.
    assert num_pictures <= 10 * seconds * 1.25 + 3
    assert len(sizes) == 6
    assert min(sizes) > 0
    until(lambda: server.num_viewers == 0)
    looked = house.num_pictures["driveway"]
    time.sleep(0.3)
    assert house.num_pictures["driveway"] == looked, "a picture was made that nobody looks at"
    assert house.num_pictures["front-door"] == 0


def test_it_ends_soon_whoever_looks(house: FakeHouse) -> None:
    server = WebServer(house, limits=Limits())
    server.start()
    sockets = [
        _asked(server, "/api/news"),
        _asked(server, "/api/cameras/driveway/stream.mjpg"),
        _asked(server, "/api/cameras/front-door/stream.mjpg?fps=30", 4096),
        socket.create_connection(("127.0.0.1", server.port)),
    ]
    until(lambda: server.num_viewers == 3)
    started = time.monotonic()
    server.stop()
    seconds = time.monotonic() - started
    for one in sockets:
        one.close()
    # Two seconds are promised; the library's own patience, without end, would be far longer.
    assert seconds < 5
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port))


def test_one_that_was_never_started_can_be_stopped(house: FakeHouse) -> None:
    server = WebServer(house)
    server.stop()
