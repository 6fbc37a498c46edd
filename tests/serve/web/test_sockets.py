"""Web sockets that others add stand behind the same guard."""

from __future__ import annotations

import pytest
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from rtaction.serve.web.options import WebOptions
from rtaction.serve.web.server import WebServer
from tests.serve.web.conftest import TOKEN, Serve


async def _echo(socket: WebSocket) -> None:
    with socket.app.state.desk.stream():
        await socket.accept()
        await socket.send_text(await socket.receive_text())
        await socket.close()


@pytest.fixture
def server(serve: Serve) -> WebServer:
    options = WebOptions(port=0, token=TOKEN)
    return serve(options, more_routes=[WebSocketRoute("/api/echo", _echo)])


def _said(server: WebServer, token: str, **headers: str) -> str | bytes:
    url = f"ws://127.0.0.1:{server.port}/api/echo"
    sent = {"Authorization": f"Bearer {token}", **headers}
    with connect(url, additional_headers=sent, proxy=None) as socket:
        socket.send("hello")
        return socket.recv()


def test_who_knows_the_token_may(server: WebServer) -> None:
    assert _said(server, TOKEN) == "hello"
    assert _said(server, TOKEN, Origin=server.url.rstrip("/")) == "hello"


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:1"])
def test_pages_of_other_sites_may_not(server: WebServer, origin: str) -> None:
    with pytest.raises(InvalidStatus, match="403"):
        _said(server, TOKEN, Origin=origin)


def test_without_the_token_nobody_may(server: WebServer) -> None:
    with pytest.raises(InvalidStatus, match="403"):
        _said(server, f"{TOKEN}x")
