"""The add-on for Home Assistant: its files by the rules of the Supervisor, and a real start.

The rules are those of the Supervisor's own checks (supervisor/addons/validate.py and options.py in
github.com/home-assistant/supervisor), in other words.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
import yaml

import rtaction
from rtaction.realtime.cameras.cameras_file import load_cameras
from tests.project import ROOT
from tests.realtime.conftest import WAIT_SECONDS, environment
from tests.serve.containerfiles import DEPLOY, assert_linted, stages_of
from tests.serve.sinks.doubles import wait_until
from tests.serve.sinks.mosquitto import PASSWORD, USER, Mosquitto, Onlooker, free_port

ADDON = ROOT / "examples" / "home_assistant" / "rtaction"
TOKEN = "token-of-a-test-1234"
SECRET = "s3cret-of-a-camera"
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a container of Linux")

_BOUNDS = r"\\(\\d*,\\d*\\)"
ELEMENT = (
    rf"^(bool|email|url|port|device(\\(subsystem=[a-z]+\\))?|(str|password|int|float)({_BOUNDS})?"
    r"|match\(.*\)|list\(.+\))\??$"
)
RULES: dict[str, Any] = {
    "type": "object",
    "required": ["name", "version", "slug", "description", "arch"],
    "additionalProperties": False,  # the Supervisor drops them without a word
    "properties": {
        "name": {"type": "string", "minLength": 1},
        "version": {"type": "string", "minLength": 1},
        "slug": {"type": "string", "pattern": "^[-_.A-Za-z0-9]+$"},
        "description": {"type": "string"},
        "url": {"type": "string", "pattern": "^https?://"},
        "arch": {"type": "array", "items": {"enum": ["amd64", "aarch64"]}, "minItems": 1},
        "init": {"type": "boolean"},
        "startup": {"enum": ["initialize", "system", "services", "application", "once"]},
        "boot": {"enum": ["auto", "manual", "manual_only"]},
        "stage": {"enum": ["stable", "experimental", "deprecated"]},
        "ports": {
            "type": "object",
            "patternProperties": {
                r"^\d+/(tcp|udp)$": {"type": ["integer", "null"], "minimum": 1, "maximum": 65535}
            },
            "additionalProperties": False,
        },
        "ports_description": {"type": "object"},
        "webui": {
            "type": "string",
            "pattern": r"^(https?|\[PROTO:\w+\])://\[HOST\]:\[PORT:\d+\].*$",
        },
        "watchdog": {
            "type": "string",
            "pattern": r"^(https?|\[PROTO:\w+\]|tcp)://\[HOST\]:(\[PORT:\d+\]|\d+).*$",
        },
        "services": {
            "type": "array",
            "items": {"pattern": "^(mqtt|mysql):(provide|want|need)$"},
        },
        "map": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["type"],
                "additionalProperties": False,
                "properties": {
                    "type": {
                        "enum": [
                            *("data", "config", "ssl", "addons", "backup", "share", "media"),
                            *("homeassistant_config", "all_addon_configs", "addon_config"),
                        ]
                    },
                    "read_only": {"type": "boolean"},
                    "path": {"type": "string"},
                },
            },
        },
        "tmpfs": {"type": "boolean"},
        "backup": {"enum": ["hot", "cold"]},
        "backup_exclude": {"type": "array", "items": {"type": "string"}},
        "timeout": {"type": "integer", "minimum": 10, "maximum": 300},
        "options": {"type": "object"},
        "schema": {"type": "object", "additionalProperties": {"$ref": "#/$defs/element"}},
    },
    "$defs": {
        "element": {
            "anyOf": [
                {"type": "string", "pattern": ELEMENT},
                {"type": "object", "additionalProperties": {"$ref": "#/$defs/element"}},
                {  # no list in a list
                    "type": "array",
                    "minItems": 1,
                    "maxItems": 1,
                    "items": {"$ref": "#/$defs/element", "not": {"type": "array"}},
                },
            ]
        }
    },
}


def read(name: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((ADDON / name).read_text(encoding="utf-8"))
    return content


def test_config_keeps_to_the_rules_of_the_supervisor() -> None:
    config = read("config.yaml")
    jsonschema.validate(config, RULES)
    assert config["version"] == rtaction.__version__
    assert config["slug"] == ADDON.name
    assert set(config["options"]) <= set(config["schema"])
    assert set(config["ports_description"]) == set(config["ports"])
    repository = yaml.safe_load((ADDON.parent / "repository.yaml").read_text())
    assert {"name", "url", "maintainer"} == set(repository)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("arch", ["x86"]),
        ("schema", {"token": "secret"}),
        ("schema", {"token": [["str"]]}),
        ("webui", "http://localhost:8090"),
        ("ports", {"8090": 8090}),
        ("colour", "red"),
    ],
)
def test_the_rules_see_mistakes(key: str, value: object) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(read("config.yaml") | {key: value}, RULES)


@pytest.mark.parametrize("language", ["en", "de"])
def test_every_option_is_translated(language: str) -> None:
    config, words = read("config.yaml"), read(f"translations/{language}.yaml")
    assert set(words["configuration"]) == set(config["schema"])
    assert all({"name", "description"} == set(one) for one in words["configuration"].values())
    assert set(words["network"]) == set(config["ports"])


def test_the_container_has_what_it_runs() -> None:
    assert_linted(ADDON / "Dockerfile")
    (stage,) = stages_of(ADDON / "Dockerfile")
    copied = [name for line in stage.all_of("COPY") for name in line.split()[:-1]]
    assert sorted(copied) == ["overrides.txt", "run.sh", "start.py"]
    assert all((ADDON / name).is_file() for name in copied)
    assert os.access(ADDON / "run.sh", os.X_OK)
    assert stage.words_of("CMD") == ["/opt/run.sh"]
    assert (ADDON / "overrides.txt").read_bytes() == (DEPLOY / "cpu.txt").read_bytes()
    assert f"rtaction[serve]=={rtaction.__version__}" in (ADDON / "Dockerfile").read_text()
    rules = (ADDON / "config.yaml").read_text()
    pattern = re.findall(r'"match\((.+?)\)\??"', rules)[0]
    assert re.match(pattern, "rtsp://192.168.1.20/stream2")
    assert not re.match(pattern, "file:///etc/passwd")


class Supervisor(BaseHTTPRequestHandler):
    """Answers as the Supervisor does who is asked for the broker."""

    broker: dict[str, Any]

    def do_GET(self) -> None:
        is_right = self.headers["Authorization"] == "Bearer of-the-supervisor"
        is_there = self.path == "/services/mqtt" and is_right
        body = json.dumps({"result": "ok", "data": self.broker} if is_there else {}).encode()
        self.send_response(200 if is_there else 403)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def supervisor() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Supervisor)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    folder = tmp_path / "broker"
    folder.mkdir()
    one = Mosquitto(folder, has_password=True)
    yield one
    one.end()


def start(folder: Path, options: dict[str, Any], **changes: str) -> subprocess.Popen[str]:
    """The container's command, with folders of a test."""
    (folder / "options.json").write_text(json.dumps(options))
    return subprocess.Popen(
        [ADDON / "run.sh"],
        env=environment(
            RTACTION_DATA=str(folder),
            RTACTION_CONFIG=str(folder / "config"),
            PYTHONPATH=str(ROOT),
            PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            SUPERVISOR_TOKEN="of-the-supervisor",
            **changes,
        ),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"token": "short"}, "set a token of 16 characters or more"),
        ({"token": TOKEN, "cameras": []}, "add a camera"),
    ],
)
def test_what_is_missing_is_told(
    options: dict[str, Any], told: str, tmp_path: Path, supervisor: str
) -> None:
    process = start(tmp_path, options, RTACTION_SUPERVISOR=supervisor)
    out, _ = process.communicate(timeout=WAIT_SECONDS)
    assert process.returncode == 1
    assert told in out
    assert "Traceback" not in out


