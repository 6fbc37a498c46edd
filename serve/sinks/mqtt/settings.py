"""The table [mqtt]."""

from __future__ import annotations

import re
import socket
import ssl
from dataclasses import dataclass
from typing import Any

from rtaction.environment import from_environment
from rtaction.errors import UsageError
from rtaction.serve.house.tables import read_table
from rtaction.serve.sinks.mqtt.account import Account
from rtaction.serve.sinks.mqtt.topics import slug


@dataclass(frozen=True, slots=True, kw_only=True)
class MqttSettings:
    """A table [mqtt].

    Args:
        host: of the broker.
        port: Default 1883, with `tls` 8883.
        tls: true, or a file with the certificates to trust. Default false.
        username_env, password_env: environment variables. Default: none.
        client_id: what the broker knows the connection by. Default: the prefix and this machine's
            name.
        prefix: what all topics begin with; two rtaction at one broker need two. Default "rtaction".
        discovery_prefix: Home Assistant's. Default "homeassistant"; "" for no discovery.
        snapshots: publish a picture of each event. Default True.
        retain_snapshots: the broker keeps the last of them. Default True.
        qos: of retained topics, 0, 1 or 2; events have at least 1. Default 1.
        keep_seconds: events during an outage are sent after it, up to this age. Default 0: never.
    """

    host: str
    port: int | None = None
    tls: bool | str = False
    username_env: str | None = None
    password_env: str | None = None
    client_id: str = ""
    prefix: str = "rtaction"
    discovery_prefix: str = "homeassistant"
    snapshots: bool = True
    retain_snapshots: bool = True
    qos: int = 1
    keep_seconds: float = 0.0

    def __post_init__(self) -> None:
        if not self.host or "/" in self.host or "@" in self.host or not self.host.isprintable():
            raise ValueError("host: expected a name or address, without port, user or mqtt://")
        if self.port is not None and not 1 <= self.port <= 65535:
            raise ValueError("port: expected 1 to 65535")
        if self.qos not in (0, 1, 2):
            raise ValueError("qos: expected 0, 1 or 2")
        if not 0 <= self.keep_seconds <= 7 * 86_400:
            raise ValueError("keep_seconds: expected 0 to 604,800, a week")
        if not _is_topic(self.prefix):
            raise ValueError("prefix: expected words joined by /, without + and #")
        if self.discovery_prefix and not _is_topic(self.discovery_prefix):
            raise ValueError("discovery_prefix: expected words joined by /, without + and #")
        if self.password_env is not None and self.username_env is None:
            raise ValueError("password_env: it needs a user; set username_env as well")

    @classmethod
    def from_table(cls, table: dict[str, Any], where: str) -> MqttSettings:
        """Read a table.

        Raises:
            UsageError: a key is invalid.
        """
        return read_table(cls, table, where)


def account_of(settings: MqttSettings, where: str) -> Account:
    """Who connects to where.

    Raises:
        UsageError: an environment variable is not set, or the file of certificates is unusable.
    """
    client_id = settings.client_id or f"{slug(settings.prefix)}-{slug(socket.gethostname())}"
    return Account(
        host=settings.host,
        port=settings.port or (8883 if settings.tls else 1883),
        tls=_tls(settings.tls, where),
        username=_secret(settings.username_env, f"{where}: username_env"),
        password=_secret(settings.password_env, f"{where}: password_env"),
        client_id=client_id,
    )


def _secret(variable: str | None, where: str) -> str | None:
    return None if variable is None else from_environment(variable, where, example="MQTT_PASSWORD")


def _tls(tls: bool | str, where: str) -> ssl.SSLContext | None:
    if tls is False:
        return None
    try:
        return ssl.create_default_context(cafile=None if tls is True else tls)
    except OSError as error:
        why = "no certificate in it" if isinstance(error, ssl.SSLError) else error.strerror
        raise UsageError(
            f"{where}: tls: {tls} cannot be used ({why}); expected true or a file with "
            "certificates in PEM"
        ) from None


def _is_topic(text: str) -> bool:
    return (
        re.fullmatch(r"[^\s/+#$\x00-\x1f][^\s/+#\x00-\x1f]*(/[^\s/+#\x00-\x1f]+)*", text)
        is not None
    )
