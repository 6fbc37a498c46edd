"""Code that a command names: found in the current folder, and each mistake told."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rtaction.errors import UsageError
from rtaction.own_code import object_named


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current folder, whose modules are forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.startswith("of_mine"):
            del sys.modules[name]


def test_it_is_imported_from_the_current_folder(folder: Path) -> None:
    (folder / "of_mine_a.py").write_text("class Nets:\n    number = 7\n")
    assert object_named("of_mine_a:Nets.number", option="--network") == 7
    assert object_named("json.decoder:JSONDecodeError", option="--network") is not None


def test_a_package_of_the_current_folder_works(folder: Path) -> None:
    (folder / "of_mine_b").mkdir()
    (folder / "of_mine_b" / "nets.py").write_text("from of_mine_b.size import SIZE\n")
    (folder / "of_mine_b" / "size.py").write_text("SIZE = 3\n")
    assert object_named("of_mine_b.nets:SIZE", option="--network") == 3


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("nets", r"--network nets: expected module:function, such as networks:build"),
        ("a b:c", "expected module:function"),
        ("../nets:build", "expected module:function"),
        ("of_mine_none:x", r"no module 'of_mine_none' in the current folder \(.*\) or in the env"),
        ("of_mine_c:biuld", r"of_mine_c\.py has no 'biuld'; did you mean build\?"),
        ("of_mine_d:x", r"NameError: name 'nothing' is not defined \(.*of_mine_d\.py, line 2\)"),
        ("of_mine_e:x", r"SyntaxError: .* \(.*of_mine_e\.py, line 1\)"),
        ("of_mine_f:x", r"No module named 'of_mine_gone' \(.*of_mine_f\.py, line 1\)"),
    ],
)
def test_each_mistake_is_told(folder: Path, name: str, told: str) -> None:
    (folder / "of_mine_c.py").write_text("def build(): pass\n")
    (folder / "of_mine_d.py").write_text("\nnothing\n")
    (folder / "of_mine_e.py").write_text("def (\n")
    (folder / "of_mine_f.py").write_text("import of_mine_gone\n")
    with pytest.raises(UsageError, match=told):
        object_named(name, option="--network")
