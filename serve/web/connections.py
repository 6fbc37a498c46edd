"""uvicorn's connections, so that nobody can hold one by doing nothing.

uvicorn closes an idle connection after a while, but not one whose request never ends, nor one whose
owner does not read what was sent.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from time import monotonic
from typing import Any

from uvicorn import Config, Server
from uvicorn.protocols.http.h11_impl import H11Protocol

from rtaction.serve.web.options import Limits

_SEND_BYTES = 262_144
_TOO_MANY_BODY = b'{"error": "too many open connections; try again in a few seconds"}'
_TOO_MANY = (
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nretry-after: 5\r\n"
    b"content-length: %d\r\nconnection: close\r\n\r\n%s" % (len(_TOO_MANY_BODY), _TOO_MANY_BODY)
)


class Connection(H11Protocol):
    """One connection, and since when nothing came of it.

    Its `limits` are those of the server; `serving` sets them.
    """

    limits = Limits()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """As the library does, unless there are too many."""
        super().connection_made(transport)
        self.waits_since = monotonic()
        self._unread: tuple[int, float] = (0, monotonic())
        # Else the system keeps megabytes for who does not read.
        own_socket = transport.get_extra_info("socket")
        own_socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BYTES)
        if len(self.connections) > self.limits.num_sockets:
            transport.write(_TOO_MANY)
            transport.close()

    def on_response_complete(self) -> None:
        """As the library does."""
        self.waits_since = monotonic()
        super().on_response_complete()

    def cut_off_if_stalled(self, now: float) -> None:
        """Give the socket up if its owner neither asks nor reads."""
        num_bytes, since = self._unread
        unread = self.transport.get_write_buffer_size()
        if unread != num_bytes or not unread:
            self._unread = (unread, now)
        elif now - since > self.limits.stalled_seconds:
            self.transport.abort()
            return
        is_idle = self.cycle is None or self.cycle.response_complete
        if is_idle and now - self.waits_since > self.limits.request_seconds:
            self.transport.abort()


class WatchfulServer(Server):
    """A server that cuts off who stalls, and that ends soon.

    Args:
        config: whose `http` is a `Connection`.
        before_end: called in its loop when it is about to end, so that streams end.
    """

    def __init__(self, config: Config, before_end: Callable[[], None]) -> None:
        super().__init__(config)
        self.is_listening = threading.Event()
        self._before_end = before_end

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As the library does."""
        await super().startup(sockets)
        self.is_listening.set()

    async def on_tick(self, counter: int) -> bool:
        """Called by the library ten times a second."""
        if counter % 2 == 0:
            now = monotonic()
            for one in list(self.server_state.connections):
                if isinstance(one, Connection):
                    one.cut_off_if_stalled(now)
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """As the library does, without waiting for those who do not read."""
        self._before_end()
        await super().shutdown(sockets)
        for one in list(self.server_state.connections):
            transport: Any = one.transport
            transport.abort()
