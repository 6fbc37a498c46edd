"""A real HTTP server that fails as it is told, and remembers what it took."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.serve.sinks.mosquitto import free_port


@dataclass(frozen=True)
class Request:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Receiver:
    """Takes POSTs.

    Attributes:
        accepted: those that were answered with success.
        asked: all that came.
        faults: what the next ones get, first one first: a status, a status with headers, or
            something that is done with the handler. Then all are accepted.
    """

    def __init__(self) -> None:
        self.port = free_port()
        self.accepted: list[Request] = []
        self.asked: list[Request] = []
        self.faults: list[Any] = []
        self._server: ThreadingHTTPServer | None = None

    def start(self, *, tls: tuple[Path, Path] | None = None) -> None:
        """Listen; with TLS, with this certificate and key."""
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), self._handler())
        self._server.daemon_threads = True
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        serve = self._server.serve_forever
        threading.Thread(target=serve, args=(0.01,), daemon=True).start()

    def end(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def url(self, rest: str = "/hook") -> str:
        return f"http://127.0.0.1:{self.port}{rest}"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                request = Request(self.path, {**self.headers}, body)
                receiver.asked.append(request)
                fault = receiver.faults.pop(0) if receiver.faults else 204
                if callable(fault):
                    fault(self)
                    return
                status, headers = fault if isinstance(fault, tuple) else (fault, {})
                if status < 300:
                    receiver.accepted.append(request)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        return Handler


def hang(seconds: float) -> Callable[[BaseHTTPRequestHandler], None]:
    """Say nothing."""
    return lambda handler: time.sleep(seconds)


def drip(handler: BaseHTTPRequestHandler) -> None:
    """Answer with one letter at a time, for ever."""
    try:
        for letter in b"HTTP/1.1 204 No Content\r\nX-Long: " + b"x" * 60:
            handler.wfile.write(bytes([letter]))
            time.sleep(0.05)
    except OSError:
        return  # the caller had enough


def cut(handler: BaseHTTPRequestHandler) -> None:
    """End the connection without an answer."""
    handler.connection.close()


def babble(handler: BaseHTTPRequestHandler) -> None:
    """Answer with what is not HTTP."""
    handler.wfile.write(b"220 mail.example.org ESMTP\r\n")
