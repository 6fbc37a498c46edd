"""What to type here is what works here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from rtaction import installation
from rtaction.installation import install_command, program


class _Installed:
    """A distribution that came from somewhere."""

    def __init__(self, origin: object) -> None:
        self._origin = origin

    def read_text(self, name: str) -> str | None:
        assert name == "direct_url.json"
        return json.dumps(self._origin) if self._origin else None


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment `env/` below the folder that one stands in, with python, pip and rtaction."""
    commands = tmp_path / "env" / "bin"
    commands.mkdir(parents=True)
    for name in ("python", "pip", "rtaction"):
        (commands / name).write_text("#!/bin/sh\n")
        (commands / name).chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(commands / "python"))
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "env"))
    monkeypatch.setenv("PATH", "/usr/bin")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(installation, "distribution", lambda name: _Installed(None))
    return commands


def test_a_program_on_the_path_is_its_name(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert program() == "env/bin/rtaction"
    monkeypatch.setenv("PATH", str(environment))
    assert program() == "rtaction"
    monkeypatch.chdir("/")
    monkeypatch.setenv("PATH", "/usr/bin")
    assert program() == str(environment / "rtaction")[1:]


def test_a_link_to_it_on_the_path_is_its_name(
    environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    links = tmp_path / "bin"
    links.mkdir()
    monkeypatch.setenv("PATH", str(links))
    (links / "rtaction").symlink_to(environment / "rtaction")
    assert program() == "rtaction"
    (links / "rtaction").unlink()
    (links / "rtaction").write_text("#!/bin/sh\n")  # of another installation
    (links / "rtaction").chmod(0o755)
    assert program() == "env/bin/rtaction"


def test_beside_it_one_types_a_path_as_well(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(environment)
    assert program() == "./rtaction"
    (environment / "rtaction").rename(environment / "rtaction.exe")
    assert program() == "./rtaction.exe"


def test_a_working_directory_that_is_gone_does_no_harm(
    environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert program() == str(environment / "rtaction")
    origin = {"url": "file:///a", "dir_info": {}}
    monkeypatch.setattr(installation, "distribution", lambda name: _Installed(origin))
    assert install_command("train") == f"{environment / 'python'} -m pip install '/a[train]'"


def test_without_a_script_it_is_a_module(environment: Path) -> None:
    (environment / "rtaction").unlink()
    assert program() == "env/bin/python -m rtaction"


@pytest.mark.parametrize(
    ("origin", "requirement"),
    [
        (None, "'rtaction[train]'"),
        ({"url": "file:///a%20b", "dir_info": {"editable": True}}, "-e '/a b[train]'"),
        ({"url": "file:///a", "dir_info": {}}, "'/a[train]'"),
        (
            {"url": "https://x/rtaction.whl", "archive_info": {}},
            "'rtaction[train] @ https://x/rtaction.whl'",
        ),
        (
            {"url": "https://u:p@x/r.git", "vcs_info": {"vcs": "git", "commit_id": "c"}},
            "'rtaction[train] @ git+https://x/r.git'",
        ),
        (
            {
                "url": "https://x/r.git",
                "vcs_info": {"vcs": "git", "requested_revision": "v1", "commit_id": "c"},
                "subdirectory": "a/b",
            },
            "'rtaction[train] @ git+https://x/r.git@v1#subdirectory=a/b'",
        ),
    ],
)
def test_it_is_installed_from_where_it_came(
    environment: Path, monkeypatch: pytest.MonkeyPatch, origin: object, requirement: str
) -> None:
    monkeypatch.setattr(installation, "distribution", lambda name: _Installed(origin))
    assert install_command("train") == f"env/bin/python -m pip install {requirement}"
    monkeypatch.setenv("PATH", str(environment))
    assert install_command("train") == f"pip install {requirement}"


@pytest.mark.parametrize(
    ("prefix", "command"),
    [
        ("/home/x/.local/share/uv/tools/rtaction", "uv tool install --force 'rtaction[train]'"),
        ("/home/x/.local/pipx/venvs/rtaction", "pipx install --force 'rtaction[train]'"),
    ],
)
def test_tools_are_installed_by_what_installed_them(
    environment: Path, monkeypatch: pytest.MonkeyPatch, prefix: str, command: str
) -> None:
    monkeypatch.setattr(sys, "prefix", prefix)
    assert install_command("train") == command


@pytest.mark.parametrize(
    ("mark", "command"),
    [("uv-receipt.toml", "uv tool install"), ("pipx_metadata.json", "pipx install")],
)
def test_tools_in_folders_of_ones_own_are_known_by_their_marks(
    environment: Path, mark: str, command: str
) -> None:
    (environment.parent / mark).touch()
    assert install_command("train") == f"{command} --force 'rtaction[train]'"


def test_what_it_says_here_runs() -> None:
    run = subprocess.run(
        f"{program()} --version", shell=True, capture_output=True, text=True, check=True
    )
    assert run.stdout.startswith("rtaction ")
