"""Container files: what a linter says, what they copy, and what runs as whom."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from tests.project import ROOT
from tests.serve.containerfiles import (
    CONTAINERFILES,
    DEPLOY,
    Stage,
    assert_linted,
    copied,
    stages_of,
    unknown_options,
)

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())

containerfiles = pytest.mark.parametrize("path", CONTAINERFILES, ids=lambda path: path.name)


@containerfiles
def test_the_linter_of_container_files_has_nothing_to_say(path: Path) -> None:
    assert_linted(path)


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
    assert unknown_options(command) == []
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
