"""The web server: a house, served by a thread of this process."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Sequence

from rtaction.errors import UsageError, extra_missing
from rtaction.serve.house.house import House
from rtaction.serve.house.school import School
from rtaction.serve.web.options import Limits, WebOptions

try:
    import uvicorn
    from starlette.routing import BaseRoute

    from rtaction.serve.web.app import build_app
    from rtaction.serve.web.connections import Connection, WatchfulServer
    from rtaction.serve.web.front_desk import FrontDesk, Metrics
except ImportError as error:
    raise extra_missing("rtaction serve", "serve", error) from None

_START_SECONDS = 30.0
_GRACE_SECONDS = 1
_STOP_SECONDS = 5.0


class WebServer:
    """Serves the page and the API of a house, from a thread.

    Args:
        house: what is shown.
        options: where, and to whom. Default: to this machine.
        metrics: gives a text for Prometheus and its media type. Default None: there is no /metrics.
        limits: how much at once.
        more_routes: of Starlette, such as those of web sockets. Default none.
        school: teaches by the camera of a browser. Default None: nobody does.

    Raises:
        UsageError: it cannot listen there.
    """

    def __init__(
        self,
        house: House,
        options: WebOptions | None = None,
        *,
        metrics: Metrics | None = None,
        limits: Limits | None = None,
        more_routes: Sequence[BaseRoute] = (),
        school: School | None = None,
    ) -> None:
        self.options = options or WebOptions()
        limits = limits or Limits()
        self._desk = FrontDesk(house, self.options, limits, metrics, school)
        self._socket = _listening(self.options.host, self.options.port)
        self._port = int(self._socket.getsockname()[1])
        own_limits = limits

        class LimitedConnection(Connection):
            limits = own_limits

        config = uvicorn.Config(
            build_app(self._desk, more_routes),
            http=LimitedConnection,
            ws="websockets-sansio",
            ws_max_size=limits.message_bytes,
            ws_per_message_deflate=False,  # pictures are compressed already
            lifespan="off",
            log_config=None,
            log_level="critical",
            access_log=False,
            server_header=False,
            proxy_headers=bool(self.options.trusted_proxies),
            forwarded_allow_ips=list(self.options.trusted_proxies),
            h11_max_incomplete_event_size=limits.header_bytes,
            timeout_graceful_shutdown=_GRACE_SECONDS,
            ssl_certfile=self.options.tls_cert,
            ssl_keyfile=self.options.tls_key,
        )
        self._server = WatchfulServer(config, self._desk.end)
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)

    def start(self) -> None:
        """Begin to serve; requests are answered when this returns.

        Raises:
            UsageError: it does not start.
        """
        self._thread.start()
        if not self._server.is_listening.wait(_START_SECONDS):
            raise UsageError(f"the page does not start at {self.url}")

    def stop(self) -> None:
        """Serve no more; streams end, and who does not read is cut off. Takes under two seconds."""
        self._server.should_exit = True
        if self._thread.ident is None:
            self._socket.close()
        else:
            self._thread.join(_STOP_SECONDS)

    @property
    def port(self) -> int:
        """The port on which it listens."""
        return self._port

    @property
    def url(self) -> str:
        """Where a browser on this machine finds the page; it never contains the token."""
        host = self.options.host
        if host in ("0.0.0.0", "::"):
            host = "localhost"
        host = f"[{host}]" if ":" in host else host
        return f"{'http' if self.options.tls_cert is None else 'https'}://{host}:{self.port}/"

    @property
    def num_viewers(self) -> int:
        """How many streams of pictures and news flow."""
        return self._desk.num_streams

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        await self._server.serve(sockets=[self._socket])
        await self._desk.close(_GRACE_SECONDS)


def _listening(host: str, port: int) -> socket.socket:
    try:
        (family, kind, protocol, _, address), *_ = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        listening = socket.socket(family, kind, protocol)
    except OSError as error:
        raise UsageError(f"host: cannot listen on {host}: {error.strerror or error}") from None
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(128)
    except OSError as error:
        listening.close()
        raise UsageError(
            f"cannot listen on {host}, port {port}: {error.strerror}; choose another with --port, "
            "or --port 0 for any that is free"
        ) from None
    return listening
