"""Commands of all pages: run, or parsed by the command line if `not_run` says why."""

from __future__ import annotations

import re
import shlex
import subprocess
import tomllib
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import pytest
from typer.main import get_command

from rtaction.cli.app import app
from tests.conftest import Here
from tests.docs.blocks import Command, blocks, commands, pages, told_by
from tests.docs.not_run import ONLY_PARSED, OTHER_PROGRAMS, SHELL_ELSEWHERE
from tests.docs.places import live_words
from tests.project import ROOT

RUN_ON: dict[str, str] = {}
"""The page on which a command is run: the first that has it."""
for _page in pages():
    for _one in commands(_page) if _page not in SHELL_ELSEWHERE else ():
        RUN_ON.setdefault(_one.text, _page)
PARSED = {one for listed in ONLY_PARSED.values() for one in listed}
MAKEFILE = (ROOT / "Makefile").read_text()
PROJECT = (ROOT / "pyproject.toml").read_text()
EXTRAS = tomllib.loads(PROJECT)["project"]["optional-dependencies"]
WITH_COMMANDS = [page for page in pages() if commands(page)]


def of_rtaction(page: str) -> list[Command]:
    return [one for one in commands(page) if one.words[:1] == ("rtaction",)]


@pytest.mark.parametrize("page", [page for page in WITH_COMMANDS if of_rtaction(page)])
def test_commands_are_those_of_rtaction(page: str) -> None:
    """Names, options, kinds and ranges of values are those of the command line."""
    group = get_command(app)
    for one in of_rtaction(page):
        name, *words = one.words[1:]
        if name.startswith("-"):
            continue
        try:
            group.commands[name].make_context(name, words)  # type: ignore[attr-defined]
        except Exception as error:
            pytest.fail(f"{page}:{one.block.line}: {one.text}\n{error!r} {error}")


@pytest.mark.parametrize("page", pages())
def test_options_in_the_text_are_those_of_the_command(page: str) -> None:
    """Of `rtaction NAME --option` in a sentence, which need not be complete."""
    text = re.sub(r"(?ms)^ *```.*?^ *```$", "", (ROOT / page).read_text(encoding="utf-8"))
    group = get_command(app)
    for name, rest in re.findall(r"`rtaction\s+([a-z0-9]+)([^`]*)`", text):
        command = group.commands[name]  # type: ignore[attr-defined]
        known = {one for parameter in command.params for one in parameter.opts}
        known |= {one for parameter in command.params for one in parameter.secondary_opts}
        unknown = set(re.findall(r"(?<=\s)--[a-z-]+", rest)) - known - {"--help"}
        assert unknown == set(), f"{page}: rtaction {name}{rest}"


@pytest.mark.parametrize(
    "page", [page for page in WITH_COMMANDS if of_rtaction(page) and page not in SHELL_ELSEWHERE]
)
def test_commands_run(page: str, place: Path, here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    todo = [one for one in commands(page) if one.text not in PARSED and RUN_ON[one.text] == page]
    if not any(one.words[:1] == ("rtaction",) for one in todo):
        return
    monkeypatch.chdir(place)
    for one in todo:
        for name, value in one.variables.items():
            monkeypatch.setenv(name, value)
        if one.words[:1] != ("rtaction",):
            continue
        words = live_words(one.words) if one.words[1] == "cam" else list(one.words[1:])
        code, stdout, said = here(*words)
        assert code == 0, f"{page}:{one.block.line}: {one.text}\n{said}"
        if one.output:
            Path(one.output).write_text(stdout)
            assert stdout
        for before, after in pairwise(words):
            if before in ("-o", "--output", "--save") and after != "-":
                assert Path(after).exists(), f"{one.text} wrote no {after}"


@pytest.mark.parametrize("page", WITH_COMMANDS)
def test_other_programs_are_known_and_their_arguments_are_there(page: str) -> None:
    for one in commands(page):
        where = f"{page}:{one.block.line}: {one.text}"
        match one.words:
            case ():
                assert one.variables, where
            case ("rtaction", *_):
                pass
            case ("make", target, *_):
                assert f"\n{target}:" in MAKEFILE, where
            case ("pip" | "pipx", "install", *words) | ("uv", "tool", "install", *words):
                assert_can_be_installed(words, where)
            case ("pip", "uninstall", "-y", *words):
                assert all(word in PROJECT for word in words), where
            case ("uvx", "rtaction", name):
                assert name in get_command(app).commands, where  # type: ignore[attr-defined]
            case ("python" | "python3" | ".venv/bin/python", "-m", module, *_):
                assert find_spec(module) is not None, where
            case (".venv/bin/python", path, *_):
                assert (ROOT / path).is_file(), where
            case ("python" | "python3", "-c", code):
                compile(code, where, "exec")
            case (".venv/bin/pytest", *words):
                assert all((ROOT / word).exists() for word in words if "/" in word), where
            case ("pipx", "run", "pre-commit" | "build" | "twine", *_):
                pass
            case _:
                assert one.words[0] in OTHER_PROGRAMS, f"{where}: name it in not_run.py"
        made = ("examples/deploy/secrets", "examples/browser/")
        for word in one.words:
            if word.startswith(("examples/", "./examples/")) and not word.startswith(made):
                assert (ROOT / word.split(":")[0]).exists(), where


def assert_can_be_installed(words: list[str], where: str) -> None:
    """Each is this project, with extras that it has, or a requirement of it."""
    for word in words:
        if word.startswith("-") or word.endswith(".txt"):
            continue
        name, _, extras = word.partition("[")
        if name in (".", "rtaction"):
            assert set(extras.rstrip("]").split(",")) - {""} <= set(EXTRAS), where
        else:
            assert re.split("[<>=]", name)[0].removesuffix("-headless") in PROJECT, where


@pytest.mark.parametrize("page", WITH_COMMANDS)
def test_the_shell_can_parse_them(page: str) -> None:
    text = "\n".join(one.text for one in blocks(page) if one.language == "sh")
    parsed = subprocess.run(
        ["bash", "-n"],
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    assert parsed.stderr == ""


def test_what_is_not_run_is_there() -> None:
    """A line that has left the pages leaves the lists as well."""
    everywhere = [one for page in pages() for one in commands(page)]
    texts = {one.text for one in everywhere}
    assert sorted(PARSED - texts) == []
    programs = {one.words[0] for one in everywhere if one.words}
    assert sorted(set(OTHER_PROGRAMS) - programs) == []
    for page, test in SHELL_ELSEWHERE.items():
        assert told_by(test, page)
    for line in PARSED:
        assert "rtaction" in shlex.split(line)[:2]
