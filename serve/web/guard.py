"""Stands before everything: who may ask, how often, and what browsers may do with the answer."""

from __future__ import annotations

import ipaddress
import logging
import math
import re
import traceback
from collections.abc import Callable
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rtaction.printable import printable
from rtaction.redaction import scrub
from rtaction.serve.web.buckets import TokenBuckets, client_of
from rtaction.serve.web.keys import Keys
from rtaction.serve.web.options import Limits, WebOptions, is_loopback, own_names

_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d{1,5})?")
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
_SECURITY_HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data: blob:; media-src 'self' blob:; connect-src 'self'; "
    "manifest-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # With "no-referrer", browsers would hide the origin of the page's own forms as well.
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(self), microphone=(), geolocation=(), interest-cohort=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
_access = logging.getLogger("rtaction.serve.web.access")
_log = logging.getLogger(__name__)


class Guard:
    """Answers those who may not ask, and passes the others on.

    Args:
        app: whom it guards.
        options: who may ask.
        limits: how often.
        keys: who knows the token.
        is_public: whether a path may be seen without the token.
    """

    def __init__(
        self,
        app: ASGIApp,
        options: WebOptions,
        limits: Limits,
        keys: Keys,
        is_public: Callable[[str], bool],
    ) -> None:
        self._app = app
        self._options = options
        self._limits = limits
        self._keys = keys
        self._is_public = is_public
        self._requests = TokenBuckets(limits.requests_per_second, limits.num_requests_at_once)
        self._names = {name.lower() for name in options.allowed_hosts}
        if not options.is_loopback:
            self._names |= own_names() | {options.host.lower()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass on."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if scope["type"] == "websocket":
            if refusal is None:
                await self._app(scope, receive, send)
            else:
                await receive()
                await send({"type": "websocket.close", "code": 1008})
            return
        await self._answer(scope, receive, send, refusal or self._app)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, app: ASGIApp) -> None:
        started = monotonic()
        status = 0
        is_complete = False

        async def send_safely(message: Message) -> None:
            nonlocal status, is_complete
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in _SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("cache-control", "no-store")
            else:
                is_complete = not message.get("more_body", False)
            await send(message)

        try:
            await app(scope, receive, send_safely)
        except Exception:
            # Without its passwords, if the error is about an address.
            _log.error("unexpected: %s", scrub(traceback.format_exc(), ()))
            if not status:
                await unexpected_answer()(scope, receive, send_safely)
            elif not is_complete:  # the connection has to break, or it would look whole
                raise ConnectionAbortedError from None
        finally:
            is_of_note = scope["method"] not in _SAFE_METHODS or status >= 400
            _access.log(
                logging.INFO if is_of_note else logging.DEBUG,
                '%s "%s %s" %d in %.0f ms',
                *(_client(scope), printable(scope["method"]), printable(scope["path"])),
                *(status, (monotonic() - started) * 1000),
            )

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        path: str = scope["path"]
        num_bytes = len(scope["raw_path"]) + len(scope["query_string"])
        num_bytes += sum(len(name) + len(value) for name, value in scope["headers"])
        if num_bytes > self._limits.header_bytes:
            return error_answer(431, "the headers or the address are too long")
        if not self._knows_host(headers.get("host", "")):
            return error_answer(
                403,
                "this name is not known here; ask for the address that rtaction serve printed, "
                "or start it with --allowed-host and this name",
            )
        if not self._is_of_own_page(scope, headers):
            return error_answer(403, "a page of another site may not ask this")
        wait_seconds = self._requests.take(client_of(_client(scope)))
        if wait_seconds:
            return error_answer(
                429, "too many requests; ask more slowly", {"Retry-After": _seconds(wait_seconds)}
            )
        if self._is_public(path) or self._keys.lets_in(
            headers.get("authorization"), headers.get("cookie")
        ):
            return None
        # Programs that fetch do not say that they want a page; browsers that open one do.
        if "text/html" in headers.get("accept", "") and scope["type"] == "http":
            return RedirectResponse("/login", 303)
        return error_answer(
            401,
            "the token is missing or wrong; expected the header Authorization: Bearer TOKEN, or "
            "the cookie of /login",
            {"WWW-Authenticate": "Bearer"},
        )

    def _knows_host(self, host: str) -> bool:
        """Whether a browser was really sent here: a name that was bent to this address is not ours.

        Nobody can bend an address of numbers.
        """
        name = _without_port(host)
        if is_loopback(name) or name in self._names:
            return True
        if self._options.is_loopback:
            return False
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True

    def _is_of_own_page(self, scope: Scope, headers: Headers) -> bool:
        origin = headers.get("origin")
        is_socket = scope["type"] == "websocket"
        is_api = scope["path"].startswith("/api/")
        changes = not is_socket and scope["method"] not in _SAFE_METHODS
        if not (is_socket or is_api or changes):
            return True
        if origin is not None:
            return self._is_own(origin, headers.get("host", ""))
        # Browsers name no origin for pictures and scripts, but say whose page wants them.
        if headers.get("sec-fetch-site", "none") in ("none", "same-origin"):
            return True
        is_opened = headers.get("sec-fetch-mode") == "navigate"
        return is_opened and headers.get("sec-fetch-dest") == "document" and not changes

    def _is_own(self, origin: str, host: str) -> bool:
        if origin in self._options.allowed_origins:
            return True
        parts = urlsplit(origin)
        default_port = {"http": ":80", "https": ":443"}.get(parts.scheme)
        if default_port is None:
            return False
        return parts.netloc.lower().removesuffix(default_port) == host.lower().removesuffix(
            default_port
        )


def error_answer(status: int, text: str, headers: dict[str, str] | None = None) -> Response:
    """An answer that says what went wrong."""
    return JSONResponse({"error": scrub(text, ())}, status, headers)


def unexpected_answer() -> Response:
    """An answer that says that it is not the asker's fault."""
    return error_answer(500, "something unexpected went wrong; the log of rtaction serve says what")


def _client(scope: Scope) -> str:
    client: Any = scope.get("client")
    return str(client[0]) if client else "?"


def _without_port(host: str) -> str:
    found = _HOST.fullmatch(host.lower())
    return found[1].strip("[]").removesuffix(".") if found else ""


def _seconds(seconds: float) -> str:
    return str(math.ceil(seconds))