@pytest.mark.slow
def test_home_assistant_sees_a_camera(
    tmp_path: Path, supervisor: str, broker: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    Supervisor.broker = {
        **{"host": "127.0.0.1", "port": broker.port, "ssl": False},
        **{"username": USER, "password": PASSWORD, "protocol": "5"},
    }
    camera = {"name": 'Front "door"', "url": "rtsp://127.0.0.1:9/x", "username": "u"}
    camera["password"] = SECRET
    port = free_port()
    looking = Onlooker(broker.port, username=USER, password=PASSWORD)
    process = start(
        tmp_path,
        {"token": TOKEN, "cameras": [camera]},
        RTACTION_SUPERVISOR=supervisor,
        RTACTION_PORT=str(port),
    )
    try:
        # What Home Assistant finds by itself: the device, and that it is there.
        wait_until(lambda: looking.now.get("rtaction/status") == b"online")
        wait_until(lambda: any(name.startswith("homeassistant/") for name in looking.now))
        asked = httpx.get(
            f"http://127.0.0.1:{port}/api/cameras", headers={"Authorization": f"Bearer {TOKEN}"}
        )
        assert [one["name"] for one in asked.json()["cameras"]] == ['Front "door"']
        assert httpx.get(f"http://127.0.0.1:{port}/api/cameras").status_code == 401
    finally:
        process.terminate()
        out, _ = process.communicate(timeout=WAIT_SECONDS)
        looking.close()
    assert SECRET not in out
    assert TOKEN not in out
    written = (tmp_path / "cameras.toml").read_text()
    assert SECRET not in written
    assert PASSWORD not in written
    monkeypatch.setenv("CAMERA_1_USERNAME", "u")
    monkeypatch.setenv("CAMERA_1_PASSWORD", SECRET)
    assert load_cameras(tmp_path / "cameras.toml").cameras[0].name == 'Front "door"'
