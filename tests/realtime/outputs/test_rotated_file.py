"""A file of lines never grows beyond its size, and no line is divided or lost too early."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rtaction.realtime.outputs.rotated_file import RotatedFile, Rotation


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.jsonl"


def filled(path: Path, lines: list[str], *, max_bytes: int, num_kept: int) -> dict[str, list[str]]:
    file = RotatedFile(path, Rotation(max_bytes, num_kept))
    for line in lines:
        file.write(line + "\n")
    file.close()
    return {one.name: one.read_text().splitlines() for one in sorted(path.parent.iterdir())}


def test_full_files_are_kept_the_newest_first(path: Path) -> None:
    lines = [f"line {n}" for n in range(9)]
    assert filled(path, lines, max_bytes=15, num_kept=2) == {
        "log.jsonl": ["line 8"],
        "log.jsonl.1": ["line 6", "line 7"],
        "log.jsonl.2": ["line 4", "line 5"],
    }


def test_what_was_there_counts(path: Path) -> None:
    path.write_text("before\n")
    assert filled(path, ["after 1", "after 2"], max_bytes=16, num_kept=1) == {
        "log.jsonl": ["after 2"],
        "log.jsonl.1": ["before", "after 1"],
    }


def test_a_line_longer_than_a_file_is_not_divided(path: Path) -> None:
    files = filled(path, ["a", "x" * 50, "b"], max_bytes=10, num_kept=5)
    assert files == {"log.jsonl": ["b"], "log.jsonl.1": ["x" * 50], "log.jsonl.2": ["a"]}


def test_each_line_is_there_at_once(path: Path) -> None:
    file = RotatedFile(path, Rotation(100, 1))
    file.write("one\n")
    assert path.read_text() == "one\n"
    file.close()


def test_what_cannot_be_written_is_an_error(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = RotatedFile(path, Rotation(5, 1))
    file.write("full\n")

    def refuse(*_: object) -> None:
        raise PermissionError("no")

    monkeypatch.setattr("os.rename", refuse)
    for _ in range(2):
        with pytest.raises(OSError, match=r"no|could not be begun anew"):
            file.write("more\n")
    file.close()


@pytest.mark.parametrize("make", [lambda path: path.symlink_to("/dev/null")])
def test_a_device_is_not_renamed(path: Path, make: Callable[[Path], None]) -> None:
    make(path)
    files = filled(path, ["a" * 20, "b" * 20], max_bytes=10, num_kept=1)
    assert list(files) == ["log.jsonl"]
