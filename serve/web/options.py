"""Where the page is served, who may see it, and how much of it at once."""

from __future__ import annotations

import ipaddress
import re
import socket
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from rtaction.environment import from_environment
from rtaction.errors import UsageError

DEFAULT_PORT = 8090
MIN_TOKEN_CHARACTERS = 16
_HOW_TO_MAKE_ONE = "python -c 'import secrets; print(secrets.token_urlsafe(24))'"
_HOST = re.compile(r"[A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one server does at once; beyond it, it answers 413, 429 or 503.

    Args:
        num_streams: pictures and news that flow at the same time. Default 32.
        num_peers: of these, over WebRTC, since each has an encoder. Default 4.
        num_sockets: open connections. Default 128.
        requests_per_second: of one client, on average. Default 50.
        num_requests_at_once: of one client, in a burst. Default 250.
        body_bytes: of a JSON body or a form. Default 64 KiB.
        message_bytes: of a message on a web socket. Default 1 MiB.
        header_bytes: of all headers of a request. Default 16 KiB.
        request_seconds: until a request, or the next message on a web socket, must have arrived.
            Default 15.
        stalled_seconds: after which who does not read is cut off. Default 10.
    """

    num_streams: int = 32
    num_peers: int = 4
    num_sockets: int = 128
    requests_per_second: float = 50.0
    num_requests_at_once: int = 250
    body_bytes: int = 65_536
    message_bytes: int = 1_048_576
    header_bytes: int = 16_384
    request_seconds: float = 15.0
    stalled_seconds: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WebOptions:
    """Where the page is served, and who may see it.

    Args:
        host: address to listen on. Default 127.0.0.1: this machine only. Any other needs a token.
        port: 0 for any that is free. Default 8090.
        token: who knows it may see and change everything. Default None: who can reach it may.
        allowed_hosts: names, beside this machine's own, under which browsers may ask for it, such
            as that of a proxy.
        allowed_origins: addresses, such as https://home.example, under which a proxy shows the
            page, if it passes another Host on.
        trusted_proxies: addresses or networks (`10.0.0.0/8`) of proxies that are believed when
            they tell by X-Forwarded-For and X-Forwarded-Proto who asks, and how. Default: none.
        tls_cert: PEM file with the certificate and those that vouch for it. Default None: no TLS.
        tls_key: PEM file with its key. Default None: it is in the file of the certificate.

    Raises:
        UsageError: these do not go together, or are not safe.
    """

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    token: str | None = field(default=None, repr=False)
    allowed_hosts: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    tls_cert: Path | None = None
    tls_key: Path | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65_535:
            raise UsageError(f"port: expected a number from 0 to 65535, got {self.port}")
        if self.token is not None:
            _check_token(self.token)
        elif not self.is_loopback:
            raise UsageError(
                f"host {self.host}: others than this machine could see the cameras; expected a "
                "token as well. Make one, keep it in an environment variable and name that: "
                f"export RTACTION_TOKEN=$({_HOW_TO_MAKE_ONE}), then --token-env RTACTION_TOKEN; "
                "or stay with --host 127.0.0.1 and put a proxy with TLS and a password in front"
            )
        for host in self.allowed_hosts:
            if _HOST.fullmatch(host) is None:
                raise UsageError(
                    f"allowed host: expected a name without scheme and port, got {host!r}"
                )
        for origin in self.allowed_origins:
            _check_origin(origin)
        for proxy in self.trusted_proxies:
            _check_proxy(proxy)
        self._check_tls()

    @property
    def is_loopback(self) -> bool:
        """Whether only programs on this machine can reach it."""
        return is_loopback(self.host)

    def _check_tls(self) -> None:
        if self.tls_cert is None:
            if self.tls_key is not None:
                raise UsageError("a TLS key without a certificate; expected --tls-cert as well")
            return
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(self.tls_cert, self.tls_key)
        except (OSError, ssl.SSLError) as error:
            reason = getattr(error, "strerror", None) or getattr(error, "reason", None) or error
            raise UsageError(
                f"the TLS certificate {self.tls_cert} cannot be used: {reason}; expected PEM files "
                "of a certificate and its key"
            ) from None


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, seen from itself."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def own_names() -> set[str]:
    """Names of this machine that its neighbours use, in lower case."""
    name = socket.gethostname().lower()
    return {name, f"{name.partition('.')[0]}.local"} if name else set()


def read_token(env: str | None, file: Path | None) -> str | None:
    """The token, from an environment variable or a file; None if neither is named.

    Raises:
        UsageError: both are named, or there is none in it.
    """
    if env is not None and file is not None:
        raise UsageError("expected the token from a variable or from a file, got both")
    if env is not None:
        return from_environment(env, "the token", example="RTACTION_TOKEN").strip()
    if file is not None:
        try:
            return file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8"
            raise UsageError(f"the file of the token, {file}, cannot be read: {reason}") from None
    return None


def _check_token(token: str) -> None:
    if not token.isascii() or not token.isprintable() or " " in token:
        raise UsageError("the token: expected printable ASCII without spaces")
    if len(token) < MIN_TOKEN_CHARACTERS:
        raise UsageError(
            f"the token: expected at least {MIN_TOKEN_CHARACTERS} characters, got {len(token)}; "
            f"make one with {_HOW_TO_MAKE_ONE}"
        )


def _check_proxy(proxy: str) -> None:
    try:
        ipaddress.ip_network(proxy)
    except ValueError as error:
        raise UsageError(
            f"trusted proxy: expected an address or a network, such as 127.0.0.1 or 10.0.0.0/8, "
            f"got {proxy!r} ({error})"
        ) from None


def _check_origin(origin: str) -> None:
    parts = urlsplit(origin)
    if parts.scheme not in ("http", "https") or origin != f"{parts.scheme}://{parts.netloc}":
        raise UsageError(
            "allowed origin: expected scheme, name and no more, such as https://home.example"
        )
    if "@" in parts.netloc:
        raise UsageError("allowed origin: expected no user and password in it")
