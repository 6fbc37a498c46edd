"""docs/serve.md says what there is: options, keys of tables, addresses, and code that runs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from rtaction.realtime.actions.rules import _RULE_KEYS
from rtaction.realtime.cameras.camera_table import _KEYS
from rtaction.realtime.cameras.cameras_file import SERVE_TABLES, load_cameras
from rtaction.serve.clips.options import ClipOptions
from rtaction.serve.sinks.mqtt.settings import MqttSettings
from rtaction.serve.sinks.notify import NotifySettings
from rtaction.serve.sinks.open import open_sinks
from rtaction.serve.sinks.webhooks.message import signature
from rtaction.serve.sinks.webhooks.sink import WebhookSettings
from rtaction.serve.store.retention import RetentionOptions
from rtaction.serve.web.app import all_endpoints
from rtaction.serve.web.options import Limits
from tests.project import ROOT
from tests.serve.containerfiles import options_of_serve

DOCUMENT = ROOT / "docs" / "serve.md"
TEXT = DOCUMENT.read_text()
TABLES = {
    "[clips]": ClipOptions,
    "[retention]": RetentionOptions,
    "[mqtt]": MqttSettings,
    "[[webhook]]": WebhookSettings,
    "[[notify]]": NotifySettings,
}


def _section(title: str) -> str:
    """What stands under a heading, up to the next of its level or a higher one."""
    level, rest = re.split(rf"^(#+) {re.escape(title)}\n", TEXT, flags=re.MULTILINE)[1:]
    return re.split(rf"^#{{2,{len(level)}}} ", rest, flags=re.MULTILINE)[0]


def _first_column(text: str) -> Iterator[str]:
    """Everything in backticks in the first column of the tables."""
    for line in text.splitlines():
        if line.startswith("| "):
            yield from re.findall(r"`([^`]+)`", line.split("|")[1])


def _code(language: str, title: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```", _section(title), re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def test_all_options_are_described() -> None:
    described = {words.split()[0] for words in _first_column(_section("Start"))}
    own = {one for one in options_of_serve() if one.startswith("--")} - {
        "--help",
        "--quiet",
        "--source",
        "--verbose",
    }
    assert described == own


@pytest.mark.parametrize("title", TABLES)
def test_all_keys_of_a_table_are_described(title: str) -> None:
    assert title.strip("[]") in SERVE_TABLES
    assert set(_first_column(_section(title))) == {field.name for field in fields(TABLES[title])}


def test_all_keys_of_a_camera_are_described() -> None:
    zone = {"key", "corners"}
    described = set(_first_column(_section("[[camera]]"))) - zone
    tables = {"[camera.zones.NAME]": "zones", "[camera.actions]": "actions"}
    assert {tables.get(one, one) for one in described} == set(_KEYS)


def test_all_keys_of_events_are_described() -> None:
    described = set(_first_column(_section("[actions]")))
    assert described == {*_RULE_KEYS, "smoothing_seconds", "labels.NAME"}


def test_the_example_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = _code("toml", "cameras.toml")
    for name in re.findall(r'_env = "(\w+)"', text):
        monkeypatch.setenv(name, "ntfys://ntfy.sh/a-topic" if name == "NTFY_URL" else "a value")
    path = tmp_path / "cameras.toml"
    path.write_text(text)
    loaded = load_cameras(path)
    (camera,) = loaded.cameras
    assert camera.zones[0].name == "porch"
    assert camera.schedule.timezone == "Europe/Berlin"
    assert RetentionOptions.from_table(loaded.tables["retention"], "").max_bytes == 20_000_000_000
    sinks = open_sinks(loaded.tables, where="cameras.toml", folder=tmp_path)
    assert [sink.view().name.split()[0] for sink in sinks] == ["mqtt", "webhook", "notify"]


def test_all_addresses_of_the_api_are_described() -> None:
    known = {(one.method, one.path) for one in all_endpoints()}
    rows = [line for line in _section("The API").splitlines() if line.startswith("| `")]
    described: set[tuple[str, str]] = set()
    for row in rows:
        calls = re.findall(r"`(GET|PUT|PATCH|POST|DELETE) (/[^`?]*)", row)
        described |= set(calls)
        if "`DELETE`" in row:
            described |= {("DELETE", path) for _, path in calls}
    assert described == known


def test_limits_are_those_of_the_server() -> None:
    limits = Limits()
    assert (
        f"{limits.num_streams} streams, {limits.num_peers} of them over WebRTC, "
        f"{limits.num_sockets} connections, "
        f"{limits.requests_per_second:g} requests a second of a client, bodies of "
        f"{limits.body_bytes // 1024} KiB"
    ) in _section("Security")


def test_the_signature_is_verified_in_python() -> None:
    names: dict[str, Any] = {}
    exec(_code("python", "Webhooks"), names)
    is_genuine = names["is_genuine"]
    now, body = int(time.time()), b'{"type": "event"}'
    good = signature(b"secret", now, body)
    assert is_genuine(b"secret", good, body)
    assert not is_genuine(b"another", good, body)
    assert not is_genuine(b"secret", good, body + b" ")
    assert not is_genuine(b"secret", signature(b"secret", now - 3600, body), body)
    assert not is_genuine(b"secret", "", body)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_the_signature_is_verified_in_a_shell(tmp_path: Path) -> None:
    body = b'{"type": "event"}'
    (tmp_path / "body").write_bytes(body)
    at, v1 = re.fullmatch("t=(.*),v1=(.*)", signature(b"secret", int(time.time()), body)).groups()  # type: ignore[union-attr]
    for given, said in ((v1, "genuine\n"), ("0" * 64, "")):
        ran = subprocess.run(
            ["sh", "-c", _code("sh", "Webhooks")],
            env={"PATH": os.environ["PATH"], "HOOK_SECRET": "secret", "AT": at, "V1": given},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.stdout == said, ran.stderr


def test_examples_for_others_can_be_read() -> None:
    job = yaml.safe_load(_code("yaml", "Prometheus and Grafana"))["scrape_configs"][0]
    shipped = ROOT / "examples" / "deploy" / "monitoring" / "prometheus.yml"
    assert job.keys() == yaml.safe_load(shipped.read_text())["scrape_configs"][0].keys()
    automation = yaml.safe_load(_code("yaml", "Home Assistant and MQTT"))
    assert automation["triggers"][0]["to"] == "on"


def test_links_lead_somewhere() -> None:
    titles = re.findall(r"^#+ (.*)$", TEXT, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in titles}
    for target in re.findall(r"\]\(([^)]+)\)", TEXT):
        path, _, anchor = target.partition("#")
        if target.startswith("https://"):
            continue
        if path:
            assert (DOCUMENT.parent / path).exists(), target
        else:
            assert anchor in anchors, target
