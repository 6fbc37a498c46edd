from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest

from rtaction.errors import UsageError
from rtaction.serve.sinks.mqtt.settings import MqttSettings, account_of


def test_defaults() -> None:
    settings = MqttSettings.from_table({"host": "broker.local"}, "f")
    account = account_of(settings, "f")
    assert (account.host, account.port, account.tls, account.username) == (
        "broker.local",
        1883,
        None,
        None,
    )
    assert account.client_id.startswith("rtaction-")
    assert (settings.prefix, settings.discovery_prefix, settings.qos) == (
        "rtaction",
        "homeassistant",
        1,
    )


def test_tls_checks_the_broker_s_name() -> None:
    account = account_of(MqttSettings(host="broker.local", tls=True), "f")
    assert account.port == 8883
    assert account.tls is not None
    assert account.tls.check_hostname
    assert account.tls.verify_mode == ssl.CERT_REQUIRED


def test_secrets_come_from_the_environment_and_are_not_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BROKER_USER", "me")
    monkeypatch.setenv("BROKER_PASSWORD", "t0p-secret")
    table = {"host": "h", "username_env": "BROKER_USER", "password_env": "BROKER_PASSWORD"}
    account = account_of(MqttSettings.from_table(table, "f"), "f")
    assert (account.username, account.password) == ("me", "t0p-secret")
    assert "t0p-secret" not in repr(account)


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ({}, "f: host: it is missing"),
        ({"host": "mqtt://me:t0p-secret@h"}, "f: host: expected a name or address"),
        ({"host": "h", "port": "1883"}, "f: port: expected a whole number"),
        ({"host": "h", "port": 0}, "f: port: expected 1 to 65535"),
        ({"host": "h", "qos": 3}, "f: qos: expected 0, 1 or 2"),
        ({"host": "h", "prefix": "a/#"}, "f: prefix: expected words"),
        ({"host": "h", "prefix": "$SYS"}, "f: prefix: expected words"),
        ({"host": "h", "keep_seconds": -1}, "f: keep_seconds: expected 0 to"),
        ({"host": "h", "password": "t0p-secret"}, "f: password: a secret must not be in this file"),
        ({"host": "h", "hots": "h"}, "f: unknown key 'hots'; expected one of host, port"),
        ({"host": "h", "password_env": "X"}, "f: password_env: it needs a user"),
        ({"host": "h", "username_env": "t0p-secret"}, "f: username_env: the environment variable"),
        ({"host": "h", "username_env": 1234}, "f: username_env: expected text in quotes"),
        ({"host": "h", "username_env": "NO_SUCH_THING"}, "variable NO_SUCH_THING is not set"),
        ({"host": "h", "tls": "/no/such/file.pem"}, "f: tls: /no/such/file.pem cannot be used"),
    ],
)
def test_a_mistake_is_told_without_its_secret(table: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError) as error:
        account_of(MqttSettings.from_table(table, "f"), "f")
    assert told in str(error.value)
    assert "t0p-secret" not in str(error.value)
    assert "1234" not in str(error.value)


def test_a_file_without_certificates(tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    path.write_text("nothing")
    with pytest.raises(UsageError, match="no certificate in it"):
        account_of(MqttSettings(host="h", tls=str(path)), "f")
