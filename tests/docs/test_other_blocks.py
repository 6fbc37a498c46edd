"""Python, toml, yaml and json of all pages: run, or read by what reads it."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from rtaction.realtime.cameras.cameras_file import load_cameras
from rtaction.serve.sinks.open import open_sinks
from tests.docs.blocks import Block, blocks, pages, told_by
from tests.docs.not_run import NO_CODE, PYTHON_ELSEWHERE
from tests.docs.places import GIVEN

EVERYWHERE = [one for page in pages() for one in blocks(page)]
OWN_PYTHON = [
    page
    for page in pages()
    if page not in PYTHON_ELSEWHERE and any(one.language == "python" for one in blocks(page))
]


def of(language: str) -> list[Any]:
    return [
        pytest.param(one, id=f"{one.page}:{one.line}")
        for one in EVERYWHERE
        if one.language == language
    ]


@pytest.mark.parametrize("page", OWN_PYTHON)
def test_python_runs(page: str, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All blocks of a page in order, with the names of those before."""
    monkeypatch.chdir(place)
    # The bundled clip is half a minute long; tests/realtime/test_demo.py watches it.
    monkeypatch.setattr("rtaction.models.SAMPLE_CLIP", Path("clip.mp4"))
    names: dict[str, Any] = {"__name__": "page", **GIVEN.get(page, {})}
    for block in blocks(page):
        if block.language == "python":
            # So that a traceback tells the line of the page.
            code = "\n" * block.line + block.text
            exec(compile(code, page, "exec"), names)


@pytest.mark.parametrize("page", PYTHON_ELSEWHERE)
def test_python_is_run_elsewhere(page: str) -> None:
    test, number = PYTHON_ELSEWHERE[page]
    assert told_by(test, page)
    assert len([one for one in blocks(page) if one.language == "python"]) == number


@pytest.mark.parametrize("block", of("toml"))
def test_cameras_files_can_be_read(
    block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in re.findall(r'_env = "(\w+)"', block.text):
        monkeypatch.setenv(name, "ntfys://ntfy.sh/a-topic" if "URL" in name else "a value")
    monkeypatch.setenv("HOOK_URL", "https://example.org/hook")
    tables = tomllib.loads(block.text)
    if "camera" in tables:
        path = tmp_path / "cameras.toml"
        path.write_text(block.text)
        loaded = load_cameras(path)
        assert loaded.cameras
        tables = loaded.tables
    open_sinks(tables, where=f"{block.page}:{block.line}", folder=tmp_path)


@pytest.mark.parametrize("block", of("yaml"))
def test_yaml_can_be_read(block: Block) -> None:
    assert isinstance(yaml.safe_load(block.text), dict)


@pytest.mark.parametrize("block", of("json"))
def test_json_can_be_read(block: Block) -> None:
    json.loads(block.text)


def test_no_code_escapes() -> None:
    """Each block names a language that something here reads; the others hold no code."""
    read = {"sh", "python", "toml", "yaml", "json"}
    for block in EVERYWHERE:
        where = f"{block.page}:{block.line}"
        assert block.language in read | set(NO_CODE), f"{where}: {block.language!r} is read by none"
        if block.language == "console":
            assert block.page == "docs/cli.md", f"{where}: use sh, whose commands are run"
        elif block.language not in read:
            code = re.search(r"^\s*(\$ |rtaction |import |from \w+ import )", block.text, re.M)
            assert code is None, f"{where}: name its language"
