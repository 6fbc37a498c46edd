"""One POST to a server that nobody trusts: no redirects, no long answers, and an end to waiting."""

from __future__ import annotations

import base64
import http.client
import ipaddress
import re
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from urllib.parse import quote, unquote, urlsplit

_MAX_WAIT_SECONDS = 3600.0
# What an address may hold as it is; "%" as it is encoded already.
_IN_AN_ADDRESS = "%/:=&?~+!$,;'@()*[]-._"


@dataclass(frozen=True, slots=True)
class Receiver:
    """Where to post; its text shows scheme, host and port only.

    Args:
        is_tls: whether it is https.
        host: name or address.
        port: of TCP.
        target: path and query, which may hold a secret.
        authorization: header made of user and password; None without them.
    """

    is_tls: bool
    host: str
    port: int
    target: str = field(repr=False)
    authorization: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, url: str) -> Receiver:
        """Read an address.

        Raises:
            ValueError: it is none of http or https; the message does not repeat it.
        """
        try:
            parts = urlsplit(url.strip())
            port = parts.port
        except ValueError:
            raise ValueError("expected an address such as https://example.org/hook") from None
        host = parts.hostname or ""
        if parts.scheme not in ("http", "https") or not _is_host(host):
            raise ValueError("expected an address such as https://example.org/hook")
        # What was taken for the host may be half of a password.
        if "@" in f"{parts.path}{parts.query}{parts.fragment}":
            raise ValueError(
                "it has an @ after its host; write @ as %40, and within a password / as %2F, "
                "? as %3F and # as %23"
            )
        is_tls = parts.scheme == "https"
        target = quote(parts.path or "/", safe=_IN_AN_ADDRESS)
        if parts.query:
            target += f"?{quote(parts.query, safe=_IN_AN_ADDRESS)}"
        authorization = None
        if parts.username is not None:
            user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            authorization = f"Basic {base64.b64encode(user.encode()).decode()}"
        return cls(is_tls, host, port or (443 if is_tls else 80), target, authorization)

    def __str__(self) -> str:
        host = f"[{self.host}]" if _is_v6(self.host) else self.host
        is_usual = self.port == (443 if self.is_tls else 80)
        return f"http{'s' * self.is_tls}://{host}{'' if is_usual else f':{self.port}'}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said.

    Args:
        status: of HTTP, such as 200.
        retry_after_seconds: when it wants to be asked again, at most an hour; None if it does not
            say.
    """

    status: int
    retry_after_seconds: float | None = None


def post(
    receiver: Receiver, body: bytes, headers: Mapping[str, str], *, timeout_seconds: float
) -> Answer:
    """Post, and read the head of the answer.

    Args:
        receiver: to whom.
        body: what.
        headers: beside those of HTTP itself.
        timeout_seconds: for each address of the host, and then for the answer as a whole.

    Raises:
        OSError: it cannot be reached; `TimeoutError` if it is too slow, however it is slow.
        http.client.HTTPException: it does not answer as HTTP does.
    """
    connection = _connection(receiver, timeout_seconds)
    is_late = threading.Event()

    def end() -> None:
        is_late.set()
        if connection.sock is not None:
            _shut_down(connection.sock)

    # A socket's own timeout begins anew with each byte.
    timer = threading.Timer(timeout_seconds, end)
    timer.daemon = True
    try:
        connection.connect()
        timer.start()
        authorization = receiver.authorization
        given = {} if authorization is None else {"Authorization": authorization}
        connection.request("POST", receiver.target, body, {**headers, **given})
        response = connection.getresponse()
        if is_late.is_set():  # half an answer would do for it
            raise TimeoutError
        return Answer(response.status, _retry_after(response.getheader("Retry-After")))
    except (OSError, http.client.HTTPException):
        if is_late.is_set():
            raise TimeoutError from None
        raise
    finally:
        timer.cancel()
        connection.close()


def _connection(receiver: Receiver, timeout_seconds: float) -> http.client.HTTPConnection:
    if not receiver.is_tls:
        return http.client.HTTPConnection(receiver.host, receiver.port, timeout=timeout_seconds)
    return http.client.HTTPSConnection(
        receiver.host, receiver.port, timeout=timeout_seconds, context=ssl.create_default_context()
    )


def _shut_down(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it was closed just now


def _retry_after(text: str | None) -> float | None:
    """See RFC 9110, section 10.2.3: seconds, or a date."""
    if text is None:
        return None
    try:
        wait_seconds = (
            float(text)
            if text.isdecimal()
            else parsedate_to_datetime(text).timestamp() - time.time()
        )
    except (ValueError, OverflowError):
        return None
    return min(max(wait_seconds, 0.0), _MAX_WAIT_SECONDS)


def _is_host(text: str) -> bool:
    return re.fullmatch(r"[\w.-]+", text) is not None or _is_v6(text)


def _is_v6(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).version == 6
    except ValueError:
        return False
