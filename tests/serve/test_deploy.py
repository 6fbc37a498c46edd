"""How `rtaction serve` is run: compose.yaml with its neighbours, and the unit of systemd."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest
import yaml
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from rtaction import errors
from rtaction.realtime.cameras.cameras_file import load_cameras
from rtaction.serve.clips.options import ClipOptions
from rtaction.serve.store.retention import RetentionOptions
from tests.project import ROOT
from tests.serve.containerfiles import CONTAINERFILES, DEPLOY, stages_of, unknown_options
from tests.serve.sinks.doubles import wait_until
from tests.serve.sinks.mosquitto import free_port

UNIT = DEPLOY / "rtaction.service"


def _compose() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return content


def _unit() -> dict[str, list[str]]:
    """The settings of [Service]; each may come more than once."""
    lines = UNIT.read_text().partition("[Service]\n")[2].partition("[Install]")[0].splitlines()
    settings: dict[str, list[str]] = {}
    for line in lines:
        if line and not line.startswith("#"):
            key, _, value = line.partition("=")
            settings.setdefault(key, []).append(value)
    return settings


def test_services_can_do_no_more_than_they_need() -> None:
    services = _compose()["services"]
    assert {"rtaction", "mosquitto", "home-assistant", "prometheus", "grafana"} == set(services)
    for name, service in services.items():
        assert not service.get("privileged"), name
        assert "network_mode" not in service, name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name
        if name != "rtaction":  # which is built here
            assert re.search(r":v?\d+\.\d+\.\d+$", service["image"]), name
    assert services["rtaction"]["read_only"]
    assert services["rtaction"]["cap_drop"] == ["ALL"]
    assert {name for name, one in services.items() if "profiles" in one} == {
        "prometheus",
        "grafana",
    }


def test_what_compose_mounts_is_there() -> None:
    compose = _compose()
    for service in compose["services"].values():
        assert set(service.get("secrets", [])) <= set(compose["secrets"])
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            if source.startswith("."):
                assert (DEPLOY / source).exists(), source
            else:
                assert source in compose["volumes"], source
    build = compose["services"]["rtaction"]["build"]
    assert (DEPLOY / build["context"]).resolve() == ROOT
    assert (ROOT / build["dockerfile"]).is_file()
    more = yaml.safe_load((DEPLOY / "compose.cuda.yaml").read_text())
    assert (ROOT / more["services"]["rtaction"]["build"]["dockerfile"]).is_file()


def test_files_agree_on_the_secret_and_the_port() -> None:
    compose = _compose()["services"]
    command = stages_of(CONTAINERFILES[0])[-1].words_of("CMD")
    token = command[command.index("--token-file") + 1]
    prometheus = yaml.safe_load((DEPLOY / "monitoring" / "prometheus.yml").read_text())
    job = prometheus["scrape_configs"][0]
    assert token == job["authorization"]["credentials_file"] == "/run/secrets/rtaction_token"
    for name in ("rtaction", "prometheus"):
        assert "rtaction_token" in compose[name]["secrets"]
    # The name of the host is one that rtaction knows as its own.
    host, _, port = job["static_configs"][0]["targets"][0].partition(":")
    assert host == compose["rtaction"]["hostname"]
    assert compose["rtaction"]["ports"] == [f"127.0.0.1:{port}:{port}"]


def test_the_broker_lets_in_who_has_a_password_only(tmp_path: Path) -> None:
    programs = [
        shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
        for name in ("mosquitto", "mosquitto_passwd")
    ]
    if not all(programs):
        pytest.skip("mosquitto is not installed")
    broker, passwords = map(str, programs)
    port = free_port()
    text = (DEPLOY / "mosquitto" / "mosquitto.conf").read_text()
    told = text.replace("listener 1883", f"listener {port} 127.0.0.1")
    told = told.replace("/mosquitto/data", str(tmp_path))
    assert told.count(str(tmp_path)) == 2
    config = tmp_path / "mosquitto.conf"
    config.write_text(f"{told}user root\n")
    subprocess.run(
        [passwords, "-b", "-c", tmp_path / "passwords", "rtaction", "secret"], check=True
    )
    with subprocess.Popen([broker, "-c", config], stderr=subprocess.DEVNULL) as running:
        try:
            wait_until(lambda: _answer_of(port, None) is not None)
            assert _answer_of(port, None) == "Not authorized"
            assert _answer_of(port, "wrong") == "Not authorized"
            assert _answer_of(port, "secret") == "Success"
        finally:
            running.terminate()


def _answer_of(port: int, password: str | None) -> str | None:
    """What the broker says to who connects; None if it cannot be reached."""
    answers: list[str] = []
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    client.on_connect = lambda *told: answers.append(str(told[3]))
    if password is not None:
        client.username_pw_set("rtaction", password)
    try:
        client.connect("127.0.0.1", port)
    except OSError:
        return None
    wait_until(lambda: client.loop(0.05) != 0 or bool(answers))
    client.disconnect()
    return answers[0]


def test_the_example_of_cameras_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for line in (DEPLOY / "cameras.env.example").read_text().splitlines():
        if not line.startswith("#"):
            name, _, value = line.partition("=")
            monkeypatch.setenv(name, value)
    path = DEPLOY / "cameras" / "cameras.toml"
    loaded = load_cameras(path)
    assert [camera.name for camera in loaded.cameras] == ["front door", "yard"]
    assert RetentionOptions.from_table(loaded.tables["retention"], "").max_bytes == 10_000_000_000
    assert ClipOptions.from_table(loaded.tables["clips"], "").pre_roll_seconds == 3
    assert loaded.tables["mqtt"]["host"] in _compose()["services"]


def test_the_unit_is_one_that_systemd_understands(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed (apt-get install systemd)")
    unit = tmp_path / UNIT.name
    program = _unit()["ExecStart"][0].split()[0]
    unit.write_text(UNIT.read_text().replace(program, sys.executable))
    ran = subprocess.run(
        [analyze, "verify", str(unit)], capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    # 0 is safest; what it may do more is needed: cameras, the network, graphics processors.
    ran = subprocess.run(
        [analyze, "security", "--offline=yes", "--threshold=20", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_unit_starts_what_there_is() -> None:
    unit = _unit()
    words = unit["ExecStart"][0].split()
    assert words[1] == "serve"
    assert unknown_options(words) == []
    assert words[words.index("--folder") + 1] == f"/var/lib/{unit['StateDirectory'][0]}"
    assert unit["Type"] == ["notify"]
    assert unit["ExecReload"] == ["/bin/kill -HUP $MAINPID"]
    parser = ConfigParser(strict=False, interpolation=None)
    parser.read_string(UNIT.read_text())
    assert parser["Install"]["WantedBy"] == "multi-user.target"


def test_the_unit_does_not_start_again_what_a_person_has_to_mend() -> None:
    to_mend = (
        errors.UsageError,
        errors.ModelMissing,
        errors.ModelUnreadable,
        errors.MissingLibrary,
    )
    codes = {int(code) for code in _unit()["RestartPreventExitStatus"][0].split()}
    assert {one.exit_code for one in to_mend} <= codes
    assert errors.SourceMissing.exit_code not in codes  # somebody may plug it in again
