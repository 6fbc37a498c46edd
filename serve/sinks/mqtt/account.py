"""Where a broker is, and who comes."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Where the broker is, and who comes.

    Args:
        host, port: of TCP.
        tls: how to encrypt; None: not at all.
        username, password: None without.
        client_id: what the broker knows the connection by.
        keepalive_seconds: a broker that is silent for about this long has gone. Default 20.
        answer_seconds: one that says nothing for this long after it was called is none. Default 10.
    """

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    client_id: str = ""
    keepalive_seconds: int = 20
    answer_seconds: float = 10.0
