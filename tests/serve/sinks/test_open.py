from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from rtaction.errors import UsageError
from rtaction.serve.sinks.open import open_sinks
from rtaction.serve.sinks.webhooks.outbox import Outbox
from tests.project import ROOT

FILE = """
    [mqtt]
    host = "broker.local"
    username_env = "MQTT_USER"
    password_env = "MQTT_PASSWORD"

    [[webhook]]
    url = "https://example.org/a"
    labels = ["fall"]

    [[webhook]]
    url_env = "HOOK"
    secret_env = "HOOK_SECRET"

    [[notify]]
    url_env = "PHONE"

    [[camera]]
    url = "rtsp://192.0.2.1/"
"""


def test_each_table_is_a_sink(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MQTT_USER", "us3r")
    monkeypatch.setenv("MQTT_PASSWORD", "pa5sword")
    monkeypatch.setenv("HOOK", "https://me:pa5sword@example.org/t0ken")
    monkeypatch.setenv("HOOK_SECRET", "hash-pa5sword")
    monkeypatch.setenv("PHONE", "ntfys://t0ken@ntfy.example.org/t0pic")
    sinks = open_sinks(tomllib.loads(FILE), where="cameras.toml", folder=tmp_path)
    views = [sink.view() for sink in sinks]
    assert [one.name for one in views] == [
        "mqtt",
        "webhook https://example.org",
        "webhook https://example.org 2",
        "notify ntfys",
    ]
    assert {one.is_up for one in views} == {None}


def test_a_file_without_tables_asks_for_nothing(tmp_path: Path) -> None:
    assert open_sinks({"camera": [{}]}, where="cameras.toml", folder=tmp_path) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[mqtt]]", "cameras.toml: mqtt: expected one table, written [mqtt]"),
        ("[webhook]", "cameras.toml: webhook: expected tables, each written [[webhook]]"),
        ("notify = 3", "cameras.toml: notify: expected tables, each written [[notify]]"),
        ("[mqtt]\nhots = 1", "cameras.toml, mqtt: unknown key 'hots'"),
        ("[[webhook]]\nurl = 'https://a'\n[[webhook]]", "cameras.toml, webhook 2: expected either"),
    ],
)
def test_a_mistake_names_the_table(text: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as error:
        open_sinks(tomllib.loads(text), where="cameras.toml", folder=tmp_path)
    assert told in str(error.value)


def test_what_waits_for_a_webhook_that_is_gone_is_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    old = Outbox(tmp_path / "webhooks.sqlite", "old", max_waiting=5)
    old.put("1", b"")
    old.close()
    tables = {"webhook": [{"url": "https://example.org"}]}
    open_sinks(tables, where="cameras.toml", folder=tmp_path)
    assert "1 events that waited" in caplog.text


def test_no_library_is_loaded_before_it_is_needed(tmp_path: Path) -> None:
    script = """
import sys
from pathlib import Path
from rtaction.serve.sinks.open import open_sinks
import rtaction.serve.sinks.metrics
open_sinks({"webhook": [{"url": "https://example.org"}]}, where="f", folder=Path(sys.argv[1]))
print(*{"apprise", "paho", "prometheus_client", "requests", "tensorflow"} & set(sys.modules))
"""
    command = [sys.executable, "-c", script, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
